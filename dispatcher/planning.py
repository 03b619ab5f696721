"""Tells when what is left of a campaign goes out, and what it waits for."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from dispatcher.domain.campaign import CampaignStatus
from dispatcher.domain.gates import ShutGate, shut_gates
from dispatcher.domain.lifecycle import TERMINAL, BatchState, CampaignState, HoldReason
from dispatcher.domain.windows import WindowPolicy
from dispatcher.domain.zones import zones_of
from dispatcher.settings import Settings
from dispatcher.store.account import AccountStore

_HANDED_OVER = frozenset({BatchState.SENDING, BatchState.SCHEDULED})
_TO_COME = frozenset({BatchState.READY, BatchState.SCHEDULED})
_NOTHING_TO_COME = TERMINAL | {CampaignState.CANCELLING, CampaignState.SENT}
_BY_ITSELF = frozenset({HoldReason.TIME, HoldReason.WINDOW})
_Batch = tuple[BatchState, Sequence[int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Departure:
    """Batches of a campaign that go out at the same time.

    Attributes:
        at: when; None for as soon as what `why` says allows it, or never.
        batches: how many.
        recipients: of all of them.
        why: what they wait for; "" when nothing keeps them but their turn.
    """

    at: datetime | None
    batches: int
    recipients: int
    why: str


def plan(
    store: AccountStore, status: CampaignStatus, settings: Settings, *, now: datetime
) -> Sequence[Departure]:
    """List the departures to come, those without a time last."""
    if status.state in _NOTHING_TO_COME:
        return []
    timetable = _Timetable(store, status, settings, now=now)
    found: defaultdict[tuple[datetime | None, str], list[int]] = defaultdict(list)
    for state, numbers in _to_come(store, status, now=now):
        found[timetable.departure(state, numbers)].append(len(numbers))
    departures = [
        Departure(at=at, batches=len(sizes), recipients=sum(sizes), why=why)
        for (at, why), sizes in found.items()
    ]
    return sorted(departures, key=lambda each: (each.at is None, each.at or now))


def _to_come(store: AccountStore, status: CampaignStatus, *, now: datetime) -> Iterator[_Batch]:
    """Give the batches that may still go out; those without a record wait for their quote."""
    is_early = status.send_at is not None and status.send_at > now
    to_come = _TO_COME | _HANDED_OVER if is_early else _TO_COME
    for n in range(status.batches):
        record = store.batches.read(status.id, n)
        state = BatchState.READY if record is None else record.state
        if state in to_come:
            yield state, store.batches.numbers(status.id, n)


class _Timetable:
    """Tells of a campaign's batches when they go out, and what they wait for."""

    def __init__(
        self, store: AccountStore, status: CampaignStatus, settings: Settings, *, now: datetime
    ) -> None:
        limits = store.campaigns.limits(status.id)
        self._hours = settings.advertising_hours if limits.policy else None
        self._holds = limits.policy is WindowPolicy.HOLD
        self._latest = limits.latest
        self._tail = settings.window_tail
        self._obstacle = _obstacle(store, status)
        self._now = now
        self._moment = max(status.send_at or now, now)

    def departure(self, state: BatchState, numbers: Sequence[int]) -> tuple[datetime | None, str]:
        """Give the time and the reason for a batch."""
        why = "its time" if self._moment > self._now else ""
        if state in _HANDED_OVER:
            return self._moment, why
        opens, closed = self._opening(numbers)
        if opens is None:
            return None, closed
        if self._latest is not None and self._handed_over(opens) > self._latest:
            return None, f"too late: {closed or 'its time is over'}"
        return (None, self._obstacle) if self._obstacle else (opens, closed or why)

    def _handed_over(self, opens: datetime) -> datetime:
        """Give when the API gets a batch: as its hours begin, if it has to wait for them."""
        return opens if opens > self._moment else self._now

    def _opening(self, numbers: Sequence[int]) -> tuple[datetime | None, str]:
        """Give when a batch's hours allow it to go out, and why not earlier."""
        if self._hours is None:
            return self._moment, ""
        zones = zones_of(numbers)
        opening = self._hours.next_opening(self._moment, zones, room=self._tail)
        if opening is not None and opening.opens <= self._moment:
            return self._moment, ""
        why = self._hours.why_closed(self._moment, zones) or "its hours end too soon"
        return (opening.opens if opening and self._holds else None), why


def gates_of(store: AccountStore, account: str) -> tuple[ShutGate, ...]:
    """Tell why nothing is sent on an account."""
    known = store.ledger.credits()
    found = shut_gates(
        account,
        stopped_by=known.stopped_by,
        parked=known.parked,
        is_breaker_open=store.unknowns.tally().breaker_since is not None,
        paused=store.pacing.read().paused_ms / 1000,
    )
    return tuple(found)


def _obstacle(store: AccountStore, status: CampaignStatus) -> str:
    """Name what keeps a campaign back until somebody or something ends it; "" for nothing."""
    if status.hold is not None and status.hold not in _BY_ITSELF:
        return f"held: {status.hold.value}"
    return "; ".join(each.why for each in gates_of(store, status.account))
