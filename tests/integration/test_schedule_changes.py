from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatcher.domain.campaign import BadRows, Campaign
from dispatcher.domain.message import PushType
from dispatcher.domain.occurrences import CatchUp
from dispatcher.domain.schedules import FromFile, FromTask, Overlap, ScheduleState
from dispatcher.errors import ConflictError, InputError, StateError, UnknownScheduleError
from dispatcher.store.durability import Barrier
from dispatcher.store.keys import Key
from dispatcher.store.scripts import Script, Scripts
from tests.support.timetable import PEOPLE, Timetable, opened_timetable, paris, saying

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


def test_a_schedule_is_told_back_with_its_next_runs_in_its_own_zone(timetable: Timetable) -> None:
    planned = timetable.schedules.create(paris("30 9 * * 1-5", id="daily"))

    assert planned.id == "daily"
    assert len(planned.runs) == 10
    assert [str(run) for run in planned.runs[:2]] == [
        "2027-01-15 09:30:00+01:00",
        "2027-01-18 09:30:00+01:00",
    ]
    status = timetable.schedules.show("daily")
    assert (status.state, status.recipients, status.runs) == (ScheduleState.ACTIVE, 3, 0)
    assert status.next == at(8, 30)
    assert status.schedule == replace(
        paris("30 9 * * 1-5", id="daily"), campaign=Campaign(text="Bonjour", account="default")
    )
    assert timetable.schedules.next("daily", 2) == planned.runs[:2]
    assert [each.id for each in timetable.schedules.list()] == ["daily"]


def test_every_field_of_a_definition_survives_its_keeping(timetable: Timetable) -> None:
    schedule = paris(
        campaign=Campaign(
            text="Bonjour {nom} <-short->",
            sender="Boutique",
            pushtype=PushType.ADVERTISING,
            links=("https://example.com/a",),
            bad_rows=BadRows.SKIP,
            account="default",
            max_lateness=timedelta(minutes=90),
        ),
        audience=FromFile(path=Path("/srv/people.csv"), number_column="B"),
        catch_up=CatchUp.ALL,
        lateness=timedelta(hours=2),
        overlap=Overlap.ALLOW,
        ends=at(9, day=20),
        most=7,
    )

    timetable.schedules.create(schedule)

    assert timetable.schedules.show("news").schedule == schedule


def test_a_schedule_without_an_id_gets_one(timetable: Timetable) -> None:
    first = timetable.schedules.create(paris(id=None))
    second = timetable.schedules.create(paris(id=None))

    assert {each.id for each in timetable.schedules.list()} == {first.id, second.id}


def test_creation_may_be_repeated_and_other_content_is_a_conflict(timetable: Timetable) -> None:
    timetable.schedules.create(paris())
    timetable.go_to(at(9))
    timetable.tick()

    timetable.schedules.create(paris())

    assert timetable.schedules.show("news").runs == 1
    with pytest.raises(ConflictError, match="news exists with other content"):
        timetable.schedules.create(saying(paris(), "Autre", recipients=PEOPLE))
    with pytest.raises(ConflictError):
        timetable.schedules.create(saying(paris(), "Bonjour", recipients=PEOPLE[:2]))
    assert timetable.bench.client.keys("*upload*") == []


def test_bad_recipients_leave_no_schedule(timetable: Timetable) -> None:
    with pytest.raises(InputError, match="row 2"):
        timetable.schedules.create(saying(paris(), "Bonjour", recipients=[PEOPLE[0], "12"]))

    assert timetable.schedules.list() == ()


def test_what_is_missed_while_paused_is_not_caught_up(timetable: Timetable) -> None:
    timetable.schedules.create(
        paris(catch_up=CatchUp.ALL, lateness=timedelta(hours=9), overlap=Overlap.ALLOW)
    )
    assert timetable.schedules.pause("news").state is ScheduleState.PAUSED
    timetable.pass_time(at(10, 30), every=MINUTE)
    assert timetable.schedules.pause("news").next is None

    resumed = timetable.schedules.resume("news")
    timetable.schedules.resume("news")
    timetable.pass_time(at(11, 30), every=MINUTE)

    assert (resumed.state, resumed.next) == (ScheduleState.ACTIVE, at(11))
    assert timetable.campaigns() == ["news@20270115T1100Z"]
    assert timetable.history("news") == [("missed", 2), ("run", 1)]
    assert timetable.schedules.show("news").history[-1].reason == "the schedule was paused"


def test_deleting_a_schedule_leaves_its_campaigns_alone(timetable: Timetable) -> None:
    timetable.schedules.create(paris())
    timetable.go_to(at(9))
    timetable.tick()

    timetable.schedules.delete("news")
    timetable.go_to(at(10))
    timetable.tick()

    assert timetable.campaigns() == ["news@20270115T0900Z"]
    names: Any = timetable.bench.client.keys("*news*")
    assert [name for name in names if b"news@" not in name] == []
    with pytest.raises(UnknownScheduleError):
        timetable.schedules.delete("news")
    with pytest.raises(UnknownScheduleError):
        timetable.schedules.show("news")


def test_an_edit_on_a_clock_that_is_behind_handles_no_occurrence_again(
    timetable: Timetable,
) -> None:
    timetable.schedules.create(paris("0 * * * *", id="hourly", overlap=Overlap.ALLOW))
    timetable.go_to(at(9))
    timetable.tick()
    before = timetable.schedules.show("hourly")
    timetable.bench.advance(-2000)

    timetable.schedules.edit(replace(before.schedule, campaign=Campaign(text="Salut")))

    after = timetable.schedules.show("hourly")
    assert (after.last, after.next, after.runs) == (at(9), at(10), 1)


def test_no_other_audience_takes_the_place_of_a_producer_that_is_being_asked(
    timetable: Timetable,
) -> None:
    asks = FromTask(task="shop.audience")
    timetable.schedules.create(
        paris("0 * * * *", id="asks", audience=asks, campaign=Campaign(text="Bonjour"))
    )
    timetable.go_to(at(9))
    timetable.tick()
    schedule = timetable.schedules.show("asks").schedule
    frozen = replace(schedule, audience=None, campaign=Campaign(text="Salut", recipients=PEOPLE))

    with pytest.raises(StateError, match="asking its producer"):
        timetable.schedules.edit(frozen)

    timetable.schedules.edit(replace(schedule, campaign=Campaign(text="Salut")))
    assert timetable.bench.client.zcard(timetable.bench.keys.of(Key.AWAITED)) == 1


def test_an_edit_takes_effect_after_the_last_occurrence_handled(timetable: Timetable) -> None:
    timetable.schedules.create(paris(overlap=Overlap.ALLOW))
    timetable.go_to(at(9))
    timetable.tick()
    found = timetable.schedules.show("news").schedule

    # Its 08:45 and 08:30 UTC are past and were never its: they are not made up for.
    timetable.schedules.edit(replace(saying(found, "Bonsoir"), cron="15,30,45 * * * *"))
    timetable.pass_time(at(9, 40), every=MINUTE)

    assert timetable.campaigns() == [f"news@20270115T09{minute}Z" for minute in ("00", "15", "30")]
    assert timetable.history("news") == [("run", 1)] * 3
    assert "Bonsoir" in text_of(timetable, "news@20270115T0915Z")


def test_an_occurrence_that_is_due_when_edited_runs_once_as_edited(timetable: Timetable) -> None:
    timetable.schedules.create(paris())
    found = timetable.schedules.show("news").schedule
    timetable.go_to(at(9) + timedelta(seconds=2))

    timetable.schedules.edit(saying(found, "Bonsoir"))
    timetable.tick()

    assert timetable.campaigns() == ["news@20270115T0900Z"]
    assert "Bonsoir" in text_of(timetable, "news@20270115T0900Z")


def test_moving_a_due_run_a_little_later_does_not_double_it(timetable: Timetable) -> None:
    timetable.schedules.create(paris("0 10 * * *"))
    found = timetable.schedules.show("news").schedule
    timetable.go_to(at(9) + timedelta(seconds=2))

    timetable.schedules.edit(replace(found, cron="5 10 * * *"))
    timetable.pass_time(at(9, 30), every=MINUTE)

    assert timetable.campaigns() == ["news@20270115T0905Z"]


def test_an_edit_may_bring_other_recipients(timetable: Timetable) -> None:
    timetable.schedules.create(paris())
    found = timetable.schedules.show("news").schedule

    timetable.schedules.edit(saying(found, "Bonjour {nom|vous}", recipients=PEOPLE[:2]))
    timetable.go_to(at(9))
    timetable.tick()

    assert timetable.schedules.show("news").recipients == 2
    assert timetable.dispatcher.status("news@20270115T0900Z").recipients == 2


def test_recipients_are_not_kept_for_a_text_with_other_fields(timetable: Timetable) -> None:
    timetable.schedules.create(paris())
    found = timetable.schedules.show("news").schedule

    with pytest.raises(InputError) as caught:
        timetable.schedules.edit(saying(found, "Bonjour {nom}"))

    assert fields_of(caught.value) == ["campaign.recipients"]
    assert timetable.schedules.show("news").schedule == found


def test_a_paused_schedule_stays_paused_when_edited(timetable: Timetable) -> None:
    timetable.schedules.create(paris())
    timetable.schedules.pause("news")

    timetable.schedules.edit(replace(timetable.schedules.show("news").schedule, cron="0 9 * * *"))
    timetable.pass_time(at(10), every=MINUTE)

    assert timetable.schedules.show("news").state is ScheduleState.PAUSED
    assert timetable.campaigns() == []


def test_an_edit_of_what_does_not_exist_is_told(timetable: Timetable) -> None:
    with pytest.raises(UnknownScheduleError):
        timetable.schedules.edit(saying(paris(), "Bonsoir"))


def test_every_script_may_run_twice(timetable: Timetable, monkeypatch: pytest.MonkeyPatch) -> None:
    once = Scripts.run, Scripts.run_durably
    claims = {Script.CLAIM_SCHEDULE, Script.CLAIM_AWAITED}

    def run(self: Scripts, script: Script, *args: Any) -> Any:  # noqa: ANN401 - replies of any kind
        first, second = once[0](self, script, *args), once[0](self, script, *args)
        return first if script in claims else second

    def run_durably(self: Scripts, script: Script, *args: Any, barrier: Barrier) -> Any:  # noqa: ANN401 - as above
        once[1](self, script, *args, barrier=barrier)
        return once[1](self, script, *args, barrier=barrier)

    monkeypatch.setattr(Scripts, "run", run)
    monkeypatch.setattr(Scripts, "run_durably", run_durably)
    timetable.schedules.create(paris(overlap=Overlap.ALLOW))
    timetable.pass_time(at(9), every=MINUTE)
    timetable.schedules.pause("news")
    timetable.schedules.resume("news")
    timetable.schedules.edit(saying(timetable.schedules.show("news").schedule, "Bonsoir"))
    timetable.pass_time(at(10), every=MINUTE)

    assert timetable.campaigns() == ["news@20270115T0900Z", "news@20270115T1000Z"]
    assert timetable.history("news") == [("run", 1), ("run", 1)]
    assert timetable.schedules.show("news").runs == 2
