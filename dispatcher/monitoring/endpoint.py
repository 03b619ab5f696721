"""Serves a few pages to probes, scrapers and browsers from a thread of its own.

One event loop reads every request, so that slow clients cost no threads, and pages that ask
somebody else have two of their own. Nothing can be changed through it.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from threading import Event, Thread

import structlog

from dispatcher.listening import listen

_log = structlog.get_logger("dispatcher.monitoring")

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"
HTML = "text/html; charset=utf-8"

# To say what is wanted, and with the answer: probes give up sooner.
_HEAD_SECONDS = 3.0
_SECONDS = 10.0
_HEAD_BYTES = 8 * 1024
_MOST_CLIENTS = 256
_HEAD_ENDS = b"\r\n\r\n"
_COMMON_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """An answer."""

    body: str
    kind: str = TEXT
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_bytes(self, *, with_body: bool) -> bytes:
        """Write it as HTTP."""
        body = self.body.encode()
        headers = {
            "Content-Type": self.kind,
            "Content-Length": str(len(body)),
            **_COMMON_HEADERS,
            **self.headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        status = HTTPStatus(self.status)
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\n{lines}\r\n".encode()
        return head + body if with_body else head


Pages = Mapping[str, Callable[[], Page]]


def refusal(status: HTTPStatus, **headers: str) -> Page:
    """Answer what is not answered."""
    return Page(body=f"{status.phrase}\n", status=status, headers=headers)


class Endpoint:
    """Listens from its making on, and answers once it is started.

    Args:
        quick: pages by path that are made from memory, and must be answered whatever else waits.
        slow: those that ask Redis, the broker or much of the processor.
        host: where to listen; on a loopback address, only requests for that are answered, so that
            no web page elsewhere reads ours through a name of its own.
        port: 0 takes a free one.
        named_by: the option or the variable that names the port.

    Raises:
        SettingsError: the port cannot be had.
    """

    def __init__(
        self, quick: Pages, slow: Pages, *, host: str, port: int, named_by: str = "--port"
    ) -> None:
        self._quick = quick
        self._slow = slow
        self._listener = listen(host, port, named_by=named_by)
        self._is_local = _is_loopback(host)
        self._clients = 0
        # By when they came: those that have not said what they want.
        self._silent: dict[asyncio.StreamWriter, None] = {}
        self._makers = ThreadPoolExecutor(2, thread_name_prefix="pages")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._started = Event()
        self._thread = Thread(target=self._run, name="endpoint", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        self._started.wait()

    def close(self) -> None:
        """Stop; what is being answered is broken off."""
        if self._loop is not None and self._ended is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join()
        self._listener.close()
        self._makers.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._meet, sock=self._listener, limit=_HEAD_BYTES)
        self._started.set()
        await self._ended.wait()
        server.close()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients += 1
        self._silent[writer] = None
        try:
            if self._clients > _MOST_CLIENTS:
                self._send_one_away()
            await self._answer(reader, writer)
        finally:
            self._silent.pop(writer, None)
            self._clients -= 1
            writer.close()

    def _send_one_away(self) -> None:
        """Break off whoever has been silent for longest: who came last, when all others spoke."""
        oldest = next(iter(self._silent))
        del self._silent[oldest]
        oldest.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                async with asyncio.timeout(_HEAD_SECONDS):
                    head = await reader.readuntil(_HEAD_ENDS)
                self._silent.pop(writer, None)
                method, page = await self._find(head)
                writer.write(page.as_bytes(with_body=method != "HEAD"))
                await writer.drain()
        except asyncio.LimitOverrunError:
            writer.write(
                refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE).as_bytes(with_body=True)
            )
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            # Nobody is there any more, or not worth waiting for.
            writer.transport.abort()

    async def _find(self, head: bytes) -> tuple[str, Page]:
        first, *lines = head.decode("latin-1").split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):  # noqa: PLR2004 - a request line
            return "GET", refusal(HTTPStatus.BAD_REQUEST)
        method, target, _ = words
        if method not in ("GET", "HEAD"):
            return method, refusal(HTTPStatus.METHOD_NOT_ALLOWED, Allow="GET, HEAD")
        if self._is_local and not _is_for_loopback(lines):
            return method, refusal(HTTPStatus.MISDIRECTED_REQUEST)
        path = target.partition("?")[0]
        if path in self._quick:
            return method, _made(self._quick[path])
        if path in self._slow:
            loop = asyncio.get_running_loop()
            return method, await loop.run_in_executor(self._makers, _made, self._slow[path])
        return method, refusal(HTTPStatus.NOT_FOUND)


def _made(make: Callable[[], Page]) -> Page:
    try:
        return make()
    except Exception as error:  # noqa: BLE001 - a page that fails ends no process
        _log.error("page failed", error=type(error).__name__)
        return refusal(HTTPStatus.INTERNAL_SERVER_ERROR)


def _is_for_loopback(lines: list[str]) -> bool:
    hosts = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("host:")]
    return len(hosts) == 1 and _is_loopback(_without_port(hosts[0]))


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
