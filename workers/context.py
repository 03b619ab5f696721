"""What every line of a worker's log carries: the task it is of, and its account and campaign."""

from collections.abc import Mapping, Sequence
from typing import Any

from structlog.contextvars import bind_contextvars, clear_contextvars

from dispatcher.queueing import Task

# Whose arguments are ids, and what they are; of others, above all a submit, nothing is shown.
_IDS: Mapping[str, Sequence[str]] = {
    Task.QUOTE.value: ("account", "campaign"),
    Task.SEND.value: ("account", "campaign"),
    Task.CALL_BACK.value: ("account", "producer"),
    **{
        task.value: ("account",)
        for task in (
            Task.CHECK_CREDITS,
            Task.MERGE_RECEIPTS,
            Task.LINK_REPLIES,
            Task.WITHDRAW,
            Task.RUN_SCHEDULES,
            Task.CLEAN_LISTS,
            Task.SYNC_BLACKLIST,
            Task.RECONCILE,
            Task.CHECK,
            Task.NAME,
        )
    },
}


def bind_task(task_id: str, task: Any, args: Any = (), **_: object) -> None:  # noqa: ANN401 - celery has no types
    """Have what is logged from now on say which task it is of."""
    clear_contextvars()
    names = _IDS.get(task.name, ())
    bind_contextvars(task=task.name, task_id=task_id, **dict(zip(names, args, strict=False)))


def unbind_task(**_: object) -> None:
    """Forget it: the thread will serve others."""
    clear_contextvars()
