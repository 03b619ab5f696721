"""Twelve zones, a hundred expressions, ten years, against two other implementations.

All of it: SWEEP=full pytest tests/unit/domain/test_recurrence_sweep.py
"""

import os
import random
from datetime import UTC, date, datetime, timedelta
from itertools import groupby, product, takewhile
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from dispatcher.domain.recurrence import Recurrence
from tests.support.cron_oracle import occurrences

FULL = os.environ.get("SWEEP") == "full"
ZONES = (
    "Europe/Paris",
    "Europe/Dublin",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Antarctica/Troll",
    "Indian/Reunion",
)
# St John's changed its clocks at one minute past midnight until 2011, Samoa left out a day that
# December, and Brazil's summers began at midnight until 2018.
DECADES = (date(2009, 7, 1), date(2026, 7, 1))
CHOSEN = (
    "30 2 * * *",
    "0 2 * * *",
    "0 3 * * *",
    "0,30 1,2,3 * * *",
    "*/20 2 * * *",
    "59 1 * * *",
    "0 0 * * *",
    "1 0 * * *",
    "59 23 * * *",
    "30 23,0 * * *",
    "0 * * * *",
    "45 */2 * * *",
    "15,45 */6 * * *",
    "*/15 * * 3,4,10,11 0",
    "30 0-23 * 3,4,9-11 6,7",
    "*/30 0-3 25-31 3,10 *",
    "0 8 29 2 *",
    "0 8 31 * *",
    "0 8 30 2 1",
    "0 8 29 2 */2",
    "0 9 1,15 * MON",
    "0 9 */2 * MON",
    "0 9 1-31 * MON",
    "0 9 13 * FRI",
    "0 9 13 * */5",
    "30 8 * * MON-FRI",
    "30 8 * * 1-5",
    "0 10 * * 7",
    "0 10 * * 5-7",
    "0 10 * * SUN,WED",
    "0 2 * MAR,OCT SUN",
    "30 0 * NOV-DEC *",
    "0 12 28-31 12 *",
    "10-50/20 7 1-7 * *",
    "0 0 30 12 *",
    "*/15 8-9 */10 */3 *",
    "0,20 */12,5 * * 3",
    "0 1,13 1 1 *",
    "17 4 1 */2 *",
    "5 2 * * 0",
)


def generated(count: int) -> list[str]:
    pick = random.Random(20261122)
    return [
        " ".join(
            (
                pick.choice(("0", "15", "30", "*/30", "0,20,40", f"{pick.randrange(60)}")),
                pick.choice(("0", "1", "2", "2-3", "*/8", "23", "8,18", f"{pick.randrange(24)}")),
                pick.choice(("*", "*", "*/3", "1", "25-31", f"{pick.randrange(1, 29)}")),
                pick.choice(("*", "3,10", "4-11/7", f"{pick.randrange(1, 13)}")),
                pick.choice(("*", "*", "0", "7", "1-5", "*/4", "SAT")),
            )
        )
        for _ in range(count)
    ]


EXPRESSIONS = (*CHOSEN, *generated(100 - len(CHOSEN)))
# Of hourly expressions, cronsim 2.8 runs some in an hour not named where a gap begins at
# midnight, loses some where the clocks move by half an hour, and never ends at St John's.
LOST_IN_CRONSIM = {
    "America/St_Johns",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "Australia/Lord_Howe",
}


def part(count: int) -> list[str]:
    drawn = random.Random(5).sample(EXPRESSIONS, count)
    return list(EXPRESSIONS) if FULL else ["30 */2 3,4,25-31 * *", *drawn]


def ours(cron: str, zone: str, first: date, last: date) -> list[datetime]:
    recurrence = Recurrence.parse(cron, zone, floor=timedelta(0))
    begin = datetime.combine(first, datetime.min.time(), UTC)
    end = datetime.combine(last, datetime.max.time(), UTC)
    return list(recurrence.after(begin - timedelta(minutes=1), until=end))


def test_the_sweep_is_as_wide_as_it_says() -> None:
    assert len(ZONES) == 12
    assert len(EXPRESSIONS) == 100


@pytest.mark.parametrize("first", DECADES)
def test_ten_years_are_as_if_someone_had_watched_the_clock(first: date) -> None:
    last = first.replace(year=first.year + 10)
    wrong = [
        (cron, zone)
        for cron, zone in product(part(4), ZONES)
        if ours(cron, zone, first, last) != list(occurrences(cron, zone, first, last))
    ]

    assert wrong == []


def of_cronsim(cron: str, zone: str, first: date, last: date) -> list[datetime]:
    """Ask cronsim, in words in which its policy is ours.

    It follows Vixie, for whom `*/20 2` is hourly; `0-59/20 2` says the same and is not. Times
    that fall into a gap together are given once each, where we run once.
    """
    minute, hour, *days = cron.split()
    if not hour.startswith("*"):
        minute = minute.replace("*", "0-59")
    begin = datetime.combine(first, datetime.min.time(), UTC) - timedelta(minutes=1)
    end = datetime.combine(last, datetime.max.time(), UTC)
    told = CronSim(" ".join((minute, hour, *days)), begin.astimezone(ZoneInfo(zone)))
    each = (moment.astimezone(UTC) for moment in told)
    return [moment for moment, _ in groupby(takewhile(end.__ge__, each))]


@pytest.mark.parametrize("first", DECADES)
def test_a_year_is_as_cronsim_has_it(first: date) -> None:
    last = first.replace(year=first.year + 1)
    wrong = [
        (cron, zone)
        for cron, zone in product(part(3), ZONES)
        if zone not in LOST_IN_CRONSIM or not cron.split()[1].startswith("*")
        if ours(cron, zone, first, last) != of_cronsim(cron, zone, first, last)
    ]

    assert wrong == []
