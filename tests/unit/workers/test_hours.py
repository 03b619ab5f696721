"""Advertising that is claimed outside its hours is not posted."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dispatcher.domain.message import Message
from dispatcher.domain.packing import Batch
from dispatcher.domain.windows import WindowPolicy
from dispatcher.settings import Settings
from dispatcher.store.batches import Outcome, SendRecord
from dispatcher.store.claims import SendClaim
from workers.resources import Account
from workers.steps.hours import out_of_hours

PARIS, REUNION, GUADELOUPE, TAHITI, NOUMEA = (
    33639980001, 262692123456, 590690123456, 68987123456, 687751234,
)  # fmt: skip
NOWHERE = 881612345678
P = WindowPolicy


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# A Monday.
OPEN, NIGHT = utc("2026-11-23 11:00"), utc("2026-11-23 20:00")
MORNING = utc("2026-11-24 07:00")


def ask(
    *numbers: int,
    now: datetime,
    delay: datetime | None = None,
    policy: WindowPolicy | None = P.HOLD,
    **settings: Any,  # noqa: ANN401 - any setting
) -> SendRecord | None:
    account = SimpleNamespace(settings=Settings.model_validate(settings), now=lambda: now)
    claim = SendClaim(
        campaign="spring",
        n=3,
        attempt=2,
        message=Message(text="Soldes"),
        batch=Batch(numbers=numbers),
        lists=(),
        fates=bytes(len(numbers)),
        first=0,
        progress=None,
        delay=delay,
        window_policy=policy,
    )
    return out_of_hours(cast("Account", account), claim)


def answered(found: SendRecord | None) -> tuple[Outcome, str, int]:
    assert found is not None
    assert (found.campaign, found.n, found.attempt) == ("spring", 3, 2)
    return found.outcome, found.why, found.pause_ms


@pytest.mark.parametrize("now", [OPEN, NIGHT, utc("2026-11-22 11:00")])
def test_what_is_no_advertising_goes_out_at_any_hour(now: datetime) -> None:
    assert ask(PARIS, NOWHERE, now=now, policy=None) is None


def test_without_windows_advertising_goes_out_at_any_hour() -> None:
    assert ask(PARIS, NOWHERE, now=NIGHT, windows="") is None


@pytest.mark.parametrize("policy", list(P))
def test_within_its_hours_it_goes_out(policy: WindowPolicy) -> None:
    assert ask(PARIS, REUNION, now=OPEN, policy=policy) is None


def test_outside_its_hours_it_waits_until_they_begin() -> None:
    found = answered(ask(PARIS, now=NIGHT))

    assert found == (Outcome.CLOSED, "after 20:00 in Europe/Paris", 11 * 3_600_000)


@pytest.mark.parametrize("policy", [P.EXPIRE, P.REFUSE])
def test_what_is_not_to_wait_is_given_up(policy: WindowPolicy) -> None:
    found = answered(ask(PARIS, now=NIGHT, policy=policy))

    assert found == (Outcome.EXPIRED, "after 20:00 in Europe/Paris", 0)


def test_one_recipient_whose_clock_forbids_it_holds_back_the_batch() -> None:
    found = answered(ask(PARIS, GUADELOUPE, now=OPEN))

    assert found == (Outcome.CLOSED, "before 08:00 in America/Guadeloupe", 3_600_000)


@pytest.mark.parametrize("policy", list(P))
@pytest.mark.parametrize("numbers", [(NOWHERE,), (PARIS, NOWHERE), (TAHITI, NOUMEA)])
def test_where_there_is_never_a_good_hour_it_is_given_up(
    numbers: tuple[int, ...], policy: WindowPolicy
) -> None:
    found = answered(ask(*numbers, now=OPEN, policy=policy))

    why = "advertising hours are not known for all of its numbers"
    assert found == (Outcome.EXPIRED, why, 0)


@pytest.mark.parametrize(
    ("now", "is_open"), [("2026-11-23 18:55:00", True), ("2026-11-23 18:55:01", False)]
)
def test_nothing_is_begun_that_might_not_end_in_time(now: str, *, is_open: bool) -> None:
    found = ask(PARIS, now=utc(now))

    assert (found is None) is is_open
    assert found is None or found.why == "its hours end too soon"


def test_how_long_before_the_end_nothing_is_begun_is_a_setting() -> None:
    last = utc("2026-11-23 18:59:59")

    assert ask(PARIS, now=last, window_tail=timedelta(0)) is None
    assert ask(PARIS, now=OPEN, window_tail=timedelta(hours=9)) is not None


def test_the_hour_the_api_sends_it_counts_and_not_that_of_the_call() -> None:
    assert ask(PARIS, now=NIGHT, delay=MORNING) is None

    found = answered(ask(PARIS, now=OPEN, delay=NIGHT))
    assert found == (Outcome.CLOSED, "after 20:00 in Europe/Paris", 20 * 3_600_000)


def test_hours_of_ones_own_and_the_senders_clock_are_settings() -> None:
    ours: dict[str, Any] = {"windows": "ours", "window_sets": {"ours": ["mon-sun 06:00-07:00"]}}
    early = utc("2026-11-23 06:30")

    assert ask(PARIS, now=early, sender_zone="Europe/London", **ours) is not None
    assert ask(PARIS, now=utc("2026-11-23 05:30"), **ours) is None
