from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType, SimpleNamespace
from typing import Any, cast

import pytest

from dispatcher.domain.campaign import CampaignStatus
from dispatcher.domain.lifecycle import BatchState, CampaignState, HoldReason
from dispatcher.domain.windows import WindowPolicy
from dispatcher.planning import Departure, plan
from dispatcher.settings import Settings
from dispatcher.store.account import AccountStore
from dispatcher.store.batches import BatchRecord
from dispatcher.store.campaigns import Limits
from dispatcher.store.ledger import Credits

PARIS, REUNION, GUADELOUPE = 33639980001, 262692123456, 590690123456
NOWHERE = 881612345678
B, C, H, P = BatchState, CampaignState, HoldReason, WindowPolicy


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# A Monday.
NOON, EVENING = utc("2026-11-23 11:00"), utc("2026-11-23 20:00")
MORNING, MORNING_IN_GUADELOUPE = utc("2026-11-24 07:00"), utc("2026-11-24 12:00")


@dataclass
class Stored:
    """A campaign's batches as the store would tell them, whatever the campaign."""

    batches_kept: list[tuple[BatchState | None, Sequence[int]]] = field(default_factory=list)
    policy: WindowPolicy | None = None
    latest: datetime | None = None
    stopped_by: str | None = None
    breaker_since: datetime | None = None
    paused_ms: int = 0

    @property
    def unknowns(self) -> SimpleNamespace:
        found = SimpleNamespace(breaker_since=self.breaker_since)
        return SimpleNamespace(tally=lambda: found)

    @property
    def pacing(self) -> SimpleNamespace:
        return SimpleNamespace(read=lambda: SimpleNamespace(paused_ms=self.paused_ms))

    @property
    def campaigns(self) -> SimpleNamespace:
        return SimpleNamespace(limits=lambda _: Limits(policy=self.policy, latest=self.latest))

    @property
    def ledger(self) -> SimpleNamespace:
        known = Credits(balance=0, reserved=0, spent=0, parked=None, stopped_by=self.stopped_by)
        return SimpleNamespace(credits=lambda: known)

    @property
    def batches(self) -> "Stored":
        return self

    def read(self, _: str, n: int) -> BatchRecord | None:
        state = self.batches_kept[n][0]
        return BatchRecord(state=state) if state else None

    def numbers(self, _: str, n: int) -> Sequence[int]:
        return self.batches_kept[n][1]


def planned(
    *batches: tuple[BatchState | None, Sequence[int]],
    now: datetime = NOON,
    windows: str = "fr-marketing",
    policy: WindowPolicy | None = None,
    latest: datetime | None = None,
    shut: Mapping[str, Any] = MappingProxyType({}),
    **status: Any,  # noqa: ANN401 - any field
) -> Sequence[Departure]:
    stored = Stored(list(batches), policy, latest, **shut)
    settings = Settings.model_validate({"windows": windows})
    found = cast(
        "CampaignStatus",
        SimpleNamespace(
            **{
                "id": "c1",
                "account": "default",
                "state": C.SENDING,
                "hold": None,
                "send_at": None,
                "batches": len(batches),
                **status,
            }
        ),
    )
    return plan(cast("AccountStore", stored), found, settings, now=now)


def departure(at: datetime | None, batches: int, recipients: int, why: str = "") -> Departure:
    return Departure(at=at, batches=batches, recipients=recipients, why=why)


def test_an_alert_waits_for_nothing_but_its_turn() -> None:
    found = planned((B.READY, [PARIS, NOWHERE]), (None, [PARIS]), now=EVENING)

    assert found == [departure(EVENING, 2, 3)]


def test_only_what_is_left_is_told() -> None:
    gone = [(state, [PARIS]) for state in B if state not in (B.READY, B.SCHEDULED)]

    assert planned(*gone, (B.READY, [PARIS])) == [departure(NOON, 1, 1)]


@pytest.mark.parametrize(
    "state", [C.CANCELLING, C.SENT, C.FINISHED, C.CANCELLED, C.EXPIRED, C.REJECTED]
)
def test_nothing_of_what_is_over_goes_out(state: CampaignState) -> None:
    # A batch that ended with its campaign before its quote has no record of its own.
    assert planned((None, [PARIS]), (B.READY, [PARIS]), state=state) == []


def test_each_kind_of_zones_has_its_own_time_and_those_without_one_come_last() -> None:
    found = planned(
        (B.READY, [NOWHERE]),
        (B.READY, [GUADELOUPE]),
        (B.READY, [PARIS]),
        (B.READY, [GUADELOUPE, PARIS]),
        (B.READY, [REUNION]),
        policy=P.HOLD,
    )

    assert found == [
        departure(NOON, 2, 2),
        departure(utc("2026-11-23 12:00"), 2, 3, "before 08:00 in America/Guadeloupe"),
        departure(None, 1, 1, "the time zone of a recipient is unknown"),
    ]


def test_outside_its_hours_it_waits_for_the_next() -> None:
    found = planned((B.READY, [PARIS]), now=EVENING, policy=P.HOLD, state=C.HELD, hold=H.WINDOW)

    assert found == [departure(MORNING, 1, 1, "after 20:00 in Europe/Paris")]


def test_too_late_in_the_day_it_waits_for_the_next_too() -> None:
    found = planned((B.READY, [PARIS]), now=utc("2026-11-23 18:56"), policy=P.HOLD)

    assert found == [departure(MORNING, 1, 1, "its hours end too soon")]


@pytest.mark.parametrize("policy", [P.REFUSE, P.EXPIRE])
def test_what_does_not_wait_for_its_hours_does_not_go_out(policy: WindowPolicy) -> None:
    found = planned((B.READY, [PARIS]), now=EVENING, policy=policy)

    assert found == [departure(None, 1, 1, "after 20:00 in Europe/Paris")]


def test_without_windows_it_goes_out_at_any_hour() -> None:
    assert planned((B.READY, [PARIS]), now=EVENING, policy=P.HOLD, windows="") == [
        departure(EVENING, 1, 1)
    ]


def test_a_time_of_its_own_is_waited_for() -> None:
    found = planned((B.SCHEDULED, [PARIS]), (B.READY, [PARIS]), send_at=MORNING, state=C.SCHEDULED)

    assert found == [departure(MORNING, 2, 2, "its time")]


def test_what_the_api_has_goes_out_whatever_is_stopped_or_late_here() -> None:
    found = planned(
        (B.SCHEDULED, [GUADELOUPE]), send_at=MORNING, policy=P.HOLD, shut={"stopped_by": "ada"}
    )

    assert found == [departure(MORNING, 1, 1, "its time")]


def test_a_time_outside_its_hours_is_put_off() -> None:
    found = planned((B.READY, [GUADELOUPE]), send_at=MORNING, policy=P.HOLD)

    assert found == [departure(MORNING_IN_GUADELOUPE, 1, 1, "before 08:00 in America/Guadeloupe")]


def test_what_its_lateness_does_not_allow_does_not_go_out() -> None:
    too_late = departure(None, 1, 1, "too late: after 20:00 in Europe/Paris")
    in_time = departure(MORNING, 1, 1, "after 20:00 in Europe/Paris")
    held: dict[str, Any] = {"send_at": NOON, "policy": P.HOLD, "now": EVENING}

    assert planned((B.READY, [PARIS]), latest=utc("2026-11-24 06:59"), **held) == [too_late]
    assert planned((B.READY, [PARIS]), latest=MORNING, **held) == [in_time]


def test_what_is_late_already_is_told_so() -> None:
    found = planned((B.READY, [PARIS]), send_at=NOON, latest=NOON, now=utc("2026-11-23 11:01"))

    assert found == [departure(None, 1, 1, "too late: its time is over")]


@pytest.mark.parametrize(
    "hold", [H.CREDITS, H.CREDENTIALS, H.APPROVAL, H.PAUSED, H.OUTCOME_UNKNOWN]
)
def test_what_is_held_has_no_time(hold: HoldReason) -> None:
    found = planned((B.READY, [PARIS]), send_at=MORNING, state=C.HELD, hold=hold)

    assert found == [departure(None, 1, 1, f"held: {hold.value}")]


@pytest.mark.parametrize("hold", [None, H.TIME])
def test_who_stopped_it_is_told(hold: HoldReason | None) -> None:
    found = planned((B.READY, [PARIS]), hold=hold, shut={"stopped_by": "ada"})

    assert found == [departure(None, 1, 1, "stopped by ada")]


def test_whatever_keeps_the_whole_account_from_sending_is_told() -> None:
    lost = planned((B.READY, [PARIS]), shut={"breaker_since": NOON})
    both = planned((B.READY, [PARIS]), shut={"stopped_by": "ada", "paused_ms": 4_000})

    assert lost == [departure(None, 1, 1, "too many answers were lost")]
    assert both == [departure(None, 1, 1, "stopped by ada; the API asked for a pause")]
