"""Names the people whom the API left out of a batch although its quote had cleared them.

The reply to a POST only counts them. Simulations are free and find out who they are; a batch
stays on a list until that is done, so that a worker that dies leaves it to the next one.
"""

import structlog

from dispatcher.errors import ApiError
from dispatcher.smsfactor import Destination, SendReply
from dispatcher.store.batches import LeftOut
from dispatcher.store.claims import SendClaim, left_in
from dispatcher.store.unnamed import UnnamedClaim
from workers.resources import Account
from workers.steps.exclusions import directly, find_exclusions
from workers.steps.progress import Progress
from workers.steps.wire import message_of

_log = structlog.get_logger("workers.naming")

# With an hour between them, about a day.
_MOST_TRIES = 36


def left_out_of(reply: SendReply, asked: int) -> LeftOut | None:
    """Count those a batch was not sent to; None for nobody."""
    if reply.sent is None or reply.sent >= asked:
        return None
    return LeftOut(asked - reply.sent, reply.blacklisted or 0, reply.duplicated or 0)


def name_at_once(account: Account, claim: SendClaim, left_out: LeftOut) -> None:
    """Name those left out of a batch that was just posted; what fails is tried again later.

    So is what would be asked in a pause that the API wants.
    """
    if not account.is_held and not account.store.pacing.read().paused_ms:
        _name(account, claim, left_out)


def name_next(account: Account) -> Progress:
    """Name those left out of the batch that waits for it longest."""
    claim = None if account.is_held else account.store.unnamed.claim()
    if claim is None:
        return Progress.NONE
    why = _why_impossible(claim)
    if why is None and not _name(account, claim, claim.left_out) and claim.tries >= _MOST_TRIES:
        why = "simulations do not show who they are"
    if why is not None:
        account.store.unnamed.give_up(claim.campaign, claim.n, why=why)
        _log.error("left out, cannot be named", campaign=claim.campaign, batch=claim.n)
    return Progress.MADE


def _why_impossible(claim: UnnamedClaim) -> str | None:
    if len(left_in(claim.fates)) < claim.left_out.people:
        return "receipts came for some of them"
    return None


def _name(account: Account, claim: SendClaim | UnnamedClaim, left_out: LeftOut) -> bool:
    """Name them among those of whom nothing was heard; tell whether that is done."""
    places = left_in(claim.fates)
    to = [Destination(str(claim.batch.numbers[place])) for place in places]
    simulate = directly(account, message_of(claim))
    try:
        found = find_exclusions(to, simulate(to), simulate, account.blacklist.numbers)
    except ApiError as error:
        name = type(error).__name__
        _log.warning("left out, not named", campaign=claim.campaign, batch=claim.n, error=name)
        return False
    if len(found) != left_out.people:
        # Others are left out by now, and nobody can tell who was at the time.
        _log.warning("left out, not told apart", campaign=claim.campaign, batch=claim.n)
        return False
    exclusions = {places[place]: reason for place, reason in found.items()}
    account.store.batches.exclude(claim.campaign, claim.n, exclusions)
    return True
