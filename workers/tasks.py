"""The tasks: each calls a step until nothing is due or its turn is over, and says how it went."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from celery import Celery
from celery import Task as CeleryTask

from dispatcher.documents import read_document
from dispatcher.domain.message import PushType
from dispatcher.errors import DispatcherError, Disposition, InputError
from dispatcher.producer import Dispatcher
from dispatcher.queueing import Task
from workers.quiet import QuietRequest
from workers.resources import Account, Resources
from workers.steps.blacklist import sync_next
from workers.steps.callbacks import deliver_next
from workers.steps.cleanup import clean_next
from workers.steps.conservation import check_next
from workers.steps.credits import check_credits
from workers.steps.naming import name_next
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.receipts import merge_next
from workers.steps.reconcile import reconcile
from workers.steps.replies import link_next
from workers.steps.retention import retain_all
from workers.steps.schedules import run_next
from workers.steps.send import send_next
from workers.steps.tick import tick
from workers.steps.withdraw import withdraw_next
from workers.tracing import turn_traced

_log = structlog.get_logger("workers.tasks")

Step = Callable[[Account], Progress]

_ACCOUNT_STEPS: Mapping[Task, Step] = {
    Task.CHECK_CREDITS: check_credits,
    Task.MERGE_RECEIPTS: merge_next,
    Task.LINK_REPLIES: link_next,
    Task.WITHDRAW: withdraw_next,
    Task.RUN_SCHEDULES: run_next,
    Task.CLEAN_LISTS: clean_next,
    Task.SYNC_BLACKLIST: sync_next,
    Task.RECONCILE: reconcile,
    Task.CHECK: check_next,
    Task.NAME: name_next,
}

_NAMES_OF_STEPS: Mapping[Task, tuple[str, str]] = {
    Task.QUOTE: ("batch", "batches"),
    Task.SEND: ("batch", "batches"),
    Task.WITHDRAW: ("batch", "batches"),
    Task.CHECK: ("campaign", "campaigns"),
    Task.CALL_BACK: ("event", "events"),
}


class QuietTask(CeleryTask):  # type: ignore[misc]  # celery has no types
    """A task whose arguments nobody is shown."""

    Request = QuietRequest


def register(app: Celery, resources: Callable[[], Resources]) -> None:
    """Add every task to an app; `resources` gives what this process has opened."""
    _register_dispatch(app, resources)
    _register_control(app, resources)
    _register_callbacks(app, resources)
    _register_for_others(app, resources)


def _register_dispatch(app: Celery, resources: Callable[[], Resources]) -> None:
    @app.task(name=Task.QUOTE.value)  # type: ignore[untyped-decorator]  # celery has no types
    def quote(account: str, campaign: str) -> str:
        turn = _take_turn(
            resources(), Task.QUOTE, lambda found: quote_next(found, campaign), account, campaign
        )
        if turn.last is Progress.QUOTED:
            return f"all quoted; sent: {_send(resources(), account, campaign)}"
        return str(turn)

    @app.task(name=Task.SEND.value)  # type: ignore[untyped-decorator]  # celery has no types
    def send(account: str, campaign: str) -> str:
        return str(_send(resources(), account, campaign))


def _send(resources: Resources, account: str, campaign: str) -> "_Turn":
    return _take_turn(
        resources, Task.SEND, lambda found: send_next(found, campaign), account, campaign
    )


def _register_callbacks(app: Celery, resources: Callable[[], Resources]) -> None:
    @app.task(name=Task.CALL_BACK.value)  # type: ignore[untyped-decorator]  # celery has no types
    def call_back(account: str, producer: str) -> str:
        turn = _take_turn(
            resources(),
            Task.CALL_BACK,
            lambda found: deliver_next(found, producer),
            account,
            producer,
        )
        return str(turn)


def _register_control(app: Celery, resources: Callable[[], Resources]) -> None:
    @app.task(name=Task.TICK.value)  # type: ignore[untyped-decorator]  # celery has no types
    def look_around() -> str:
        return _on_every_account(resources(), Task.TICK, tick)

    @app.task(name=Task.RETAIN.value)  # type: ignore[untyped-decorator]  # celery has no types
    def retain() -> str:
        return _on_every_account(resources(), Task.RETAIN, retain_all)

    for task, step in _ACCOUNT_STEPS.items():
        _register_account_step(app, resources, task, step)


def _on_every_account(resources: Resources, task: Task, look: Callable[[Account], None]) -> str:
    failed = 0
    for account in resources.accounts:
        try:
            look(account)
        except DispatcherError as error:
            # One account's trouble must not stop the others.
            _log.error("look failed", task=task.value, account=account.name, error=str(error))
            failed += 1
    looked = _count(len(resources.accounts), "account", "accounts")
    return f"{looked}, {failed} failed: see the log" if failed else looked


def _register_account_step(
    app: Celery, resources: Callable[[], Resources], task: Task, step: Step
) -> None:
    @app.task(name=task.value)  # type: ignore[untyped-decorator]  # celery has no types
    def take_turn(account: str) -> str:
        return str(_take_turn(resources(), task, step, account))


def _register_for_others(app: Celery, resources: Callable[[], Resources]) -> None:
    @app.task(  # type: ignore[untyped-decorator]  # celery has no types
        name=Task.SUBMIT.value,
        base=QuietTask,
        ignore_result=False,
        # The only message with content: a worker that dies leaves it to the next one.
        acks_late=True,
        reject_on_worker_lost=True,
    )
    def submit(document: Any) -> dict[str, Any]:  # noqa: ANN401 - anybody's document
        try:
            found = resources()
            parent = app.current_task.request.get("traceparent")
            with found.tracing.span(Task.SUBMIT.value, parent=str(parent or "")):
                return _submit(found, document)
        except InputError as error:
            return _refusal(error)
        except DispatcherError as error:
            return _failure(error)

    @app.task(  # type: ignore[untyped-decorator]  # celery has no types
        name=Task.CANCEL.value,
        ignore_result=False,
        acks_late=True,
        reject_on_worker_lost=True,
    )
    def cancel(campaign: Any, account: Any = None) -> dict[str, Any]:  # noqa: ANN401 - anybody's words
        try:
            found = resources().dispatcher.cancel(str(campaign), account=account)
        except DispatcherError as error:
            return _failure(error)
        return {**asdict(found), "state": found.state.value}


def _submit(resources: Resources, document: object) -> dict[str, Any]:
    campaign, key = read_document(document)
    identity = resources.dispatcher.submit(campaign, idempotency_key=key)
    state = resources.dispatcher.status(identity, account=campaign.account).state
    answer: dict[str, Any] = {"id": identity, "state": state.value}
    if campaign.send_at is not None or campaign.pushtype is PushType.ADVERTISING:
        answer["goes_out"] = _departure(resources.dispatcher, identity, account=campaign.account)
    return answer


def _departure(dispatcher: Dispatcher, campaign: str, *, account: str | None) -> str | None:
    """Give when the first of a campaign goes out, as ISO 8601; None while nobody can tell."""
    departures = dispatcher.plan(campaign, account=account)
    first = departures[0].at if departures else None
    return None if first is None else first.isoformat(timespec="seconds")


def _failure(error: DispatcherError) -> dict[str, Any]:
    again = error.disposition is Disposition.RETRY
    return {
        "state": "unavailable" if again else "refused",
        "error": type(error).__name__,
        "message": str(error),
    }


def _refusal(error: InputError) -> dict[str, Any]:
    return {
        "state": "refused",
        "error": type(error).__name__,
        "message": str(error),
        "problems": [
            {
                "field": problem.field,
                "row": problem.row,
                "message": problem.message,
                "fix": problem.fix,
            }
            for problem in error.problems
        ],
        "total": error.total,
    }


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """What came of a turn, in the words that Flower shows as the task's result."""

    task: Task
    steps: int = 0
    last: Progress = Progress.NONE
    is_cut_short: bool = False

    def __str__(self) -> str:
        if not self.steps:
            return "nothing was due"
        made = _count(self.steps, *_NAMES_OF_STEPS.get(self.task, ("step", "steps")))
        return f"{made}, more to do" if self.is_cut_short else made


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _take_turn(
    resources: Resources,
    task: Task,
    step: Step,
    account: str,
    *more: str,
) -> _Turn:
    """Work for a while, then queue up again, so that a large campaign does not block others."""
    found = resources.account(account)
    if found is None:
        _log.error("no credentials for this account", account=account, task=task.value)
        return _Turn(task=task)
    until = time.monotonic() + resources.settings.slice_seconds
    steps = 0
    with turn_traced(found, task, more):
        while (last := step(found)) is Progress.MADE:
            steps += 1
            if time.monotonic() >= until or resources.stopping.is_set():
                resources.hints.nudge(task, account, *more)
                return _Turn(task=task, steps=steps, last=last, is_cut_short=True)
    return _Turn(task=task, steps=steps, last=last)
