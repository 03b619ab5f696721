"""The Celery application workers and beat run: `celery -A workers.app worker`."""

import sys

import structlog
from celery import Celery, signals

from dispatcher.errors import DispatcherError
from dispatcher.queueing import Hints, QueueName, Task, make_app
from dispatcher.settings import Settings
from workers.logs import configure_logs
from workers.milestones import Trace
from workers.resources import Resources, trace_to_log
from workers.tasks import register

_log = structlog.get_logger("workers.app")

_TICK_SECONDS = 1.0
# Ticks that pile up while no worker runs are worth one.
_TICK_LIFETIME = 5


def create_app(settings: Settings, *, trace: Trace = trace_to_log) -> Celery:
    """Make the worker's application: the bare one, with tasks, beat and start-up checks."""
    app = make_app(settings)
    app.conf.update(
        worker_prefetch_multiplier=1,
        worker_pool="threads",
        worker_concurrency=settings.concurrency,
        worker_send_task_events=True,
        task_send_sent_event=False,
        worker_hijack_root_logger=False,
        worker_soft_shutdown_timeout=settings.http_deadline + 10,
        task_acks_late=False,
        beat_scheduler="celery.beat:Scheduler",
        beat_schedule={
            "tick": {
                "task": Task.TICK.value,
                "schedule": _TICK_SECONDS,
                "options": {"expires": _TICK_LIFETIME, "queue": QueueName.CONTROL.value},
            },
        },
    )
    opened: list[Resources] = []

    def resources() -> Resources:
        return opened[0]

    def open_resources(**_: object) -> None:
        try:
            found = Resources(settings, Hints(app, fan_out=settings.fan_out), trace=trace)
            _replay_journal(found)
        except DispatcherError as error:
            sys.exit(f"cannot start: {error}")
        opened.append(found)

    def close_resources(**_: object) -> None:
        while opened:
            opened.pop().close()

    signals.worker_init.connect(open_resources, weak=False)
    signals.worker_shutdown.connect(close_resources, weak=False)
    signals.setup_logging.connect(lambda **_: configure_logs(settings), weak=False)
    register(app, resources)
    return app


def _replay_journal(resources: Resources) -> None:
    for account in resources.accounts:
        if recorded := resources.journal.replay(account.name, account.store.batches):
            _log.info("journal replayed", account=account.name, outcomes=recorded)
