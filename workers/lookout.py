"""Does what is not to wait for somebody who hangs, at its time."""

import time
from collections.abc import Callable
from threading import Event, Lock, Thread

_EVERY = 0.25


class Lookout:
    """One thread that looks at the time for all others; it begins with the first thing to be done.

    What is done may be done again until it is removed, and has to bear that.
    """

    def __init__(self) -> None:
        self._due: dict[Callable[[], None], float] = {}
        self._lock = Lock()
        self._ended = Event()
        self._thread: Thread | None = None

    def add(self, act: Callable[[], None], seconds: float) -> None:
        """Have something done after so long, unless it is removed before."""
        with self._lock:
            self._due[act] = time.monotonic() + seconds
            if self._thread is None:
                self._thread = Thread(target=self._look, name="lookout", daemon=True)
                self._thread.start()

    def remove(self, act: Callable[[], None]) -> None:
        """Forget it; it may be under way."""
        with self._lock:
            self._due.pop(act, None)

    def close(self) -> None:
        """Look no more."""
        self._ended.set()

    def _look(self) -> None:
        while not self._ended.wait(_EVERY):
            now = time.monotonic()
            with self._lock:
                over = [act for act, at in self._due.items() if at <= now]
            for act in over:
                act()
