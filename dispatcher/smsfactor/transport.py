import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from requests import PreparedRequest, Response

from dispatcher.errors import CalledOffError, OutcomeUnknownError, SettingsError
from dispatcher.smsfactor.connections import TimedAdapter, tls_context
from dispatcher.smsfactor.exceptions import api_error_for
from dispatcher.smsfactor.exchange import CURRENT, Deadlines, Exchange, Observer, Phase

REPLY_BYTES = 8 * 1024 * 1024
"""The largest reply read; the API's own are below a kilobyte."""

LISTING_BYTES = 64 * 1024 * 1024
"""The largest listing read: a contact is about 90 bytes, so some 700,000 of them."""

_CHUNK_BYTES = 64 * 1024
_IDLE_CONNECTIONS = 64
_SECONDS = re.compile("[0-9]{1,300}")
_LONGEST_WAIT = 86_400.0


class ReplyTooLargeError(OutcomeUnknownError):
    """The reply's body goes on past the cap; never leaves this package."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiRequest:
    """One request, ready to go out. Its repr holds no body and no headers.

    Attributes:
        path: below the base URL, from its slash on, with only ids in it.
        listing: the reply may hold many contacts: it gets more time and room.
    """

    method: str
    path: str
    headers: Mapping[str, str | bytes] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    listing: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiReply:
    """What came back, not yet understood.

    Attributes:
        body: all of it, or what arrived before `fault`.
        fault: what broke the body off; None when it is whole.
        retry_after: the seconds a `Retry-After` header asks to wait, if there is one.
    """

    http_status: int
    body: bytes = field(repr=False)
    fault: Exception | None = None
    retry_after: float | None = None


class Transport:
    """Carries requests to one base URL, each within its deadline; threads may share it.

    Raises:
        SettingsError: `base_url` is not a plain http(s) URL, or would carry the credentials
            in the clear to another machine without `allow_plain_http`.
    """

    def __init__(
        self, base_url: str, *, deadlines: Deadlines, allow_plain_http: bool = False
    ) -> None:
        self._base_url = _checked(base_url, allow_plain_http=allow_plain_http)
        self._deadlines = deadlines
        tls = tls_context() if self._base_url.startswith("https:") else None
        self._kept = TimedAdapter(tls, keep=_IDLE_CONNECTIONS)
        self._fresh = TimedAdapter(tls, keep=0)

    def read(self, request: ApiRequest) -> ApiReply:
        """Carry a request that changes nothing, on a connection kept from earlier reads.

        A kept connection may have been closed at the far end, so one that fails is tried
        once more on a fresh one: harmless, for a read.
        """
        exchange = self._exchange(request, observe=None)
        prepared = self._prepare(request)
        try:
            return _perform(self._kept, prepared, exchange)
        except OutcomeUnknownError:
            if not exchange.reused:
                raise
        exchange.restart()
        return self._perform_fresh(prepared, exchange)

    def change(self, request: ApiRequest, *, observe: Observer | None = None) -> ApiReply:
        """Carry a request that may change something: once, on a connection of its own.

        On a kept connection, "closed without an answer" could mean either "was closed
        before" or "took it, then died".
        """
        return self._perform_fresh(self._prepare(request), self._exchange(request, observe))

    def close(self) -> None:
        """Close the kept connections; a later read opens new ones."""
        self._kept.close()

    def _exchange(self, request: ApiRequest, observe: Observer | None) -> Exchange:
        limits = self._deadlines
        return Exchange(
            connect=limits.connect,
            total=limits.listing if request.listing else limits.total,
            reply_bytes=LISTING_BYTES if request.listing else REPLY_BYTES,
            observe=observe,
        )

    def _prepare(self, request: ApiRequest) -> PreparedRequest:
        prepared = PreparedRequest()
        try:
            prepared.prepare_method(request.method)
            prepared.url = _prepared_url(self._base_url + request.path)
            prepared.prepare_headers(request.headers)
            prepared.prepare_body(request.body, files=None)
        except Exception as error:
            raise api_error_for(error, phase=None) from error
        return prepared

    def _perform_fresh(self, prepared: PreparedRequest, exchange: Exchange) -> ApiReply:
        prepared.headers["Connection"] = "close"
        return _perform(self._fresh, prepared, exchange)


@lru_cache
def _prepared_url(url: str) -> str | None:
    """Write a URL as requests wants it, which takes longer than all else about a request."""
    prepared = PreparedRequest()
    prepared.prepare_url(url, params=None)
    return prepared.url


def _perform(adapter: TimedAdapter, prepared: PreparedRequest, exchange: Exchange) -> ApiReply:
    current = CURRENT.set(exchange)
    try:
        with adapter.send(prepared, stream=True) as response:
            fault = _receive(response, exchange)
            return ApiReply(
                http_status=response.status_code,
                body=bytes(exchange.received),
                fault=fault,
                retry_after=_retry_after(response),
            )
    except Exception as error:
        if isinstance(error, CalledOffError) and exchange.phase is Phase.CONNECTED:
            raise
        raise api_error_for(error, phase=exchange.phase) from error
    finally:
        CURRENT.reset(current)


def _receive(response: Response, exchange: Exchange) -> Exception | None:
    """Read the body into the exchange; give what broke it off, for a part may hold the ticket."""
    try:
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            exchange.received += chunk
            if len(exchange.received) > exchange.reply_bytes:
                return ReplyTooLargeError(f"more than {exchange.reply_bytes} bytes")
        exchange.reach(Phase.ANSWERED)
    except Exception as error:  # noqa: BLE001 - raised from, once it is known what arrived
        return error
    return None


def _retry_after(response: Response) -> float | None:
    """Read a `Retry-After` in seconds, a day at most; its date form is not worth two clocks."""
    value = response.headers.get("Retry-After", "")
    return min(float(value), _LONGEST_WAIT) if _SECONDS.fullmatch(value) else None


def _checked(base_url: str, *, allow_plain_http: bool) -> str:
    """Give the base URL without its last slash, if the credentials may travel to it."""
    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise SettingsError("base_url: not a URL") from None
    if parts.scheme not in ("http", "https") or not host:
        raise SettingsError("base_url: must be https://host, or http://host for a sandbox")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SettingsError("base_url: no credentials, query or fragment belong in it")
    if parts.scheme == "http" and not (allow_plain_http or _is_this_machine(host)):
        raise SettingsError(
            "base_url: http would show the credentials to the network;"
            " use https, or allow plain http if that network is yours"
        )
    return base_url.rstrip("/")


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
