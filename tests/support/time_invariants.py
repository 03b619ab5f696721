"""What must hold when campaigns have a time and are cancelled: our records against the ledger.

Each checker lists violations in words; an empty list means that all is well.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dispatcher.domain.campaign import CampaignStatus
from dispatcher.domain.lifecycle import TERMINAL, BatchState, CampaignState, HoldReason
from dispatcher.store.batches import BatchRecord
from dispatcher.store.keys import Key
from tests.support.invariants import Acceptance, World, sent_twice, transitions

_NEVER_SENT = frozenset(
    {
        BatchState.READY,
        BatchState.EMPTY,
        BatchState.CANCELLED,
        BatchState.EXPIRED,
        BatchState.REFUSED,
    }
)
_PAID = frozenset({BatchState.ACCEPTED, BatchState.DOUBTFUL})
_UNQUOTED = BatchRecord(state=BatchState.READY)


@dataclass(frozen=True, kw_only=True)
class _Batch:
    name: str
    record: BatchRecord
    accepted: Sequence[Acceptance]


def is_at_rest(status: CampaignStatus) -> bool:
    """Say whether nothing but a receipt that may never come moves a campaign on."""
    waits_for_proof = status.hold is HoldReason.OUTCOME_UNKNOWN or (
        status.state is CampaignState.CANCELLING
        and set(status.batch_states) & {"sending", "withdrawing"} == set()
    )
    is_in_doubt = status.state is CampaignState.SENT and "doubtful" in status.batch_states
    return status.state in TERMINAL or waits_for_proof or is_in_doubt


def time_violations(
    world: World, statuses: Sequence[CampaignStatus], stopped: Collection[str]
) -> list[str]:
    """Check everything, once nothing moves any more.

    Args:
        world: both sides, with everything the API ever accepted in its ledger.
        statuses: the campaigns whose submission was confirmed.
        stopped: those whose cancellation was answered with `cancelled`.
    """
    alive = replace(world, ledger=[e for e in world.ledger if e["state"] != "cancelled"])
    acceptances = alive.acceptances()
    batches = _batches(world, statuses, acceptances)
    return [
        *(f"{s.id} stands still as {s.state.value}" for s in statuses if not is_at_rest(s)),
        *(f"{e['ticket']} was never sent" for e in alive.ledger if e["state"] != "sent"),
        *sent_twice(acceptances),
        *(words for status in statuses for words in transitions(world, status)),
        *(words for status in statuses for words in _conservation(world, status)),
        *(words for batch in batches for words in _against_ledger(batch)),
        *(
            f"{status.id} was cancelled and is {status.state.value}"
            for status in statuses
            if status.id in stopped and status.state is not CampaignState.CANCELLED
        ),
        *_money(alive, batches),
    ]


def _batches(
    world: World, statuses: Sequence[CampaignStatus], acceptances: Sequence[Acceptance]
) -> list[_Batch]:
    records = {status.id: world.read(Key.CAMPAIGN, status.id) for status in statuses}
    starts = sorted((int(record["first"]), name) for name, record in records.items())
    found: dict[str, list[Acceptance]] = {}
    for accepted in acceptances:
        for name in {_owner(starts, records, sequence) for sequence in accepted.sequences}:
            found.setdefault(name, []).append(accepted)
    return [
        _Batch(
            name=f"{status.id}/{n}",
            record=world.store.batches.read(status.id, n) or _UNQUOTED,
            accepted=found.get(f"{status.id}/{n}", []),
        )
        for status in statuses
        for n in range(status.batches)
    ]


def _owner(
    starts: Sequence[tuple[int, str]], records: Mapping[str, Mapping[str, Any]], sequence: int
) -> str:
    first, name = starts[bisect_right(starts, (sequence, "\uffff")) - 1]
    return f"{name}/{(sequence - first) // int(records[name]['batch_size'])}"


def _against_ledger(batch: _Batch) -> list[str]:
    times, record = len(batch.accepted), batch.record
    if times > 1:
        return [f"{batch.name} was sent {times} times"]
    if times and record.state in _NEVER_SENT:
        return [f"{batch.name} is {record.state.value} but was sent"]
    if record.state is not BatchState.ACCEPTED:
        return []
    if not times:
        return [f"{batch.name} is accepted, but was not sent"]
    proof = batch.accepted[0]
    is_same = (proof.ticket, proof.cost) == (record.ticket, record.cost)
    return [] if is_same else [f"{batch.name} was sent under another ticket or at another cost"]


def _conservation(world: World, status: CampaignStatus) -> list[str]:
    found = Counter(result.state for result in world.store.results.of(status.id))
    facts = {
        "rows in and fates do not add up": not status.is_conserved,
        f"counters {status.recipient_states} but results {found}": (
            +Counter(status.recipient_states) != found
        ),
        f"{status.alarms} alarms": status.alarms != 0,
    }
    return [f"{status.id}: {words}" for words, is_wrong in facts.items() if is_wrong]


def _money(alive: World, batches: Sequence[_Batch]) -> list[str]:
    """Compare what was debited and given back with what we spent, reserved and promise."""
    ours, account = alive.store.ledger.credits(), alive.read(Key.ACCOUNT)
    debited = sum(entry["cost"] for entry in alive.ledger)
    net = ours.spent - int(account.get("returned", 0))
    paid = sum(b.record.cost or 0 for b in batches if b.record.state in _PAID)
    at_stake = sum(b.record.quote for b in batches if b.record.state is BatchState.UNKNOWN)
    exposed = int(account.get("exposed", 0))
    facts = {
        f"the API has {alive.credits_left} of {alive.credits_given} left after {debited}": (
            alive.credits_left != alive.credits_given - debited
        ),
        f"spent {net}, batches cost {paid}": net != paid,
        f"reserved {ours.reserved}, exposed {exposed}, at stake {at_stake}": (
            (ours.reserved, exposed) != (at_stake, at_stake)
        ),
        f"{ours.available} credits promised of {alive.credits_left}": (
            ours.available > alive.credits_left
        ),
    }
    return [words for words, is_wrong in facts.items() if is_wrong]
