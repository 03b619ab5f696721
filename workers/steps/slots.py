"""Waits for the slot that the account's budget gave a batch; see `store.pacing`."""

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

from dispatcher.queueing import Task
from dispatcher.store.claims import SendClaim
from workers.resources import Account

_LEAD = 0.05
"""Seconds before its slot that a batch is looked at for the last time, and its connection made."""
# So much of the 5 ms that a window leaves room for is ours, the rest the network's.
_PUNCTUAL_MS = 3


def await_slot(account: Account, claim: SendClaim) -> bool:
    """Wait until just before a batch's slot; tell whether the worker goes on, or ends meanwhile.

    Whoever leaves calls for the next worker, for those that found no slot near enough have gone.
    """
    if claim.post_at is None:
        return True
    if account.stopping.wait(max(0.0, claim.post_at - _LEAD - time.monotonic())):
        return False
    _aside(lambda: account.hints.nudge(Task.SEND, account.name, claim.campaign))
    return True


def await_moment(claim: SendClaim) -> None:
    """Wait for the slot itself, with the connection made: nothing but one write is left to do."""
    if claim.post_at is not None:
        time.sleep(max(0.0, claim.post_at - time.monotonic()))


def tell_lateness(account: Account, claim: SendClaim) -> None:
    """Tell the others when a POST went out later than its slot: the next second begins later."""
    if claim.post_at is None:
        return
    late_ms = int((time.monotonic() - claim.post_at) * 1000) - _PUNCTUAL_MS
    if late_ms > 0:
        _aside(lambda: account.store.pacing.note(claim, late_ms=late_ms))


def _aside(action: Callable[[], object]) -> None:
    """Do what neither a slot nor an answer of the API may wait for, nor depend on."""

    def run() -> None:
        with suppress(Exception):
            action()

    Thread(target=run, name="aside", daemon=True).start()
