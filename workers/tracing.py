"""What workers trace: turns on a campaign, their calls of the API, milestones, and receipts."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dispatcher.errors import StoreError
from dispatcher.queueing import Task
from dispatcher.smsfactor.watching import OK, Call, Watch
from dispatcher.tracing import Tracing
from workers.milestones import Milestone, Trace

if TYPE_CHECKING:
    from workers.resources import Account

_OF_CAMPAIGNS = (Task.QUOTE, Task.SEND)


def calls_traced(tracing: Tracing, account: str, watch: Watch) -> Watch:
    """Give what traces the calls of an account, beside whoever else is told of them."""
    if not tracing.is_on:
        return watch

    def tell(call: Call) -> None:
        watch(call)
        tracing.call(
            f"{call.method} {call.route}",
            began_at=call.began_at,
            seconds=call.seconds,
            is_fine=call.outcome == OK,
            account=account,
            route=call.route,
            outcome=call.outcome,
        )

    return tell


def milestones_traced(tracing: Tracing, trace: Trace) -> Trace:
    """Give what traces milestones, beside whoever else is told of them."""
    if not tracing.is_on:
        return trace

    def tell(milestone: Milestone, campaign: str, n: int) -> None:
        trace(milestone, campaign, n)
        tracing.event(milestone.value, batch=n)

    return tell


@contextmanager
def turn_traced(account: "Account", task: Task, ids: tuple[str, ...]) -> Iterator[None]:
    """Trace a turn on a campaign, in the trace that it was submitted in."""
    tracing = account.tracing
    if not tracing.is_on or task not in _OF_CAMPAIGNS:
        yield
        return
    (campaign,) = ids
    parent = account.store.traces.of(campaign)
    if not parent:
        yield
        return
    with tracing.span(task.value, parent=parent, account=account.name, campaign=campaign):
        yield


@contextmanager
def receipts_traced(account: "Account", sequences: Iterable[int]) -> Iterator[None]:
    """Trace the merging of receipts, in the traces of the campaigns they are of."""
    tracing = account.tracing
    if not tracing.is_on:
        yield
        return
    began_at, began = time.time(), time.perf_counter()
    yield
    seconds = time.perf_counter() - began
    try:
        traces = account.store.traces.of_recipients(sequences)
    except StoreError:
        # They are merged, and that is what matters.
        return
    for campaign, parent in traces.items():
        tracing.record(
            Task.MERGE_RECEIPTS.value,
            parent=parent,
            began_at=began_at,
            seconds=seconds,
            account=account.name,
            campaign=campaign,
        )
