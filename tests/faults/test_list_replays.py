"""The scripts of list sends twice with the same arguments; see `test_replays`."""

from collections.abc import Callable
from itertools import chain

import pytest

from dispatcher.domain.lifecycle import CampaignState
from dispatcher.store.scripts import Script
from tests.faults.list_path import Mailings
from tests.faults.replaying_redis import ReplayingRedis
from tests.faults.rig import Rig
from workers.milestones import Milestone

Scenario = Callable[[Mailings], None]

EXPECTED_CHANGES = {
    # A batch more is leased, and simulated a lease later.
    Script.CLAIM_QUOTE: "waiting: ",
    # A receipt is merged twice, which does no harm.
    Script.KEEP_EARLY: "early: ",
    # The lists of one campaign more are leased, and emptied a lease later.
    Script.CLAIM_CLEANUP: "cleanup: ",
}


def an_upload(mailings: Mailings) -> None:
    mailings.submit()
    mailings.rig.settle()
    mailings.rig.receive()


def lists_of_the_producer(mailings: Mailings) -> None:
    mailings.submit_given()
    mailings.rig.settle()
    mailings.rig.receive()


def receipts_before_their_ticket(mailings: Mailings) -> None:
    mailings.submit()
    mailings.rig.interrupt.at(Milestone.ANSWERED, mailings.rig.receive)
    mailings.rig.settle()
    mailings.rig.receive()


def lists_to_clean(mailings: Mailings) -> None:
    for _ in range(2):
        mailings.submit()
    mailings.rig.settle()
    mailings.rig.receive()
    mailings.clean()


SITUATIONS: dict[Script, dict[str, Scenario]] = {
    Script.FILL: {"quoting": lists_of_the_producer},
    Script.ADVANCE_LIST: {"quoting": an_upload},
    Script.KEEP_EARLY: {"": receipts_before_their_ticket},
    Script.FIRST_SEQUENCE: {"sent": an_upload},
    Script.CLAIM_CLEANUP: {"": lists_to_clean},
    Script.END_CLEANUP: {"finished": lists_to_clean},
    Script.SUBMIT: {"": lists_of_the_producer},
    Script.CLAIM_QUOTE: {"queued": lists_of_the_producer, "quoting": an_upload},
    Script.RECORD_QUOTE: {"quoting": an_upload},
    Script.RECORD_SEND: {"accepted": receipts_before_their_ticket},
    Script.MERGE_RECEIPTS: {"": an_upload},
}

CASES = [
    pytest.param(script, situation, scenario, id=f"{script.file}, {situation or 'any'}")
    for script, situations in SITUATIONS.items()
    for situation, scenario in situations.items()
]


@pytest.mark.parametrize(("script", "situation", "scenario"), CASES)
def test_a_second_run_changes_nothing(
    script: Script, situation: str, scenario: Scenario, replaying: tuple[Rig, ReplayingRedis]
) -> None:
    rig, client = replaying
    mailings = Mailings(rig)

    scenario(mailings)

    replays = [r for r in client.replays if r.script is script and r.situation == situation]
    assert replays
    changes = chain.from_iterable(replay.changes for replay in replays)
    expected = EXPECTED_CHANGES.get(script, "nothing")
    assert [change for change in changes if not change.startswith(expected)] == []
    assert set(mailings.states()) == {CampaignState.FINISHED}
    assert mailings.violations() == []
