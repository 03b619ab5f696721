"""Makes the one POST of a claimed batch, when nothing forbids it any more.

The connection comes first, then the last look at the batch, then its slot, then the first byte: so
a worker that is killed leaves a batch in doubt only if that happens in these few milliseconds.
"""

import time
from dataclasses import dataclass

from dispatcher.domain.sequence import gsmsmsids
from dispatcher.errors import CalledOffError, StoreError, StoreUnavailableError
from dispatcher.smsfactor import Destination, Phase, SendReply
from dispatcher.store.batches import SLOT_MISSED, SUPPRESSIONS_CHANGED, Outcome, SendRecord
from dispatcher.store.claims import SendClaim, left_in
from workers.milestones import Milestone
from workers.resources import Account
from workers.steps.hours import out_of_hours
from workers.steps.obstacles import obstacle
from workers.steps.outcomes import outcome_of
from workers.steps.slots import (
    Wait,
    await_look,
    await_moment,
    await_slot,
    call_next,
    is_missed,
    renewed,
    tell_lateness,
)
from workers.steps.suppressions import cut_anew
from workers.steps.wire import lists_of, message_of

_PATIENCE = 60.0
# A process that was frozen this long before its POST might make it after its claim was given up, or
# on a connection that was left, so it gives the batch back instead.
_LONGEST_HESITATION = 5.0
_PAUSE = 0.25
_ENDING = "the worker ended before its slot"
_UNCONFIRMED = "Redis did not confirm that it may be posted"
_TOO_SLOW = "the worker was too slow once it was connected"


@dataclass(frozen=True, kw_only=True, slots=True)
class Posted:
    """A POST that the API took.

    Attributes:
        claim: the batch, less who was left out last.
        reply: what the API said.
        asked: how many people it was asked to send to.
    """

    claim: SendClaim
    reply: SendReply
    asked: int


def post_once(account: Account, claim: SendClaim, key: bytes) -> Posted | SendRecord:
    """Make the one POST of a batch, less who was suppressed, or say why it was not made.

    Args:
        account: whose batch it is.
        claim: the batch.
        key: what signs the ids of its recipients.

    Raises:
        ApiError: what became of the POST, or that it cannot be made.
        InputError: it cannot be written.
    """
    until = time.monotonic() + _PATIENCE
    why, cleared, is_called = "", None, False
    while True:
        looked = _look(account, claim, cleared, anew=why == SUPPRESSIONS_CHANGED)
        if isinstance(looked, SendRecord):
            return looked
        claim, cleared, why = looked, looked.fates, ""
        wait = await_slot(account, claim)
        if wait is Wait.ENDING:
            return _given_back(claim, _ENDING)
        if not is_called:
            call_next(account, claim)
            is_called = True
        if wait is Wait.OVER:
            continue
        try:
            return _post(account, claim, key)
        except CalledOffError as error:
            why = str(error)
        again = _again(account, claim, why) if time.monotonic() < until else why
        if isinstance(again, str):
            return _given_back(claim, again)
        claim = again


def _look(
    account: Account, claim: SendClaim, cleared: bytes | None, *, anew: bool
) -> SendClaim | SendRecord:
    """Give a batch less who is not to get it any more, or why it is not to be posted.

    Args:
        account: whose batch it is.
        claim: the batch.
        cleared: the fates of its people when nothing else was in its way; None at first.
        anew: look at who is suppressed now, not when the batch was claimed.
    """
    cut = cut_anew(account, claim, anew=anew)
    if isinstance(cut, SendRecord):
        return cut
    try:
        is_cleared = cut.fates == cleared
        return (out_of_hours if is_cleared else obstacle)(account, cut) or cut
    except StoreError:
        return _given_back(cut, _UNCONFIRMED)


def _again(account: Account, claim: SendClaim, why: str) -> SendClaim | str:
    """Give a batch whose POST was called off as it is tried again, or why it is given back."""
    if why == SLOT_MISSED:
        try:
            return renewed(account, claim) or _ENDING
        except StoreError:
            return _UNCONFIRMED
    return claim if why == SUPPRESSIONS_CHANGED else why


def _given_back(claim: SendClaim, why: str) -> SendRecord:
    return outcome_of(claim, Outcome.NOT_SENT, why=why, at_once=why == _ENDING)


def _post(account: Account, claim: SendClaim, key: bytes) -> Posted:
    """Connect, look a last time, wait for the slot, and write.

    Raises:
        CalledOffError: the last look forbade it; nothing was sent.
    """
    message, lists = message_of(claim), lists_of(claim)
    to = _destinations(key, claim)
    called = time.monotonic()

    def observe(phase: Phase) -> None:
        match phase:
            case Phase.CONNECTED:
                account.leads.connecting.note(time.monotonic() - called)
                account.trace(Milestone.CONNECTED, claim.campaign, claim.n)
                _look_last(account, claim)
            case Phase.WRITTEN:
                account.trace(Milestone.WRITTEN, claim.campaign, claim.n)
                tell_lateness(account, claim)
            case Phase.ANSWERED:
                account.trace(Milestone.ANSWERED, claim.campaign, claim.n)

    if lists:
        reply = account.api.send_lists(message, lists, delay=claim.delay, observe=observe)
    else:
        reply = account.api.send(message, to, delay=claim.delay, observe=observe)
    return Posted(claim=claim, reply=reply, asked=len(to))


def _look_last(account: Account, claim: SendClaim) -> None:
    """Let the first byte go in its slot, or call the POST off.

    Raises:
        CalledOffError: something forbade it since the claim.
    """
    until = time.monotonic() + _LONGEST_HESITATION
    if await_look(account, claim) is Wait.ENDING:
        raise CalledOffError(_ENDING)
    try:
        why = _begin(account, claim, until=until)
    except StoreError as error:
        raise CalledOffError(_UNCONFIRMED) from error
    if why is None and is_missed(claim):
        why = SLOT_MISSED
    if why is not None:
        raise CalledOffError(why)
    account.trace(Milestone.BEGUN, claim.campaign, claim.n)
    await_moment(claim)
    if time.monotonic() > until:
        raise CalledOffError(_TOO_SLOW)


def _begin(account: Account, claim: SendClaim, *, until: float) -> str | None:
    deadline_ms = int(account.settings.send_lease * 1000)
    while True:
        asked = time.monotonic()
        try:
            why = account.store.batches.begin_post(claim, deadline_ms=deadline_ms)
        except StoreUnavailableError:
            if time.monotonic() >= until:
                raise
            time.sleep(_PAUSE)
        else:
            account.leads.beginning.note(time.monotonic() - asked)
            return why


def _destinations(key: bytes, claim: SendClaim) -> list[Destination]:
    numbers = claim.batch.numbers
    ids = gsmsmsids(key, claim.first, numbers)
    everyone = list(map(Destination, map(str, numbers), ids))
    return list(map(everyone.__getitem__, left_in(claim.fates)))
