"""Tells when a moment of Redis's clock comes, by this process's own."""

import time
from collections.abc import Callable
from threading import Lock

# Two clocks drift apart by less than a millisecond in this time.
_TRUSTED_SECONDS = 30.0


class ServerClock:
    """What is known of how far the server's clock is from the monotonic one; threads may share it.

    Every answer that tells the server's time bounds that distance, for it was given between the
    question and its arrival. The tightest of the last half minute counts, so that an answer which
    waited for the disk makes nobody late.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.monotonic = monotonic
        self._lock = Lock()
        self._bounds: tuple[float, float] | None = None
        self._fresh: tuple[float, float] | None = None
        self._since = 0.0
        self._heard = float("-inf")

    @property
    def is_known(self) -> bool:
        """Whether the server's time was heard of late."""
        return self.monotonic() - self._heard <= _TRUSTED_SECONDS

    def heed(self, server_ms: int, *, asked: float, answered: float) -> None:
        """Take an answer: the server's time, and when it was asked and answered by our clock."""
        found = (server_ms / 1000 - answered, (server_ms + 1) / 1000 - asked)
        with self._lock:
            if answered - self._heard > _TRUSTED_SECONDS:
                self._bounds = self._fresh = None
            if answered - self._since > _TRUSTED_SECONDS:
                self._bounds, self._fresh, self._since = self._fresh, None, answered
            self._heard = answered
            self._fresh = _tighter(self._fresh, found)
            # A clock that jumped contradicts what was heard before.
            self._bounds = _tighter(self._bounds, found)

    def moment(self, server_ms: int) -> float:
        """Give when it is so late at the server, by the monotonic clock; rather after it."""
        with self._lock:
            ahead = self._bounds[0] if self._bounds else server_ms / 1000 - self.monotonic()
        return server_ms / 1000 - ahead


def _tighter(known: tuple[float, float] | None, found: tuple[float, float]) -> tuple[float, float]:
    if known is None:
        return found
    low, high = max(known[0], found[0]), min(known[1], found[1])
    return (low, high) if low <= high else found
