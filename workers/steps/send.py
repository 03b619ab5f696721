"""Sends a campaign's batches: claim, make durable, post once, classify, record."""

import time
import uuid
from contextlib import suppress
from dataclasses import replace

import structlog

from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.domain.sequence import gsmsmsids
from dispatcher.errors import (
    ApiRefusedError,
    CredentialsRefusedError,
    DispatcherError,
    Disposition,
    NotEnoughCreditsError,
    StoreError,
    StoreUnavailableError,
)
from dispatcher.smsfactor import Destination, Phase, SendReply
from dispatcher.store.batches import SLOT_MISSED, SUPPRESSIONS_CHANGED, Outcome, SendRecord
from dispatcher.store.claims import NothingToDo, SendClaim, left_in
from workers.milestones import Milestone
from workers.resources import Account
from workers.steps.credits import refresh_balance
from workers.steps.naming import left_out_of, name_at_once
from workers.steps.obstacles import obstacle
from workers.steps.outcomes import outcome_of
from workers.steps.progress import Progress
from workers.steps.slots import await_moment, await_slot, tell_lateness
from workers.steps.suppressions import cut_anew
from workers.steps.wire import lists_of, message_of

_log = structlog.get_logger("workers.send")

_PATIENCE = 60.0
# A process that was frozen this long before its POST might make it after its claim was given up, so
# it gives the batch back instead.
_LONGEST_HESITATION = 5.0
# Its lists may be long, and nothing is sent while they are read.
_READING_LEASE_MS = 600_000
_PAUSE = 0.25
# A process may be killed at any time, and its outcomes are known to nobody else.
_UNWRITTEN = 2.0
_ENDING = "the worker ended before its slot"

_OUTCOMES = {
    Disposition.RETRY: Outcome.NOT_SENT,
    Disposition.GIVE_UP: Outcome.REFUSED,
    Disposition.UNKNOWN: Outcome.UNKNOWN,
}
_TAKEN = (BatchState.ACCEPTED, BatchState.SCHEDULED, BatchState.WITHDRAWING)
_MILESTONES = {
    Phase.CONNECTED: Milestone.CONNECTED,
    Phase.WRITTEN: Milestone.WRITTEN,
    Phase.ANSWERED: Milestone.ANSWERED,
}


def send_next(account: Account, campaign: str) -> Progress:
    """Post the next batch of a campaign, once, and record what came of it.

    Under a budget, it may be one of another campaign, whose turn it is.
    """
    key = account.receipt_key
    since = time.monotonic()
    claim = _claim(account, campaign)
    if claim is NothingToDo.FENCED:
        return _ask_for_approval(account)
    if isinstance(claim, NothingToDo):
        return Progress.NONE
    account.trace(Milestone.CLAIMED, claim.campaign, claim.n)
    cleared = _clear(account, claim, since)
    if isinstance(cleared, SendRecord):
        _persist(account, cleared)
        return Progress.MADE
    claim, to = cleared, _destinations(key, cleared)
    try:
        reply = _post(account, claim, to)
    except DispatcherError as error:
        _persist(account, _failure(claim, error))
        if isinstance(error, NotEnoughCreditsError):
            refresh_balance(account)
        return Progress.MADE
    left_out = left_out_of(reply, len(to))
    state = _persist(account, _success(claim, reply, asked=len(to)))
    account.trace(Milestone.RECORDED, claim.campaign, claim.n)
    if state in _TAKEN and left_out:
        name_at_once(account, claim, left_out)
    return Progress.MADE


def _post(account: Account, claim: SendClaim, to: list[Destination]) -> SendReply:
    """Make the one POST of a batch."""

    def observe(phase: Phase) -> None:
        account.trace(_MILESTONES[phase], claim.campaign, claim.n)
        if phase is Phase.CONNECTED:
            await_moment(claim)
        elif phase is Phase.WRITTEN:
            tell_lateness(account, claim)

    message, lists = message_of(claim), lists_of(claim)
    if lists:
        return account.api.send_lists(message, lists, delay=claim.delay, observe=observe)
    return account.api.send(message, to, delay=claim.delay, observe=observe)


def _claim(account: Account, campaign: str) -> SendClaim | NothingToDo:
    """Claim with one token, so that asking again after a lost answer gets the same batch.

    Giving up early would leave a batch claimed that was certainly not sent.
    """
    operation = uuid.uuid4().hex
    deadline_ms = int(account.settings.send_lease * 1000)
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return account.store.batches.claim_send(
                campaign,
                operation=operation,
                deadline_ms=deadline_ms,
                reading_ms=_READING_LEASE_MS,
                rate=account.settings.account(account.name).rate,
            )
        except StoreUnavailableError:
            if time.monotonic() >= until:
                raise
            time.sleep(_PAUSE)


def _clear(account: Account, claim: SendClaim, since: float) -> SendClaim | SendRecord:
    """Give a claim whose POST may be made at once, less who was suppressed, or why it may not.

    Args:
        account: whose batch it is.
        claim: the batch.
        since: when claiming began, by the monotonic clock.
    """
    anew, started = False, time.monotonic()
    while True:
        cut = cut_anew(account, claim, anew=anew)
        if isinstance(cut, SendRecord):
            return cut
        if kept_back := obstacle(account, cut):
            return kept_back
        why = _last_look(account, cut, since)
        if isinstance(why, SendClaim):
            return why
        if why == _ENDING:
            return outcome_of(claim, Outcome.NOT_SENT, why=why, at_once=True)
        if why != SUPPRESSIONS_CHANGED or time.monotonic() - started > _PATIENCE:
            return outcome_of(claim, Outcome.NOT_SENT, why=why)
        claim, anew = cut, True


def _last_look(account: Account, claim: SendClaim, since: float) -> SendClaim | str:
    """Give a claim whose POST may be made at once, or say what forbade it meanwhile."""
    until = time.monotonic() + _PATIENCE
    while True:
        if not await_slot(account, claim):
            return _ENDING
        if claim.begins_later:
            # It took its time to be here; whether the claim outlived that, the store knows.
            since = time.monotonic()
        try:
            why = _begin_post(account, claim, until=since + _LONGEST_HESITATION)
            if why == SLOT_MISSED and time.monotonic() < until:
                claim = replace(claim, post_at=account.store.pacing.renew(claim))
                continue
        except StoreUnavailableError:
            why = "Redis did not confirm that it may be posted"
        if why is None and time.monotonic() - since > _LONGEST_HESITATION:
            why = "the worker was too slow after the claim"
        return claim if why is None else why


def _begin_post(account: Account, claim: SendClaim, *, until: float) -> str | None:
    while True:
        try:
            return account.store.batches.begin_post(
                claim, deadline_ms=int(account.settings.send_lease * 1000)
            )
        except StoreUnavailableError:
            if time.monotonic() >= until:
                raise
            time.sleep(_PAUSE)


def _ask_for_approval(account: Account) -> Progress:
    left = account.store.ledger.approve_server(quiet_ms=account.quiet_ms)
    if left:
        _log.warning("sends wait after a failover of Redis", account=account.name, ms_left=left)
        return Progress.NONE
    return Progress.MADE


def _destinations(key: bytes, claim: SendClaim) -> list[Destination]:
    numbers = claim.batch.numbers
    ids = gsmsmsids(key, claim.first, numbers)
    everyone = list(map(Destination, map(str, numbers), ids))
    return list(map(everyone.__getitem__, left_in(claim.fates)))


def _success(claim: SendClaim, reply: SendReply, *, asked: int) -> SendRecord:
    return SendRecord(
        campaign=claim.campaign,
        n=claim.n,
        attempt=claim.attempt,
        outcome=Outcome.ACCEPTED,
        ticket=reply.ticket or "",
        cost=reply.cost,
        code=str(reply.status) if reply.moderated else "",
        surplus=max(0, (reply.sent or 0) - asked),
        left_out=left_out_of(reply, asked),
    )


def _failure(claim: SendClaim, error: DispatcherError) -> SendRecord:
    """Say what an error means for the batch; whatever is not proven unsent is unknown."""
    _log.warning("send failed", campaign=claim.campaign, batch=claim.n, error=type(error).__name__)
    match error:
        case CredentialsRefusedError():
            outcome = Outcome.NO_CREDENTIALS
        case NotEnoughCreditsError():
            outcome = Outcome.NO_CREDITS
        case _:
            outcome = _OUTCOMES[error.disposition]
    code = str(error.status) if isinstance(error, ApiRefusedError) else ""
    return outcome_of(claim, outcome, code=code, why=str(error))


def _persist(account: Account, record: SendRecord) -> BatchState | None:
    """Record an outcome, whatever ails Redis; on disk too when that takes long, or the end is near.

    What is on disk is recorded by whoever comes first: this process, or the next that starts.
    """
    since, is_on_disk = time.monotonic(), False
    while True:
        try:
            states = account.store.batches.record_send(record)
        except StoreError:
            waited = time.monotonic() - since
            if not is_on_disk and (account.stopping.is_set() or waited >= _UNWRITTEN):
                account.journal.write(account.name, record)
                is_on_disk = True
            if waited >= _PATIENCE:
                return None
            time.sleep(_PAUSE)
        else:
            with suppress(StoreError, OSError):
                account.journal.retry(account.name, account.store.batches)
            return _told(record, states)


def _told(record: SendRecord, states: tuple[BatchState, CampaignState] | None) -> BatchState | None:
    """Log what the last of a campaign's batches made of it; give the batch's state."""
    if states is None:
        return None
    batch, campaign = states
    if campaign is not CampaignState.SENDING:
        _log.info("campaign moved on", campaign=record.campaign, state=campaign.value)
    return batch
