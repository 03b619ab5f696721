"""What worker and beat let others see of themselves: health, metrics, and an end when they hang."""

import os
import signal
import time
from collections.abc import Callable
from threading import Timer
from typing import Any

import structlog
from celery import Celery, bootsteps, signals

from dispatcher.broker import Broker, BrokerVitals
from dispatcher.monitoring.endpoint import Endpoint
from dispatcher.monitoring.health import OK, Finding
from dispatcher.monitoring.meters import LastCalls, Meters
from dispatcher.monitoring.process import close, find_broker, find_redis, open_endpoint
from dispatcher.queueing import QueueName, Task
from dispatcher.settings import Settings
from dispatcher.smsfactor.watching import Call, Watch
from dispatcher.store.vitals import Looker
from workers.vigil import Depths, Pulse, Vigil

_log = structlog.get_logger("workers.watch")

_LOOP_SECONDS = 5.0
# Beside the longest POST, for a Redis that hangs too until the outcome is on disk: what hangs is
# ended for good then.
_MARGIN = 30.0
_HUNG = 70
_TICKS = "tick"


class Watchman:
    """Watches one process: it is told by Celery's signals, and needs no help from tasks.

    Args:
        settings: where to listen, if at all.
        leave: ends the process when it hangs.
    """

    def __init__(self, settings: Settings, *, leave: Callable[[float], None] | None = None) -> None:
        self._settings = settings
        self._leave = leave or _leave
        self.meters = Meters((task.value for task in Task), (queue.value for queue in QueueName))
        self._calls = LastCalls(settings.accounts)
        self._pulse = Pulse(hands=settings.concurrency)
        self._began: dict[str, float] = {}
        self._consumed: frozenset[QueueName] = frozenset()
        self._broker = Broker(settings)
        self._looker = Looker(settings)
        self._vigil = Vigil(self._pulse, self._waiting, give_up=self._give_up)
        self._is_ready = False
        self._endpoint: Endpoint | None = None
        self._judge: Callable[[BrokerVitals], Depths] = _ticks

    def api(self, account: str) -> Watch:
        """Give what is told of an account's calls."""
        watches = (self.meters.watch(account), self._calls.watch(account))

        def tell(call: Call) -> None:
            for watch in watches:
                watch(call)

        return tell

    def watch_worker(self, app: Celery) -> None:
        """Follow a worker from now on."""
        signals.worker_ready.connect(self._on_ready, weak=False)
        signals.worker_shutting_down.connect(self._on_ending, weak=False)
        signals.task_received.connect(self._on_taken, weak=False)
        signals.task_prerun.connect(self._on_begin, weak=False)
        signals.task_postrun.connect(self._on_end, weak=False)
        signals.after_task_publish.connect(self._on_hint, weak=False)
        app.steps["consumer"].add(_loop_step(self._pulse))
        self._judge = self._consumed_depths
        self._open()

    def watch_beat(self) -> None:
        """Follow a beat from now on: it has something to send every second."""
        self._pulse.hands = 1
        self._is_ready = True
        signals.after_task_publish.connect(self._on_hint, weak=False)
        signals.after_task_publish.connect(self._on_tick, weak=False)
        self._open()

    def close(self) -> None:
        """Stop watching."""
        self._vigil.close()
        close(self._endpoint)
        self._endpoint = None
        self._looker.close()

    def _open(self) -> None:
        self._endpoint = open_endpoint(
            self._settings, live=self._live, ready=self._ready, meters=self.meters
        )
        self._vigil.start()

    def _waiting(self) -> Depths | None:
        found = self._broker.look()
        return None if found is None else self._judge(found)

    def _consumed_depths(self, found: BrokerVitals) -> Depths:
        return {queue.value: found.queues[queue] for queue in self._consumed}

    def _live(self) -> list[Finding]:
        return [Finding(subject="work", says=self._vigil.ailment() or OK)]

    def _ready(self) -> list[Finding]:
        consumes = OK if self._is_ready and not self._pulse.is_ending else "it takes no tasks"
        return [
            Finding(subject="tasks", says=consumes),
            *self._live(),
            find_redis(self._looker),
            find_broker(answers=self._vigil.hears_the_broker),
            *self._calls.findings(),
        ]

    def _on_ready(self, sender: Any, **_: object) -> None:  # noqa: ANN401 - celery has no types
        names = {queue.value: queue for queue in QueueName}
        consumed = sender.app.amqp.queues.consume_from
        self._consumed = frozenset(names[name] for name in consumed if name in names)
        self._pulse.hands = sender.pool.limit or self._pulse.hands
        self._pulse.loop()
        self._is_ready = True

    def _on_ending(self, **_: object) -> None:
        self._pulse.is_ending = True

    def _on_taken(self, **_: object) -> None:
        # Where tasks run in processes of their own, the other signals are not heard here.
        self._pulse.act()

    def _on_begin(self, task_id: str, **_: object) -> None:
        self._pulse.begin(task_id)
        self._began[task_id] = time.perf_counter()

    def _on_end(self, task_id: str, task: Any, state: str | None = None, **_: object) -> None:  # noqa: ANN401 - as above
        self._pulse.end(task_id)
        seconds = time.perf_counter() - self._began.pop(task_id, time.perf_counter())
        came = (task.request.delivery_info or {}).get("routing_key") or ""
        self.meters.count_turn(came, task.name, (state or "unknown").lower(), seconds)

    def _on_hint(self, sender: str, **_: object) -> None:
        self.meters.count_hint(sender)

    def _on_tick(self, **_: object) -> None:
        self._pulse.loop()
        self._pulse.act()

    def _give_up(self, why: str) -> None:
        _log.critical("this process hangs and ends", why=why)
        self._leave(self._settings.http_deadline + _MARGIN)


def _ticks(_: BrokerVitals) -> Depths:
    return {_TICKS: 1}


def _leave(grace: float) -> None:
    """End this process in good order, or in any once its last POST is certainly over."""
    last = Timer(grace, os._exit, [_HUNG])
    last.daemon = True
    last.start()
    os.kill(os.getpid(), signal.SIGTERM)


def _loop_step(pulse: Pulse) -> type:
    """Make what shows that the loop which hears the broker runs."""

    class LoopStep(bootsteps.StartStopStep):  # type: ignore[misc]  # celery has no types
        """Notes now and then, from within the loop, that it runs."""

        requires = ("celery.worker.consumer.connection:Connection",)

        def start(self, parent: Any) -> None:  # noqa: ANN401 - as above
            """Begin, with each connection to the broker anew."""
            pulse.loop()
            parent.timer.call_repeatedly(_LOOP_SECONDS, pulse.loop)

    return LoopStep
