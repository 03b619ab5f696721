from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatcher.domain.campaign import Campaign
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.domain.occurrences import Missed, occurrence_id
from dispatcher.domain.schedules import (
    OVER,
    FromFile,
    FromTask,
    Schedule,
    check_schedule,
    moment_of,
)
from dispatcher.errors import InputError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SPOKEN = Campaign(text="Bonjour", recipients=("33639980001",))
FILE = FromFile(path=Path("/srv/people.csv"))


def schedule(cron: str = "30 8 * * *", **more: Any) -> Schedule:  # noqa: ANN401 - any field
    fields: dict[str, Any] = {"campaign": SPOKEN, **more}
    return Schedule(cron, "Europe/Paris", **fields)


def fields_at_fault(found: Schedule, **more: Any) -> list[str]:  # noqa: ANN401 - as above
    with pytest.raises(InputError) as caught:
        check_schedule(found, now=NOW, **more)
    assert all(problem.message and problem.fix for problem in caught.value.problems)
    return [problem.field for problem in caught.value.problems]


@pytest.mark.parametrize(
    "accepted",
    [
        schedule(),
        schedule(id="a.b_c-1"),
        schedule(campaign=Campaign(text="Bonjour", lists=("12",))),
        schedule(campaign=Campaign(text="Bonjour"), audience=FILE),
        schedule(campaign=Campaign(text="Bonjour"), audience=FromTask(task="shop.news")),
        schedule(ends=NOW + timedelta(days=2), most=1, lateness=timedelta(minutes=1)),
    ],
)
def test_a_schedule_in_order_is_accepted(accepted: Schedule) -> None:
    check_schedule(accepted, now=NOW)


@pytest.mark.parametrize(
    ("refused", "fields"),
    [
        (schedule("30 8 * *"), ["cron"]),
        (schedule("R 8 * * *"), ["cron"]),
        (schedule("* * * * *"), ["cron"]),
        (replace(schedule(), timezone="Europe/Pari"), ["timezone"]),
        (schedule(id="a@b"), ["id"]),
        (schedule(id="x" * 61), ["id"]),
        (schedule(campaign=replace(SPOKEN, id="c")), ["campaign.id"]),
        (schedule(campaign=replace(SPOKEN, send_at=NOW)), ["campaign.send_at"]),
        (schedule(campaign=replace(SPOKEN, text="")), ["text"]),
        (schedule(campaign=Campaign(text="Bonjour")), ["audience"]),
        (schedule(audience=FILE), ["audience"]),
        (
            schedule(campaign=Campaign(text="Bonjour"), audience=FromFile(path=Path("a.csv"))),
            ["audience.path"],
        ),
        (
            schedule(campaign=Campaign(text="Bonjour"), audience=FromTask(task=" ")),
            ["audience.task"],
        ),
        (schedule(lateness=timedelta(seconds=59)), ["lateness"]),
        (schedule(most=0), ["most"]),
        (schedule(ends=NOW), ["ends"]),
        (schedule(ends=NOW.replace(tzinfo=None)), ["ends"]),
        (schedule(ends=NOW + timedelta(minutes=1)), ["ends"]),
        (schedule(catch_up="last", lateness=3600), ["catch_up", "lateness"]),
        (schedule("9", id="", most=0), ["cron", "id", "most"]),
    ],
)
def test_every_field_at_fault_is_named(refused: Schedule, fields: list[str]) -> None:
    assert fields_at_fault(refused) == fields


def test_how_often_it_may_run_is_a_setting() -> None:
    often = schedule("*/20 * * * *")

    check_schedule(often, now=NOW)
    assert fields_at_fault(often, floor=timedelta(minutes=30)) == ["cron"]


def test_an_edit_may_come_without_recipients() -> None:
    check_schedule(schedule(campaign=Campaign(text="Oui")), now=NOW, keeps_recipients=True)


def test_the_natural_id_tells_schedule_and_moment() -> None:
    assert moment_of("a.b-c@20261122T0730Z") == ("a.b-c", datetime(2026, 11, 22, 7, 30, tzinfo=UTC))
    assert moment_of(occurrence_id("news", NOW)) == ("news", NOW)


def test_no_run_is_shown_beyond_the_last_one_allowed() -> None:
    bounded = schedule(most=3)

    assert len(list(bounded.after(NOW, runs=1))) == 2
    assert list(bounded.after(NOW, runs=3)) == []


def test_what_was_missed_in_between_is_counted_to_the_last_moment() -> None:
    daily = schedule()
    first, last = (datetime(2026, 11, day, 7, 30, tzinfo=UTC) for day in (23, 25))

    assert daily.missed_between(NOW, last) == Missed(3, first, last)
    assert daily.missed_between(NOW, first - timedelta(seconds=1)) is None


def test_a_campaign_whose_batches_are_all_out_does_not_stand_in_the_way() -> None:
    assert CampaignState.SENT in OVER
    assert CampaignState.HELD not in OVER
    assert CampaignState.SCHEDULED not in OVER


def test_a_schedule_shows_nobody_s_number() -> None:
    assert "33639980001" not in repr(schedule())
