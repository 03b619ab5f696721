"""A door before a sandbox that takes its time to open: connections as over a slow network."""

import random
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from select import select
from threading import Event, Thread
from urllib.parse import urlsplit

from dispatcher.embedded import HOST
from tests.support.encryption import Certificates

_SEED = 7
_PIECE = 65_536


@contextmanager
def slow_door(url: str, folder: Path, *, most: float) -> Iterator[dict[str, str]]:
    """Open a door that speaks TLS before a server that does not, until the block ends.

    Args:
        url: the server's.
        folder: where the door's certificates go.
        most: seconds that a connection takes; each some time between none and these.

    Yields:
        What workers are told instead of the server's URL, by the variables.
    """
    made = Certificates.issue(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    inner = urlsplit(url)
    door = _Door(context, (inner.hostname or HOST, inner.port or 80), most)
    with socket.create_server((HOST, 0), backlog=128) as listener:
        Thread(target=door.keep, args=(listener,), daemon=True).start()
        yield {
            "DISPATCHER_API_URL": f"https://{HOST}:{listener.getsockname()[1]}",
            "SSL_CERT_FILE": str(made.authority),
        }
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


class _Door:
    def __init__(self, context: ssl.SSLContext, inner: tuple[str, int], most: float) -> None:
        self._context = context
        self._inner = inner
        self._most = most
        self._dice = random.Random(_SEED)

    def keep(self, listener: socket.socket) -> None:
        """Let in whoever comes, each after a time of its own, until the listener is closed."""
        with suppress(OSError):
            while True:
                outer, _ = listener.accept()
                wait = self._dice.uniform(0, self._most)
                Thread(target=self._let_in, args=(outer, wait), daemon=True).start()

    def _let_in(self, outer: socket.socket, wait: float) -> None:
        Event().wait(wait)
        with (
            suppress(OSError),
            self._context.wrap_socket(outer, server_side=True) as tls,
            socket.create_connection(self._inner) as plain,
        ):
            while _pass_on(tls, plain):
                pass


def _pass_on(tls: ssl.SSLSocket, plain: socket.socket) -> bool:
    """Carry what either says to the other; tell whether both still talk."""
    ready = [tls] if tls.pending() else select([tls, plain], [], [])[0]
    for source in ready:
        piece = source.recv(_PIECE)
        if not piece:
            return False
        (plain if source is tls else tls).sendall(piece)
    return True
