"""What the receiver lets others see of itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from dispatcher.broker import Broker
from dispatcher.monitoring.endpoint import Endpoint
from dispatcher.monitoring.health import OK, Finding
from dispatcher.monitoring.meters import Meters
from dispatcher.monitoring.process import close, find_broker, open_endpoint
from dispatcher.settings import Settings
from dispatcher.web.deposits import Condition

_EVERY = 1.0
# No webhook waits so long for its answer; who posted it has given up.
_STILL_SECONDS = 10.0
_ASK_SECONDS = 5.0


_OF_REDIS = {
    Condition.READY: OK,
    Condition.SPOOLING: "away: webhooks are kept on disk",
    Condition.UNABLE: "away",
}


class LoopWatch:
    """Watches the receiver's event loop, from a thread beside it."""

    def __init__(self, settings: Settings, condition: Callable[[], Awaitable[Condition]]) -> None:
        """Take what tells where a body posted now would be kept, asked within the loop."""
        self._condition = condition
        self._broker = Broker(settings)
        self._looped_at = time.monotonic()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._beats: asyncio.Task[None] | None = None
        self._endpoint: Endpoint | None = open_endpoint(
            settings, live=self._live, ready=self._ready, meters=Meters()
        )

    def begin(self) -> None:
        """Follow the event loop this is called in."""
        self._loop = asyncio.get_running_loop()
        self._beats = self._loop.create_task(self._beat())

    def close(self) -> None:
        """Stop watching."""
        close(self._endpoint)
        self._endpoint = None
        self._broker.close()

    async def _beat(self) -> None:
        while True:
            self._looped_at = time.monotonic()
            await asyncio.sleep(_EVERY)

    def _live(self) -> list[Finding]:
        still = time.monotonic() - self._looped_at
        is_still = still > _STILL_SECONDS
        says = f"its event loop has not run for {still:.0f} s" if is_still else OK
        return [Finding(subject="work", says=says)]

    def _ready(self) -> list[Finding]:
        condition = self._ask()
        kept = OK if condition in (Condition.READY, Condition.SPOOLING) else "nothing can be kept"
        redis = _OF_REDIS[condition]
        answers = self._broker.look() is not None
        return [
            *self._live(),
            Finding(subject="webhooks", says=kept),
            Finding(subject="redis", says=redis, matters=False),
            # Only reminders go through it, and ticks find what they were about.
            Finding(subject="broker", says=find_broker(answers=answers).says, matters=False),
        ]

    def _ask(self) -> Condition:
        if self._loop is None:
            return Condition.UNABLE

        async def ask() -> Condition:
            return await self._condition()

        with suppress(TimeoutError, RuntimeError):
            return asyncio.run_coroutine_threadsafe(ask(), self._loop).result(_ASK_SECONDS)
        return Condition.UNABLE
