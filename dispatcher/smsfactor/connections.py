"""urllib3 connections that keep the deadline and announce the milestones of an exchange."""

import io
import socket
import ssl
from typing import Any

from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from dispatcher.smsfactor.exchange import CURRENT, Phase


class _TimedReader(io.RawIOBase):
    """Bytes of a socket, each read within what is left of the current exchange."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - as in io.RawIOBase
        self._sock.settimeout(CURRENT.get().remaining())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedSocket:
    """What http.client needs of a socket, bound to the current exchange's deadline.

    A timeout set on the socket itself would start anew at every byte that trickles in.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def sendall(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            self._sock.settimeout(CURRENT.get().remaining())
            left = left[self._sock.send(left) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        if mode != "rb":
            raise ValueError("replies are read as bytes")
        return io.BufferedReader(_TimedReader(self._sock))

    def settimeout(self, seconds: float | None) -> None:
        """Change nothing: the exchange's deadline rules."""

    def fileno(self) -> int:
        return self._sock.fileno()

    def shutdown(self, how: int) -> None:
        self._sock.shutdown(how)

    def close(self) -> None:
        self._sock.close()


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        """Connect to the first address that answers, each given its share of the time."""
        addresses = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        failure: OSError = OSError("the name has no address")
        for position, address in enumerate(addresses):
            share = CURRENT.get().remaining_to_connect() / (len(addresses) - position)
            try:
                return _connect(address, within=share)
            except OSError as error:
                failure = error
        raise failure

    def connect(self) -> None:
        super().connect()
        exchange = CURRENT.get()
        exchange.remaining()
        self.sock = _TimedSocket(self.sock)
        exchange.reach(Phase.CONNECTED)

    def request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - urllib3's to change
        exchange = CURRENT.get()
        if self.sock is not None and exchange.phase is None:
            exchange.reused = True
            exchange.reach(Phase.CONNECTED)
        super().request(*args, **kwargs)
        exchange.reach(Phase.WRITTEN)


def _connect(address: tuple[Any, ...], *, within: float) -> socket.socket:
    family, kind, protocol, _, place = address
    sock = socket.socket(family, kind, protocol)
    try:
        # Also bounds the TLS handshake, which urllib3 does on this socket.
        sock.settimeout(within)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(place)
    except BaseException:
        sock.close()
        raise
    return sock


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Unpooled:
    """Makes of a pool one that keeps nothing, so that each request has a connection of its own.

    Whatever urllib3 would put back is closed here, whether or not the server wants it kept.
    """

    def _put_conn(self, conn: Any) -> None:  # noqa: ANN401 - urllib3's to change
        if conn is not None:
            conn.close()


class _FreshPool(_Unpooled, _Pool):
    pass


class _FreshTlsPool(_Unpooled, _TlsPool):
    pass


_KEEPING = {"http": _Pool, "https": _TlsPool}
_FRESH = {"http": _FreshPool, "https": _FreshTlsPool}


class TimedAdapter(HTTPAdapter):
    """A requests adapter over connections bound to the current exchange.

    Used without a `Session`: so nothing follows redirects, retries, keeps cookies, or reads
    proxies and passwords from the environment, and threads may share it.

    Args:
        tls: from `tls_context`; None for plain HTTP.
        keep: idle connections kept for later requests; 0 gives each request a fresh one.
    """

    def __init__(self, tls: ssl.SSLContext | None, *, keep: int) -> None:
        self._tls = tls
        self._pools = _KEEPING if keep else _FRESH
        super().__init__(pool_connections=1, pool_maxsize=max(keep, 1))

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as in requests
        """Use our pools, all with one TLS context: reading certificates takes milliseconds."""
        super().init_poolmanager(*args, **kwargs, ssl_context=self._tls)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def cert_verify(self, *_: object) -> None:
        """Leave the pool as it is: the TLS context verifies."""


def tls_context() -> ssl.SSLContext:
    """Give a context that trusts the system's authorities and those requests brings along."""
    context = ssl.create_default_context()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context
