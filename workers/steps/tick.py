"""Finds what stands still and nudges it; safe to run anywhere, any number of times at once."""

from dispatcher.queueing import Task
from workers.resources import Account


def tick(account: Account) -> None:
    """Look at one account once."""
    agenda = account.store.ledger.tick()
    for nudge in agenda.nudges:
        account.hints.move_on(account.name, nudge.campaign, nudge.state, waiting=nudge.waiting)
    if agenda.held:
        account.hints.nudge(Task.CHECK_CREDITS, account.name)
    if agenda.receipts:
        account.hints.nudge(Task.MERGE_RECEIPTS, account.name)
