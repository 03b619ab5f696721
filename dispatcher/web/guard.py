"""Decides beside the secret whose webhooks are taken: by address, and by signature."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Self

import structlog

from dispatcher.settings import Settings
from dispatcher.web.signatures import HEADER, Signatures

_log = structlog.get_logger("dispatcher.web.guard")

_FORWARDED = b"x-forwarded-for"
# Whoever is refused may come back often; the log tells how often, once in so many seconds.
_LOG_EVERY = 60.0
_MOST_ADDRESSES = 64

Scope = MutableMapping[str, Any]
Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class Guard:
    """Lets webhooks in; what it refuses is counted and logged, without secrets."""

    def __init__(
        self,
        signatures: Signatures | None = None,
        *,
        networks: Sequence[Network] = (),
        proxies: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what is let in.

        Args:
            signatures: how bodies must be signed; None for not at all.
            networks: from where; empty for anywhere.
            proxies: how many of our own stand before us.
            clock: seconds, for the log.
        """
        self._signatures = signatures or Signatures({})
        self._networks = tuple(networks)
        self._proxies = proxies
        self._clock = clock
        self._quiet_until = float("-inf")
        self._refused: Counter[tuple[str, str]] = Counter()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Make the guard that settings describe.

        Raises:
            SettingsError: there is no such way to check signatures.
        """
        return cls(
            Signatures(settings.accounts, way=settings.webhook_signatures),
            networks=settings.webhook_allow,
            proxies=settings.webhook_proxies,
        )

    def checks(self, account: str) -> bool:
        """Tell whether anything but the secret is asked of an account's webhooks."""
        return bool(self._networks) or self._signatures.are_wanted(account)

    def admits(self, scope: Scope) -> bool:
        """Tell whether a request comes from an address that is allowed."""
        if not self._networks:
            return True
        peer = self._peer(scope)
        if peer is not None and any(peer in network for network in self._networks):
            return True
        self._refuse("address", str(peer or "unknown"))
        return False

    def believes(self, account: str, scope: Scope, body: bytes) -> bool:
        """Tell whether a body is signed, if it has to be."""
        signature = next(iter(_values(scope, HEADER)), None)
        if self._signatures.is_right(account, body, signature):
            return True
        self._refuse("signature", account)
        return False

    def _peer(self, scope: Scope) -> Address | None:
        """Give the address that a machine we trust saw: never one that the sender wrote."""
        client = scope.get("client")
        if not self._proxies:
            return _address(client[0]) if client else None
        hops = b",".join(_values(scope, _FORWARDED)).decode("latin-1").split(",")
        # Fewer hops than proxies: it did not come by them.
        return _address(hops[-self._proxies]) if len(hops) >= self._proxies else None

    def _refuse(self, why: str, who: str) -> None:
        if len(self._refused) < _MOST_ADDRESSES:
            self._refused[why, who] += 1
        if self._clock() < self._quiet_until:
            return
        self._quiet_until = self._clock() + _LOG_EVERY
        for (reason, whose), count in self._refused.items():
            _log.warning("webhook refused", reason=reason, whose=whose, count=count)
        self._refused.clear()


def _values(scope: Scope, wanted: bytes) -> Iterable[bytes]:
    return (value for name, value in scope["headers"] if name.lower() == wanted)


def _address(text: str) -> Address | None:
    """Read an address, which a proxy may have written with brackets or a port."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found
