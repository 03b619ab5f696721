"""The Celery application of workers and beat; `celery -A workers.celery` runs it."""

import os
import signal
import sys
import threading
from typing import Any, NoReturn

import structlog
from celery import Celery, signals
from celery.beat import Service
from celery.worker.control import Panel

from dispatcher.cli.exit_codes import code_of_error
from dispatcher.errors import DispatcherError
from dispatcher.logs import warn_of_strays
from dispatcher.queueing import Hints, QueueName, Task, make_app
from dispatcher.settings import Settings
from dispatcher.tracing import open_tracing
from workers.context import bind_task, unbind_task
from workers.logs import configure_worker_logs
from workers.milestones import Trace
from workers.resources import Resources, trace_to_log
from workers.tasks import register
from workers.watch import Watchman
from workers.withdrawer import Withdrawer

_log = structlog.get_logger("workers.app")

_TICK_SECONDS = 1.0
# People who were in a POST under way when they were to be forgotten wait no longer.
_RETAIN_SECONDS = 10.0
# Ticks that pile up while no worker runs are worth one. Expiry compares two machines' clocks.
_TICK_LIFETIME = 60
_SHUTDOWN_MARGIN = 10.0
# Flower calls for events and signs of life; the others write files, or hold the process up.
_HARMLESS = {"enable_events", "heartbeat"}
_COSTLY = {"objgraph", "memsample", "memdump"}
# A tick takes milliseconds while the broker answers.
_BEAT_ENDS_SECONDS = 5.0


def create_app(settings: Settings, *, trace: Trace = trace_to_log) -> Celery:
    """Make the worker's application: the bare one, with tasks, beat and start-up checks."""
    app = make_app(settings)
    app.conf.update(_worker_options(settings))
    process = _Process(app, settings, trace)
    signals.setup_logging.connect(process.configure_logs, weak=False)
    signals.worker_init.connect(process.open, weak=False)
    signals.beat_init.connect(process.open_beat, weak=False)
    signals.task_prerun.connect(bind_task)
    signals.task_postrun.connect(unbind_task)
    signals.worker_shutting_down.connect(process.stop, weak=False)
    signals.worker_shutdown.connect(process.close, weak=False)
    signals.beat_init.connect(end_between_ticks)
    register(app, process.resources)
    return app


def _worker_options(settings: Settings) -> dict[str, Any]:
    return {
        # Hints are acknowledged before they run: late acknowledgement prevents no loss and
        # doubles work (measured). `campaigns.submit` alone asks for it.
        "task_acks_late": False,
        "worker_prefetch_multiplier": 1,
        "worker_pool": "threads",
        "worker_concurrency": settings.concurrency,
        "worker_send_task_events": True,
        "task_send_sent_event": False,
        "worker_soft_shutdown_timeout": settings.http_deadline + _SHUTDOWN_MARGIN,
        "beat_scheduler": "celery.beat:Scheduler",
        "beat_schedule": {
            "tick": {
                "task": Task.TICK.value,
                "schedule": _TICK_SECONDS,
                "options": {"expires": _TICK_LIFETIME, "queue": QueueName.CONTROL.value},
            },
            "retention": {
                "task": Task.RETAIN.value,
                "schedule": _RETAIN_SECONDS,
                "options": {"expires": _TICK_LIFETIME, "queue": QueueName.RECEIPTS.value},
            },
        },
    }


def end_between_ticks(sender: Service, **_: object) -> None:
    """Have SIGTERM end beat after the tick it is in, which is within a second or so.

    Celery's own handler raises wherever beat happens to be, and in the middle of a command the
    Redis client turns that into an error of its own: beat would go on for ever. So it would in a
    tick that tries to reach a broker which is away, hence the last word; nothing can be lost.
    """

    def end(*_: object) -> None:
        sender.stop()
        last = threading.Timer(_BEAT_ENDS_SECONDS, _leave)
        last.daemon = True
        last.start()

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)


def _leave() -> None:
    os._exit(0)


def _refuse(error: DispatcherError) -> NoReturn:
    sys.stderr.write(f"cannot start: {error}\n")
    sys.exit(code_of_error(error))


class _Process:
    """What one worker process opens when it starts and closes when it ends."""

    def __init__(self, app: Celery, settings: Settings, trace: Trace) -> None:
        self._app = app
        self._settings = settings
        self._trace = trace
        self._resources: Resources | None = None
        self._withdrawer: Withdrawer | None = None
        self._watchman: Watchman | None = None

    def resources(self) -> Resources:
        """Give what was opened."""
        if self._resources is None:
            raise DispatcherError("the worker has not opened its resources")
        return self._resources

    def configure_logs(self, **_: object) -> None:
        configure_worker_logs(self._settings)
        warn_of_strays(self._settings)

    def open(self, **_: object) -> None:
        # Celery logs what a signal's receiver raises and goes on; a worker that cannot work
        # must not, whatever the reason.
        try:
            hints = Hints(self._app, fan_out=self._settings.fan_out)
            self._watchman = Watchman(self._settings)
            found = Resources(
                self._settings,
                hints,
                trace=self._trace,
                watch=self._watchman.api,
                tracing=open_tracing(self._settings, service="worker"),
            )
            _replay_journal(found)
            self._watchman.watch_worker(self._app)
            _take_no_orders()
        except DispatcherError as error:
            _refuse(error)
        except Exception as error:  # noqa: BLE001 - as said above
            sys.exit(f"cannot start: {type(error).__name__}; this is a defect")
        self._resources = found
        self._withdrawer = Withdrawer(found.accounts)
        self._withdrawer.start()

    def open_beat(self, **_: object) -> None:
        try:
            self._watchman = Watchman(self._settings)
            self._watchman.watch_beat()
        except DispatcherError as error:
            _refuse(error)

    def stop(self, **_: object) -> None:
        """Let tasks end after the step they are at, and none wait for a slot."""
        if self._resources is not None:
            self._resources.stopping.set()

    def close(self, **_: object) -> None:
        if self._withdrawer is not None:
            self._withdrawer.close()
            self._withdrawer = None
        if self._resources is not None:
            self._resources.close()
            self._resources = None
        if self._watchman is not None:
            self._watchman.close()
            self._watchman = None


def _replay_journal(resources: Resources) -> None:
    for account in resources.accounts:
        if recorded := resources.journal.replay(account.name, account.store.batches):
            _log.info("journal replayed", account=account.name, outcomes=recorded)


def _take_no_orders() -> None:
    """Answer questions about this worker, and do nothing that anybody on the broker says.

    Whoever may ask may order as well, for Redis sees no difference: so could Flower's user.
    """
    for command in list(Panel.data):
        about = Panel.meta.get(command)
        is_question = about is not None and about.type == "inspect"
        if command in _COSTLY or not (is_question or command in _HARMLESS):
            del Panel.data[command]
