"""Finds what stands still and nudges it; safe to run anywhere, any number of times at once."""

from contextlib import suppress

from dispatcher.errors import StoreError
from dispatcher.queueing import Task
from workers.resources import Account

# Workers that are behind need no more hints: those beyond would only wait and expire.
_ENOUGH = 500


def tick(account: Account) -> None:
    """Look at one account once."""
    with suppress(StoreError):
        account.journal.retry(account.name, account.store.batches)
    agenda = account.store.ledger.tick()
    if agenda.held:
        account.hints.nudge(Task.CHECK_CREDITS, account.name)
    if agenda.receipts:
        account.hints.nudge(Task.MERGE_RECEIPTS, account.name)
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
