from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatcher.domain.campaign import Campaign
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.domain.occurrences import CatchUp
from dispatcher.domain.schedules import FromFile, FromTask, Outcome, Overlap, ScheduleState
from dispatcher.errors import InputError, StateError
from dispatcher.queueing import Task
from dispatcher.store.keys import Key
from tests.support.timetable import PEOPLE, START, Timetable, opened_timetable, paris
from workers.milestones import Milestone
from workers.steps.progress import Progress
from workers.steps.schedules import run_next
from workers.steps.tick import tick

# START is Friday 15 January 2027, 08:00 UTC, which is 09:00 in Paris.
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def timetable(redis_url: str, tmp_path: Path) -> Iterator[Timetable]:
    with opened_timetable(redis_url, tmp_path / "journal") as found:
        yield found


def at(hour: int, minute: int = 0, *, day: int = 15) -> datetime:
    return datetime(2027, 1, day, hour, minute, tzinfo=UTC)


def text_of(timetable: Timetable, campaign: str) -> str:
    record: Any = timetable.bench.client.hgetall(timetable.bench.keys.of(Key.CAMPAIGN, campaign))
    return str(record[b"message"].decode())


def fields_of(error: InputError) -> list[str]:
    return [problem.field for problem in error.problems]


def test_an_occurrence_becomes_a_campaign_of_a_natural_id(timetable: Timetable) -> None:
    timetable.schedules.create(paris())
    timetable.go_to(at(9))

    timetable.tick()

    assert timetable.campaigns() == ["news@20270115T0900Z"]
    status = timetable.dispatcher.status("news@20270115T0900Z")
    assert (status.state, status.recipients, status.batches) == (CampaignState.QUEUED, 3, 2)
    assert status.send_at == at(9)
    assert timetable.hints.moves == [("news@20270115T0900Z", CampaignState.QUEUED)]
    numbers = [result.number for result in timetable.bench.results("news@20270115T0900Z")]
    assert numbers == list(PEOPLE)
    shown = timetable.schedules.show("news")
    assert (shown.runs, shown.previous, shown.next) == (1, "news@20270115T0900Z", at(10))
    assert [(each.outcome, each.at) for each in shown.history] == [(Outcome.RUN, at(9))]


def test_nothing_is_due_before_its_moment(timetable: Timetable) -> None:
    timetable.schedules.create(paris())
    timetable.go_to(at(9) - timedelta(milliseconds=1))

    assert run_next(timetable.account) is Progress.NONE
    assert timetable.campaigns() == []


def test_a_tick_has_due_schedules_run_and_no_others(timetable: Timetable) -> None:
    timetable.schedules.create(paris())

    tick(timetable.account)
    assert timetable.hints.nudges == []
    timetable.go_to(at(9))
    tick(timetable.account)

    assert timetable.hints.nudges == [(Task.RUN_SCHEDULES, ("default",))]


def test_a_frozen_audience_serves_every_occurrence(timetable: Timetable) -> None:
    timetable.schedules.create(paris(overlap=Overlap.ALLOW))

    timetable.pass_time(START + 3 * HOUR, every=MINUTE)

    made = timetable.campaigns()
    assert made == [f"news@20270115T{hour}00Z" for hour in ("09", "10", "11")]
    assert {timetable.dispatcher.status(name).recipients for name in made} == {3}
    positions = [timetable.bench.record_field(name, "first") for name in made]
    assert positions == [0, 3, 6]


def test_a_campaign_that_cannot_go_out_in_time_expires(timetable: Timetable) -> None:
    timetable.schedules.create(paris("0 10 * * *", lateness=timedelta(minutes=30)))
    timetable.go_to(at(9))
    timetable.tick()

    timetable.go_to(at(9, 30) + timedelta(seconds=1))
    tick(timetable.account)

    assert timetable.bench.status("news@20270115T0900Z").state is CampaignState.EXPIRED


def test_a_file_is_read_at_each_run(timetable: Timetable, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    campaign = Campaign(text="Bonjour {prénom}")
    schedule = paris(campaign=campaign, audience=FromFile(path=file), overlap=Overlap.ALLOW)
    timetable.schedules.create(schedule)

    file.write_text("mobile;prénom\n33639980001;Zoé\n")
    timetable.go_to(at(9))
    timetable.tick()
    file.write_text("mobile;prénom\n33639980001;Zoé\n33639980002;Léa\n")
    timetable.go_to(at(10))
    timetable.tick()

    counts = [timetable.dispatcher.status(name).recipients for name in timetable.campaigns()]
    assert counts == [1, 2]
    assert timetable.schedules.show("news").recipients is None


def test_a_file_that_is_not_there_is_waited_for(timetable: Timetable, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    schedule = paris(campaign=Campaign(text="Bonjour"), audience=FromFile(path=file))
    timetable.schedules.create(schedule)
    timetable.go_to(at(9))

    timetable.tick()
    error = timetable.schedules.show("news").error
    file.write_text("33639980001\n")
    timetable.pass_time(at(9, 2), every=MINUTE)

    assert error is not None
    assert "cannot be opened" in error
    assert timetable.campaigns() == ["news@20270115T0900Z"]
    assert timetable.schedules.show("news").error is None


def test_an_occurrence_that_never_could_run_is_missed_with_the_reason(
    timetable: Timetable, tmp_path: Path
) -> None:
    source = FromFile(path=tmp_path / "nowhere.csv")
    timetable.schedules.create(
        paris("0 10 * * *", campaign=Campaign(text="Bonjour"), audience=source)
    )
    timetable.go_to(at(9))

    timetable.pass_time(at(10, 2), every=MINUTE)

    assert timetable.campaigns() == []
    missed = timetable.schedules.show("news").history
    assert [(each.outcome, each.at, each.count) for each in missed] == [(Outcome.MISSED, at(9), 1)]
    assert "cannot be opened" in missed[0].reason


def test_lists_of_the_account_are_read_by_each_campaign(timetable: Timetable) -> None:
    timetable.schedules.create(paris(campaign=Campaign(text="Bonjour", lists=("123",))))
    timetable.go_to(at(9))

    timetable.tick()

    status = timetable.dispatcher.status("news@20270115T0900Z")
    assert (status.state, status.recipients) == (CampaignState.QUEUED, 0)


@pytest.mark.parametrize(
    ("catch_up", "made", "history"),
    [
        (CatchUp.NONE, [], [("missed", 3)]),
        (CatchUp.LAST, ["12"], [("missed", 2), ("run", 1)]),
        (CatchUp.ALL, ["10", "11", "12"], [("run", 1), ("run", 1), ("run", 1)]),
    ],
)
def test_after_an_outage_the_catch_up_decides(
    timetable: Timetable, catch_up: CatchUp, made: list[str], history: list[tuple[str, int]]
) -> None:
    timetable.schedules.create(
        paris(catch_up=catch_up, lateness=timedelta(hours=6), overlap=Overlap.ALLOW)
    )
    timetable.go_to(at(9))
    timetable.tick()
    timetable.go_to(at(12, 30))

    timetable.tick()

    assert timetable.campaigns()[1:] == [f"news@20270115T{hour}00Z" for hour in made]
    assert timetable.history("news")[1:] == history
    assert timetable.schedules.show("news").next == at(13)


def test_an_occurrence_is_skipped_while_the_previous_one_is_not_over(timetable: Timetable) -> None:
    timetable.schedules.create(paris())
    timetable.go_to(at(9))
    timetable.tick()
    timetable.go_to(at(10))
    timetable.tick()
    timetable.finish("news@20270115T0900Z")
    timetable.go_to(at(11))
    timetable.tick()

    assert timetable.campaigns() == ["news@20270115T0900Z", "news@20270115T1100Z"]
    shown = timetable.schedules.show("news")
    assert [each.outcome.value for each in shown.history] == ["run", "skipped", "run"]
    assert shown.history[1].reason == "news@20270115T0900Z is queued"
    assert shown.runs == 2


def test_a_schedule_ends_with_its_last_run(timetable: Timetable) -> None:
    timetable.schedules.create(paris(most=2, overlap=Overlap.ALLOW))

    timetable.pass_time(START + 5 * HOUR, every=MINUTE)

    assert len(timetable.campaigns()) == 2
    shown = timetable.schedules.show("news")
    assert (shown.state, shown.next) == (ScheduleState.OVER, None)
    assert timetable.schedules.next("news") == ()
    assert timetable.bench.listed(Key.SCHEDULES_DUE) == set()
    with pytest.raises(StateError, match="is over"):
        timetable.schedules.pause("news")


def test_a_schedule_ends_at_its_end(timetable: Timetable) -> None:
    planned = timetable.schedules.create(paris(ends=at(10), overlap=Overlap.ALLOW))

    timetable.pass_time(START + 5 * HOUR, every=MINUTE)

    assert len(planned.runs) == 2
    assert len(timetable.campaigns()) == 2
    assert timetable.schedules.show("news").state is ScheduleState.OVER


def test_history_keeps_the_last_hundred(timetable: Timetable) -> None:
    timetable.schedules.create(paris("*/15 * * * *", overlap=Overlap.ALLOW))

    timetable.pass_time(START + timedelta(hours=26), every=timedelta(minutes=15))

    assert len(timetable.campaigns()) == 104
    history = timetable.schedules.show("news").history
    assert len(history) == 100
    assert history[0].at == START + timedelta(hours=26)


def test_a_producer_is_asked_until_it_has_submitted(timetable: Timetable) -> None:
    source = FromTask(task="shop.newsletter", queue="shop")
    timetable.schedules.create(paris(campaign=Campaign(text="Bonjour"), audience=source))
    timetable.go_to(at(9))
    timetable.tick()
    timetable.pass_time(at(9, 3), every=MINUTE)

    asked = {
        "account": "default",
        "schedule": "news",
        "campaign": "news@20270115T0900Z",
        "time": "2027-01-15T10:00:00+01:00",
    }
    assert timetable.hints.asked == [("shop.newsletter", "shop", asked)] * 2
    assert timetable.schedules.show("news").runs == 1
    timetable.dispatcher.submit(
        replace(
            timetable.schedules.show("news").schedule.campaign,
            id="news@20270115T0900Z",
            recipients=PEOPLE,
        )
    )
    timetable.pass_time(at(9, 10), every=MINUTE)

    assert len(timetable.hints.asked) == 2
    assert timetable.history("news") == [("run", 1)]
    assert timetable.bench.listed(Key.AWAITED) == set()


def test_a_producer_that_does_not_submit_in_time_misses_the_occurrence(
    timetable: Timetable,
) -> None:
    source = FromTask(task="shop.newsletter")
    timetable.schedules.create(paris(campaign=Campaign(text="Bonjour"), audience=source))
    timetable.go_to(at(9))

    timetable.pass_time(at(10, 5), every=MINUTE)

    assert timetable.history("news")[:2] == [("skipped", 1), ("missed", 1)]
    reasons = [each.reason for each in timetable.schedules.show("news").history]
    assert reasons == [
        "no campaign came of shop.newsletter in time",
        "news@20270115T0900Z is not submitted yet",
    ]


def test_a_deleted_schedule_asks_nobody_any_more(timetable: Timetable) -> None:
    source = FromTask(task="shop.newsletter")
    timetable.schedules.create(paris(campaign=Campaign(text="Bonjour"), audience=source))
    timetable.go_to(at(9))
    timetable.tick()

    timetable.schedules.delete("news")
    timetable.pass_time(at(9, 10), every=MINUTE)

    assert len(timetable.hints.asked) == 1
    assert timetable.bench.listed(Key.AWAITED) == set()


def test_a_full_redis_puts_an_occurrence_off_and_loses_none(timetable: Timetable) -> None:
    timetable.schedules.create(paris())
    timetable.go_to(at(9))
    client = timetable.bench.client
    client.config_set("maxmemory", client.info("memory")["used_memory"] + 100_000)

    try:
        timetable.tick()
    finally:
        client.config_set("maxmemory", 0)
    error = timetable.schedules.show("news").error
    timetable.pass_time(at(9, 3), every=MINUTE)

    assert error is not None
    assert "80 % full" in error
    assert timetable.campaigns() == ["news@20270115T0900Z"]


def test_schedules_of_one_account_do_not_wait_for_each_other(
    timetable: Timetable, tmp_path: Path
) -> None:
    broken = paris(
        id="broken", campaign=Campaign(text="Oui"), audience=FromFile(path=tmp_path / "no.csv")
    )
    timetable.schedules.create(broken)
    timetable.schedules.create(paris())
    timetable.go_to(at(9))

    timetable.tick()

    assert timetable.campaigns() == ["news@20270115T0900Z"]


def test_a_campaign_that_has_the_natural_id_already_is_the_occurrence(
    timetable: Timetable,
) -> None:
    timetable.schedules.create(paris())
    earlier = Campaign(text="Autre", recipients=PEOPLE, id="news@20270115T0900Z")
    timetable.dispatcher.submit(earlier)
    timetable.go_to(at(9))

    timetable.tick()

    assert timetable.campaigns() == ["news@20270115T0900Z"]
    assert timetable.history("news") == [("run", 1)]


def test_a_ticker_that_slept_through_a_deletion_makes_no_campaign(timetable: Timetable) -> None:
    timetable.schedules.create(paris())
    timetable.go_to(at(9))

    def delete(milestone: Milestone, _name: str, _n: int) -> None:
        if milestone is Milestone.OCCURRENCE_PREPARED:
            timetable.schedules.delete("news")

    run_next(replace(timetable.account, trace=delete))

    assert timetable.campaigns() == []
    assert timetable.bench.client.keys("*upload*") == []
