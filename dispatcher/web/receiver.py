"""The webhook receiver: find the account, take the body, make it durable, answer.

A bare ASGI application: no framework, no parsing. What a body means is decided when it is
merged, so even garbage is kept and answered with 200: a sender that repeats it helps nobody.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, NamedTuple

from dispatcher.errors import StoreUnsafeError
from dispatcher.store.inbox import Hook
from dispatcher.web.deposits import Condition, Deposits
from dispatcher.web.guard import Guard
from dispatcher.web.keyring import Keyring
from dispatcher.web.protocol import Headers, Take

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

MAX_BODY = 64 * 1024
MAX_DISCARDED = 1 << 20
_DISCARD_SECONDS = 1.0
_PREFIX = "webhooks"
_HOOKS: Mapping[str, Hook] = {hook.value: hook for hook in Hook}
# Those that come by the thousand; see `Receiver.shortcut`.
_SHORTENED = frozenset({Hook.DLR})


class Answer(NamedTuple):
    """A whole answer, as the two events ASGI wants."""

    start: Event
    body: Event


def _answer(status: int, *headers: tuple[bytes, bytes], body: bytes = b"") -> Answer:
    lines = [(b"content-length", b"%d" % len(body)), *headers]
    return Answer(
        {"type": "http.response.start", "status": status, "headers": lines},
        {"type": "http.response.body", "body": body},
    )


_TEXT = (b"content-type", b"text/plain")
# Whoever is refused may be sending more, which nobody is going to read.
_CLOSE = (b"connection", b"close")

_KEPT = _answer(200)
_ALIVE = _answer(200, _TEXT, body=b"alive\n")
_NOT_SIGNED = _answer(401, _CLOSE)
_NOT_FOUND = _answer(404, _CLOSE)
_ONLY_GET = _answer(405, (b"allow", b"GET"), _CLOSE)
_ONLY_POST = _answer(405, (b"allow", b"POST"), _CLOSE)
_TOO_LARGE = _answer(413, _CLOSE)
_NOT_KEPT = _answer(503, (b"retry-after", b"10"))

_CONDITIONS: Mapping[Condition, Answer] = {
    condition: _answer(status, _TEXT, body=condition.value.encode() + b"\n")
    for condition, status in (
        (Condition.READY, 200),
        (Condition.SPOOLING, 200),
        (Condition.UNABLE, 503),
    )
}


class Receiver:
    """The ASGI application."""

    def __init__(self, deposits: Deposits, keyring: Keyring, guard: Guard | None = None) -> None:
        self._deposits = deposits
        self._keyring = keyring
        self._guard = guard or Guard()
        self._known: dict[bytes, Take] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the life of the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        answer = await self._answer(scope, receive)
        if answer is None:
            return
        await send(answer.start)
        if answer is _TOO_LARGE:
            await _discard(receive)
        await send(answer.body)

    async def condition(self) -> Condition:
        """Say where a body posted now would be kept."""
        return await self._deposits.condition()

    def shortcut(self, url: bytes, headers: Headers) -> Take | None:
        """Give what takes the body of a POST of receipts; None for what needs a closer look.

        Whatever `_take` checks is checked here as well: both ways let the same in.
        """
        # Only paths that were found right once are in it, so it tells nothing about others.
        take = self._known.get(url)
        return take if take is not None and _is_plain(headers) else None

    def refusal(self) -> tuple[int, Headers]:
        """Give status and headers of the answer to a body that could not be kept."""
        start = _NOT_KEPT.start
        return start["status"], [(n, v) for n, v in start["headers"] if n != b"content-length"]

    async def _answer(self, scope: Scope, receive: Receive) -> Answer | None:
        """Give the answer to a request; None when the client has gone."""
        match [part for part in scope["path"].split("/") if part]:
            case [prefix, secret, name] if prefix == _PREFIX and name in _HOOKS:
                # Before the secret is looked at: a 405 tells nothing about it.
                if scope["method"] != "POST":
                    return _ONLY_POST
                return await self._take(_HOOKS[name], secret, scope, receive)
            case ["healthz"]:
                return _ALIVE if scope["method"] == "GET" else _ONLY_GET
            case ["readyz"]:
                return await self._readiness() if scope["method"] == "GET" else _ONLY_GET
        return _NOT_FOUND

    async def _take(self, hook: Hook, secret: str, scope: Scope, receive: Receive) -> Answer | None:
        account = self._keyring.account_of(secret)
        if account is None or not self._guard.admits(scope):
            return _NOT_FOUND
        if _declared_size(scope) > MAX_BODY:
            return _TOO_LARGE
        self._remember(hook, account, secret, scope)
        body = await _read(receive)
        if body is None:
            return None
        if len(body) > MAX_BODY:
            return _TOO_LARGE
        if not self._guard.believes(account, scope, body):
            return _NOT_SIGNED
        return _KEPT if await self._deposits.put(hook, account, body) else _NOT_KEPT

    def _remember(self, hook: Hook, account: str, secret: str, scope: Scope) -> None:
        """Have the next receipts for this path take the short way."""
        url = f"/{_PREFIX}/{secret}/{hook.value}".encode()
        # Other spellings of it, of which there are any number, are not worth the memory.
        is_exact = scope.get("raw_path") == url
        if hook in _SHORTENED and is_exact and not self._guard.checks(account):
            self._known[url] = self._deposits.packer(hook, account).give

    async def _readiness(self) -> Answer:
        return _CONDITIONS[await self.condition()]

    async def _live(self, receive: Receive, send: Send) -> None:
        """Open before the first request and close after the last (ASGI lifespan)."""
        await receive()
        try:
            await self._deposits.open()
        except StoreUnsafeError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._deposits.close()
        await send({"type": "lifespan.shutdown.complete"})


def _declared_size(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value)
    return 0


def _is_plain(headers: Headers) -> bool:
    """Tell whether a body of a size that is known, and not too large, follows these headers."""
    size = -1
    for name, value in headers:
        if name == b"content-length":
            size = int(value)
        elif name == b"transfer-encoding":
            return False
    return 0 <= size <= MAX_BODY


async def _read(receive: Receive) -> bytes | None:
    """Read a body, but not far beyond the limit; None when the client goes away."""
    event = await receive()
    body: bytes = event.get("body", b"")
    while event["type"] == "http.request" and event.get("more_body") and len(body) <= MAX_BODY:
        event = await receive()
        body += event.get("body", b"")
    return body if event["type"] == "http.request" else None


async def _discard(receive: Receive) -> None:
    """Read on for a while: a connection closed on a client that still sends loses the answer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DISCARD_SECONDS):
            size = 0
            more = True
            while more and size < MAX_DISCARDED:
                event = await receive()
                size += len(event.get("body", b""))
                more = event.get("more_body", False)
