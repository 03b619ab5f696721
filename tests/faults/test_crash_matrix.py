"""A worker killed after each step of the protocol (reliability matrix, 20 kills a step)."""

import signal
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.settings import Settings
from tests.faults.forked_workers import Crash, Nursery, Place
from tests.faults.rig import Rig
from tests.support.invariants import violations
from workers.milestones import Milestone

KILLS = 20
RECIPIENTS = 5

CrashAll = Callable[[Milestone, Sequence[str]], list[int]]

_BEFORE_A_CLAIM = (Milestone.QUOTE_CLAIMED, Milestone.SIMULATED, Milestone.QUOTED)
_BEFORE_A_REQUEST = (Milestone.CLAIMED, Milestone.CONNECTED, Milestone.BEGUN)
# `test_list_path` has a matrix of these.
_OF_LISTS = {
    Milestone.CONTACTS_READ,
    Milestone.CONTACTS_KEPT,
    Milestone.LIST_ANNOUNCED,
    Milestone.LIST_CREATED,
    Milestone.CONTACTS_ADDED,
    Milestone.UPLOAD_RECORDED,
    Milestone.DEDUPLICATED,
}
# Taking back may be done twice; `test_cancel_races` and `test_time_kill_loop` interrupt it.
_OF_WITHDRAWALS = {Milestone.WITHDRAWAL_CLAIMED, Milestone.WITHDRAWN}
# `test_schedule_kills` has kills at these.
_OF_SCHEDULES = {
    Milestone.SCHEDULE_CLAIMED,
    Milestone.OCCURRENCE_PREPARED,
    Milestone.OCCURRENCE_SUBMITTED,
}


@pytest.fixture
def crash(nursery: Nursery, settings: Settings) -> CrashAll:
    """Give a function that kills one worker per campaign, and gives their exit codes."""
    place = Place.of(settings)
    return lambda milestone, campaigns: nursery.carry_out(
        Crash(place=place, milestone=milestone, campaigns=campaigns)
    )


@pytest.fixture
def crash_paced(nursery: Nursery, settings: Settings) -> CrashAll:
    """Give the same for workers under a budget that is ample."""
    place = Place.of(settings)
    return lambda milestone, campaigns: nursery.carry_out(
        Crash(place=place, milestone=milestone, campaigns=campaigns, rate=1000)
    )


@pytest.mark.parametrize("milestone", [*_BEFORE_A_CLAIM, Milestone.RECORDED])
def test_a_crash_outside_a_post_costs_nothing(
    milestone: Milestone, crash: CrashAll, rig: Rig
) -> None:
    campaigns = [rig.submit(RECIPIENTS) for _ in range(KILLS)]

    assert crash(milestone, campaigns) == [-signal.SIGKILL] * KILLS
    rig.settle()

    assert _first_batches(rig, campaigns) == {BatchState.ACCEPTED: KILLS}
    assert _campaigns(rig, campaigns) == {CampaignState.SENT: KILLS}
    assert len(rig.sandbox.ledger()) == 2 * KILLS
    rig.receive()
    assert _campaigns(rig, campaigns) == {CampaignState.FINISHED: KILLS}
    assert violations(rig.world(), campaigns) == []


@pytest.mark.parametrize("milestone", _BEFORE_A_REQUEST)
def test_a_crash_before_the_request_leaves_the_batch_unknown_and_unsent(
    milestone: Milestone, crash: CrashAll, rig: Rig
) -> None:
    campaigns = [rig.submit(RECIPIENTS) for _ in range(KILLS)]

    assert crash(milestone, campaigns) == [-signal.SIGKILL] * KILLS
    rig.settle()
    rig.receive()

    assert _first_batches(rig, campaigns) == {BatchState.UNKNOWN: KILLS}
    assert _campaigns(rig, campaigns) == {CampaignState.HELD: KILLS}
    assert len(rig.sandbox.ledger()) == KILLS
    assert violations(rig.world(), campaigns) == []


@pytest.mark.parametrize("milestone", [Milestone.CLAIMED, Milestone.CONNECTED])
def test_under_a_budget_a_crash_before_the_last_look_costs_nothing(
    milestone: Milestone, crash_paced: CrashAll, rig: Rig
) -> None:
    campaigns = [rig.submit_quoted(RECIPIENTS) for _ in range(KILLS)]

    assert crash_paced(milestone, campaigns) == [-signal.SIGKILL] * KILLS
    rig.settle()

    assert _first_batches(rig, campaigns) == {BatchState.ACCEPTED: KILLS}
    assert _campaigns(rig, campaigns) == {CampaignState.SENT: KILLS}
    assert len(rig.sandbox.ledger()) == 2 * KILLS
    rig.receive()
    assert violations(rig.world(), campaigns) == []


def test_a_crash_after_the_request_is_settled_by_receipts_if_it_was_accepted(
    crash: CrashAll, rig: Rig
) -> None:
    campaigns = [rig.submit(RECIPIENTS) for _ in range(KILLS)]

    assert crash(Milestone.WRITTEN, campaigns) == [-signal.SIGKILL] * KILLS
    rig.settle()

    assert _first_batches(rig, campaigns) == {BatchState.UNKNOWN: KILLS}
    rig.receive()
    accepted = len(rig.sandbox.ledger()) - KILLS
    print(f"\nkilled after the request was written: {accepted} of {KILLS} were accepted")
    assert _first_batches(rig, campaigns)[BatchState.ACCEPTED] == accepted
    assert _campaigns(rig, campaigns)[CampaignState.FINISHED] == accepted
    assert violations(rig.world(), campaigns) == []


def test_a_crash_after_the_answer_is_settled_by_receipts(crash: CrashAll, rig: Rig) -> None:
    campaigns = [rig.submit(RECIPIENTS) for _ in range(KILLS)]

    assert crash(Milestone.ANSWERED, campaigns) == [-signal.SIGKILL] * KILLS
    rig.settle()

    assert _first_batches(rig, campaigns) == {BatchState.UNKNOWN: KILLS}
    assert len(rig.sandbox.ledger()) == 2 * KILLS
    rig.receive()
    assert _first_batches(rig, campaigns) == {BatchState.ACCEPTED: KILLS}
    assert _campaigns(rig, campaigns) == {CampaignState.FINISHED: KILLS}
    assert violations(rig.world(), campaigns) == []


def test_every_milestone_is_in_the_matrix() -> None:
    tested = {*_BEFORE_A_CLAIM, *_BEFORE_A_REQUEST}

    assert set(Milestone) - tested - _OF_LISTS - _OF_WITHDRAWALS - _OF_SCHEDULES == {
        Milestone.WRITTEN,
        Milestone.ANSWERED,
        Milestone.RECORDED,
    }


def _first_batches(rig: Rig, campaigns: Sequence[str]) -> Counter[BatchState]:
    """Count the batches that workers were killed with by their state."""
    found = (rig.account.store.batches.read(campaign, 0) for campaign in campaigns)
    return Counter(batch.state for batch in found if batch is not None)


def _campaigns(rig: Rig, campaigns: Sequence[str]) -> Counter[CampaignState]:
    return Counter(rig.account.store.campaigns.status(campaign).state for campaign in campaigns)
