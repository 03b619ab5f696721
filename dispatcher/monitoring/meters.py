"""What one process counts of its own work, for Prometheus."""

import time
from collections.abc import Callable, Iterable
from threading import Lock

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from dispatcher.monitoring.endpoint import Page
from dispatcher.monitoring.health import OK, Finding
from dispatcher.monitoring.meanings import MEANINGS
from dispatcher.smsfactor.watching import OK as CALL_OK
from dispatcher.smsfactor.watching import Call, Watch

EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"
OTHER = "other"

# Nobody asks when a series began, which would be one more for each.
disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client has none there

_CALL_BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_TASK_BUCKETS = (0.01, 0.05, 0.25, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0)


class Meters:
    """Counts calls of the API, turns of tasks and hints given. Threads may share it.

    Args:
        tasks: the names that are told apart; foreign ones are counted together.
        queues: the same of queues.
    """

    def __init__(self, tasks: Iterable[str] = (), queues: Iterable[str] = ()) -> None:
        self._names = frozenset(tasks) | frozenset(queues)
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._calls = Counter(
            "dispatcher_api_calls",
            MEANINGS["api_calls"],
            ["account", "method", "route", "outcome"],
            registry=self.registry,
        )
        self._call_seconds = Histogram(
            "dispatcher_api_call_seconds",
            MEANINGS["api_call_seconds"],
            ["account", "method", "route"],
            buckets=_CALL_BUCKETS,
            registry=self.registry,
        )
        self._turns = Counter(
            "dispatcher_task_turns",
            MEANINGS["task_turns"],
            ["queue", "task", "outcome"],
            registry=self.registry,
        )
        self._turn_seconds = Histogram(
            "dispatcher_task_seconds",
            MEANINGS["task_seconds"],
            ["task"],
            buckets=_TASK_BUCKETS,
            registry=self.registry,
        )
        self._hints = Counter(
            "dispatcher_hints_given",
            MEANINGS["hints_given"],
            ["task"],
            registry=self.registry,
        )

    def watch(self, account: str) -> Watch:
        """Give what counts the calls of one account."""

        def count(call: Call) -> None:
            where = (account, call.method, call.route)
            self._calls.labels(*where, call.outcome).inc()
            self._call_seconds.labels(*where).observe(call.seconds)

        return count

    def count_turn(self, queue: str, task: str, outcome: str, seconds: float) -> None:
        """Count a task that has ended, and that came from a queue."""
        name = self._name(task)
        self._turns.labels(self._name(queue), name, outcome).inc()
        self._turn_seconds.labels(name).observe(seconds)

    def count_hint(self, task: str) -> None:
        """Count a task that the broker took from us."""
        self._hints.labels(self._name(task)).inc()

    def page(self) -> Page:
        """Show all of it in Prometheus' own format."""
        return Page(body=generate_latest(self.registry).decode(), kind=EXPOSITION)

    def _name(self, name: str) -> str:
        return name if name in self._names else OTHER


class LastCalls:
    """How the last call of each account ended, as far as this process knows."""

    def __init__(
        self, accounts: Iterable[str], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ends: dict[str, tuple[str, float] | None] = dict.fromkeys(accounts)
        self._clock = clock
        self._lock = Lock()

    def watch(self, account: str) -> Watch:
        """Give what remembers the calls of one account."""

        def remember(call: Call) -> None:
            with self._lock:
                self._ends[account] = (call.outcome, self._clock())

        return remember

    def findings(self) -> list[Finding]:
        """Tell of each account; an API that is away makes no process unfit."""
        with self._lock:
            ends = dict(self._ends)
        return [
            Finding(subject=f"api of {account}", says=self._word(end), matters=False)
            for account, end in ends.items()
        ]

    def _word(self, end: tuple[str, float] | None) -> str:
        if end is None:
            return "not called yet"
        outcome, at = end
        return OK if outcome == CALL_OK else f"{outcome}, {self._clock() - at:.0f} s ago"
