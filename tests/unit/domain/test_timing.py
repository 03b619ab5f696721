from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from dispatcher.domain.timing import (
    AT_ONCE,
    Handover,
    TimeLimits,
    Timing,
    problems_of_time,
    timing_of,
    utc_now,
)

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TOMORROW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
YEAR = timedelta(days=365)
LIMITS = TimeLimits(
    handover=Handover.PROVIDER, lead=timedelta(minutes=10), max_lateness=HOUR, furthest=YEAR
)


def test_without_a_time_there_is_neither_waiting_nor_being_late() -> None:
    timing = timing_of(None, handover=Handover.LOCAL, max_lateness=MINUTE, limits=LIMITS)

    assert timing == AT_ONCE == Timing(send_at=None, handover_at=None, latest=None)


def test_the_api_is_given_a_campaign_at_once_unless_told_otherwise() -> None:
    timing = timing_of(TOMORROW, handover=None, max_lateness=None, limits=LIMITS)

    assert timing == Timing(
        send_at=TOMORROW, handover_at=None, latest=datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
    )


def test_what_we_keep_is_handed_over_the_lead_before_its_time() -> None:
    timing = timing_of(TOMORROW, handover=Handover.LOCAL, max_lateness=None, limits=LIMITS)

    assert timing.handover_at == datetime(2026, 11, 24, 8, 50, tzinfo=UTC)


@pytest.mark.parametrize("handover", Handover)
def test_an_hour_that_comes_twice_is_kept_here_from_an_api_that_says_no_offset(
    handover: Handover,
) -> None:
    paris = ZoneInfo("Europe/Paris")
    live = replace(LIMITS, wall_clock=paris)

    def handed_over(when: datetime, limits: TimeLimits) -> datetime | None:
        return timing_of(when, handover=handover, max_lateness=None, limits=limits).handover_at

    usual = handed_over(TOMORROW, LIMITS)
    assert handed_over(TOMORROW, live) == usual
    for fold in (0, 1):
        twice = datetime(2027, 10, 31, 2, 30, tzinfo=paris, fold=fold)
        assert handed_over(twice, live) == twice.astimezone(UTC)
        assert handed_over(twice, LIMITS) != twice.astimezone(UTC)
    for once in (
        datetime(2027, 10, 31, 1, 59, tzinfo=paris),
        datetime(2027, 3, 28, 3, tzinfo=paris),
    ):
        assert handed_over(once, live) == handed_over(once, LIMITS)


@pytest.mark.parametrize(
    ("own", "of_account", "is_kept"),
    [
        (None, Handover.LOCAL, True),
        (None, Handover.PROVIDER, False),
        (Handover.PROVIDER, Handover.LOCAL, False),
        (Handover.LOCAL, Handover.PROVIDER, True),
    ],
)
def test_a_campaigns_own_handover_goes_before_the_accounts(
    own: Handover | None, of_account: Handover, *, is_kept: bool
) -> None:
    limits = TimeLimits(handover=of_account, lead=MINUTE, max_lateness=HOUR, furthest=YEAR)

    timing = timing_of(TOMORROW, handover=own, max_lateness=None, limits=limits)

    assert (timing.handover_at is not None) is is_kept


@pytest.mark.parametrize(
    ("lateness", "latest"),
    [
        (None, datetime(2026, 11, 24, 10, 0, tzinfo=UTC)),
        (timedelta(), TOMORROW),
        (3 * HOUR, datetime(2026, 11, 24, 12, 0, tzinfo=UTC)),
    ],
)
def test_a_campaigns_own_lateness_goes_before_the_accounts(
    lateness: timedelta | None, latest: datetime
) -> None:
    timing = timing_of(TOMORROW, handover=None, max_lateness=lateness, limits=LIMITS)

    assert timing.latest == latest


def test_lateness_is_real_time_on_the_night_the_clocks_change() -> None:
    before = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Paris"))

    timing = timing_of(before, handover=None, max_lateness=None, limits=LIMITS)

    assert timing.latest is not None
    assert timing.latest.astimezone(UTC) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_the_lead_is_real_time_on_the_night_the_clocks_change() -> None:
    after = datetime(2026, 3, 29, 3, 5, tzinfo=ZoneInfo("Europe/Paris"))

    timing = timing_of(after, handover=Handover.LOCAL, max_lateness=None, limits=LIMITS)

    assert timing.handover_at is not None
    assert timing.handover_at.astimezone(UTC) == datetime(2026, 3, 29, 0, 55, tzinfo=UTC)


@pytest.mark.parametrize(
    "moment",
    [
        None,
        NOW + timedelta(microseconds=1),
        NOW + YEAR,
        datetime(2026, 11, 23, 11, 1, tzinfo=timezone(2 * HOUR)),
    ],
)
def test_a_time_to_come_is_right(moment: datetime | None) -> None:
    assert problems_of_time(moment, now=NOW, furthest=YEAR) == []


NAIVE = datetime(2026, 11, 24, 9, 0)  # noqa: DTZ001 - what must be refused


@pytest.mark.parametrize(
    ("moment", "message", "fix"),
    [
        (NAIVE, "it has no time zone", "say whose clock is meant: tzinfo=ZoneInfo(...)"),
        (NOW, "it is past", "give a later time, or none to send at once"),
        (NOW - MINUTE, "it is past", "give a later time, or none to send at once"),
        # Eleven o'clock in Kyiv is nine o'clock here.
        (
            datetime(2026, 11, 23, 11, 0, tzinfo=ZoneInfo("Europe/Kyiv")),
            "it is past",
            "give a later time, or none to send at once",
        ),
        (
            NOW + YEAR + timedelta(seconds=1),
            "it is more than 365 days ahead",
            "submit it nearer to its time",
        ),
        ("2026-11-24T09:00:00Z", "it is a str", "give a datetime with a time zone"),
        (date(2026, 11, 24), "it is a date", "give a datetime with a time zone"),
        (1_790_000_000, "it is a int", "give a datetime with a time zone"),
    ],
)
def test_a_time_that_cannot_be_kept_is_refused_with_its_fix(
    moment: object, message: str, fix: str
) -> None:
    (problem,) = problems_of_time(moment, now=NOW, furthest=YEAR)

    assert (problem.field, problem.row) == ("send_at", None)
    assert (problem.message, problem.fix) == (message, fix)


def test_how_far_is_too_far_is_told_in_days() -> None:
    (problem,) = problems_of_time(NOW + 2 * DAY, now=NOW, furthest=36 * HOUR)

    assert problem.message == "it is more than 1.5 days ahead"


def test_now_is_told_with_its_zone() -> None:
    assert utc_now().utcoffset() == timedelta()
