"""Takes what webhooks were posted, for the receiver's event loop: the store's asynchronous door.

Everything else in the store blocks; this is what a process that answers many requests at
once needs of it, and no more.
"""

import asyncio
import enum
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from dispatcher.domain.replies import BrokenReplyError, ReplyReader
from dispatcher.domain.stop_words import Intent
from dispatcher.domain.suppressions import SuppressionSource
from dispatcher.domain.timing import utc_now
from dispatcher.errors import StoreError, StoreUnavailableError
from dispatcher.settings import Settings
from dispatcher.store.connection import open_async, open_blocking, translated
from dispatcher.store.durability import Barrier, barrier_for
from dispatcher.store.keys import Key, Keys
from dispatcher.store.replies import blob
from dispatcher.store.secrets import secret_command
from dispatcher.store.suppressions import Addition, suppress_arguments, suppress_source

# Longer than a barrier waits. Whoever posted is waiting too, and the disk is there instead.
_TIMEOUT = 3.0
_CONNECT_TIMEOUT = 1.0
# One per append under way: they are made as needed, and running out would pass for an outage.
_MOST_CONNECTIONS = 1024
_BODIES = b"bodies"
_HOOK = b"hook"
_REASON = "asked for it in a reply"


class Hook(enum.Enum):
    """What the API posts to us; the value is the last part of the webhook's path."""

    DLR = "dlr"
    """Receipts (document, "Webhook : Obtenir les accusés de réception")."""

    MO = "mo"
    """Replies (document, "Webhook : Réception des réponses de vos SMS")."""

    STOP = "stop"
    """Replies the API took for a STOP (live dialect)."""


_STREAM_OF: Mapping[Hook, Key] = {
    Hook.DLR: Key.RECEIPTS,
    Hook.MO: Key.POSTED_REPLIES,
    Hook.STOP: Key.POSTED_REPLIES,
}
_SOURCE_OF: Mapping[Hook, SuppressionSource] = {
    Hook.MO: SuppressionSource.REPLY,
    Hook.STOP: SuppressionSource.STOP_WEBHOOK,
}


class Inbox:
    """The streams of one Redis that webhooks are kept in."""

    def __init__(self, settings: Settings) -> None:
        """Prepare; nothing is dialled before the first call."""
        self._settings = settings
        self._barrier = Barrier()
        address = settings.store_address
        # No retries: an answer is owed soon, and the caller has somewhere else to go.
        self._client = open_async(
            address,
            **_options(),
            max_connections=_MOST_CONNECTIONS,
            client_name="dispatcher-web",
        )
        self._reader = ReplyReader(settings.default_region, settings.stop_words)
        self._suppress = suppress_source()
        self._suppression_keys: dict[str, bytes] = {}
        self._blocking = open_blocking(address, **_options())

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

    @property
    def confirms_late(self) -> bool:
        """Tell whether an append waits for a disk that is synced only each second."""
        return self._barrier.local and not self._barrier.replicas

    async def append(self, hook: Hook, account: str, bodies: Sequence[bytes]) -> None:
        """Make bodies durable as one entry of a stream, in the form the account's store reads.

        Whoever asks for a STOP in them is on the suppression list by then.

        Raises:
            StoreError: Redis did not confirm; they may or may not be kept, and keeping them
                twice does no harm.
        """
        keys = Keys(self._settings.namespace, account)
        entry: dict[Any, Any] = {_BODIES: msgspec.msgpack.encode(bodies)}
        stops: Sequence[Addition] = ()
        if hook in _SOURCE_OF:
            entry[_HOOK] = hook.value
            stops = self._stops(hook, bodies)
        command = self._barrier.command
        with translated():
            if not command and not stops:
                await self._client.xadd(keys.of(_STREAM_OF[hook]), entry)
                return
            key = await self._suppression_key(keys) if stops else b""
            async with self._client.pipeline(transaction=False) as pipe:
                # First, and on a full server too: no entry without them.
                for stop in stops:
                    arguments = suppress_arguments(key, stop)
                    pipe.eval(self._suppress, 1, keys.of(Key.ACCOUNT), *arguments)
                pipe.xadd(keys.of(_STREAM_OF[hook]), entry)
                if command:
                    pipe.execute_command(*command)
                *_, confirmed = await pipe.execute()
        if command and not self._barrier.is_met(confirmed):
            raise StoreUnavailableError("Redis did not confirm that the bodies are on disk")

    def _stops(self, hook: Hook, bodies: Sequence[bytes]) -> list[Addition]:
        """Find who asks not to be written to; bodies that are no replies are looked at later."""
        now = utc_now()
        found = []
        for body in bodies:
            with suppress(BrokenReplyError):
                reply = self._reader.read(body, is_stop=hook is Hook.STOP, received_at=now)
                if reply.number and reply.intent is Intent.STOP:
                    found.append((reply.number, min(reply.at, now)))
        return [
            Addition(numbers=[number], source=_SOURCE_OF[hook], reason=_REASON, at=written_at)
            for number, written_at in found
        ]

    async def _suppression_key(self, keys: Keys) -> bytes:
        """Give the key of an account's suppression list, making it on first use."""
        name = keys.account_name
        if name not in self._suppression_keys:
            command = secret_command(keys, Key.SUPPRESSION_KEY)
            self._suppression_keys[name] = blob(await self._client.eval(*command))
        return self._suppression_keys[name]

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
    return {"socket_timeout": _TIMEOUT, "socket_connect_timeout": _CONNECT_TIMEOUT}
