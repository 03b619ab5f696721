import time
from collections.abc import Callable
from threading import Lock

from dispatcher.errors import ApiError

# A STOP of the last seconds shows in the next simulation, and is looked up anew when it does.
_LIFETIME = 30.0
# Threads that waited for one failed reading must not each wait for another.
_FAILURE_LIFETIME = 5.0


class Blacklist:
    """The numbers an account's API will not send to, read at most every half minute."""

    def __init__(self, read: Callable[[], frozenset[str]]) -> None:
        self._read = read
        self._lock = Lock()
        self._numbers: frozenset[str] = frozenset()
        self._failure: ApiError | None = None
        self._good_until = float("-inf")

    def numbers(self) -> frozenset[str]:
        """Give the numbers, digits without `+`.

        Raises:
            ApiError: they had to be read, and could not be.
        """
        with self._lock:
            if time.monotonic() > self._good_until:
                self._refresh()
            if self._failure is not None:
                raise self._failure
            return self._numbers

    def _refresh(self) -> None:
        try:
            self._numbers, self._failure = self._read(), None
        except ApiError as error:
            self._failure = error
        lifetime = _LIFETIME if self._failure is None else _FAILURE_LIFETIME
        self._good_until = time.monotonic() + lifetime
