"""Keeps advertising within its hours, at the last moment before it is handed over."""

from datetime import timedelta

from dispatcher.domain.windows import WindowPolicy
from dispatcher.domain.zones import zones_of
from dispatcher.store.batches import Outcome, SendRecord
from dispatcher.store.claims import SendClaim
from workers.resources import Account

_NEVER = "advertising hours are not known for all of its numbers"


def out_of_hours(account: Account, claim: SendClaim) -> SendRecord | None:
    """Say what becomes of a batch that must not go out at its time; None when it may."""
    hours = account.settings.advertising_hours
    if claim.window_policy is None or hours is None:
        return None
    now = account.now()
    moment, zones = claim.delay or now, zones_of(claim.batch.numbers)
    opening = hours.next_opening(moment, zones, room=account.settings.window_tail)
    if opening is not None and opening.opens <= moment:
        return None
    why = hours.why_closed(moment, zones) or "its hours end too soon"
    if opening is None or claim.window_policy is not WindowPolicy.HOLD:
        return _record(claim, Outcome.EXPIRED, _NEVER if opening is None else why)
    return _record(claim, Outcome.CLOSED, why, pause=opening.opens - now)


def _record(
    claim: SendClaim, outcome: Outcome, why: str, *, pause: timedelta = timedelta()
) -> SendRecord:
    return SendRecord(
        campaign=claim.campaign,
        n=claim.n,
        attempt=claim.attempt,
        outcome=outcome,
        why=why,
        pause_ms=max(0, round(pause / timedelta(milliseconds=1))),
    )
