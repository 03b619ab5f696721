"""Quotes a campaign: simulates its batches, one at a time; the last one reserves its cost."""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from dispatcher.domain.fates import Exclusion
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.errors import (
    ApiError,
    CredentialsRefusedError,
    DispatcherError,
    InputError,
    NotEnoughCreditsError,
    RequestRefusedError,
)
from dispatcher.smsfactor import Destination, SendReply
from dispatcher.store.batches import QuoteFailure
from dispatcher.store.claims import NothingToDo, QuoteClaim, UnreadClaim, left_in
from workers.milestones import Milestone
from workers.resources import Account
from workers.steps.contacts import read_contacts
from workers.steps.exclusions import Quote, directly, quote
from workers.steps.lists import is_uploaded, upload_next, verify
from workers.steps.pauses import pause_ms
from workers.steps.progress import Progress
from workers.steps.suppressions import suppressed_in
from workers.steps.weights import weight_of
from workers.steps.wire import is_given, lists_of, message_of

_log = structlog.get_logger("workers.quote")


def quote_next(account: Account, campaign: str) -> Progress:
    """Take the next step towards a campaign's quote: read its lists, upload or simulate a batch."""
    if account.is_held:
        return Progress.NONE
    lease_ms = int(account.settings.quote_lease * 1000)
    claim = account.store.batches.claim_quote(campaign, lease_ms=lease_ms)
    if isinstance(claim, NothingToDo):
        return Progress.NONE
    try:
        if isinstance(claim, UnreadClaim):
            read_contacts(account, claim)
        elif not is_uploaded(claim):
            upload_next(account, claim)
        else:
            return _quote(account, claim)
    except (ApiError, InputError) as error:
        _fail(account, claim, error)
    return Progress.MADE


def _quote(account: Account, claim: QuoteClaim) -> Progress:
    account.trace(Milestone.QUOTE_CLAIMED, claim.campaign, claim.n)
    claim, suppressed = _heeding(account, claim)
    found = _ask(account, claim, suppressed)
    account.trace(Milestone.SIMULATED, claim.campaign, claim.n)
    places = [place for place in left_in(claim.fates) if place not in found.exclusions]
    next_up = account.store.batches.record_quote(
        claim,
        cost=found.cost,
        credits_left=found.credits_left,
        exclusions=found.exclusions,
        weight=weight_of(account, claim, places),
    )
    account.trace(Milestone.QUOTED, claim.campaign, claim.n)
    if next_up.state is not CampaignState.QUOTING:
        _log.info("campaign quoted", campaign=claim.campaign, state=next_up.state.value)
    if next_up.state is CampaignState.SENDING:
        account.hints.move_on(account.name, claim.campaign, next_up.state, waiting=next_up.waiting)
        return Progress.QUOTED if next_up.waiting == 1 else Progress.MADE
    return Progress.MADE


def _heeding(account: Account, claim: QuoteClaim) -> tuple[QuoteClaim, dict[int, Exclusion]]:
    """Give those of a batch who were suppressed since the list was heeded for it.

    Nobody can be left out of lists that go as they are, so these are looked at when they are sent.
    """
    if is_given(claim):
        return claim, {}
    found = suppressed_in(account, claim)
    exclusions = dict.fromkeys(found.places, Exclusion.SUPPRESSED)
    return replace(claim, heeded=found.version), exclusions


def _ask(account: Account, claim: QuoteClaim, suppressed: dict[int, Exclusion]) -> Quote:
    numbers = claim.batch.numbers
    known = dict(suppressed)
    if claim.batch.infos is not None and any(numbers):
        known = verify(account, claim, without=suppressed) | suppressed
    known |= {place: Exclusion.FORGOTTEN for place, number in enumerate(numbers) if not number}
    places = [place for place in left_in(claim.fates) if place not in known]
    if not places:
        return Quote(cost=0, credits_left=None, exclusions=known)
    to = [Destination(str(numbers[place])) for place in places]
    message, lists = message_of(claim), lists_of(claim)

    simulate = directly(account, message)

    def simulate_all(some: Sequence[Destination]) -> SendReply:
        return account.api.simulate_lists(message, lists) if lists else simulate(some)

    found = quote(to, simulate_all, simulate, account.blacklist.numbers)
    exclusions: dict[int, Exclusion] = {
        places[place]: reason for place, reason in found.exclusions.items()
    }
    return replace(found, exclusions=known | exclusions)


def _fail(account: Account, claim: QuoteClaim | UnreadClaim, error: DispatcherError) -> None:
    _log.warning("quote failed", campaign=claim.campaign, error=type(error).__name__)
    failure, code = QuoteFailure.RETRY, ""
    match error:
        case CredentialsRefusedError():
            failure, code = QuoteFailure.NO_CREDENTIALS, str(error.status)
        case NotEnoughCreditsError():
            failure, code = QuoteFailure.NO_CREDITS, str(error.status)
        case RequestRefusedError():
            failure, code = QuoteFailure.REJECT, str(error.status)
        case InputError():
            failure = QuoteFailure.REJECT
        case _:
            pass
    account.store.batches.fail_quote(
        claim, failure, code=code, why=str(error), pause_ms=pause_ms(claim.tries)
    )
