"""Posting webhooks: many a second, over connections that stay open.

A connection takes the next parcel as soon as the last one is answered, so nothing is
scheduled per parcel, and parcels are only made when a connection is free to carry them.
"""

import asyncio
import ssl
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import httptools

_ANSWER_WITHIN = 15.0
_PAUSE = 1.0
_SUCCESS = range(200, 300)


class Parcel(NamedTuple):
    """One webhook's JSON document, its kind (for the counts), and how often it was tried."""

    body: bytes
    kind: str
    tries: int = 0


@dataclass(slots=True)
class PostingCounts:
    """How many parcels were posted, answered with success, and given up, by kind."""

    posted: Counter[str] = field(default_factory=Counter)
    acknowledged: Counter[str] = field(default_factory=Counter)
    retried: Counter[str] = field(default_factory=Counter)
    given_up: Counter[str] = field(default_factory=Counter)


class Address:
    """Where a webhook is, with the head of the requests that go there."""

    def __init__(self, url: str, signature: str = "") -> None:
        if not url.isascii() or not url.isprintable() or " " in url:
            raise ValueError(f"a webhook's URL has no blanks or control characters: {url!r}")
        if not signature.isascii() or not signature.isprintable():
            raise ValueError("a signature is made of printable ASCII characters")
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"a webhook needs an http or https URL, not {url!r}")
        self.host = parts.hostname
        self.tls = ssl.create_default_context() if parts.scheme == "https" else None
        self.port = parts.port or (443 if self.tls else 80)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        signed = f"X-SMSFactor-Signature: {signature}\r\n" if signature else ""
        self.head = (
            f"POST {target} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n{signed}"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode("latin-1")


class Mailbox:
    """Everything that waits to be posted to one webhook, and the connections that carry it."""

    def __init__(
        self, address: Address, counts: PostingCounts, *, connections: int, attempts: int
    ) -> None:
        self._address = address
        self._counts = counts
        self._limit = connections
        self._attempts = attempts
        self._sources: deque[Iterator[Parcel]] = deque()
        self._again: deque[Parcel] = deque()
        self._unsettled = 0
        self._idle: list[_Connection] = []
        self._open: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pausing = False
        self._closed = False

    @property
    def waiting(self) -> bool:
        """Say whether something is not yet posted, or not yet answered for good."""
        return bool(self._sources) or self._unsettled > 0

    def put(self, parcels: Iterable[Parcel]) -> None:
        """Post parcels, in order, as connections become free."""
        self._sources.append(iter(parcels))
        self._staff()

    def take(self) -> Parcel | None:
        """Give the next parcel, if there is one."""
        if self._again:
            return self._again.popleft()
        while self._sources:
            parcel = next(self._sources[0], None)
            if parcel is not None:
                self._unsettled += 1
                return parcel
            self._sources.popleft()
        return None

    def answered(self, parcel: Parcel, status: int) -> None:
        """Take note of the answer to a parcel; try again later if it was an error."""
        if status in _SUCCESS:
            self._unsettled -= 1
            self._counts.acknowledged[parcel.kind] += 1
        elif parcel.tries + 1 >= self._attempts:
            self._unsettled -= 1
            self._counts.given_up[parcel.kind] += 1
        else:
            self._counts.retried[parcel.kind] += 1
            again = parcel._replace(tries=parcel.tries + 1)
            asyncio.get_running_loop().call_later(_PAUSE, self._retry, again)

    def posted(self, parcel: Parcel) -> None:
        """Count a parcel that goes out for the first time."""
        if not parcel.tries:
            self._counts.posted[parcel.kind] += 1

    def opened(self, connection: "_Connection") -> None:
        """Count a new connection in."""
        self._open.add(connection)

    def idle(self, connection: "_Connection") -> None:
        """Keep a connection that has nothing to carry."""
        self._idle.append(connection)

    def lost(self, connection: "_Connection") -> None:
        """Replace a connection that went away."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._staff()

    def close(self) -> None:
        """Drop what waits and close all connections."""
        self._closed = True
        self._sources.clear()
        self._again.clear()
        for task in self._tasks:
            task.cancel()
        for connection in tuple(self._open):
            connection.abort()

    @property
    def _has_work(self) -> bool:
        return bool(self._sources or self._again)

    def _retry(self, parcel: Parcel) -> None:
        if not self._closed:
            self._again.append(parcel)
            self._staff()

    def _staff(self) -> None:
        """Wake idle connections, and open another if all are busy."""
        if self._closed:
            return
        while self._idle and self._has_work:
            self._idle.pop().carry_next()
        opening = len(self._open) + len(self._tasks)
        if self._has_work and opening < self._limit and not self._pausing:
            task = asyncio.get_running_loop().create_task(self._connect())
            self._tasks.add(task)
            task.add_done_callback(self._connected)

    async def _connect(self) -> None:
        address = self._address
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(
                lambda: _Connection(self, address.head), address.host, address.port, ssl=address.tls
            )
        except OSError:
            self._pausing = True
            await asyncio.sleep(_PAUSE)
            self._pausing = False

    def _connected(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._staff()


class _Connection(asyncio.Protocol):
    """One keep-alive connection that carries one parcel at a time."""

    def __init__(self, mailbox: Mailbox, head: bytes) -> None:
        self._mailbox = mailbox
        self._head = head
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._parcel: Parcel | None = None
        self._status = 0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._mailbox.opened(self)
        self.carry_next()

    def carry_next(self) -> None:
        """Send the next parcel, or wait for one."""
        parcel = self._parcel = self._mailbox.take()
        if parcel is None:
            self._mailbox.idle(self)
            return
        self._mailbox.posted(parcel)
        size = str(len(parcel.body)).encode()
        self._write(b"".join((self._head, size, b"\r\n\r\n", parcel.body)))

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.abort()

    def on_headers_complete(self) -> None:
        """Remember the status, for an answer that only ends with its connection."""
        self._status = self._parser.get_status_code()

    def on_message_complete(self) -> None:
        """Account for the answer and carry on, on this connection if it may be kept."""
        expected = self._parcel is not None
        self._settle()
        if expected and self._parser.should_keep_alive():
            self.carry_next()
        else:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._settle()
        self._mailbox.lost(self)

    def abort(self) -> None:
        """Close the connection without waiting."""
        if self._transport is not None:
            self._transport.abort()

    def _settle(self) -> None:
        """Account for the parcel under way by the status that came for it, 0 for none."""
        parcel, self._parcel = self._parcel, None
        status, self._status = self._status, 0
        if self._deadline is not None:
            self._deadline.cancel()
        if parcel is not None:
            self._mailbox.answered(parcel, status)

    def _write(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        self._deadline = asyncio.get_running_loop().call_later(_ANSWER_WITHIN, self.abort)
