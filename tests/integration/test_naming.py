"""People the API leaves out of a batch after its quote, named at once or by the next worker."""

from dataclasses import replace

import pytest

from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.queueing import Task
from dispatcher.store.batches import SendRecord
from dispatcher.store.keys import Key
from tests.support.works import FOUR, Works
from workers.milestones import Milestone
from workers.steps.naming import name_next
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.send import send_next
from workers.steps.tick import tick

R = RecipientState
A_WHILE_MS = 10_000


class Dies(BaseException):
    """The worker is gone."""


def blacklist_late(works: Works, *numbers: str) -> str:
    """Quote a campaign, after which some opt out."""
    campaign = works.submit()
    while quote_next(works.account, campaign) is Progress.MADE:
        pass
    works.account.store.ledger.approve_server(quiet_ms=0)
    works.sandbox.control("POST", "blacklist", {"destinations": list(numbers)})
    return campaign


def die_once_recorded(works: Works, campaign: str) -> None:
    def die(milestone: Milestone, *_: object) -> None:
        if milestone is Milestone.RECORDED:
            raise Dies

    with pytest.raises(Dies):
        send_next(replace(works.account, trace=die), campaign)


def test_a_worker_that_dies_before_naming_leaves_it_to_the_next(works: Works) -> None:
    campaign = blacklist_late(works, FOUR[1])
    die_once_recorded(works, campaign)
    status = works.check(campaign)
    assert (status.unnamed, status.recipient_states[R.SENT]) == (1, 2)
    assert works.bench.listed(Key.UNNAMED) == {f"{campaign}/0"}
    assert name_next(works.account) is Progress.NONE

    works.bench.advance(A_WHILE_MS)
    tick(works.account)
    assert (Task.NAME, ("default",)) in works.hints.nudges
    assert name_next(works.account) is Progress.MADE

    status = works.run(campaign)
    assert (status.unnamed, status.reasons) == (0, {"blacklisted": 1})
    assert works.bench.results(campaign)[1].state is R.NOT_SENT
    assert name_next(works.account) is Progress.NONE
    works.receive(3)
    assert works.check(campaign).state is CampaignState.FINISHED


def test_an_outcome_recorded_twice_does_not_ask_again(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = blacklist_late(works, FOUR[1])
    records: list[SendRecord] = []
    record_send = works.account.store.batches.record_send

    def remember(record: SendRecord) -> object:
        records.append(record)
        return record_send(record)

    monkeypatch.setattr(works.account.store.batches, "record_send", remember)
    assert send_next(works.account, campaign) is Progress.MADE
    assert works.check(campaign).unnamed == 0

    record_send(records[0])

    assert works.check(campaign).unnamed == 0
    assert works.bench.listed(Key.UNNAMED) == set()


def test_while_the_api_does_not_answer_it_is_tried_again_after_ever_longer_pauses(
    works: Works,
) -> None:
    campaign = blacklist_late(works, FOUR[1])
    works.fail("POST /send/simulate", "http_before", times=3)
    works.fail("GET /blacklist", "http_before", times=9)

    assert works.run(campaign).unnamed == 1
    works.bench.advance(A_WHILE_MS)
    assert name_next(works.account) is Progress.MADE
    works.bench.advance(A_WHILE_MS)
    assert name_next(works.account) is Progress.NONE
    works.bench.advance(A_WHILE_MS)
    assert name_next(works.account) is Progress.MADE
    works.bench.advance(A_WHILE_MS * 4)
    assert name_next(works.account) is Progress.MADE

    assert works.check(campaign).unnamed == 0


def test_receipts_that_came_meanwhile_tell_who_was_not_left_out(works: Works) -> None:
    campaign = blacklist_late(works, FOUR[1])
    die_once_recorded(works, campaign)
    works.run(campaign)
    works.receive(3)
    works.bench.advance(A_WHILE_MS)
    works.sandbox.control("DELETE", "faults")

    assert name_next(works.account) is Progress.MADE

    assert works.check(campaign).state is CampaignState.FINISHED
    assert works.bench.results(campaign)[1].reason == "blacklisted"


def test_people_nobody_can_name_are_given_up_with_an_alarm_and_stay_counted(works: Works) -> None:
    campaign = blacklist_late(works, FOUR[1])
    die_once_recorded(works, campaign)
    works.sandbox.control("POST", "blacklist", {"destinations": [FOUR[0]]})
    works.account.blacklist._good_until = float("-inf")

    for _ in range(36):
        works.bench.advance(3_600_000)
        assert name_next(works.account) is Progress.MADE

    status = works.bench.status(campaign)
    assert status.unnamed == 1
    assert works.bench.alarms() == [
        "people the API left out cannot be named: simulations do not show who they are"
    ]
    assert name_next(works.account) is Progress.NONE


def test_nobody_is_named_in_a_pause_that_the_api_asked_for(works: Works) -> None:
    campaign = blacklist_late(works, FOUR[1])
    pacing = works.account.store.pacing

    def pause(milestone: Milestone, *_: object) -> None:
        if milestone is Milestone.RECORDED:
            pacing.lower(retry_after_ms=60_000)

    assert send_next(replace(works.account, trace=pause), campaign) is Progress.MADE
    assert works.check(campaign).unnamed == 1
    works.bench.advance(A_WHILE_MS)
    tick(works.account)
    assert (Task.NAME, ("default",)) not in works.hints.nudges
    assert name_next(works.account) is Progress.NONE

    works.bench.advance(60_000)
    tick(works.account)
    assert (Task.NAME, ("default",)) in works.hints.nudges
    assert name_next(works.account) is Progress.MADE
    assert works.check(campaign).reasons == {"blacklisted": 1}
