"""Opens Redis, itself or by its Sentinels, and turns its errors into ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis, Sentinel
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio import Sentinel as AsyncSentinel
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import AbstractBackoff, ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,  # noqa: A004 - redis-py's own, not the built-in
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TimeoutError,  # noqa: A004 - redis-py's own, not the built-in
)
from redis.retry import Retry

from dispatcher.addresses import Address, Kind, named_by, why_unreachable
from dispatcher.errors import StoreError, StoreFullError, StoreUnavailableError

# Scripts may be repeated, so short outages pass unnoticed; longer ones are the caller's.
_RETRIES = 4
_LONGEST_PAUSE = 0.5
_TIMEOUT = 10
_CONNECT_TIMEOUT = 3
_ASKING_TIMEOUT = 1
_AT_ONCE = NoBackoff()

_AWAY = (ConnectionError, TimeoutError, BusyLoadingError, NoScriptError, ReadOnlyError)
# First words of replies that say: not now.
_NOT_NOW = frozenset(
    {"BUSY", "CLUSTERDOWN", "MASTERDOWN", "MISCONF", "NOREPLICAS", "TRYAGAIN", "UNKILLABLE"}
)
_PIPELINED = "caused error: "
_LONGEST_REASON = 200


class _NamingRetry(Retry):
    """Tries again, and in the end has the error say which server it is about."""

    def __init__(self, named: str, backoff: AbstractBackoff, retries: int) -> None:
        super().__init__(backoff, retries)
        self._named = named

    def call_with_retry(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's own
        with _naming(self._named):
            return super().call_with_retry(*arguments, **options)


class _AsyncNamingRetry(AsyncRetry):
    """The same within an event loop."""

    def __init__(self, named: str, backoff: AbstractBackoff, retries: int) -> None:
        super().__init__(backoff, retries)
        self._named = named

    async def call_with_retry(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's own
        with _naming(self._named):
            return await super().call_with_retry(*arguments, **options)


@contextmanager
def _naming(named: str) -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        # Dialling is tried again within a command that is.
        if named not in getattr(error, "__notes__", ()):
            error.add_note(named)
        raise


def connect(where: Address | str) -> Redis:
    """Open a pool of connections; nothing is dialled before the first command."""
    return open_blocking(
        Address.read(where) if isinstance(where, str) else where,
        retries=_RETRIES,
        socket_timeout=_TIMEOUT,
        socket_connect_timeout=_CONNECT_TIMEOUT,
        health_check_interval=30,
        client_name="dispatcher",
    )


def open_blocking(address: Address, *, retries: int = 0, **options: Any) -> Redis:  # noqa: ANN401 - redis-py's own
    """Open a pool of connections to the server, or to the primary that Sentinels name."""
    client: Redis = _open((Redis, Sentinel, _NamingRetry), address, retries, options)
    return client


def open_async(address: Address, *, retries: int = 0, **options: Any) -> AsyncRedis:  # noqa: ANN401 - redis-py's own
    """Open a pool of connections for an event loop, as `open_blocking` does for threads."""
    client: AsyncRedis = _open(
        (AsyncRedis, AsyncSentinel, _AsyncNamingRetry), address, retries, options
    )
    return client


def _open(
    kinds: tuple[Any, Any, Any], address: Address, retries: int, options: dict[str, Any]
) -> Any:  # noqa: ANN401 - of either kind
    client, sentinel, retry = kinds
    named = named_by("DISPATCHER_REDIS_URL", address)
    backoff = ExponentialWithJitterBackoff(cap=_LONGEST_PAUSE, base=0.05) if retries else _AT_ONCE
    options |= {**_options(address), "retry": retry(named, backoff, retries)}
    if address.kind is not Kind.SENTINEL:
        host, port = address.hosts[0]
        return client(host=host, port=port, **options)
    asking = {**_asking(address), "retry": retry(named, _AT_ONCE, 0)}
    sentinels = sentinel(address.hosts, sentinel_kwargs=asking)
    return sentinels.master_for(address.service, **options)


def _options(address: Address) -> dict[str, Any]:
    return {
        "db": address.database,
        "username": address.username,
        "password": address.password,
        "decode_responses": False,
        "socket_keepalive": True,
        **_encryption(address),
    }


def _asking(address: Address) -> dict[str, Any]:
    """Say how Sentinels are asked: one that does not answer must not keep us from the next."""
    return {
        "socket_timeout": _ASKING_TIMEOUT,
        "socket_connect_timeout": _ASKING_TIMEOUT,
        **address.sentinel_sign_in,
        **_encryption(address),
    }


def _encryption(address: Address) -> dict[str, Any]:
    return {} if address.tls is None else {"ssl": True, **address.tls.of_redis}


@contextmanager
def translated() -> Iterator[None]:
    """Raise our errors in place of redis-py's.

    The cause is left out on purpose: redis-py quotes the command that failed in a pipeline,
    phone numbers included.

    Raises:
        StoreUnavailableError: Redis did not answer, or does not take commands just now.
        StoreFullError: Redis is out of memory.
        StoreError: Redis refused the command; a defect of ours or of its configuration.
    """
    try:
        yield
    except OutOfMemoryError:
        raise StoreFullError("Redis has no memory left: raise maxmemory, or wait") from None
    except _AWAY as error:
        named = next(iter(getattr(error, "__notes__", ())), "")
        raise StoreUnavailableError(why_unreachable("Redis", error, named=named)) from None
    except RedisError as error:
        raise _refusal(error) from None


def _refusal(error: RedisError) -> StoreError:
    reason = str(error).rpartition(_PIPELINED)[2]
    word = reason.split(" ", maxsplit=1)[0]
    if word == "OOM":
        return StoreFullError("Redis has no memory left: raise maxmemory, or wait")
    if word in _NOT_NOW:
        return StoreUnavailableError(f"Redis takes no commands just now ({word})")
    return StoreError(f"Redis refused a command: {reason[:_LONGEST_REASON]}")
