import time
from collections.abc import Callable
from threading import Lock

# A STOP of the last seconds shows in the next simulation, and is looked up anew when it does.
_LIFETIME = 30.0


class Blacklist:
    """The numbers an account's API will not send to, read at most every half minute."""

    def __init__(self, read: Callable[[], frozenset[str]]) -> None:
        self._read = read
        self._lock = Lock()
        self._numbers: frozenset[str] = frozenset()
        self._read_at = float("-inf")

    def numbers(self) -> frozenset[str]:
        """Give the numbers, digits without `+`.

        Raises:
            ApiError: they had to be read, and could not be.
        """
        with self._lock:
            if time.monotonic() - self._read_at > _LIFETIME:
                self._numbers = self._read()
                self._read_at = time.monotonic()
            return self._numbers
