from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.occurrences import CatchUp, Missed, Terms, due, occurrence_id
from dispatcher.domain.recurrence import Recurrence

HOURLY = Recurrence.parse("0 * * * *", "Europe/Paris")
ALL, LAST, NONE = CatchUp.ALL, CatchUp.LAST, CatchUp.NONE


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 23, hour, minute, tzinfo=UTC)


def terms(
    catch_up: CatchUp, *, hours: int = 3, ends: datetime | None = None, most: int | None = None
) -> Terms:
    return Terms(catch_up=catch_up, lateness=timedelta(hours=hours), ends=ends, most=most)


@pytest.mark.parametrize("catch_up", CatchUp)
def test_an_occurrence_on_time_runs_whatever_the_catch_up(catch_up: CatchUp) -> None:
    found = due(HOURLY, terms(catch_up), last=at(8), now=at(9, 5))

    assert found.run == (at(9),)
    assert found.missed is None
    assert found.last == at(9)
    assert found.next == at(10)


@pytest.mark.parametrize("catch_up", CatchUp)
def test_an_occurrence_is_due_at_its_very_moment_and_not_before(catch_up: CatchUp) -> None:
    assert due(HOURLY, terms(catch_up), last=at(8), now=at(9)).run == (at(9),)
    early = due(HOURLY, terms(catch_up), last=at(8), now=at(8, 59))
    assert (early.run, early.missed, early.last, early.next) == ((), None, at(8), at(9))


@pytest.mark.parametrize(
    ("catch_up", "run", "missed"),
    [
        (NONE, (), Missed(8, at(5), at(12))),
        (LAST, (at(12),), Missed(7, at(5), at(11))),
        (ALL, (at(10), at(11), at(12)), Missed(5, at(5), at(9))),
    ],
)
def test_after_an_outage_the_catch_up_decides_within_the_lateness(
    catch_up: CatchUp, run: tuple[datetime, ...], missed: Missed
) -> None:
    found = due(HOURLY, terms(catch_up), last=at(4), now=at(12, 45))

    assert found.run == run
    assert found.missed == missed
    assert found.last == at(12)
    assert found.next == at(13)


@pytest.mark.parametrize(
    ("catch_up", "run"),
    [(NONE, (at(12),)), (LAST, (at(12),)), (ALL, (at(10), at(11), at(12)))],
)
def test_one_on_time_supersedes_the_last_of_the_late(
    catch_up: CatchUp, run: tuple[datetime, ...]
) -> None:
    found = due(HOURLY, terms(catch_up, hours=2), last=at(9), now=at(12))

    assert found.run == run
    assert len(run) + (found.missed.count if found.missed else 0) == 3


def test_what_is_older_than_the_lateness_never_runs() -> None:
    strict = Terms(catch_up=ALL, lateness=timedelta(minutes=1))

    found = due(HOURLY, strict, last=at(8), now=at(9, 2))

    assert found.run == ()
    assert found.missed == Missed(1, at(9), at(9))


def test_after_the_end_there_are_no_occurrences() -> None:
    found = due(HOURLY, terms(ALL, ends=at(10)), last=at(8), now=at(11, 30))

    assert found.run == (at(9), at(10))
    assert found.missed is None
    assert found.next is None


@pytest.mark.parametrize(
    ("catch_up", "run"), [(NONE, (at(11),)), (LAST, (at(11),)), (ALL, (at(9), at(10)))]
)
def test_it_runs_no_more_often_than_allowed(catch_up: CatchUp, run: tuple[datetime, ...]) -> None:
    allowed = terms(catch_up, most=7 if catch_up is ALL else 6)

    found = due(HOURLY, allowed, last=at(8), now=at(11), runs=5)

    assert found.run == run
    assert found.next is None


def test_when_all_runs_are_used_up_nothing_is_due_or_missed() -> None:
    found = due(HOURLY, terms(ALL, most=5), last=at(8), now=at(11), runs=5)

    assert (found.run, found.missed, found.last, found.next) == ((), None, at(8), None)


def test_a_missed_occurrence_does_not_use_up_a_run() -> None:
    found = due(HOURLY, terms(NONE, most=6), last=at(8), now=at(9, 30), runs=5)

    assert found.missed == Missed(1, at(9), at(9))
    assert found.next == at(10)


def test_a_clock_behind_the_last_occurrence_finds_nothing() -> None:
    found = due(HOURLY, terms(ALL), last=at(9), now=at(8, 59))

    assert (found.run, found.missed, found.last, found.next) == ((), None, at(9), at(10))


def test_a_tick_runs_a_hundred_and_leaves_the_rest_to_the_next() -> None:
    now = at(8) + timedelta(hours=150)
    forever = terms(ALL, hours=1000)

    first = due(HOURLY, forever, last=at(8), now=now)
    second = due(HOURLY, forever, last=first.last, now=now)

    assert len(first.run) == 100
    assert first.next == at(8) + timedelta(hours=101)
    assert len(second.run) == 50
    assert second.last == now


def test_an_occurrence_is_named_after_its_schedule_and_its_time_in_utc() -> None:
    paris = Recurrence.parse("30 8 * * *", "Europe/Paris").preview(at(0), 1)[0]

    assert occurrence_id("newsletter", paris) == "newsletter@20261123T0730Z"
    with pytest.raises(ValueError, match="no time zone"):
        occurrence_id("newsletter", paris.replace(tzinfo=None))


def test_both_passes_of_a_repeated_hour_have_their_own_names() -> None:
    night = HOURLY.preview(datetime(2026, 10, 24, 23, 30, tzinfo=UTC), 2)

    assert [f"{each:%H:%M}" for each in night] == ["02:00", "02:00"]
    assert [occurrence_id("s", each) for each in night] == ["s@20261025T0000Z", "s@20261025T0100Z"]


CRONS = st.sampled_from(
    ["0 * * * *", "15,45 */2 * * *", "30 2 * * *", "*/20 1-3 * * *", "0 2 25-31 * 0"]
)
STARTS = st.sampled_from([datetime(2026, 10, 24, tzinfo=UTC), datetime(2027, 3, 27, tzinfo=UTC)])
TICKS = st.lists(st.integers(0, 3 * 1440), min_size=1, max_size=20).map(sorted)


@given(CRONS, STARTS, TICKS)
def test_however_ticks_divide_the_time_each_occurrence_runs_once(
    cron: str, start: datetime, ticks: list[int]
) -> None:
    recurrence = Recurrence.parse(cron, "Europe/Paris", floor=timedelta(0))
    forever = Terms(catch_up=ALL, lateness=timedelta(days=3650))
    last = start
    ran: list[datetime] = []

    for minutes in ticks:
        found = due(recurrence, forever, last=last, now=start + timedelta(minutes=minutes))
        ran += found.run
        last = found.last

    assert ran == list(recurrence.after(start, until=start + timedelta(minutes=ticks[-1])))


@given(CRONS, STARTS, TICKS, st.sampled_from(CatchUp), st.integers(0, 30))
def test_every_occurrence_is_run_or_missed_and_none_is_both(
    cron: str, start: datetime, ticks: list[int], catch_up: CatchUp, hours: int
) -> None:
    recurrence = Recurrence.parse(cron, "Europe/Paris", floor=timedelta(0))
    last, missed = start, 0
    ran: list[datetime] = []

    for minutes in ticks:
        now = start + timedelta(minutes=minutes)
        found = due(recurrence, terms(catch_up, hours=hours), last=last, now=now)
        assert all(now - run <= timedelta(hours=hours) for run in found.run)
        ran += found.run
        missed += found.missed.count if found.missed else 0
        last = found.last

    everything = list(recurrence.after(start, until=start + timedelta(minutes=ticks[-1])))
    assert all(earlier < later for earlier, later in pairwise(ran))
    assert set(ran) <= set(everything)
    assert len(ran) + missed == len(everything)
