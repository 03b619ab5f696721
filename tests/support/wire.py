"""A wire to a server that can be cut in a way nobody hears of: bytes go in, and none come out."""

import contextlib
import socket
import threading
from typing import Self

from dispatcher.embedded import HOST


class Wire:
    """Carries connections to a port of this machine, until told to swallow what is said on them.

    Attributes:
        url: of the near end, for a Redis broker.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server((HOST, 0))
        self.url = f"redis://{HOST}:{self._listener.getsockname()[1]}/0"
        self._names: list[bytes] = []
        self._connections: list[_Connection] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for connection in self._connections:
            connection.close()

    def swallow(self) -> None:
        """Swallow all that is said on the connections there are; new ones work."""
        for connection in self._connections:
            connection.is_swallowed = True

    def swallow_who_says(self, name: bytes) -> None:
        """Swallow what is said on every connection, new ones too, on which this name was said."""
        self._names.append(name)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection((HOST, self._port))
                connection = _Connection(near, far, self._names)
                self._connections.append(connection)
                connection.start()


class _Connection:
    def __init__(self, near: socket.socket, far: socket.socket, names: list[bytes]) -> None:
        self._near = near
        self._far = far
        self._names = names
        self._said: set[bytes] = set()
        self.is_swallowed = False

    def start(self) -> None:
        for source, target in ((self._near, self._far), (self._far, self._near)):
            threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def close(self) -> None:
        for end in (self._near, self._far):
            end.close()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while part := source.recv(65_536):
                if source is self._near and b"SETNAME" in part:
                    self._said.add(part)
                if not self._is_swallowed_now():
                    target.sendall(part)
        self.close()

    def _is_swallowed_now(self) -> bool:
        return self.is_swallowed or any(name in part for name in self._names for part in self._said)
