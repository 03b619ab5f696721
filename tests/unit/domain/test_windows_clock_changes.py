"""Windows on nights and days on which a clock is changed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.windows import Opening, WindowSet
from dispatcher.domain.zones import PARIS, Zone
from tests.support import french_calendar as by_hand

FRENCH = WindowSet.named("fr-marketing")
PARISIANS = frozenset({PARIS})
MINUTE = timedelta(minutes=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def everywhere(zone: str, *rules: str) -> tuple[WindowSet, frozenset[Zone]]:
    """Make rules for people of one zone, the sender among them."""
    here = Zone(zone)
    return WindowSet.named("ours", sets={"ours": rules}, sender=here), frozenset({here})


def openings_between(
    windows: WindowSet, zones: frozenset[Zone], begin: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    found = []
    while (opening := windows.next_opening(begin, zones)) and opening.opens < end:
        found.append((opening.opens, opening.closes))
        begin = opening.closes
    return found


@pytest.mark.parametrize("year", by_hand.YEARS)
def test_after_either_change_advertising_starts_by_the_new_clock(year: int) -> None:
    for change, hour in ((by_hand.spring_change(year), 6), (by_hand.autumn_change(year), 7)):
        day = change.date() + timedelta(1)
        while day in by_hand.holidays("Europe/Paris", year):
            day += timedelta(1)

        opening = FRENCH.next_opening(change, PARISIANS)

        assert opening is not None
        assert opening.opens == datetime(year, day.month, day.day, hour, tzinfo=UTC)
        assert opening.closes == opening.opens + timedelta(hours=12)


def test_the_change_before_a_holiday_waits_a_day_longer() -> None:
    easter = FRENCH.next_opening(utc("2027-03-28 01:00"), PARISIANS)
    all_saints = FRENCH.next_opening(utc("2027-10-31 01:00"), PARISIANS)

    assert easter == Opening(opens=utc("2027-03-30 06:00"), closes=utc("2027-03-30 18:00"))
    assert all_saints == Opening(opens=utc("2027-11-02 07:00"), closes=utc("2027-11-02 19:00"))


@pytest.mark.parametrize("year", by_hand.YEARS)
@pytest.mark.parametrize(
    ("rule", "spring", "autumn"),
    [
        # In minutes from the change. The clock shows 03:00 where 02:30 would have been.
        ("mon-sun 02:30-05:00", [(0, 120)], [(-30, 0), (30, 180)]),
        ("mon-sun 02:00-05:00", [(0, 120)], [(-60, 180)]),
        ("mon-sun 03:00-05:00", [(0, 120)], [(60, 180)]),
        ("mon-sun 01:00-02:30", [(-60, 0)], [(-120, -30), (0, 30)]),
        ("mon-sun 01:00-02:00", [(-60, 0)], [(-120, -60)]),
        ("mon-sun 02:10-02:50", [], [(-50, -10), (10, 50)]),
        ("mon-sun 01:00-04:00", [(-60, 60)], [(-120, 120)]),
    ],
)
def test_hours_within_the_change_follow_the_local_clock(
    year: int, rule: str, spring: list[tuple[int, int]], autumn: list[tuple[int, int]]
) -> None:
    windows, whom = everywhere("Europe/Paris", f"{rule} holidays")

    for change, expected in (
        (by_hand.spring_change(year), spring),
        (by_hand.autumn_change(year), autumn),
    ):
        begin, end = change - timedelta(hours=4), change + timedelta(hours=6)
        found = openings_between(windows, whom, begin, end)
        minutes = [((a - change) // MINUTE, (b - change) // MINUTE) for a, b in found]
        assert minutes == expected


def test_a_midnight_that_never_strikes_ends_the_day() -> None:
    windows, whom = everywhere("America/Santiago", "sat 00:00-24:00 holidays")

    opening = windows.next_opening(utc("2026-09-05 12:00"), whom)

    assert opening == Opening(opens=utc("2026-09-05 04:00"), closes=utc("2026-09-06 04:00"))


def test_a_day_that_strikes_midnight_twice_is_longer() -> None:
    windows, whom = everywhere("America/Santiago", "sat 00:00-24:00 holidays")

    opening = windows.next_opening(utc("2026-04-04 12:00"), whom)

    assert opening == Opening(opens=utc("2026-04-04 03:00"), closes=utc("2026-04-05 04:00"))


def test_a_friday_left_out_of_the_calendar_never_opens() -> None:
    windows, whom = everywhere("Pacific/Apia", "fri 00:00-24:00 holidays")

    opening = windows.next_opening(utc("2011-12-29 12:00"), whom)

    assert opening == Opening(opens=utc("2012-01-05 10:00"), closes=utc("2012-01-06 10:00"))


def test_a_clock_changed_as_a_day_begins_in_utc_is_noticed() -> None:
    windows, whom = everywhere("Africa/Casablanca", "mon-sun 00:30-12:00 holidays")

    opening = windows.next_opening(utc("2011-04-02 20:00"), whom)

    assert opening == Opening(opens=utc("2011-04-03 00:00"), closes=utc("2011-04-03 11:00"))


CHANGES = [
    ("Europe/Paris", utc("2026-03-29 01:00")),
    ("Europe/Paris", utc("2026-10-25 01:00")),
    ("America/New_York", utc("2026-03-08 07:00")),
    ("America/New_York", utc("2026-11-01 06:00")),
    ("America/Miquelon", utc("2026-11-01 04:00")),
    ("America/Santiago", utc("2026-09-06 04:00")),
    ("America/Santiago", utc("2026-04-05 03:00")),
    ("Australia/Lord_Howe", utc("2026-10-03 15:30")),
    ("Australia/Lord_Howe", utc("2026-04-04 15:00")),
    ("Antarctica/Troll", utc("2026-03-29 01:00")),
    ("Pacific/Chatham", utc("2026-09-26 14:00")),
    ("Africa/Casablanca", utc("2011-04-03 00:00")),
    ("Pacific/Apia", utc("2011-12-30 10:00")),
]
TWO_HOURS = st.sets(st.integers(0, 288), min_size=2, max_size=2).map(sorted)


@given(st.sampled_from(CHANGES), TWO_HOURS, st.integers(0, 6))
def test_openings_are_those_a_watch_would_find_minute_by_minute(
    change: tuple[str, datetime], fives: list[int], weekday: int
) -> None:
    zone, moment = change
    start, end = (5 * five for five in fives)
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    hours = f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"
    windows, whom = everywhere(zone, f"{days[weekday]}-{days[weekday - 3]} {hours} holidays")
    open_days = {(weekday + later) % 7 for later in range(5)}
    begin = moment - timedelta(hours=30)
    minutes = [begin + MINUTE * number for number in range(60 * 60)]

    def watch(minute: datetime) -> bool:
        local = minute.astimezone(Zone(zone).clock)
        return local.weekday() in open_days and start <= local.hour * 60 + local.minute < end

    open_by_watch = [minute for minute in minutes if watch(minute)]

    found = openings_between(windows, whom, begin, minutes[-1])
    within = [minute for minute in minutes if any(a <= minute < b for a, b in found)]
    assert within == open_by_watch
    assert [minute for minute in minutes if windows.is_open(minute, whom)] == open_by_watch
