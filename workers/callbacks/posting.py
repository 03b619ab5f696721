"""Posts one callback: bounded in time, without redirects, proxies or retries."""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from dispatcher.smsfactor.connections import tls_context
from workers.callbacks.addresses import (
    Address,
    RefusedAddressError,
    Resolve,
    checked_addresses,
    resolve,
)

_MOST_RETRY_AFTER = 86_400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came of one callback.

    Attributes:
        status: of the HTTP answer; None without one.
        why: there is no answer, without the address.
        retry_after: seconds the endpoint asks to be left alone for.
    """

    status: int | None
    why: str = ""
    retry_after: float = 0

    @property
    def is_success(self) -> bool:
        """Whether the endpoint took the event."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own


class Poster:
    """Posts callbacks, each on a connection of its own. Threads may share one.

    Args:
        resolver: asked for the addresses of hosts.
        tls: for https; None for the system's authorities.
    """

    def __init__(self, resolver: Resolve = resolve, tls: ssl.SSLContext | None = None) -> None:
        self._resolver = resolver
        self._given_tls = tls

    def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        timeout: float,
        allow_private: bool,
    ) -> Answer:
        """Post a callback and give what came of it; of the answer only the head is read."""
        deadline = _Deadline(timeout)
        parts = urlsplit(url)
        is_tls = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port or (443 if is_tls else 80)
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        try:
            addresses = checked_addresses(
                host, port, allow_private=allow_private, resolver=self._resolver
            )
            tls = self._tls if is_tls else None
            connection = _Connection((host, port), addresses, deadline, tls)
            try:
                connection.request("POST", target, body=body, headers=dict(headers))
                return _answer_of(connection.getresponse())
            finally:
                connection.close()
        except RefusedAddressError as error:
            return Answer(status=None, why=str(error))
        except (OSError, http.client.HTTPException, ValueError) as error:
            # Their words may quote the address, which may hold secrets.
            return Answer(status=None, why=_plainly(error))

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or tls_context()


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def remaining(self) -> float:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left


class _Reader(io.RawIOBase):
    """Bytes of a socket, each read within what is left of the time."""

    def __init__(self, sock: socket.socket, deadline: _Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - as in io.RawIOBase
        self._sock.settimeout(self._deadline.remaining())
        return self._sock.recv_into(buffer)


class _Socket:
    """What http.client needs of a socket; a timeout of its own would start anew at every byte."""

    def __init__(self, sock: socket.socket, deadline: _Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            self._sock.settimeout(self._deadline.remaining())
            left = left[self._sock.send(left) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._sock, self._deadline))

    def close(self) -> None:
        self._sock.close()


class _Connection(http.client.HTTPConnection):
    """A connection to addresses that were checked, whatever the name says by now.

    `Host` and the TLS certificate are those of the name.
    """

    def __init__(
        self,
        place: tuple[str, int],
        addresses: Sequence[Address],
        deadline: _Deadline,
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(*place)
        if tls is not None:
            self.default_port = 443
        self._addresses = addresses
        self._deadline = deadline
        self._tls = tls

    def connect(self) -> None:
        raw = self._dial()
        try:
            raw.settimeout(self._deadline.remaining())
            tls = self._tls
            wrapped = raw if tls is None else tls.wrap_socket(raw, server_hostname=self.host)
        except BaseException:
            raw.close()
            raise
        self.sock = _Socket(wrapped, self._deadline)

    def _dial(self) -> socket.socket:
        failure = OSError("the name has no address")
        for position, (family, kind, protocol, _, place) in enumerate(self._addresses):
            sock = socket.socket(family, kind, protocol)
            try:
                share = self._deadline.remaining() / (len(self._addresses) - position)
                sock.settimeout(share)
                # Head and body leave in two writes, the second of which would wait for an answer.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.connect(place)
            except OSError as error:
                sock.close()
                failure = error
            else:
                return sock
        raise failure


def _answer_of(response: http.client.HTTPResponse) -> Answer:
    why = "" if 200 <= response.status < 300 else f"it answered {response.status}"  # noqa: PLR2004
    if 300 <= response.status < 400:  # noqa: PLR2004
        why += ", and redirects are not followed"
    return Answer(
        status=response.status,
        why=why,
        retry_after=_retry_after(response.getheader("Retry-After")),
    )


def _retry_after(given: str | None) -> float:
    """Read seconds or an HTTP date (RFC 9110, 10.2.3); what is neither asks for nothing."""
    if given is None:
        return 0
    words = given.strip()
    if words.isascii() and words.isdigit():
        return min(float(words[:9]), _MOST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(words)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return 0
    return min(max(seconds, 0), _MOST_RETRY_AFTER)


def _plainly(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, socket.gaierror):
        return "its host is not known"
    if isinstance(error, ssl.SSLError):
        return "its certificate or its TLS is not accepted"
    if isinstance(error, ConnectionRefusedError):
        return "it refuses connections"
    return f"the connection failed ({type(error).__name__})"
