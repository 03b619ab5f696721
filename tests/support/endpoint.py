"""A producer's endpoint for callbacks, which may misbehave in every way we know of."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
OLD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """How a request is answered.

    Attributes:
        status: of the answer; 0 closes the connection without one.
        headers: of the answer.
        hangs: whether the answer never comes.
        trickles: whether its head comes a byte at a time, and never ends.
    """

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    trickles: bool = False


OK = Reaction()


@dataclass(frozen=True, kw_only=True)
class Received:
    """A request, as it came in."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def sequence(self) -> int:
        return int(self.document["data"]["sequence"])

    def verify(self, secret: str = SECRET) -> None:
        """Have the reference implementation check it: signature, and age against our clock."""
        Webhook(secret).verify(self.body, dict(self.headers))


class Endpoint:
    """A running endpoint.

    Attributes:
        received: every request, in order.
        react: asked how to answer each; change it at any time.
    """

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.received: list[Received] = []
        self.react: Callable[[Received], Reaction] = lambda _: OK
        self.closing = threading.Event()
        self.port = server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?tenant=7"

    def answer(self, reaction: Reaction) -> None:
        """Answer every request so from now on."""
        self.react = lambda _: reaction


@contextmanager
def running_endpoint() -> Iterator[Endpoint]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.block_on_close = False
    endpoint = Endpoint(server)
    server.endpoint = endpoint  # type: ignore[attr-defined]  # how the handler finds it
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        endpoint: Endpoint = self.server.endpoint  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Received(path=self.path, headers=headers, body=body)
        endpoint.received.append(request)
        reaction = endpoint.react(request)
        if reaction.hangs:
            endpoint.closing.wait(20)
        elif reaction.trickles:
            self._trickle(endpoint)
        elif reaction.status:
            self.send_response(reaction.status)
            for name, value in reaction.headers.items():
                self.send_header(name, value)
            self.end_headers()
        self.close_connection = True

    def _trickle(self, endpoint: Endpoint) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
        while not endpoint.closing.wait(0.02):
            try:
                self.wfile.write(b"x")
            except OSError:
                return

    def log_message(self, *_: object) -> None:
        pass
