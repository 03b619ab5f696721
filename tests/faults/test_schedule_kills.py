"""Two tickers make a month's occurrences while they are killed at random.

`SCHEDULE_DAYS=31` lets a month pass at each change of the clocks instead of the suite's days.
"""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path

import pytest

from dispatcher.domain.occurrences import CatchUp, occurrence_id
from dispatcher.domain.schedules import Overlap, Schedule
from tests.support.cron_oracle import occurrences
from tests.support.timetable import opened_timetable, paris

ROOT = Path(__file__).parents[2]
DAYS = int(os.environ.get("SCHEDULE_DAYS", "9"))
CRONS = {
    "half-hourly": ("*/30 * * * *", "Europe/Paris"),
    "hourly": ("0 * * * *", "Europe/Paris"),
    "night": ("30 2 * * *", "Europe/Paris"),
    "twice-at-night": ("0,45 1-3 * * *", "Europe/Paris"),
    "lord-howe": ("15 2 * * *", "Australia/Lord_Howe"),
    "weekly": ("0 9 * * 1", "America/New_York"),
}


def schedule_of(name: str) -> Schedule:
    cron, zone = CRONS[name]
    bounds = {"overlap": Overlap.ALLOW, "catch_up": CatchUp.ALL, "lateness": timedelta(days=60)}
    found = paris(cron, id=name, **bounds)
    return Schedule(cron, zone, campaign=found.campaign, id=name, **bounds)  # type: ignore[arg-type]  # bounds of several types


def expected(name: str, start: datetime, end: datetime) -> list[str]:
    """Tell the campaigns there must be, by an opinion of its own on when schedules run."""
    moments = occurrences(*CRONS[name], start.date() - timedelta(days=1), end.date())
    return [occurrence_id(name, moment) for moment in moments if start < moment <= end]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", [date(2027, 3, 24), date(2027, 10, 27)], ids=["spring", "autumn"])
def test_two_tickers_killed_for_days_make_each_occurrence_once(
    first: date, redis_url: str, tmp_path: Path
) -> None:
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    with opened_timetable(redis_url, tmp_path) as timetable:
        timetable.go_to(start)
        for name in CRONS:
            timetable.schedules.create(schedule_of(name))

        command = (sys.executable, "-m", "tests.faults.schedule_tickers", redis_url, str(tmp_path))
        killed = subprocess.run(
            [*command, str(DAYS * 24)], cwd=ROOT, capture_output=True, text=True, check=True
        )

        end = start + timedelta(days=DAYS, hours=1)
        # Whatever the last of them had leased.
        timetable.go_to(end + timedelta(minutes=1))
        timetable.tick()
        made = sorted(timetable.campaigns())
        print(f"{len(made)} occurrences, {killed.stdout.strip()} tickers killed")
        assert int(killed.stdout) > DAYS
        by_schedule = {
            name: list(found) for name, found in groupby(made, lambda each: each.partition("@")[0])
        }
        assert by_schedule == {name: expected(name, start, end) for name in sorted(CRONS)}
        for name, found in by_schedule.items():
            shown = timetable.schedules.show(name)
            assert shown.runs == len(found)
            assert {each.outcome.value for each in shown.history} == {"run"}
