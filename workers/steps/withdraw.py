"""Takes back what the API has for later (document, DELETE /send/:id)."""

import structlog

from dispatcher.domain.lifecycle import CampaignState
from dispatcher.errors import ApiError, ApiRefusedError, ApiUnreachableError
from dispatcher.store.withdrawals import Withdrawal
from workers.milestones import Milestone
from workers.resources import Account
from workers.steps.pauses import pause_ms
from workers.steps.progress import Progress

_log = structlog.get_logger("workers.withdraw")

# Unknown, begun, or given back before (contract section 4). Every other refusal is about the call,
# such as credentials that do not work, and says nothing of the batch.
_NOT_THERE = -5


def withdraw_next(account: Account) -> Progress:
    """Take one batch back; asking the API twice does no harm."""
    claim = account.store.withdrawals.claim(lease_ms=int(account.settings.quote_lease * 1000))
    if claim is None:
        return Progress.NONE
    account.trace(Milestone.WITHDRAWAL_CLAIMED, claim.campaign, claim.n)
    outcome, why, credits_left = Withdrawal.GONE, "", None
    try:
        credits_left = account.api.cancel(claim.ticket).credits
    except ApiError as error:
        outcome, why = _outcome_of(error), str(error)
    account.trace(Milestone.WITHDRAWN, claim.campaign, claim.n)
    batch, campaign = account.store.withdrawals.record(
        claim,
        outcome,
        credits_left=credits_left,
        why=why,
        pause_ms=pause_ms(claim.attempt),
    )
    _log.info(
        "taken back" if outcome is Withdrawal.GONE else "not taken back",
        campaign=claim.campaign,
        batch=claim.n,
        state=batch.value,
    )
    if campaign is CampaignState.SENDING:
        account.hints.move_on(account.name, claim.campaign, campaign, waiting=1)
    return Progress.MADE


def _outcome_of(error: ApiError) -> Withdrawal:
    if isinstance(error, ApiRefusedError):
        return Withdrawal.REFUSED if error.status == _NOT_THERE else Withdrawal.NOT_MADE
    return Withdrawal.NOT_MADE if isinstance(error, ApiUnreachableError) else Withdrawal.LOST
