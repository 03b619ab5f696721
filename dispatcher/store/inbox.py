"""Takes what webhooks were posted, for the receiver's event loop: the store's asynchronous door.

Everything else in the store blocks; this is what a process that answers many requests at
once needs of it, and no more.
"""

import asyncio
import enum
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from dispatcher.errors import StoreError, StoreUnavailableError
from dispatcher.settings import Settings
from dispatcher.store.connection import translated
from dispatcher.store.durability import Barrier, barrier_for
from dispatcher.store.keys import Key, Keys

# Longer than a barrier waits. Whoever posted is waiting too, and the disk is there instead.
_TIMEOUT = 3.0
_CONNECT_TIMEOUT = 1.0
# One per append under way: they are made as needed, and running out would pass for an outage.
_MOST_CONNECTIONS = 1024
_BODIES = b"bodies"


class Hook(enum.Enum):
    """What the API posts to us; the value is the last part of the webhook's path."""

    DLR = "dlr"
    """Receipts (document, "Webhook : Obtenir les accusés de réception")."""


_STREAM_OF: Mapping[Hook, Key] = {Hook.DLR: Key.RECEIPTS}


class Inbox:
    """The streams of one Redis that webhooks are kept in."""

    def __init__(self, settings: Settings) -> None:
        """Prepare; nothing is dialled before the first call."""
        self._settings = settings
        self._barrier = Barrier()
        url = settings.redis_url.get_secret_value()
        # No retries: an answer is owed soon, and the caller has somewhere else to go.
        self._client = AsyncRedis.from_url(
            url,
            **_options(),
            retry=AsyncRetry(NoBackoff(), 0),
            max_connections=_MOST_CONNECTIONS,
            client_name="dispatcher-web",
        )
        self._blocking = Redis.from_url(url, **_options(), retry=Retry(NoBackoff(), 0))

    async def examine(self) -> None:
        """Find out whether Redis is there, and how it makes an append durable.

        Raises:
            StoreUnsafeError: it evicts or does not persist, and `demo` is off.
            StoreUnavailableError: it does not answer.
        """
        self._barrier = await asyncio.to_thread(
            barrier_for,
            self._blocking,
            replicas=self._settings.redis_replicas,
            demo=self._settings.demo,
        )

    async def append(self, hook: Hook, account: str, bodies: Sequence[bytes]) -> None:
        """Make bodies durable as one entry of a stream, in the form `Receipts.take` reads.

        Raises:
            StoreError: Redis did not confirm; they may or may not be kept, and keeping them
                twice does no harm.
        """
        stream = Keys(self._settings.namespace, account).of(_STREAM_OF[hook])
        packed = msgspec.msgpack.encode(bodies)
        command = self._barrier.command
        with translated():
            if not command:
                await self._client.xadd(stream, {_BODIES: packed})
                return
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.xadd(stream, {_BODIES: packed})
                pipe.execute_command(*command)
                _, confirmed = await pipe.execute()
        if not self._barrier.is_met(confirmed):
            raise StoreUnavailableError("Redis did not confirm that the bodies are on disk")

    async def answers(self) -> bool:
        """Tell whether Redis answers now, and lets us in."""
        try:
            with translated():
                await self._client.ping()
        except StoreError:
            return False
        return True

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()
        self._blocking.close()


def _options() -> dict[str, Any]:
    return {
        "decode_responses": False,
        "socket_timeout": _TIMEOUT,
        "socket_connect_timeout": _CONNECT_TIMEOUT,
        "socket_keepalive": True,
    }
