"""One HTTP request and its answer, over ASGI, with ways to answer badly on purpose."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from dispatcher.sandbox.calls import HttpRequest, tidy_path
from dispatcher.sandbox.statuses import RefusedError, Status

AsgiMessage: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[AsgiMessage]]
Send: TypeAlias = Callable[[AsgiMessage], Awaitable[None]]

TRANSPORT_EXTENSION = "sandbox.transport"
"""The ASGI scope extension that holds the connection's transport, so that it can be cut."""

_MOST_QUERY_FIELDS = 100


class Exchange:
    """What is read from and written to the connection of one request."""

    def __init__(self, scope: AsgiMessage, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send

    @property
    def path(self) -> str:
        """The path, tidied."""
        return tidy_path(self._scope["path"])

    @property
    def headers(self) -> dict[str, str]:
        """The headers, names in lower case."""
        return {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in self._scope["headers"]
        }

    async def read(self, limit: int) -> HttpRequest:
        """Read the request, and stop at once when its body is too long.

        Raises:
            RefusedError: -7, with HTTP status 413.
        """
        headers = self.headers
        query = self._scope["query_string"].decode("utf-8", "replace")
        fields = parse_qsl(query, keep_blank_values=True, max_num_fields=None)
        return HttpRequest(
            method=self._scope["method"],
            path=self.path,
            query=dict(fields[:_MOST_QUERY_FIELDS]),
            headers=headers,
            body=await self._body(limit, headers.get("content-length", "")),
        )

    async def answer(
        self, body: bytes, media: str, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> bool:
        """Write a whole answer; False if nobody was there to take it."""
        if self._is_gone():
            return False
        await self.begin(status, media, length=len(body), headers=headers)
        await self._send({"type": "http.response.body", "body": body})
        return True

    async def begin(
        self,
        status: int,
        media: str,
        *,
        length: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Write the head of an answer."""
        named = {"content-type": media, **(headers or {})}
        if length is not None:
            named["content-length"] = str(length)
        encoded = [(name.encode(), value.encode()) for name, value in named.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def stream(self, chunks: AsyncIterator[bytes]) -> None:
        """Write the body of an answer bit by bit, as long as somebody is listening."""
        async for chunk in chunks:
            if self._is_gone():
                return
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        await self._send({"type": "http.response.body", "body": b""})

    async def drop(self) -> None:
        """Close the connection without (more of) an answer.

        Raises:
            ConnectionAbortedError: the server in use does not let go of its connections.
        """
        transport = self._transport()
        if transport is None:
            raise ConnectionAbortedError("dropped on purpose")
        transport.close()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _body(self, limit: int, announced: str) -> bytes:
        chunks: list[bytes] = []
        size = int(announced) if announced.isdecimal() else 0
        more = True
        while more and size <= limit:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ConnectionResetError("the caller went away")
            chunks.append(message["body"])
            more = message.get("more_body", False)
            size = max(size, sum(map(len, chunks)) if more else 0)
        if size > limit:
            raise RefusedError(Status.BAD_DATA, "Le corps est trop long", http_status=413)
        return b"".join(chunks)

    def _is_gone(self) -> bool:
        transport = self._transport()
        return transport is not None and transport.is_closing()

    def _transport(self) -> asyncio.Transport | None:
        transport: asyncio.Transport | None = self._scope.get("extensions", {}).get(
            TRANSPORT_EXTENSION
        )
        return transport
