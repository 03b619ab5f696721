"""The only contract between producers and workers: task names, queues and the bare Celery app.

Messages are hints. Losing, doubling or delaying one costs time, never a campaign: the state in
Redis says what is next, and a tick finds what stands still. `campaigns.submit` alone carries
content, for producers that do not use our code; see `Task.SUBMIT`.
"""

import enum
from collections.abc import Mapping

from celery import Celery
from kombu.entity import Exchange, Queue
from kombu.exceptions import ChannelError, OperationalError
from kombu.exceptions import ConnectionError as BrokerConnectionError

from dispatcher.addresses import named_by, why_unreachable
from dispatcher.broker_options import broker_options
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.settings import Settings

# A hint older than this is not worth running: the tick has made a new one.
_HINT_LIFETIME = 120
_ALL = 1_000
# RabbitMQ's client has roots of its own for what it is refused, and what ends a connection.
_BROKER_ERRORS = (OperationalError, ChannelError, BrokerConnectionError, OSError)


class QueueName(enum.Enum):
    """The queues workers consume."""

    SUBMIT = "submit"
    """Whole campaigns from producers that do not use our code."""

    EXPRESS = "express"
    """Quoting and sending where one batch waits: short, and never behind a million recipients."""

    DISPATCH = "dispatch"
    """Quoting and sending of all others."""

    CONTROL = "control"
    """Ticks and credit checks: short, and never behind a million recipients."""

    CANCEL = "cancel"
    """Taking back what the API has for later, which must not come too late."""

    RECEIPTS = "receipts"
    """Merging receipts, linking replies, emptying lists, checks: what may wait a little."""

    CALLBACKS = "callbacks"
    """Posting events to producers, whose endpoints may be slow: never before anything else."""


class Task(enum.Enum):
    """Task names, as producers publish them and operators see them in Flower."""

    SUBMIT = "campaigns.submit"
    """Takes one JSON document with a campaign; its result is the campaign's id and state."""

    QUOTE = "campaigns.quote"
    """Simulates batches of a campaign: (account, campaign)."""

    SEND = "campaigns.send"
    """Sends batches of a campaign: (account, campaign)."""

    CHECK_CREDITS = "accounts.check_credits"
    """Asks the API for the balance and releases held campaigns: (account)."""

    MERGE_RECEIPTS = "receipts.merge"
    """Merges received receipts: (account)."""

    LINK_REPLIES = "replies.link"
    """Links received replies to campaigns: (account)."""

    CANCEL = "campaigns.cancel"
    """Cancels what is not sent yet: (campaign), or (campaign, account); its result tells per batch
    what came of it, and repeating it how far that has come."""

    WITHDRAW = "campaigns.withdraw"
    """Takes back batches of cancelled or paused campaigns: (account)."""

    RUN_SCHEDULES = "schedules.run"
    """Makes campaigns of the occurrences that are due: (account)."""

    CLEAN_LISTS = "accounts.clean_lists"
    """Empties lists that were made for campaigns which are over: (account)."""

    SYNC_BLACKLIST = "accounts.sync_blacklist"
    """Compares the suppression list with the API's blacklist: (account)."""

    RECONCILE = "accounts.reconcile"
    """Looks for evidence about batches whose answer was lost: (account)."""

    CALL_BACK = "producers.call_back"
    """Posts events to a producer: (account, producer)."""

    CHECK = "campaigns.check"
    """Compares the counters of campaigns with their recipients, and the API's: (account)."""

    NAME = "campaigns.name"
    """Finds out whom the API left out of batches: (account)."""

    RETAIN = "retention"
    """Erases on every account what was kept for long enough, and people who wait for it."""

    TICK = "tick"
    """Finds what should have moved on every account, and nudges it."""


QUEUE_OF: Mapping[Task, QueueName] = {
    Task.SUBMIT: QueueName.SUBMIT,
    Task.QUOTE: QueueName.DISPATCH,
    Task.SEND: QueueName.DISPATCH,
    Task.CHECK_CREDITS: QueueName.CONTROL,
    Task.MERGE_RECEIPTS: QueueName.RECEIPTS,
    Task.LINK_REPLIES: QueueName.RECEIPTS,
    Task.CANCEL: QueueName.CANCEL,
    Task.WITHDRAW: QueueName.CANCEL,
    Task.RUN_SCHEDULES: QueueName.CONTROL,
    Task.CLEAN_LISTS: QueueName.RECEIPTS,
    Task.SYNC_BLACKLIST: QueueName.RECEIPTS,
    Task.RECONCILE: QueueName.CONTROL,
    Task.CALL_BACK: QueueName.CALLBACKS,
    Task.CHECK: QueueName.RECEIPTS,
    Task.NAME: QueueName.RECEIPTS,
    Task.RETAIN: QueueName.RECEIPTS,
    Task.TICK: QueueName.CONTROL,
}


def make_app(settings: Settings) -> Celery:
    """Make a Celery app that can publish; the worker's own adds tasks to one like it."""
    app = Celery("dispatcher", set_as_current=False)
    app.conf.update(
        **broker_options(settings),
        task_queues=[_queue(name) for name in QueueName],
        task_routes={task.value: {"queue": QUEUE_OF[task].value} for task in Task},
        task_default_queue=QueueName.DISPATCH.value,
        task_create_missing_queues=False,
        task_serializer="json",
        accept_content=["json"],
        result_serializer="json",
        result_accept_content=["json"],
        result_expires=86_400,
        task_ignore_result=True,
        enable_utc=True,
        timezone="UTC",
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,
        broker_pool_acquire_timeout=10,
        task_publish_retry_policy={
            "max_retries": 2,
            "interval_start": 0,
            "interval_step": 0.2,
            "interval_max": 0.5,
        },
    )
    return app


def _queue(name: QueueName) -> Queue:
    # A routing key of its own: with the default one, every queue would get every message.
    exchange = Exchange("dispatcher", type="direct")  # type: ignore[no-untyped-call]  # kombu's own
    return Queue(name.value, exchange, routing_key=name.value)  # type: ignore[no-untyped-call]  # kombu's own


def _foreign_queue(name: str) -> Queue:
    # Celery's own way to make a queue that is only named: exchange and key are named alike.
    exchange = Exchange(name, type="direct")  # type: ignore[no-untyped-call]  # kombu's own
    return Queue(name, exchange, routing_key=name)  # type: ignore[no-untyped-call]  # kombu's own


TASK_OF: Mapping[CampaignState, Task] = {
    CampaignState.QUEUED: Task.QUOTE,
    CampaignState.QUOTING: Task.QUOTE,
    CampaignState.SENDING: Task.SEND,
}
"""What moves a campaign on from each state that tasks move it on from."""


class Hints:
    """Publishes hints to workers."""

    def __init__(self, app: Celery, *, fan_out: int) -> None:
        self._app = app
        self._fan_out = fan_out

    def move_on(
        self, account: str, campaign: str, state: CampaignState, *, waiting: int, most: int = _ALL
    ) -> int:
        """Have as many tasks work on a campaign as it has batches waiting, within bounds.

        One batch alone goes by the express queue; `waiting` is 0 when nobody knows how many do.
        Gives how many hints the broker took.
        """
        if state not in TASK_OF:
            return 0
        copies = min(max(waiting, 1), self._fan_out, most)
        task, queue = TASK_OF[state], QueueName.EXPRESS if waiting == 1 else None
        return copies if self.nudge(task, account, campaign, copies=copies, queue=queue) else 0

    def backlog(self) -> int | None:
        """Count the hints to quote and send that no worker took yet; None when nobody can tell."""
        try:
            with self._app.connection_or_acquire() as connection:
                queue = connection.default_channel.queue_declare(
                    QueueName.DISPATCH.value, passive=True
                )
                return int(queue.message_count)
        except ChannelError:
            # Redis keeps no empty lists, so a queue that is not there is one that is drained.
            return 0
        except _BROKER_ERRORS:
            return None

    def nudge(self, task: Task, *ids: str, copies: int = 1, queue: QueueName | None = None) -> bool:
        """Ask a worker to look at something; tell whether the broker took it.

        A lost hint is no error: the tick gives another. It goes to the task's queue unless told.
        """
        try:
            for _ in range(copies):
                self._app.send_task(
                    task.value,
                    args=ids,
                    queue=(queue or QUEUE_OF[task]).value,
                    expires=_HINT_LIFETIME,
                    ignore_result=True,
                )
        except _BROKER_ERRORS:
            return False
        return True

    def ask(self, task: str, queue: str, document: Mapping[str, str], *, lifetime: float) -> bool:
        """Publish a task of a producer's; tell whether the broker took it.

        Args:
            task: its name.
            queue: which the producer's worker consumes.
            document: its keyword arguments.
            lifetime: seconds after which nobody needs to run it any more.
        """
        try:
            self._app.send_task(
                task,
                kwargs=dict(document),
                queue=_foreign_queue(queue),
                expires=lifetime,
                ignore_result=True,
            )
        except _BROKER_ERRORS:
            return False
        return True


def broker_problem(settings: Settings) -> str | None:
    """Say why messages cannot be published just now; None when they can."""
    app = make_app(settings)
    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=5)
    except _BROKER_ERRORS as error:
        return why_broker_is_away(settings, error)
    return None


def is_broker_error(error: BaseException) -> bool:
    """Tell whether an error is the broker's, or the way to it, and no defect of ours."""
    return isinstance(error, _BROKER_ERRORS)


def why_broker_is_away(settings: Settings, error: BaseException) -> str:
    """Say why the broker cannot be used, and where that is."""
    named = named_by("DISPATCHER_BROKER_URL", settings.broker_address)
    return why_unreachable("the broker", error.__cause__ or error, named=named)
