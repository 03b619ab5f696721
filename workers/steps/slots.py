"""Waits for the slot that the account's budget gave a batch; see `store.pacing`."""

import enum
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from threading import Thread

from dispatcher.queueing import Task
from dispatcher.store.claims import SendClaim
from workers.resources import Account

# So much of the 5 ms that a window leaves room for is ours, the rest the network's.
_PUNCTUAL_MS = 3
_PAUSE = 0.25
# Later than this a POST would share its second with those of later slots.
_LATEST = 0.1


class Wait(enum.Enum):
    """What came of waiting."""

    NONE = "none"
    """It was time already."""

    OVER = "over"
    """It took its time, in which anything may have happened."""

    ENDING = "ending"
    """The worker ends, so nothing more is begun."""


def await_slot(account: Account, claim: SendClaim) -> Wait:
    """Wait until it is time to connect for a batch's slot."""
    return _await(account, claim, account.leads.seconds(claim.early_ms))


def await_look(account: Account, claim: SendClaim) -> Wait:
    """Wait, with the connection made, until it is time to look at a batch for the last time."""
    return _await(account, claim, account.leads.beginning.seconds)


def await_moment(claim: SendClaim) -> None:
    """Wait for the slot itself: nothing but one write is left to do."""
    if claim.post_at is not None:
        time.sleep(max(0.0, claim.post_at - time.monotonic()))


def is_missed(claim: SendClaim) -> bool:
    """Tell whether a batch's slot passed while Redis was asked about it."""
    return claim.post_at is not None and time.monotonic() > claim.post_at + _LATEST


def call_next(account: Account, claim: SendClaim) -> None:
    """Call for the next worker, for those that found no slot near enough have gone."""
    if claim.post_at is not None:
        _aside(lambda: account.hints.nudge(Task.SEND, account.name, claim.campaign))


def renewed(account: Account, claim: SendClaim) -> SendClaim | None:
    """Give a batch that missed its slot another; None when the worker ends instead.

    Raises:
        StoreUnavailableError: Redis did not answer.
    """
    post_at = account.store.pacing.renew(claim, early_ms=account.leads.early_ms)
    is_past = post_at is not None and post_at <= time.monotonic()
    # Redis took so long to tell that the next one would be missed at once, too.
    if is_past and account.stopping.wait(_PAUSE):
        return None
    return replace(claim, post_at=post_at)


def tell_lateness(account: Account, claim: SendClaim) -> None:
    """Tell the others when a POST went out later than its slot: the next second begins later."""
    if claim.post_at is None:
        return
    late_ms = int((time.monotonic() - claim.post_at) * 1000) - _PUNCTUAL_MS
    if late_ms > 0:
        _aside(lambda: account.store.pacing.note(claim, late_ms=late_ms))


def _await(account: Account, claim: SendClaim, lead: float) -> Wait:
    if claim.post_at is None:
        return Wait.NONE
    left = claim.post_at - lead - time.monotonic()
    if account.stopping.wait(max(0.0, left)):
        return Wait.ENDING
    return Wait.OVER if left > 0 else Wait.NONE


def _aside(action: Callable[[], object]) -> None:
    """Do what neither a slot nor an answer of the API may wait for, nor depend on."""

    def run() -> None:
        with suppress(Exception):
            action()

    Thread(target=run, name="aside", daemon=True).start()
