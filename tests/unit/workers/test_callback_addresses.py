import socket
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.callbacks.addresses import (
    Address,
    RefusedAddressError,
    Resolve,
    checked_addresses,
)

PUBLIC = "93.184.215.14"
PUBLIC_6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"


def naming(*addresses: str) -> Resolve:
    def resolver(host: str, port: int) -> Sequence[Address]:
        del host
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, port),
            )
            for address in addresses
        ]

    return resolver


def check(*addresses: str, allow_private: bool = False) -> int:
    found = checked_addresses(
        "shop.example", 443, allow_private=allow_private, resolver=naming(*addresses)
    )
    return len(found)


def test_public_addresses_may_be_called() -> None:
    assert check(PUBLIC, PUBLIC_6) == 2


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - refused
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
    ],
)
def test_private_and_special_addresses_are_refused_even_beside_a_public_one(address: str) -> None:
    with pytest.raises(RefusedAddressError):
        check(address)
    with pytest.raises(RefusedAddressError):
        check(PUBLIC, address)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "fd00::1", "::1", "::ffff:10.0.0.1"])
def test_private_ones_may_be_allowed(address: str) -> None:
    assert check(address, allow_private=True) == 1


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "fe80::1",
        "224.0.0.1",
        "0.0.0.0",  # noqa: S104 - refused
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b:1::a9fe:a9fe",
        "3fff::1",
        "5f00::1",
        "fd00:ec2::254",
        "fec0::1",
    ],
)
def test_those_that_are_nobodys_service_are_refused_all_the_same(address: str) -> None:
    with pytest.raises(RefusedAddressError):
        check(address, allow_private=True)


@given(
    address=st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=6, network="fc00::/7")
)
def test_no_address_of_a_private_network_slips_through(address: object) -> None:
    with pytest.raises(RefusedAddressError):
        check(str(address))
