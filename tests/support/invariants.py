"""What must hold whatever went wrong: our records checked against the sandbox's ledger.

Each checker lists violations in words; an empty list means that all is well.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any

from redis import Redis

from dispatcher.domain.campaign import CampaignStatus, Event
from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import (
    BATCH_MOVES,
    CAMPAIGN_MOVES,
    BatchState,
    CampaignState,
    HoldReason,
)
from dispatcher.domain.sequence import read_gsmsmsid
from dispatcher.errors import UnknownCampaignError
from dispatcher.store.account import AccountStore
from dispatcher.store.batches import BatchRecord
from dispatcher.store.keys import Key, Keys

SETTLED = frozenset(
    {
        CampaignState.FINISHED,
        CampaignState.HELD,
        CampaignState.REJECTED,
        CampaignState.CANCELLED,
        CampaignState.EXPIRED,
    }
)
"""Where a campaign may be found once nothing moves any more."""

_GONE_OUT = (RecipientState.SENT, RecipientState.DELIVERED, RecipientState.UNDELIVERED)
_STRANGER = -1
_NEVER_QUOTED = BatchRecord(state=BatchState.READY)
_NOT_ACCEPTED = frozenset(BatchState) - {BatchState.ACCEPTED, BatchState.UNKNOWN}


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """A POST /send the sandbox accepted and kept; `sequences` name its recipients."""

    ticket: str
    cost: int
    sequences: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class World:
    """Both sides of one account.

    Attributes:
        ledger: the documents of the sandbox's GET /_sandbox/ledger.
        credits_given: every credit the account was ever given.
        credits_left: its balance at the sandbox.
    """

    store: AccountStore
    client: Redis
    keys: Keys
    ledger: Sequence[Mapping[str, Any]]
    credits_given: int
    credits_left: int

    @property
    def alive(self) -> list[Mapping[str, Any]]:
        """Leave out what was taken back, with its credits, before its time."""
        return [entry for entry in self.ledger if entry["state"] != "cancelled"]

    def read(self, key: Key, *ids: str | int) -> dict[str, str]:
        """Read a hash as text."""
        raw: Any = self.client.hgetall(self.keys.of(key, *ids))
        return {name.decode(): value.decode(errors="replace") for name, value in raw.items()}

    def size(self, key: Key) -> int:
        """Count the members of a sorted set."""
        return int(self.client.zcard(self.keys.of(key)))

    def acceptances(self) -> list[Acceptance]:
        """Read the ledger by the ids we gave each recipient."""
        secret = self.store.ledger.receipt_key()
        return [
            Acceptance(
                ticket=entry["ticket"],
                cost=entry["cost"],
                sequences=[_sequence(secret, message) for message in entry["messages"]],
            )
            for entry in self.alive
        ]


@dataclass(frozen=True, kw_only=True)
class _Batch:
    """A batch of a campaign beside what the sandbox accepted for it."""

    campaign: str
    n: int
    record: BatchRecord
    accepted: Sequence[Acceptance]

    @property
    def name(self) -> str:
        return f"{self.campaign}/{self.n}"


def violations(
    world: World, submitted: Collection[str], *, settled: Collection[CampaignState] = SETTLED
) -> list[str]:
    """Check everything, once nothing moves any more.

    Args:
        world: both sides.
        submitted: the campaigns whose submission was confirmed.
        settled: the states in which they may be found.
    """
    known, lost = _statuses(world, submitted)
    acceptances = world.acceptances()
    batches = _batches(world, known, acceptances)
    return [
        *lost,
        *(
            f"{status.id} stands still as {status.state.value}"
            for status in known
            if status.state not in settled
        ),
        *sent_twice(acceptances),
        *chain.from_iterable(map(_against_ledger, batches)),
        *chain.from_iterable(_counts(world, status, batches) for status in known),
        *chain.from_iterable(transitions(world, status) for status in known),
        *money(world, known, batches),
        *_leftovers(world, batches),
    ]


def sent_twice(acceptances: Sequence[Acceptance]) -> list[str]:
    """Find recipients of a campaign in more than one accepted POST, and strangers."""
    times = Counter(chain.from_iterable(accepted.sequences for accepted in acceptances))
    strangers = times.pop(_STRANGER, 0)
    twice = [
        f"recipient {sequence} was sent to {n} times" for sequence, n in times.items() if n > 1
    ]
    return twice + ([f"{strangers} messages carry no id of ours"] if strangers else [])


def half_sent(world: World, submitted: Collection[str]) -> list[str]:
    """Find campaigns of which a part went out before the credits were too few for the rest."""
    begun = {BatchState.SENDING.value, BatchState.ACCEPTED.value, BatchState.UNKNOWN.value}
    statuses = [world.store.campaigns.status(campaign) for campaign in submitted]
    return [
        f"{status.id} is half sent: {status.batch_states}"
        for status in statuses
        if status.hold is HoldReason.CREDITS and begun & status.batch_states.keys()
    ]


def transitions(world: World, status: CampaignStatus) -> list[str]:
    """Find moves that are not in the tables, and moves that do not follow from the last one."""
    found: list[str] = []
    stands: dict[str, str] = {}
    for event in world.store.events.all(status.id):
        if event.what != "campaign" and not event.what.startswith("batch "):
            continue
        before = stands.get(event.what, "" if event.what == "campaign" else "ready")
        if event.old != before or not _is_legal(event):
            found.append(
                f"{status.id} {event.what}: {event.old} to {event.new}, standing at {before}"
            )
        stands[event.what] = event.new
    if stands.get("campaign") != status.state.value:
        found.append(f"{status.id} is {status.state.value}, its events say {stands}")
    return found


def money(
    world: World, statuses: Sequence[CampaignStatus], batches: Sequence["_Batch"]
) -> list[str]:
    """Compare what was debited, spent, reserved and promised."""
    debited = sum(entry["cost"] for entry in world.alive)
    ours = world.store.ledger.credits()
    at_stake = sum(b.record.quote for b in batches if b.record.state is BatchState.UNKNOWN)
    cost = sum(b.record.cost or 0 for b in batches if b.record.state is BatchState.ACCEPTED)
    account = world.read(Key.ACCOUNT)
    exposed, returned = int(account.get("exposed", 0)), int(account.get("returned", 0))
    facts = {
        f"balance is {world.credits_left}": world.credits_left < 0,
        f"balance is {world.credits_left} after {debited} of {world.credits_given}": (
            world.credits_left != world.credits_given - debited
        ),
        f"reserved {ours.reserved}, at stake {at_stake}": (
            ours.reserved != at_stake + _set_aside(world, statuses)
        ),
        f"exposed {exposed}, at stake {at_stake}": exposed != at_stake,
        f"spent {ours.spent}, {returned} returned, accepted batches cost {cost}": (
            ours.spent - returned != cost
        ),
        f"campaigns cost {sum(status.cost for status in statuses)}, batches {cost}": (
            sum(status.cost for status in statuses) != cost
        ),
        f"{ours.available} credits promised of {world.credits_left}": (
            ours.available > world.credits_left
        ),
    }
    return [words for words, is_wrong in facts.items() if is_wrong]


def _statuses(world: World, submitted: Collection[str]) -> tuple[list[CampaignStatus], list[str]]:
    found, lost = [], []
    for campaign in submitted:
        try:
            found.append(world.store.campaigns.status(campaign))
        except UnknownCampaignError:
            lost.append(f"{campaign} is lost")
    return found, lost


def _batches(
    world: World, statuses: Sequence[CampaignStatus], acceptances: Sequence[Acceptance]
) -> list[_Batch]:
    records = [world.read(Key.CAMPAIGN, status.id) for status in statuses]
    spans = sorted(
        (int(record["first"]), int(record["batch_size"]), status.id)
        for record, status in zip(records, statuses, strict=True)
    )
    accepted = _by_batch(spans, acceptances)
    return [
        _Batch(
            campaign=status.id,
            n=n,
            record=world.store.batches.read(status.id, n) or _NEVER_QUOTED,
            accepted=accepted[status.id, n],
        )
        for status in statuses
        for n in range(status.batches)
    ]


def _by_batch(
    spans: Sequence[tuple[int, int, str]], acceptances: Sequence[Acceptance]
) -> defaultdict[tuple[str, int], list[Acceptance]]:
    """Find every batch that recipients of a POST belong to; `spans` are (first, size, campaign)."""
    found: defaultdict[tuple[str, int], list[Acceptance]] = defaultdict(list)
    for accepted in acceptances:
        owners = set()
        for sequence in accepted.sequences:
            place = bisect_right(spans, sequence, key=itemgetter(0)) - 1 if spans else -1
            if place >= 0:
                first, size, campaign = spans[place]
                owners.add((campaign, (sequence - first) // size))
        for owner in owners:
            found[owner].append(accepted)
    return found


def _against_ledger(batch: _Batch) -> list[str]:
    times, state = len(batch.accepted), batch.record.state
    if times > 1:
        return [f"{batch.name} was accepted {times} times"]
    if state in _NOT_ACCEPTED and times:
        return [f"{batch.name} is {state.value} but was accepted"]
    if state is not BatchState.ACCEPTED:
        return []
    if not times:
        return [f"{batch.name} is accepted, but not in the ledger"]
    proof = batch.accepted[0]
    if (proof.ticket, proof.cost) != (batch.record.ticket, batch.record.cost):
        return [f"{batch.name} was accepted with another ticket or cost"]
    return []


def _counts(world: World, status: CampaignStatus, batches: Sequence[_Batch]) -> list[str]:
    found = Counter(result.state for result in world.store.results.of(status.id))
    gone_out = sum(
        len(accepted.sequences)
        for batch in batches
        if batch.campaign == status.id and batch.record.state is BatchState.ACCEPTED
        for accepted in batch.accepted
    )
    facts = {
        f"{gone_out} messages went out, results are {found}": (
            sum(found[state] for state in _GONE_OUT) != gone_out
        ),
        "rows in and fates do not add up": not status.is_conserved,
        f"counters {status.recipient_states} but results {found}": (
            dict(found) != {state: n for state, n in status.recipient_states.items() if n}
        ),
        f"{status.alarms} alarms": status.alarms != 0,
    }
    return [f"{status.id}: {words}" for words, is_wrong in facts.items() if is_wrong]


def _leftovers(world: World, batches: Sequence[_Batch]) -> list[str]:
    unknown = sum(batch.record.state is BatchState.UNKNOWN for batch in batches)
    facts = {
        "batches are still in flight": world.size(Key.INFLIGHT) > 0,
        "claims are left over": len(world.read(Key.CLAIMS)) > 0,
        "the list of unknown batches is wrong": world.size(Key.UNKNOWN) != unknown,
        "alarms were raised": int(world.client.xlen(world.keys.of(Key.ALARMS))) > 0,
    }
    return [words for words, is_wrong in facts.items() if is_wrong]


def _set_aside(world: World, statuses: Sequence[CampaignStatus]) -> int:
    """Sum up what campaigns hold for batches they have not begun to send."""
    records = [world.read(Key.CAMPAIGN, status.id) for status in statuses]
    return sum(int(r.get("cost_ready", 0)) for r in records if r.get("reserved") == "1")


def _sequence(secret: bytes, message: Mapping[str, Any]) -> int:
    found = read_gsmsmsid(secret, message["gsmsmsid"] or "", int(message["destination"]))
    return _STRANGER if found is None else found


def _is_legal(event: Event) -> bool:
    if event.what == "campaign":
        old, new = event.old, CampaignState(event.new)
        return new is CampaignState.QUEUED if not old else new in CAMPAIGN_MOVES[CampaignState(old)]
    return BatchState(event.new) in BATCH_MOVES[BatchState(event.old)]
