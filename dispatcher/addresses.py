"""Reads where Redis and the broker are: one server or Sentinels, with TLS or without.

| form | what is there |
|---|---|
| `redis://USER:PASSWORD@HOST:PORT/DB` | one server of Redis or Valkey |
| `redis+sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/NAME/DB` | Sentinels of a primary NAME |
| `amqp://USER:PASSWORD@HOST:PORT/VHOST` | RabbitMQ, for the broker only |

`rediss`, `rediss+sentinel` and `amqps` are the same with TLS. Then a query may say `ssl_ca_certs`,
`ssl_certfile` and `ssl_keyfile` (files), and for try-outs only `ssl_cert_reqs=none`. Sentinels that
ask for a password have `sentinel_username` and `sentinel_password` there. Whatever means something
in a URL is percent-encoded in user, password and vhost: `@` is `%40`.
"""

import enum
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from dispatcher.errors import SettingsError


class Kind(enum.Enum):
    """What is at an address."""

    REDIS = "redis"
    """One server of Redis or Valkey."""

    SENTINEL = "redis+sentinel"
    """Sentinels, who know which server is the primary just now."""

    AMQP = "amqp"
    """RabbitMQ."""


_SCHEMES: Mapping[str, tuple[Kind, bool]] = {
    "redis": (Kind.REDIS, False),
    "rediss": (Kind.REDIS, True),
    "redis+sentinel": (Kind.SENTINEL, False),
    "rediss+sentinel": (Kind.SENTINEL, True),
    "amqp": (Kind.AMQP, False),
    "amqps": (Kind.AMQP, True),
}
_PORTS: Mapping[tuple[Kind, bool], int] = {
    (Kind.REDIS, False): 6379,
    (Kind.REDIS, True): 6379,
    (Kind.SENTINEL, False): 26379,
    (Kind.SENTINEL, True): 26379,
    (Kind.AMQP, False): 5672,
    (Kind.AMQP, True): 5671,
}
_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_SIGN_IN_ERRORS = frozenset({"AuthenticationError", "AccessRefused"})
_VERIFYING = frozenset({"", "required", "CERT_REQUIRED"})
_TRUSTING = frozenset({"none", "CERT_NONE"})
_TLS_WORDS = frozenset({*_FILES, "ssl_cert_reqs"})
_SENTINEL_WORDS = frozenset({"sentinel_username", "sentinel_password"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Tls:
    """How a connection is encrypted.

    Attributes:
        files: `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`, those that are given; without the
            first, the authorities this machine trusts.
        verifies: the server has to prove who it is.
    """

    files: Mapping[str, str]
    verifies: bool

    @property
    def of_redis(self) -> dict[str, Any]:
        """What redis-py, and Celery for it, call all this."""
        reqs = ssl.CERT_REQUIRED if self.verifies else ssl.CERT_NONE
        return {**self.files, "ssl_cert_reqs": reqs, "ssl_check_hostname": self.verifies}

    @property
    def of_amqp(self) -> dict[str, Any]:
        """What py-amqp calls it."""
        reqs = ssl.CERT_REQUIRED if self.verifies else ssl.CERT_NONE
        files = {name.removeprefix("ssl_"): path for name, path in self.files.items()}
        return {**files, "cert_reqs": reqs}


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where a service is, and how to sign in.

    Attributes:
        hosts: each with its port: the server, or its Sentinels.
        service: the name Sentinels know the primary by; empty without them.
        path: the number of the logical database, or the vhost.
        sentinel_sign_in: `username` and `password` at the Sentinels, if they ask for them.
    """

    kind: Kind
    hosts: tuple[tuple[str, int], ...]
    service: str = ""
    path: str = ""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    sentinel_sign_in: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, url: str, *, password: str | None = None) -> Self:
        """Read an address.

        Args:
            url: one of the forms above.
            password: instead of the one in the URL.

        Raises:
            SettingsError: it has none of these forms; never quotes it, for it holds a password.
        """
        try:
            parts = urlsplit(url)
            kind, has_tls = _SCHEMES[parts.scheme]
            words = dict(parse_qsl(parts.query, strict_parsing=True) if parts.query else ())
        except KeyError:
            raise SettingsError(f"begin it with one of {', '.join(_SCHEMES)}, and ://") from None
        except ValueError:
            raise SettingsError(_UNREADABLE) from None
        service, path = _places(kind, parts)
        sign_in, _, _ = parts.netloc.rpartition("@")
        user, _, secret = sign_in.partition(":")
        return cls(
            kind=kind,
            hosts=_hosts(kind, parts, _PORTS[kind, has_tls]),
            service=service,
            path=path,
            username=unquote(user) or None,
            password=password or unquote(secret) or None,
            tls=_tls(words, wanted=has_tls),
            sentinel_sign_in=_sentinel_sign_in(words, kind),
        )

    @property
    def is_redis(self) -> bool:
        """Tell whether Redis commands are spoken there, in the end."""
        return self.kind is not Kind.AMQP

    @property
    def verifies(self) -> bool:
        """Tell whether it is a plain address, or one whose certificate is verified."""
        return self.tls is None or self.tls.verifies

    @property
    def database(self) -> int:
        """The number of the logical database of Redis."""
        return int(self.path or 0)

    @property
    def place(self) -> str:
        """Where it is, for people: without user, password and what else only machines need."""
        hosts = ",".join(f"{_in_url(host)}:{port}" for host, port in self.hosts)
        path = self.path or ("0" if self.is_redis else "")
        return "/".join(part for part in (hosts, self.service, path) if part)

    def urls(self, scheme: str) -> list[str]:
        """Write a URL without a query for each host, user and password in it."""
        user = quote(self.username or "", safe="")
        secret = f":{quote(self.password, safe='')}" if self.password else ""
        sign_in = f"{user}{secret}@" if user or secret else ""
        path = quote(self.path, safe="")
        return [f"{scheme}://{sign_in}{_in_url(host)}:{port}/{path}" for host, port in self.hosts]


def why_unreachable(who: str, error: BaseException, *, named: str = "") -> str:
    """Say why a server cannot be used, as far as its administrator has to know.

    By the names of errors, for Redis' and RabbitMQ's clients have nothing in common.

    Args:
        who: the server.
        error: what its client raised.
        named: which setting says where it is, and where that is; see `named_by`.
    """
    where = f"; {named}" if named else ""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"{who}'s certificate is not accepted: {cause.verify_message}{where}"
        if isinstance(cause, socket.gaierror):
            return f"{who} did not answer (no such host){where}"
        if type(cause).__name__ in _SIGN_IN_ERRORS:
            return f"{who} refuses the user or the password{where}"
        cause = cause.__cause__ or cause.__context__
    return f"{who} did not answer ({type(error).__name__}){where}"


def named_by(setting: str, address: Address) -> str:
    """Say which setting names an address, and which that is."""
    return f"{setting} names {address.place}"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


_UNREADABLE = (
    "it cannot be read: percent-encode what means something in a URL, such as @ (%40), : (%3A), "
    "/ (%2F), ? (%3F), # (%23) and % (%25) in the password, or give the password by itself"
)


def _hosts(kind: Kind, parts: SplitResult, port: int) -> tuple[tuple[str, int], ...]:
    _, _, places = parts.netloc.rpartition("@")
    if kind is not Kind.SENTINEL and "," in places:
        raise SettingsError("one host only; for Sentinels begin it with redis+sentinel://")
    found = []
    for place in places.split(","):
        try:
            one = urlsplit(f"//{place}")
            host, its_port = one.hostname, one.port or port
        except ValueError:
            raise SettingsError(_UNREADABLE) from None
        if not host:
            raise SettingsError("a host is missing")
        found.append((host, its_port))
    return tuple(found)


def _places(kind: Kind, parts: SplitResult) -> tuple[str, str]:
    """Give the name of the primary, and the database or vhost."""
    path = parts.path.removeprefix("/")
    # A slash in the password ends the host before it has begun.
    if parts.fragment or "@" in path:
        raise SettingsError(_UNREADABLE)
    if kind is Kind.AMQP:
        return "", unquote(path)
    service = ""
    if kind is Kind.SENTINEL:
        service, _, path = path.partition("/")
        if not service:
            raise SettingsError(
                "name the primary behind the Sentinels: redis+sentinel://HOST,HOST/NAME/0"
            )
    if path and not path.isdecimal():
        raise SettingsError("the database is a number: redis://HOST:PORT/0")
    return unquote(service), path


def _tls(words: Mapping[str, str], *, wanted: bool) -> Tls | None:
    if unknown := words.keys() - _TLS_WORDS - _SENTINEL_WORDS:
        raise SettingsError(f"it has words of no meaning here: {', '.join(sorted(unknown))}")
    if not wanted:
        if words.keys() & _TLS_WORDS:
            raise SettingsError("it names certificates, but no TLS: begin it with rediss or amqps")
        return None
    for name in _FILES:
        if name in words and not Path(words[name]).is_file():
            raise SettingsError(f"{name}: there is no file {words[name]}")
    reqs = words.get("ssl_cert_reqs", "")
    if reqs not in _VERIFYING | _TRUSTING:
        raise SettingsError("ssl_cert_reqs is required, or none for a try-out")
    files = {name: words[name] for name in _FILES if name in words}
    return Tls(files=files, verifies=reqs in _VERIFYING)


def _sentinel_sign_in(words: Mapping[str, str], kind: Kind) -> dict[str, str]:
    if kind is not Kind.SENTINEL and words.keys() & _SENTINEL_WORDS:
        raise SettingsError("it signs in to Sentinels, and names none: see redis+sentinel")
    return {name.removeprefix("sentinel_"): words[name] for name in _SENTINEL_WORDS & words.keys()}
