"""Sends a campaign's batches: claim, make durable, post once, classify, record."""

import time
import uuid
from contextlib import suppress

import structlog

from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.errors import (
    ApiError,
    ApiRefusedError,
    CredentialsRefusedError,
    DispatcherError,
    Disposition,
    InputError,
    NotEnoughCreditsError,
    StoreError,
    StoreUnavailableError,
)
from dispatcher.smsfactor import SendReply
from dispatcher.store.batches import Outcome, SendRecord
from dispatcher.store.claims import NothingToDo, SendClaim
from workers.milestones import Milestone
from workers.resources import Account
from workers.steps.credits import refresh_balance
from workers.steps.naming import left_out_of, name_at_once
from workers.steps.outcomes import outcome_of
from workers.steps.posting import post_once
from workers.steps.progress import Progress

_log = structlog.get_logger("workers.send")

_PATIENCE = 60.0
# Its lists may be long, and nothing is sent while they are read.
_READING_LEASE_MS = 600_000
_PAUSE = 0.25
# A process may be killed at any time, and its outcomes are known to nobody else.
_UNWRITTEN = 2.0

_OUTCOMES = {
    Disposition.RETRY: Outcome.NOT_SENT,
    Disposition.GIVE_UP: Outcome.REFUSED,
    Disposition.UNKNOWN: Outcome.UNKNOWN,
}
_TAKEN = (BatchState.ACCEPTED, BatchState.SCHEDULED, BatchState.WITHDRAWING)


def send_next(account: Account, campaign: str) -> Progress:
    """Post the next batch of a campaign, once, and record what came of it.

    Under a budget, it may be one of another campaign, whose turn it is.
    """
    if account.is_held:
        return Progress.NONE
    # Asked of Redis once, and not with a batch in hand.
    key = account.receipt_key
    claim = _claim(account, campaign)
    if claim is NothingToDo.FENCED:
        return _ask_for_approval(account)
    if isinstance(claim, NothingToDo):
        return Progress.NONE
    account.trace(Milestone.CLAIMED, claim.campaign, claim.n)
    try:
        made = post_once(account, claim, key)
    except (ApiError, InputError) as error:
        _persist(account, _failure(claim, error))
        if isinstance(error, NotEnoughCreditsError):
            refresh_balance(account)
        return Progress.MADE
    if isinstance(made, SendRecord):
        _persist(account, made)
        return Progress.MADE
    state = _persist(account, _success(made.claim, made.reply, asked=made.asked))
    account.trace(Milestone.RECORDED, claim.campaign, claim.n)
    left_out = left_out_of(made.reply, made.asked)
    if state in _TAKEN and left_out:
        name_at_once(account, made.claim, left_out)
    return Progress.MADE


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
                early_ms=account.leads.early_ms,
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
    since = time.monotonic()
    with account.journal.unless_soon(account.name, record, seconds=_UNWRITTEN) as write:
        while True:
            try:
                states = account.store.batches.record_send(record)
                break
            except StoreError:
                waited = time.monotonic() - since
                if account.stopping.is_set() or waited >= _UNWRITTEN:
                    write()
                if waited >= _PATIENCE:
                    return None
                time.sleep(_PAUSE)
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
