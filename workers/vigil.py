"""Whether a process does its work: liveness is consumption, not an answer to a ping.

A ping uses a connection of its own, so it may be answered by a worker that hears nothing any more,
and not be by one that works. A worker is alive while its consumer's loop runs and what waits in
its queues is taken. While the broker itself is away it is alive, for a restart could not help.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

import structlog

_log = structlog.get_logger("workers.vigil")

_EVERY = 5.0
# Longer than Celery waits between two attempts to reconnect (30 s).
_LOOP_SECONDS = 60.0
_WAITS_SECONDS = 30.0
_IDLE_SECONDS = 60.0
# No task lasts longer, unless it hangs: whoever has all hands full until then is busy.
_TASK_SECONDS = 600.0
# A process that was frozen has seen nothing meanwhile, and says nothing of it.
_FROZEN_SECONDS = 20.0
_BAD_LOOKS = 3

Depths = Mapping[str, int]


@dataclass(kw_only=True)
class Pulse:
    """What a process did lately; written by the threads that do it.

    Attributes:
        hands: how many tasks it works on at once.
        looped_at: when its loop ran, by `clock`.
        acted_at: when it took a task, or ended one.
        is_ending: it was asked to stop.
    """

    hands: int = 1
    clock: Callable[[], float] = time.monotonic
    looped_at: float = field(init=False)
    acted_at: float = field(init=False)
    is_ending: bool = False
    _under_way: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.looped_at = self.acted_at = self.clock()

    def loop(self) -> None:
        """Note that the loop runs."""
        self.looped_at = self.clock()

    def act(self) -> None:
        """Note that something was done."""
        self.acted_at = self.clock()

    def begin(self, task: str) -> None:
        """Note that a task was taken."""
        with self._lock:
            self.acted_at = self._under_way[task] = self.clock()

    def end(self, task: str) -> None:
        """Note that it is over."""
        with self._lock:
            self._under_way.pop(task, None)
            self.acted_at = self.clock()

    def is_busy(self) -> bool:
        """Tell whether it has all hands full, with tasks that may still end."""
        with self._lock:
            oldest = min(self._under_way.values(), default=self.clock())
            return len(self._under_way) >= self.hands and self.clock() - oldest < _TASK_SECONDS


class Vigil:
    """Looks at the broker now and then, and judges a pulse by it.

    Args:
        pulse: of this process.
        look: gives what waits by queue; None when the broker does not answer.
        give_up: called once when the process does not live any more, with why.
    """

    def __init__(
        self,
        pulse: Pulse,
        look: Callable[[], Depths | None],
        *,
        give_up: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._pulse = pulse
        self._look = look
        self._give_up = give_up
        self._clock = pulse.clock
        self._looked_at = self._clock()
        self._answers_since: float | None = None
        self._waits_since: dict[str, float] = {}
        self._bad_looks = 0
        self._ended = Event()
        self._thread = Thread(target=self._run, name="vigil", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End; what is being looked at is not waited for."""
        self._ended.set()

    @property
    def hears_the_broker(self) -> bool:
        """Tell whether the broker answered the last look."""
        return self._answers_since is not None

    def look(self) -> None:
        """Look once, and give up after several bad looks in a row."""
        depths = self._look()
        now = self._clock()
        if now - self._looked_at > _FROZEN_SECONDS:
            self._forget()
        self._looked_at = now
        if depths is None:
            self._forget()
            return
        if self._answers_since is None:
            self._answers_since = now
        waits = {queue for queue, count in depths.items() if count}
        self._waits_since = {queue: self._waits_since.get(queue, now) for queue in sorted(waits)}
        why = self.ailment()
        self._bad_looks = self._bad_looks + 1 if why else 0
        if why and self._bad_looks == _BAD_LOOKS:
            self._give_up(why)

    def ailment(self) -> str | None:
        """Say why this process does not live any more; None while it does."""
        now, pulse = self._clock(), self._pulse
        if pulse.is_ending:
            return None
        if now - self._looked_at > _LOOP_SECONDS:
            return f"nobody has looked at the broker for {now - self._looked_at:.0f} s"
        if self._answers_since is None or now - self._answers_since < _LOOP_SECONDS:
            return None
        if now - pulse.looped_at > _LOOP_SECONDS:
            return f"its loop has not run for {now - pulse.looped_at:.0f} s, and the broker answers"
        return None if pulse.is_busy() else self._neglect(now)

    def _neglect(self, now: float) -> str | None:
        """Say what waits while nothing is done."""
        if now - self._pulse.acted_at <= _IDLE_SECONDS:
            return None
        waits = ((now - since, queue) for queue, since in self._waits_since.items())
        longest, queue = max(waits, default=(0.0, ""))
        if longest <= _WAITS_SECONDS:
            return None
        return f"{queue} has waited for {longest:.0f} s, and nothing was taken"

    def _forget(self) -> None:
        self._answers_since = None
        self._waits_since = {}
        self._bad_looks = 0

    def _run(self) -> None:
        is_over = False
        while not is_over:
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - whatever ails one look, the thread goes on
                _log.warning("vigil stumbled", error=type(error).__name__)
            is_over = self._ended.wait(_EVERY)
