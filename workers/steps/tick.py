"""Finds what stands still and nudges it; safe to run anywhere, any number of times at once."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from dispatcher.errors import StoreError
from dispatcher.queueing import Task
from dispatcher.store.ledger import Agenda
from workers.resources import Account
from workers.steps.blacklist import sync_interval_ms
from workers.steps.reconcile import precautions_of

# Workers that are behind need no more hints: those beyond would only wait and expire.
_ENOUGH = 500


def tick(account: Account) -> None:
    """Look at one account once."""
    with suppress(StoreError):
        account.journal.retry(account.name, account.store.batches)
    interval_ms = sync_interval_ms(account)
    if interval_ms and account.store.suppressions.is_sync_due(interval_ms=interval_ms):
        account.hints.nudge(Task.SYNC_BLACKLIST, account.name)
    if account.store.unknowns.review(precautions_of(account.settings, account.name)):
        account.hints.nudge(Task.RECONCILE, account.name)
    agenda = account.store.ledger.tick()
    for task in _asked_for(agenda):
        account.hints.nudge(task, account.name)
    for producer in _due_callbacks(account):
        account.hints.nudge(Task.CALL_BACK, account.name, producer)
    if not agenda.nudges:
        return
    # Redis has no empty queues, so nobody can tell how long one is that has been worked off.
    room = _ENOUGH - (account.hints.backlog() or 0)
    for nudge in agenda.nudges:
        if room <= 0:
            return
        taken = account.hints.move_on(
            account.name, nudge.campaign, nudge.state, waiting=nudge.waiting, most=room
        )
        # A broker that took none would cost a time-out for each of the others.
        room = room - taken if taken else 0


def _due_callbacks(account: Account) -> Sequence[str]:
    wanted = account.settings.callbacks
    if not wanted:
        return ()
    return account.store.callbacks.due({name: each.endpoint for name, each in wanted.items()})


def _asked_for(agenda: Agenda) -> Iterator[Task]:
    waiting = {
        Task.CHECK_CREDITS: agenda.held,
        Task.MERGE_RECEIPTS: agenda.receipts,
        Task.LINK_REPLIES: agenda.replies,
        Task.WITHDRAW: agenda.withdrawals,
        Task.RUN_SCHEDULES: agenda.schedules,
        Task.CLEAN_LISTS: agenda.cleanups,
        Task.CHECK: agenda.checks,
        Task.NAME: agenda.unnamed,
    }
    return (task for task, count in waiting.items() if count)
