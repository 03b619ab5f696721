"""Slows every worker down when the API has too many requests."""

import time
from collections.abc import Callable
from threading import Lock

import structlog

from dispatcher.errors import StoreError
from dispatcher.smsfactor.watching import TOO_MANY, Call, Watch
from dispatcher.store.pacing import Pacing

_log = structlog.get_logger("workers.limits")

# What the API asks for without saying so, and the most that anybody heeds.
_LEAST_SECONDS = 1.0
_MOST_SECONDS = 3600.0


class Limits:
    """A pause that the API asked one worker for and that Redis could not be told of so far.

    Threads may share it.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = Lock()
        self._until: float | None = None

    def heed(self, pacing: Pacing, retry_after: float | None) -> int:
        """Have all workers pause, or this one while Redis does not answer; give for how many ms."""
        try:
            return pacing.lower(retry_after_ms=int((retry_after or 0) * 1000))
        except StoreError:
            seconds = min(retry_after or _LEAST_SECONDS, _MOST_SECONDS)
            with self._lock:
                self._until = max(self._until or 0.0, self._monotonic() + seconds)
            return int(seconds * 1000)

    def holds(self, pacing: Pacing) -> bool:
        """Tell whether nothing is to be asked of the API that the store does not forbid.

        As soon as Redis answers, all workers are told instead, even if the pause is over by then.
        """
        with self._lock:
            until = self._until
        if until is None:
            return False
        left_ms = int((until - self._monotonic()) * 1000)
        try:
            pacing.lower(retry_after_ms=max(1, left_ms))
        except StoreError:
            return left_ms > 0
        with self._lock:
            if self._until == until:
                self._until = None
        return False


def heeding(account: str, pacing: Pacing, limits: Limits, watch: Watch) -> Watch:
    """Give what is told of an account's calls: it heeds HTTP 429 before others are told.

    Args:
        account: its name.
        pacing: its pace, which all workers share.
        limits: what this worker keeps of it itself while Redis is away.
        watch: who else is told of each call.
    """

    def heed(call: Call) -> None:
        if call.outcome == TOO_MANY:
            paused_ms = limits.heed(pacing, call.retry_after)
            _log.warning("the API asks for a pause", account=account, paused_ms=paused_ms)
        watch(call)

    return heed
