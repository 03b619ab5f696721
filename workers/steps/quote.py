"""Quotes a campaign: simulates its batches, one at a time; the last one reserves its cost."""

import structlog

from dispatcher.domain.lifecycle import CampaignState
from dispatcher.errors import (
    ApiError,
    CredentialsRefusedError,
    NotEnoughCreditsError,
    RequestRefusedError,
)
from dispatcher.smsfactor import Destination
from dispatcher.store.batches import NothingToDo, QuoteClaim, QuoteFailure, left_in
from workers.milestones import Milestone
from workers.resources import Account
from workers.steps.exclusions import Quote, quote
from workers.steps.pauses import pause_ms
from workers.steps.progress import Progress

_log = structlog.get_logger("workers.quote")


def quote_next(account: Account, campaign: str) -> Progress:
    """Simulate the next batch of a campaign and record what it costs."""
    lease_ms = int(account.settings.quote_lease * 1000)
    claim = account.store.batches.claim_quote(campaign, lease_ms=lease_ms)
    if isinstance(claim, NothingToDo):
        return Progress.NONE
    account.trace(Milestone.QUOTE_CLAIMED, campaign, claim.n)
    try:
        found = _ask(account, claim)
    except ApiError as error:
        return _fail(account, claim, error)
    account.trace(Milestone.SIMULATED, campaign, claim.n)
    next_up = account.store.batches.record_quote(
        claim,
        cost=found.cost,
        credits_left=found.credits_left,
        exclusions=found.exclusions,
    )
    account.trace(Milestone.QUOTED, campaign, claim.n)
    if next_up.state is not CampaignState.QUOTING:
        _log.info("campaign quoted", campaign=campaign, state=next_up.state.value)
    if next_up.state is CampaignState.SENDING:
        account.hints.move_on(account.name, campaign, next_up.state, waiting=next_up.waiting)
    return Progress.MADE


def _ask(account: Account, claim: QuoteClaim) -> Quote:
    places = left_in(claim.fates)
    everyone = list(map(Destination, map(str, claim.batch.numbers)))
    to = list(map(everyone.__getitem__, places))
    found = quote(
        to,
        lambda some: account.api.simulate(claim.message, some),
        account.blacklist.numbers,
    )
    exclusions = {places[place]: reason for place, reason in found.exclusions.items()}
    return Quote(cost=found.cost, credits_left=found.credits_left, exclusions=exclusions)


def _fail(account: Account, claim: QuoteClaim, error: ApiError) -> Progress:
    _log.warning("quote failed", campaign=claim.campaign, batch=claim.n, error=type(error).__name__)
    failure, code = QuoteFailure.RETRY, ""
    match error:
        case CredentialsRefusedError():
            failure, code = QuoteFailure.NO_CREDENTIALS, str(error.status)
        case NotEnoughCreditsError():
            failure, code = QuoteFailure.NO_CREDITS, str(error.status)
        case RequestRefusedError():
            failure, code = QuoteFailure.REJECT, str(error.status)
        case _:
            pass
    account.store.batches.fail_quote(
        claim, failure, code=code, why=str(error), pause_ms=pause_ms(claim.tries)
    )
    return Progress.MADE
