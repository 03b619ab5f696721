"""Looks for batches whose answer was lost in the API's list of campaigns (live dialect)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from dispatcher.domain.listings import Listed, Listing, Sought, look_up
from dispatcher.domain.unknowns import Decision, Finding, Source, UnknownBatch
from dispatcher.errors import ApiError
from dispatcher.smsfactor import CampaignRecord
from dispatcher.store.claims import left_in
from workers.resources import Account
from workers.steps.wire import lists_of, message_of

_log = structlog.get_logger("workers.reconcile")

# Longer ago, tickets of our own are no longer known.
_FARTHEST = timedelta(days=6)
# The list's dates are wall clock of some zone, and its filter may mean another.
_EARLIER = timedelta(hours=26)
_MOST_PAGES = 20
_BETWEEN_LOOKS = timedelta(seconds=60)
_BETWEEN_LATE_LOOKS = timedelta(minutes=10)
_LATE = timedelta(hours=1)
# The API may take a while to list what it took; a worker that vanished may only be frozen.
_UNTIL_LISTED = timedelta(minutes=2)
_UNTIL_DEAD = timedelta(minutes=5)


def look_in_listing(
    account: Account, batches: Sequence[UnknownBatch], now: datetime
) -> list[Finding]:
    """Say what the list shows of batches; nothing when it cannot be read, or was of late.

    Absence has to be seen twice, a minute apart, before it proves anything.
    """
    wanted = [batch for batch in batches if now - batch.claimed_at < _FARTHEST]
    if not any(_is_due(batch, now) for batch in wanted):
        return []
    since = min(batch.claimed_at for batch in wanted) - _EARLIER
    try:
        records, is_complete = _read(account, since)
    except ApiError as error:
        _log.warning("campaigns not listed", account=account.name, error=type(error).__name__)
        return []
    # What was in flight while the list was read may be in it: asked in this order, none is missed.
    rivals = account.store.unknowns.in_flight()
    known = {batch.name: batch for batch in account.store.unknowns.newest()}
    claimed = account.store.unknowns.tickets_since(since)
    sought = [_sought(account, batch) for batch in known.values() if batch.claimed_at >= since]
    sought += [
        found
        for name in rivals
        if name not in known and (found := _rival(account, name, now)) is not None
    ]
    settled, is_each_kept = _unticketed(account, now)
    sought += settled
    listing = Listing(
        campaigns=[_listed(record) for record in records],
        claimed=claimed,
        is_complete=is_complete and all(record.id for record in records),
        asked_at=now,
    )
    findings = look_up(sought, listing)
    if not is_each_kept:
        findings = [_without_proof(finding) for finding in findings]
    return [_weighed(known, finding, now) for finding in findings]


def _unticketed(account: Account, now: datetime) -> tuple[list[Sought], bool]:
    """Give those settled without a ticket as rivals; tell whether all of them can be read."""
    rivals, is_each_kept = [], True
    for name, claimed_at in account.store.unknowns.unticketed().items():
        campaign, _, n = name.rpartition("/")
        if account.store.unknowns.is_kept(campaign, int(n)):
            rivals.append(_rival_of(account, campaign, int(n), (claimed_at, now)))
        else:
            is_each_kept = False
    return rivals, is_each_kept


def _without_proof(finding: Finding) -> Finding:
    if finding.verdict is not Decision.SENT:
        return finding
    says = f"{finding.says}; but it may be one that was settled without a ticket and erased"
    return replace(finding, verdict=Decision.OPEN, says=says, ticket="", cost=None)


def _weighed(known: dict[str, UnknownBatch], finding: Finding, now: datetime) -> Finding:
    """Tell how much absence is worth: nothing too early, little once, a proof twice."""
    if finding.verdict is not Decision.ABSENT:
        return finding
    batch = known[f"{finding.campaign}/{finding.n}"]
    if now < batch.since + (_UNTIL_DEAD if batch.is_traceless else _UNTIL_LISTED):
        return replace(finding, verdict=Decision.OPEN, says="it is not there yet")
    if batch.absent_since is None or now < batch.absent_since + _BETWEEN_LOOKS:
        return finding
    return replace(
        finding, verdict=Decision.NOT_SENT, says=f"{finding.says}, twice since {batch.absent_since}"
    )


def _is_due(batch: UnknownBatch, now: datetime) -> bool:
    seen = batch.evidence.get(Source.LISTING)
    if seen is None:
        return True
    is_late = now - batch.since > _LATE
    return now - seen.at >= (_BETWEEN_LATE_LOOKS if is_late else _BETWEEN_LOOKS)


def _read(account: Account, since: datetime) -> tuple[Sequence[CampaignRecord], bool]:
    """Read the list from some time on; tell whether that is all of it.

    No end is asked for: what is scheduled may be listed by a date that is still to come.

    Raises:
        ApiError: a page could not be read.
    """
    found: dict[str, CampaignRecord] = {}
    for _ in range(_MOST_PAGES):
        page = account.api.campaigns(start=len(found), since=since)
        before = len(found)
        found |= {record.id: record for record in page.campaigns}
        if page.displayed is not None and len(found) >= page.displayed:
            return list(found.values()), True
        if len(found) == before:
            break
    return list(found.values()), False


def _sought(account: Account, batch: UnknownBatch) -> Sought:
    content = account.store.unknowns.content(batch.campaign, batch.n)
    return Sought(
        batch=batch,
        text=message_of(content).text,
        total=len(left_in(content.fates)),
        begun=batch.claimed_at,
        ended=batch.since,
        needs_ticket=bool(lists_of(content)) or batch.due_at is not None,
    )


def _rival(account: Account, name: str, now: datetime) -> Sought | None:
    campaign, _, n = name.rpartition("/")
    claimed_at = account.store.unknowns.claimed_at(campaign, int(n))
    if claimed_at is None:
        return None
    return _rival_of(account, campaign, int(n), (claimed_at, now))


def _rival_of(account: Account, campaign: str, n: int, span: tuple[datetime, datetime]) -> Sought:
    content = account.store.unknowns.content(campaign, n)
    return Sought(
        batch=None,
        text=message_of(content).text,
        total=len(left_in(content.fates)),
        begun=span[0],
        ended=span[1],
    )


def _listed(record: CampaignRecord) -> Listed:
    return Listed(
        ticket=record.id,
        text=record.text,
        total=record.counters.get("total"),
        created=record.created,
        cost=record.counters.get("cost"),
    )
