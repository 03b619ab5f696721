from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from dispatcher.domain.recurrence import Recurrence
from dispatcher.errors import InputError

PARIS = "Europe/Paris"


def next_runs(cron: str, zone: str, moment: str, count: int) -> list[str]:
    recurrence = Recurrence.parse(cron, zone)
    preview = recurrence.preview(datetime.fromisoformat(moment), count)
    return [each.isoformat(timespec="minutes") for each in preview]


def problems(cron: str, zone: str = PARIS, floor: int = 15) -> list[str]:
    with pytest.raises(InputError) as refused:
        Recurrence.parse(cron, zone, floor=timedelta(minutes=floor))
    return [str(problem) for problem in refused.value.problems]


def test_a_preview_shows_ten_runs_in_the_zone_of_the_schedule() -> None:
    recurrence = Recurrence.parse("30 8 * * MON-FRI", "Indian/Reunion")

    preview = recurrence.preview(datetime(2026, 11, 27, 12, tzinfo=UTC))

    assert len(preview) == 10
    assert preview[0].isoformat() == "2026-11-30T08:30:00+04:00"


def test_an_occurrence_at_the_moment_itself_is_past_and_one_at_the_end_still_counts() -> None:
    recurrence = Recurrence.parse("0 8 * * *", PARIS)
    first, last = datetime(2026, 11, 22, 7, tzinfo=UTC), datetime(2026, 11, 24, 7, tzinfo=UTC)

    found = list(recurrence.after(first, until=last))

    assert found == [datetime(2026, 11, 23, 7, tzinfo=UTC), last]


@pytest.mark.parametrize("cron", ["0 2 * * *", "30 2 * * *", "*/20 2 * * *", "0,30 2,3 * * *"])
def test_a_time_that_the_clocks_skip_runs_once_after_the_gap(cron: str) -> None:
    runs = next_runs(cron, PARIS, "2027-03-28T00:30:00+00:00", 2)

    assert runs[0] == "2027-03-28T03:00+02:00"
    assert runs[1] > "2027-03-28T03:00+02:00"


@pytest.mark.parametrize(("cron", "last"), [("30 2 * * *", "02:30"), ("*/20 2 * * *", "02:40")])
def test_a_fixed_time_in_the_repeated_hour_runs_in_the_first_pass(cron: str, last: str) -> None:
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)
    runs = Recurrence.parse(cron, PARIS).after(before, until=before + timedelta(days=1))

    assert [f"{run:%H:%M}" for run in runs][-1] == f"00:{last[3:]}"


def test_an_hourly_one_runs_in_both_passes_and_not_in_the_gap() -> None:
    autumn = next_runs("0 * * * *", PARIS, "2026-10-25T01:30:00+02:00", 3)
    spring = next_runs("0 * * * *", PARIS, "2027-03-28T00:30:00+01:00", 3)

    assert autumn == ["2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00", "2026-10-25T03:00+01:00"]
    assert spring == ["2027-03-28T01:00+01:00", "2027-03-28T03:00+02:00", "2027-03-28T04:00+02:00"]


def test_from_within_the_second_pass_a_fixed_time_is_over_and_an_hourly_one_is_not() -> None:
    second_pass = "2026-10-25T02:10:00+01:00"

    assert next_runs("30 2 * * *", PARIS, second_pass, 1) == ["2026-10-26T02:30+01:00"]
    assert next_runs("30 * * * *", PARIS, second_pass, 1) == ["2026-10-25T02:30+01:00"]


@pytest.mark.parametrize(
    ("zone", "moment", "expected"),
    [
        (
            "Australia/Lord_Howe",
            "2026-10-03T00:00:00+00:00",
            ["2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"],
        ),
        (
            "Pacific/Apia",
            "2011-12-30T00:00:00+00:00",
            ["2011-12-31T00:00+14:00", "2011-12-31T02:15+14:00"],
        ),
        ("Asia/Kathmandu", "2026-10-03T00:00:00+00:00", ["2026-10-04T02:15+05:45"]),
        (
            "Africa/Casablanca",
            "2027-03-13T12:00:00+00:00",
            ["2027-03-14T03:00+01:00", "2027-03-15T02:15+01:00"],
        ),
    ],
)
def test_zones_with_other_ideas_keep_to_the_same_rule(
    zone: str, moment: str, expected: list[str]
) -> None:
    assert next_runs("15 2 * * *", zone, moment, len(expected)) == expected


def test_midnight_that_does_not_exist_is_one_in_the_morning() -> None:
    runs = next_runs("0 0 * * *", "America/Sao_Paulo", "2017-10-14T12:00:00+00:00", 2)

    assert runs == ["2017-10-15T01:00-02:00", "2017-10-16T00:00-02:00"]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("13 * FRI", [11, 13, 18, 25]),
        ("1-31 * FRI", [10, 11, 12, 13]),
        ("*/2 * FRI", [11, 25]),
        ("13 * *", [13]),
        ("* * 5", [11, 18, 25]),
        ("* * SAT-SUN", [12, 13, 19, 20, 26, 27]),
        ("* * 7", [13, 20, 27]),
    ],
)
def test_one_of_two_restricted_days_is_enough(days: str, expected: list[int]) -> None:
    recurrence = Recurrence.parse(f"0 8 {days}", PARIS)

    preview = recurrence.preview(datetime(2026, 12, 9, 12, tzinfo=UTC), len(expected))

    assert [each.day for each in preview] == expected


def test_a_leap_day_is_waited_for() -> None:
    assert next_runs("0 8 29 2 *", PARIS, "2096-03-01T00:00:00+00:00", 1) == [
        "2104-02-29T08:00+01:00"
    ]


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 8 * *", "it has 4 fields"),
        ("0 0 8 * * *", "it has 6 fields"),
        ("0 8 * * * 2027", "it has 6 fields"),
        ("", "it has 0 fields"),
        ("@daily", "short forms such as @daily are not taken"),
        ("R 8 * * *", "minute: 'R' is not standard cron"),
        ("H/20 8 * * *", "minute: 'H/20' is not standard cron"),
        ("0 8 L * *", "day of month: 'L' is not standard cron"),
        ("0 8 15W * *", "day of month: '15W' is not standard cron"),
        ("0 8 ? * 1", "day of month: '?' is not standard cron"),
        ("0 8 * * 5#2", "day of week: '5#2' is not standard cron"),
        ("0 8 * * 5L", "day of week: '5L' is not standard cron"),
        ("0 22-2 * * *", "hour: the range 22-2 runs backwards (write 22-23,0-2)"),
        ("5/20 8 * * *", "minute: '5/20' steps without a range (write 5-59/20)"),
        ("*/90 8 * * *", "minute: the step of '*/90' meets no second value"),
        ("*/0 8 * * *", "minute: the step of '*/0' meets no second value"),
        ("60 8 * * *", "minute: '60' is not from 0 to 59"),
        ("0 8 0 * *", "day of month: '0' is not from 1 to 31"),
        ("0 8 * * 8", "day of week: '8' is not from 0 to 7, nor one of SUN MON"),
        ("0 8 * FEV *", "month: 'FEV' is not from 1 to 12, nor one of JAN FEB"),
        ("0 -8 * * *", "hour: '-8' cannot be read"),
        ("0 8, * * *", "hour: '' cannot be read"),
        ("0 \u0668 * * *", "hour: '\u0668' cannot be read"),
        ("0 8 31 2 *", "it would never run"),
        ("0 8 31 4,6,9,11 *", "it would never run"),
        ("0 8 30 2 */2", "it would never run"),
        ("0,10 8 * * *", "it would run 10 minutes apart"),
        ("* * * * *", "it would run 1 minute apart"),
        ("0,55 0,23 * * *", "it would run 5 minutes apart"),
        ("5 2,3 * * *", "5 minutes apart when the clocks change, as on 30 March 2025"),
        ("0,50 */2 * * *", "10 minutes apart when the clocks change, as on 26 October 2025"),
        ("0" * 501, "it is too long"),
    ],
)
def test_what_is_not_standard_cron_or_runs_never_or_too_often_is_refused(
    cron: str, expected: str
) -> None:
    (problem,) = problems(cron)

    assert problem.startswith("cron: ")
    assert expected in problem


def test_half_an_hour_of_summer_time_counts_for_the_floor() -> None:
    (problem,) = problems("35,55 * * * *", "Australia/Lord_Howe")

    assert "10 minutes apart when the clocks change, as on 06 April 2025" in problem
    Recurrence.parse("35,55 * * * *", "Australia/Perth")


def test_runs_close_over_midnight_are_refused_only_if_the_days_meet() -> None:
    Recurrence.parse("0,55 0,23 1,15 * *", PARIS)

    assert "5 minutes apart" in problems("0,55 0,23 1,31 * *")[0]


def test_a_floor_beyond_a_day_looks_at_the_days() -> None:
    week = 7 * 24 * 60

    Recurrence.parse("0 8 * * 1", "UTC", floor=timedelta(minutes=week))

    assert "4320 minutes apart" in problems("0 8 * * 1,4", "UTC", floor=week)[0]


def test_everything_wrong_is_told_at_once() -> None:
    assert [problem.split(" (")[0] for problem in problems("61 25 * * *", "Europe/Pari")] == [
        "cron: minute: '61' is not from 0 to 59",
        "cron: hour: '25' is not from 0 to 23",
        "timezone: 'Europe/Pari' is no time zone",
    ]


@pytest.mark.parametrize(
    ("zone", "fix"),
    [
        ("europe/paris", "did you mean Europe/Paris?"),
        ("Indian/Runion", "did you mean Indian/Reunion?"),
        ("CEST", "write one such as Europe/Paris"),
        ("", "write one such as Europe/Paris"),
        ("../../etc/passwd", "write one such as Europe/Paris"),
        ("localtime", "write one such as Europe/Paris"),
    ],
)
def test_an_unknown_zone_is_refused_and_the_nearest_named(zone: str, fix: str) -> None:
    assert problems("0 8 * * *", zone) == [f"timezone: {zone!r} is no time zone ({fix})"]


def test_blanks_around_and_between_fields_do_not_matter() -> None:
    assert Recurrence.parse(" 0  8 * *\tmon ", PARIS) == Recurrence(
        cron="0 8 * * mon", timezone=PARIS
    )


def test_a_moment_without_zone_is_refused_at_once() -> None:
    recurrence = Recurrence.parse("0 8 * * *", PARIS)

    with pytest.raises(ValueError, match="no time zone"):
        recurrence.after(datetime.fromisoformat("2026-11-22T08:00"))


ZONES = st.sampled_from(
    ["Europe/Paris", "Australia/Lord_Howe", "Antarctica/Troll", "Asia/Beirut", "Asia/Kathmandu"]
)
MINUTES = st.sets(st.integers(0, 59), min_size=1, max_size=3).map(
    lambda minutes: ",".join(map(str, sorted(minutes)))
)
HOURS = st.sampled_from(["*", "*/2", "0-4", "1,2,3", "0,23", "2", "3", "8-18/2"])
DAYS = st.sampled_from(["* * *", "25-31 3,10 *", "* * 0,6", "1 * 1"])
CRONS = st.tuples(MINUTES, HOURS, DAYS).map(" ".join)
# A week in which clocks change somewhere, or the first of a year.
NIGHTS = st.sampled_from([(3, 25), (4, 1), (10, 1), (10, 25)])
MOMENTS = st.one_of(
    st.integers(2025, 2060).map(lambda year: datetime(year, 1, 1, tzinfo=UTC)),
    st.builds(
        lambda year, night: datetime(year, night[0], night[1], tzinfo=UTC),
        st.integers(2025, 2060),
        NIGHTS,
    ),
).flatmap(
    lambda moment: st.integers(0, 7 * 1440).map(lambda late: moment + timedelta(minutes=late))
)


@given(CRONS, ZONES, MOMENTS)
def test_what_was_accepted_never_runs_below_the_floor(
    cron: str, zone: str, moment: datetime
) -> None:
    try:
        recurrence = Recurrence.parse(cron, zone)
    except InputError:
        reject()

    near = islice(recurrence.after(moment), 100)

    assert all(later - earlier >= timedelta(minutes=15) for earlier, later in pairwise(near))


@given(CRONS, ZONES, MOMENTS, st.integers(0, 30))
def test_going_on_from_any_moment_gives_the_rest(
    cron: str, zone: str, moment: datetime, hours: int
) -> None:
    recurrence = Recurrence.parse(cron, zone, floor=timedelta(0))
    later = moment + timedelta(hours=hours)
    runs = list(islice(recurrence.after(moment), 60))
    begun = list(takewhile(later.__ge__, runs))
    rest = runs[len(begun) :]

    assert runs == sorted(set(runs))
    assert list(islice(recurrence.after(later), len(rest))) == rest
    assert list(islice(recurrence.after(runs[0]), 59)) == runs[1:]
