"""What workers erase by themselves, beside campaigns: schedules, and the settings that say when."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dispatcher.domain.campaign import Campaign
from dispatcher.domain.schedules import Schedule, ScheduleState
from dispatcher.errors import InputError, UnknownScheduleError
from dispatcher.store.keys import Key
from tests.support.timetable import PEOPLE, START, Timetable, opened_timetable
from workers.steps.retention import retain_all


def once(timetable: Timetable) -> None:
    """Make a schedule that runs once, and let it."""
    timetable.schedules.create(
        Schedule(
            "0 12 * * *",
            "Europe/Paris",
            campaign=Campaign(text="Bonjour", recipients=PEOPLE),
            id="news",
            most=1,
        )
    )
    timetable.pass_time(START + timedelta(days=2), every=timedelta(minutes=30))
    assert timetable.schedules.show("news").state is ScheduleState.OVER


def test_a_schedule_that_is_over_loses_its_audience_and_text_and_in_the_end_goes(
    redis_url: str, tmp_path: Path
) -> None:
    with opened_timetable(redis_url, tmp_path) as timetable:
        once(timetable)
        audience = timetable.bench.keys.of(Key.AUDIENCE, "news")

        timetable.go_to(timetable.now + timedelta(days=28))
        retain_all(timetable.account)
        assert timetable.bench.client.exists(audience)
        timetable.go_to(timetable.now + timedelta(days=2))
        retain_all(timetable.account)

        found = timetable.schedules.show("news")
        assert not timetable.bench.client.exists(audience)
        assert (found.schedule.campaign.text, found.recipients, found.runs) == ("", None, 1)
        with pytest.raises(InputError, match="give the campaign recipients"):
            timetable.schedules.edit(
                replace(found.schedule, campaign=Campaign(text="Bonjour"), most=None)
            )
        timetable.go_to(timetable.now + timedelta(days=400))
        retain_all(timetable.account)
        with pytest.raises(UnknownScheduleError):
            timetable.schedules.show("news")


def test_a_schedule_that_goes_on_keeps_its_audience(redis_url: str, tmp_path: Path) -> None:
    with opened_timetable(redis_url, tmp_path) as timetable:
        timetable.schedules.create(
            Schedule(
                "0 12 1 1 *",
                "Europe/Paris",
                campaign=Campaign(text="Bonjour", recipients=PEOPLE),
                id="news",
            )
        )

        timetable.go_to(START + timedelta(days=100))
        retain_all(timetable.account)

        found = timetable.schedules.show("news")
        assert (found.schedule.campaign.text, found.recipients) == ("Bonjour", 3)
