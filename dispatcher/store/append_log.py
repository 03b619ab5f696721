"""Has Redis forget what its append-only file still holds of erased keys."""

from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from dispatcher.domain.erasure import LogState

_UNDER_WAY = "in progress"


def rewrite_log(client: Redis) -> LogState:
    """Order a rewrite of the append-only file, and tell what came of it.

    Never fails: hosted servers and access rules refuse the order, and what was erased is erased.
    """
    if not _keeps_one(client):
        return LogState.OFF
    try:
        client.bgrewriteaof()
    except RedisError as error:
        # The one under way copied memory as it was when it began, which may be before the erasing.
        return LogState.LATER if _UNDER_WAY in str(error) else LogState.REFUSED
    return LogState.REWRITTEN


def _keeps_one(client: Redis) -> bool:
    try:
        found: Any = client.info("persistence")
    except RedisError:
        return True
    return bool(found.get("aof_enabled", 1))
