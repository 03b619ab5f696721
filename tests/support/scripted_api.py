import socket
import struct
import threading
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self

ACCEPTED = b'{"status":1,"message":"OK","ticket":"203","cost":1,"credits":9}'


class Talk:
    """One connection, seen from the server's side."""

    def __init__(
        self, connection: socket.socket, heard: list[bytes], over: threading.Event
    ) -> None:
        self._connection = connection
        self._heard = heard
        self._over = over

    def hear(self) -> bytes:
        """Read one whole request and note it; empty when the client has hung up."""
        request = self._read_request()
        if request:
            self._heard.append(request)
        return request

    def _read_request(self) -> bytes:
        heard = b""
        while b"\r\n\r\n" not in heard:
            piece = self._connection.recv(65536)
            if not piece:
                return heard
            heard += piece
        head, _, body = heard.partition(b"\r\n\r\n")
        missing = _content_length(head) - len(body)
        while missing > 0:
            piece = self._connection.recv(65536)
            heard, missing = heard + piece, missing - len(piece) if piece else 0
        return heard

    def say(self, *pieces: bytes) -> None:
        """Write bytes as they are."""
        for piece in pieces:
            self._connection.sendall(piece)

    def trickle(self, data: bytes, *, every: float) -> None:
        """Write one byte at a time, until the end of `data` or of the test."""
        for byte in data:
            if self._over.wait(every):
                return
            self._connection.sendall(bytes([byte]))

    def sip(self, size: int, *, every: float) -> None:
        """Read a little at a time, until the client hangs up or the test ends."""
        while not self._over.wait(every) and self._connection.recv(size):
            pass

    def stay_silent(self) -> None:
        """Neither answer nor hang up before the end of the test."""
        self._over.wait()

    def reset(self) -> None:
        """Hang up with an RST instead of an orderly end."""
        linger = struct.pack("ii", 1, 0)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


Script = Callable[[Talk], None]


def answer(body: bytes, *, status: str = "200 OK", headers: str = "") -> Script:
    """Hear one request, answer it, hang up."""
    return raw(reply(body, status=status, headers=headers))


def raw(*pieces: bytes) -> Script:
    """Hear one request, write these bytes, hang up."""

    def play(talk: Talk) -> None:
        talk.hear()
        talk.say(*pieces)

    return play


def reply(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    """Write a whole HTTP reply; `headers` are lines that end in CRLF."""
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


class ScriptedApi:
    """A server on loopback that plays one script to each connection, the last one to all others.

    Attributes:
        url: the base URL to give to a client.
        requests: every request heard, in order.
        connections: how many there were.
    """

    def __init__(self, *scripts: Script) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._scripts = scripts
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._start(self._accept)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=10)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            self._start(partial(self._play, script, connection))

    def _play(self, script: Script, connection: socket.socket) -> None:
        with connection:
            try:
                script(Talk(connection, self.requests, self._over))
            except OSError:
                return

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target)
        self._threads.append(thread)
        thread.start()
