"""Finds the addresses of a callback's host, and refuses those of our own networks.

A name is resolved once and every address it has is checked; the connection goes to one that was.
So a name that turns to a private address between check and use reaches nothing.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Any

from dispatcher.errors import DispatcherError, Disposition

Address = tuple[int, int, int, str, tuple[Any, ...]]
"""As `socket.getaddrinfo` gives them."""

Resolve = Callable[[str, int], Sequence[Address]]

_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
# Well-known prefix of translators (RFC 6052): the IPv4 address stands in the last four bytes.
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
# Of special use (RFC 3879, 4291, 7915, 8215, 9602, 9637), which not every version of Python knows,
# and the address where a cloud tells machines their credentials.
_NEVER_CALLED = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "::/96",
            "::ffff:0:0:0/96",
            "64:ff9b:1::/48",
            "3fff::/20",
            "5f00::/16",
            "fd00:ec2::254/128",
            "fec0::/10",
        ),
    )
)


class RefusedAddressError(DispatcherError):
    """A callback's host has an address that must not be called."""

    disposition = Disposition.GIVE_UP


def resolve(host: str, port: int) -> Sequence[Address]:
    """Ask the system's resolver."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def checked_addresses(
    host: str, port: int, *, allow_private: bool, resolver: Resolve = resolve
) -> Sequence[Address]:
    """Give the addresses of a host, once all of them may be called.

    Raises:
        RefusedAddressError: one of them may not.
        OSError: the name has no address.
    """
    found = resolver(host, port)
    for *_, place in found:
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        if not all(_may_be_called(each, allow_private=allow_private) for each in _meant(address)):
            raise RefusedAddressError("its host has an address of a private or special network")
    if not found:
        raise OSError("the name has no address")
    return found


def _meant(address: _Ip) -> list[_Ip]:
    """Give an address, and the IPv4 address that a special IPv6 one leads to."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    inner: list[_Ip] = [each for each in (address.sixtofour, *(address.teredo or ())) if each]
    if address in _TRANSLATED:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return inner or [address]


def _may_be_called(address: _Ip, *, allow_private: bool) -> bool:
    # Clouds tell machines their credentials at a link-local address, which nobody needs called.
    if address.is_multicast or address.is_link_local or address.is_unspecified:
        return False
    if not address.is_loopback and any(address in network for network in _NEVER_CALLED):
        return False
    return address.is_global or (allow_private and (address.is_private or address.is_loopback))
