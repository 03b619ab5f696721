"""Keeps those who are suppressed out of batches, when they are quoted and before they are posted.

A batch knows which version of the suppression list was heeded for it, and a claim tells the
list's: while they are equal, nothing needs to be looked at. Before its POST, whoever got the
message meanwhile by the campaign that is sent again is left out, too.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from dispatcher.domain.fates import Exclusion
from dispatcher.errors import StoreError
from dispatcher.store.batches import Outcome, SendRecord
from dispatcher.store.claims import QuoteClaim, SendClaim, left_in
from workers.resources import Account
from workers.steps.outcomes import outcome_of
from workers.steps.wire import is_given

_NOT_TOLD = "Redis did not tell who is suppressed"
_NOBODY_LEFT = "nobody in it is left to send to"
_GIVEN = (
    "somebody on the lists was suppressed after they were quoted, so nothing was sent: submit again"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppressed:
    """Who of a batch is on the suppression list.

    Attributes:
        version: of the list.
        places: theirs in the batch.
    """

    version: int
    places: Collection[int]


def suppressed_in(
    account: Account, claim: QuoteClaim | SendClaim, *, anew: bool = False
) -> Suppressed:
    """Find those of a batch who are suppressed, and of whom nothing else is known.

    Args:
        account: whose list is looked at.
        claim: the batch.
        anew: look at the list as it is now, not as it was when the batch was claimed.

    Raises:
        StoreError: Redis did not answer.
    """
    if claim.heeded == claim.listed and not anew:
        return Suppressed(version=claim.heeded, places=())
    numbers = claim.batch.numbers
    version = None if anew else claim.listed
    found = account.store.suppressions.among(numbers, version=version)
    places = []
    if found.numbers:
        places = [place for place in left_in(claim.fates) if numbers[place] in found.numbers]
    return Suppressed(version=found.version, places=places)


def cut_anew(account: Account, claim: SendClaim, *, anew: bool = False) -> SendClaim | SendRecord:
    """Take those out of a claimed batch who are not to get it any more.

    They were suppressed since it was quoted, or it is sent again and they were reached. Gives the
    claim without them, or why nothing is to be sent.
    """
    try:
        found = suppressed_in(account, claim, anew=anew)
        exclusions = {
            **dict.fromkeys(_reached_in(account, claim), Exclusion.REACHED),
            **dict.fromkeys(found.places, Exclusion.SUPPRESSED),
        }
        if not exclusions and left_in(claim.fates):
            return replace(claim, heeded=found.version, listed=found.version)
        if exclusions and is_given(claim):
            return outcome_of(claim, Outcome.REFUSED, why=_GIVEN)
        left = account.store.batches.cut(claim, exclusions)
    except StoreError:
        return outcome_of(claim, Outcome.NOT_SENT, why=_NOT_TOLD)
    if not left:
        # It has ended, so that this is not taken for its outcome.
        return outcome_of(claim, Outcome.NOT_SENT, why=_NOBODY_LEFT)
    fates = bytearray(claim.fates)
    for place, exclusion in exclusions.items():
        fates[place] = exclusion
    return replace(claim, fates=bytes(fates), heeded=found.version, listed=found.version)


def _reached_in(account: Account, claim: SendClaim) -> Collection[int]:
    """Find those of a campaign that sends again who were reached since it was made."""
    if claim.resend_of is None:
        return ()
    reached = account.kin.reached(claim.campaign)
    return [place for place in left_in(claim.fates) if claim.batch.numbers[place] in reached]
