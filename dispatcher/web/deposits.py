"""Makes posted bodies durable: in Redis, or on disk while Redis is away."""

import asyncio
import contextlib
import enum
import itertools
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Protocol

import structlog

from dispatcher.errors import StoreError, StoreUnavailableError, StoreUnsafeError
from dispatcher.store.inbox import Hook
from dispatcher.web.journal import Journal, Leaf
from dispatcher.web.packing import Packer, packs
from dispatcher.web.spool import Spool, Spooled, SpoolFile, SpoolFullError

_log = structlog.get_logger("dispatcher.web.deposits")

# Somebody who asked to be left alone is suppressed before that is answered.
_HEEDED_FIRST = frozenset({Hook.MO, Hook.STOP})
_RETRY_EVERY = 0.5
# Unasked: for files that died with another receiver, and a server configured anew.
_LOOK_EVERY = 30.0
# Appends under way, each with a connection of its own, while Redis' disk is synced each second.
_MOST_UNCONFIRMED = 64


class Streams(Protocol):
    """What is needed of `dispatcher.store.inbox.Inbox`."""

    @property
    def confirms_late(self) -> bool:
        """Tell whether Redis takes long to say that something is on its disk."""

    async def examine(self) -> None:
        """Find out whether Redis is there and fit."""

    async def append(self, hook: Hook, account: str, bodies: Sequence[bytes]) -> None:
        """Make bodies durable."""

    async def answers(self) -> bool:
        """Tell whether Redis answers now."""

    async def close(self) -> None:
        """Close every connection."""


class Condition(enum.Enum):
    """Where a body posted now would be kept."""

    READY = "ready"
    """In Redis."""

    SPOOLING = "spooling"
    """On disk, until Redis is back."""

    UNABLE = "unable"
    """Nowhere: it would be refused."""


class Deposits:
    """Where bodies go, whatever is broken; for one event loop."""

    def __init__(
        self, streams: Streams, spool: Spool, *, kept: Callable[[Hook, str], None]
    ) -> None:
        """Take both places, and what to call when an account has something new in Redis."""
        self._streams = streams
        self._spool = spool
        self._kept = kept
        self._packers: dict[tuple[Hook, str], Packer] = {}
        self._journal = Journal(spool.folder, max_bytes=spool.max_bytes)
        self._appending: set[asyncio.Task[bool]] = set()
        self._few = asyncio.Semaphore(_MOST_UNCONFIRMED)
        self._redis_is_fit = False
        self._look = asyncio.Event()
        self._drainer: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Look for Redis, and begin to drain what an earlier process left on disk.

        Raises:
            StoreUnsafeError: this Redis forgets. One that is away, or turns out to be unsafe
                later, is no reason to stop: bodies are safe on disk.
        """
        try:
            await self._streams.examine()
            self._redis_is_fit = True
        except StoreUnsafeError:
            raise
        except StoreError as error:
            _log.warning("redis away", error=_told(error))
        self._look.set()
        self._drainer = asyncio.create_task(self._keep_draining())

    async def put(self, hook: Hook, account: str, body: bytes) -> bool:
        """Tell whether a body is durable, once that is certain."""
        return await self.packer(hook, account).add(body)

    def packer(self, hook: Hook, account: str) -> Packer:
        """Give what gathers the bodies of a hook and account."""
        packer = self._packers.get((hook, account))
        if packer is None:
            packer = Packer(lambda bodies: self._keep(hook, account, bodies))
            self._packers[hook, account] = packer
        return packer

    async def condition(self) -> Condition:
        """Say where a body posted now would be kept."""
        if self._redis_is_fit and await self._streams.answers():
            return Condition.READY
        has_room = await asyncio.to_thread(self._spool.has_room)
        return Condition.SPOOLING if has_room else Condition.UNABLE

    async def close(self) -> None:
        """Stop draining and close both places."""
        if self._drainer is not None:
            self._drainer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._drainer
        await asyncio.gather(*self._appending, return_exceptions=True)
        await asyncio.to_thread(self._journal.close)
        await asyncio.to_thread(self._spool.close)
        await self._streams.close()

    async def _keep(self, hook: Hook, account: str, bodies: Sequence[bytes]) -> bool:
        spooled = Spooled(hook, account, bodies)
        if self._redis_is_fit:
            if self._streams.confirms_late and hook not in _HEEDED_FIRST:
                return await self._keep_twice(spooled)
            if await self._append(spooled):
                return True
        return await self._spool_away(spooled)

    async def _keep_twice(self, spooled: Spooled) -> bool:
        """Have bodies on our disk at once, and on that of Redis a little later."""
        await self._few.acquire()
        appending = asyncio.create_task(self._append(spooled))
        self._appending.add(appending)
        appending.add_done_callback(self._note_end)
        try:
            leaf = await asyncio.to_thread(self._journal.keep, spooled)
        except SpoolFullError:
            return await appending or await self._spool_away(spooled)
        appending.add_done_callback(lambda task: self._settle(leaf, task))
        return True

    def _note_end(self, appending: "asyncio.Task[bool]") -> None:
        self._appending.discard(appending)
        self._few.release()

    def _settle(self, leaf: Leaf, appending: "asyncio.Task[bool]") -> None:
        has_ended = not appending.cancelled() and appending.exception() is None
        confirmed = has_ended and appending.result()
        self._journal.settle(leaf, confirmed=confirmed)
        if not confirmed:
            self._look.set()

    async def _append(self, spooled: Spooled) -> bool:
        """Tell whether bodies are durable in Redis."""
        hook, account, bodies = spooled
        try:
            await self._streams.append(hook, account, bodies)
        except (StoreError, OSError) as error:
            self._lose_redis(error)
            return False
        self._kept(hook, account)
        return True

    async def _spool_away(self, spooled: Spooled) -> bool:
        try:
            await asyncio.to_thread(self._spool.append, spooled)
        except SpoolFullError as error:
            _log.error("bodies refused", count=len(spooled.bodies), reason=str(error))
            return False
        return True

    async def _recover(self) -> None:
        """Give Redis what is on disk; one that takes it is to be trusted with what comes."""
        await self._streams.examine()
        await self._drain()
        if not self._redis_is_fit:
            _log.info("redis ready")
            self._redis_is_fit = True
            # What came in meanwhile.
            await self._drain()

    def _lose_redis(self, error: Exception) -> None:
        if self._redis_is_fit:
            _log.warning("redis away", error=_told(error))
        self._redis_is_fit = False
        self._look.set()

    async def _keep_draining(self) -> None:
        while True:
            # Not `wait_for`, which may swallow a cancellation before Python 3.12.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY):
                    await self._look.wait()
            self._look.clear()
            try:
                await self._recover()
            except StoreError as error:
                self._lose_redis(error)
                await asyncio.sleep(_RETRY_EVERY)

    async def _drain(self) -> None:
        for path in await asyncio.to_thread(self._spool.finished):
            try:
                file = await asyncio.to_thread(SpoolFile.claim, path)
                if file is not None:
                    with contextlib.closing(file):
                        await self._pass_on(file)
            except OSError as error:
                # No reason to keep others, or what comes now, from Redis.
                _log.error("spool file not drained", file=path.name, reason=error.strerror)

    async def _pass_on(self, file: SpoolFile) -> None:
        """Append all of a file, and only then delete it: twice is harmless, never is not."""
        for (hook, account), run in itertools.groupby(file.records, key=itemgetter(0, 1)):
            for pack in packs(body for spooled in run for body in spooled.bodies):
                await self._streams.append(hook, account, pack)
            self._kept(hook, account)
        await asyncio.to_thread(file.remove)
        _log.info("spool drained", file=file.path.name, records=len(file.records))


def _told(error: Exception) -> str:
    # What Redis refuses may quote the command, and so numbers; that it is away does not.
    return str(error) if isinstance(error, StoreUnavailableError) else type(error).__name__
