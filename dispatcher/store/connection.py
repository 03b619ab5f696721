"""Opens Redis and turns its errors into ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis
from redis.backoff import ExponentialWithJitterBackoff
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

from dispatcher.errors import StoreError, StoreFullError, StoreUnavailableError

# Scripts may be repeated, so short outages pass unnoticed; longer ones are the caller's.
_RETRIES = 4
_LONGEST_PAUSE = 0.5
_TIMEOUT = 10
_CONNECT_TIMEOUT = 3

_AWAY = (ConnectionError, TimeoutError, BusyLoadingError, NoScriptError, ReadOnlyError)
# First words of replies that say: not now.
_NOT_NOW = frozenset(
    {"BUSY", "CLUSTERDOWN", "MASTERDOWN", "MISCONF", "NOREPLICAS", "TRYAGAIN", "UNKILLABLE"}
)
_PIPELINED = "caused error: "
_LONGEST_REASON = 200


def connect(url: str) -> Redis:
    """Open a pool of connections; nothing is dialled before the first command."""
    return Redis.from_url(
        url,
        decode_responses=False,
        socket_timeout=_TIMEOUT,
        socket_connect_timeout=_CONNECT_TIMEOUT,
        socket_keepalive=True,
        health_check_interval=30,
        client_name="dispatcher",
        retry=Retry(ExponentialWithJitterBackoff(cap=_LONGEST_PAUSE, base=0.05), _RETRIES),
    )


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
        raise StoreUnavailableError(f"Redis did not answer ({type(error).__name__})") from None
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
