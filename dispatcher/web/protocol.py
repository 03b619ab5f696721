"""How the receiver speaks HTTP: uvicorn's protocol, with deadlines, and a short way for receipts.

Nearly all requests are whole receipts for a path that is known. For these, the machinery of ASGI
(a task, its events, and waking it when the disk has the body) costs more than all the rest, so
they go to their pack straight from the parser. Every other request goes uvicorn's way.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

# From a request's first byte to its last, whatever trickles.
_REQUEST_SECONDS = 10.0
_OK = 200

Headers = Sequence[tuple[bytes, bytes]]
Settle = Callable[[bool], None]
Take = Callable[[bytes, Settle], None]


class Shortcuts(Protocol):
    """What is needed of `dispatcher.web.receiver.Receiver`, beside ASGI."""

    def shortcut(self, url: bytes, headers: Headers) -> Take | None:
        """Give what takes the body of a POST; None sends the request the long way."""

    def refusal(self) -> tuple[int, Headers]:
        """Give status and headers of the answer to a body that could not be kept."""


class PunctualProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, for clients that send a whole request in time.

    Without it, a connection that trickles, or never says a word, would be held for ever.
    """

    _deadline: asyncio.TimerHandle | None = None
    _expecting = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Expect a first request."""
        super().connection_made(transport)
        self._mind_deadline()

    def data_received(self, data: bytes) -> None:
        """Take what came, and expect the rest of a request that is not whole yet."""
        super().data_received(data)
        self._mind_deadline()

    def on_message_begin(self) -> None:
        """Expect the rest of a request."""
        super().on_message_begin()
        self._expecting = True

    def on_message_complete(self) -> None:
        """Expect nothing: it is our turn."""
        self._expecting = False
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._expecting = False
        self._mind_deadline()
        super().connection_lost(exc)

    def _mind_deadline(self) -> None:
        # Not at the first byte: most requests come whole, and need no deadline.
        if self._expecting:
            if self._deadline is None:
                self._deadline = self.loop.call_later(_REQUEST_SECONDS, self.transport.close)
        elif self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class ReceiptProtocol(PunctualProtocol):
    """The receiver's protocol, which hands receipts over without ASGI."""

    def on_headers_complete(self) -> None:
        """Choose the short way for a request, or uvicorn's."""
        take = self._shortcut()
        if take is None:
            super().on_headers_complete()
        else:
            # Looks enough like uvicorn's own that pipelining, shutdown and hanging up work.
            self.cycle = cast("Any", _ShortCycle(self, take))

    def _shortcut(self) -> Take | None:
        # None before the first request, whatever uvicorn declares.
        cycle: Any = self.cycle
        is_plain = (
            (cycle is None or cycle.response_complete)
            and not self.expect_100_continue
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and not self.parser.should_upgrade()
            and (self.limit_concurrency is None or len(self.connections) < self.limit_concurrency)
        )
        return cast("Shortcuts", self.app).shortcut(self.url, self.headers) if is_plain else None

    def on_message_complete(self) -> None:
        """Hand a receipt over."""
        super().on_message_complete()
        cycle: Any = self.cycle
        if isinstance(cycle, _ShortCycle):
            cycle.hand_over()

    def answer(self, *, kept: bool, keeps_alive: bool) -> None:
        """Answer a receipt."""
        status, headers = (_OK, ()) if kept else cast("Shortcuts", self.app).refusal()
        lines = [STATUS_LINE[status]]
        for name, value in (*self.server_state.default_headers, *headers):
            lines += (name, b": ", value, b"\r\n")
        if not keeps_alive:
            lines.append(b"connection: close\r\n")
        lines.append(b"content-length: 0\r\n\r\n")
        self.transport.write(b"".join(lines))
        if not keeps_alive:
            self.transport.close()
        self.on_response_complete()


class _NoEvent:
    """Stands where uvicorn would wake a task."""

    def set(self) -> None:
        """Wake nobody."""


_NO_EVENT = _NoEvent()


class _ShortCycle:
    """A receipt and its answer, in the place of uvicorn's `RequestResponseCycle`."""

    __slots__ = (
        "_protocol", "_take", "body", "disconnected", "keep_alive", "more_body", "response_complete"
    )  # fmt: skip
    message_event = _NO_EVENT

    def __init__(self, protocol: ReceiptProtocol, take: Take) -> None:
        self._protocol = protocol
        self._take = take
        self.body = bytearray()
        self.more_body = True
        self.keep_alive = protocol.parser.should_keep_alive()
        self.disconnected = False
        self.response_complete = False

    def hand_over(self) -> None:
        self._take(bytes(self.body), self._settle)

    def _settle(self, kept: bool) -> None:  # noqa: FBT001 - the one thing there is to tell
        self.response_complete = True
        if not self.disconnected:
            self._protocol.answer(kept=kept, keeps_alive=self.keep_alive)
