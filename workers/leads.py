"""How long before its slot a POST is begun, learned from how long the steps to it took of late."""

from collections import deque
from threading import Lock

_KEPT = 50
# Of fifty, one may have been an accident; of few, none is taken for one.
_MOST_EXCEEDED = 50
# The fewer are known, the less is the slowest of them the slowest there will be.
_MARGIN = 1.1


class Lead:
    """The seconds that one step is given, so that nearly always it is done in time.

    Threads may share it.

    Args:
        least: seconds it is given at least, and until it was taken once.
        most: seconds it is given at most.
    """

    def __init__(self, *, least: float, most: float) -> None:
        self.least = least
        self._most = most
        self._lock = Lock()
        self._taken: deque[float] = deque(maxlen=_KEPT)

    def note(self, seconds: float) -> None:
        """Learn from a step that took so long."""
        with self._lock:
            self._taken.append(seconds)

    @property
    def seconds(self) -> float:
        """What the step is given now."""
        with self._lock:
            taken = sorted(self._taken, reverse=True)
        if not taken:
            return self.least
        usual = taken[len(taken) // _MOST_EXCEEDED]
        return min(max(usual * (_MARGIN + 1 / len(taken)), self.least), self._most)


class Leads:
    """What the two steps to a POST are given: its connection, and the last look at its batch.

    Attributes:
        connecting: from the call of the API until it is connected, TLS included.
        beginning: one question to Redis, on disk if that has to be.
    """

    def __init__(self) -> None:
        self.connecting = Lead(least=0.04, most=1.0)
        self.beginning = Lead(least=0.01, most=0.1)

    @property
    def early_ms(self) -> int:
        """How much more than usual both take; the store tells the most of all workers."""
        taken = self.connecting.seconds + self.beginning.seconds
        return round((taken - self._usual) * 1000)

    def seconds(self, early_ms: int) -> float:
        """Give the seconds before its slot that a batch is taken up, by what the store told."""
        return self._usual + max(early_ms, self.early_ms) / 1000

    @property
    def _usual(self) -> float:
        return self.connecting.least + self.beginning.least
