import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
_LONGEST_NAP = 3600.0


class Clock:
    """The sandbox's time: the real one, plus what it was told to jump."""

    def __init__(self) -> None:
        self.jumped = 0.0

    def now(self) -> float:
        """Give the time in seconds since 1970."""
        return time.time() + self.jumped


class Timeline:
    """Actions waiting for their moment on a clock that can jump."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._order = itertools.count()
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._alarm: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Run an action once the clock has reached a moment; at once if it has."""
        heapq.heappush(self._waiting, (moment, next(self._order), action))
        if self._waiting[0][0] == moment:
            self.wake()

    def wake(self) -> None:
        """Run all that is due and set the alarm for what is next."""
        while self._waiting and self._waiting[0][0] <= self._clock.now():
            heapq.heappop(self._waiting)[2]()
        self.stop()
        if self._waiting:
            nap = max(0.0, self._waiting[0][0] - self._clock.now())
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_later(min(nap, _LONGEST_NAP), self.wake)

    def stop(self) -> None:
        """Take back the alarm."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def clear(self) -> None:
        """Forget everything that waits."""
        self._waiting.clear()
        self.stop()


def paris_time(moment: float) -> datetime:
    """Give a moment as the vendor's wall clock shows it."""
    return datetime.fromtimestamp(moment, PARIS)


def api_date(moment: float) -> str:
    """Write a moment as lists and campaigns do: `2014-03-10 10:36:49`."""
    return f"{paris_time(moment):%Y-%m-%d %H:%M:%S}"


def webhook_date(moment: float) -> str:
    """Write a moment as webhooks do: `2017-08-07T13:59:32+02:00`."""
    return paris_time(moment).isoformat(timespec="seconds")
