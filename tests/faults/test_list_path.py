"""A worker killed after each step of the way through lists, 20 kills a step."""

import signal
from collections import Counter
from collections.abc import Callable

import pytest

from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.settings import Settings
from tests.faults.forked_workers import Crash, Nursery, Place
from tests.faults.list_path import OF_TIME, Mailings
from tests.faults.rig import Rig
from workers.milestones import Milestone

KILLS = 20

Submit = Callable[[Mailings], str]
CrashAll = Callable[[Milestone, Mailings], list[int]]

_WAYS: dict[str, Submit] = {
    "uploaded": Mailings.submit,
    "given": Mailings.submit_given,
    "rendered": Mailings.submit_rendered,
}
_BY_LISTS = ("uploaded", "given")
_POSTS = {"uploaded": 2, "given": 1, "rendered": 5}
"""How many a campaign takes."""

_LISTS: dict[str, list[int]] = {"uploaded": [4, 1], "given": [], "rendered": []}
"""People in each list that is made for a campaign, none of them twice."""

_READING = (Milestone.CONTACTS_READ, Milestone.CONTACTS_KEPT)
_UPLOADING = (
    Milestone.LIST_ANNOUNCED,
    Milestone.LIST_CREATED,
    Milestone.CONTACTS_ADDED,
    Milestone.UPLOAD_RECORDED,
    Milestone.DEDUPLICATED,
)
_QUOTING = (Milestone.QUOTE_CLAIMED, Milestone.SIMULATED, Milestone.QUOTED)
# Reading lists once more comes between a claim and the last look before its POST.
_BEFORE_AND_AFTER = (Milestone.CLAIMED, Milestone.CONNECTED, Milestone.RECORDED)
_ON_ITS_WAY = (Milestone.WRITTEN, Milestone.ANSWERED)

_HARMLESS = [
    *(("uploaded", milestone) for milestone in (*_UPLOADING, *_QUOTING, *_BEFORE_AND_AFTER)),
    *(("given", milestone) for milestone in (*_READING, *_QUOTING, *_BEFORE_AND_AFTER)),
    *(("rendered", milestone) for milestone in _READING),
]


@pytest.fixture
def crash(nursery: Nursery, settings: Settings) -> CrashAll:
    """Give a function that kills one worker per campaign, and gives their exit codes."""
    place = Place.of(settings)
    return lambda milestone, mailings: nursery.carry_out(
        Crash(place=place, milestone=milestone, campaigns=mailings.campaigns)
    )


@pytest.fixture
def mailings(rig: Rig) -> Mailings:
    return Mailings(rig)


@pytest.mark.parametrize(("way", "milestone"), _HARMLESS)
def test_a_crash_outside_a_post_costs_nothing(
    way: str, milestone: Milestone, crash: CrashAll, mailings: Mailings
) -> None:
    _submit_all(mailings, way)

    assert crash(milestone, mailings) == [-signal.SIGKILL] * KILLS
    mailings.rig.settle(rounds=10)

    assert Counter(mailings.states()) == {CampaignState.SENT: KILLS}
    assert len(mailings.rig.sandbox.ledger()) == _POSTS[way] * KILLS
    assert Counter(map(len, mailings.uploads())) == Counter(_LISTS[way] * KILLS)
    mailings.rig.receive()
    assert Counter(mailings.states()) == {CampaignState.FINISHED: KILLS}
    assert mailings.violations() == []


@pytest.mark.parametrize("way", _BY_LISTS)
def test_a_crash_before_the_request_leaves_the_batch_unknown_and_unsent(
    way: str, crash: CrashAll, mailings: Mailings
) -> None:
    _submit_all(mailings, way)

    assert crash(Milestone.BEGUN, mailings) == [-signal.SIGKILL] * KILLS
    mailings.rig.settle()
    mailings.rig.receive()

    assert Counter(mailings.first_batches()) == {BatchState.UNKNOWN: KILLS}
    assert Counter(mailings.states()) == {CampaignState.HELD: KILLS}
    assert len(mailings.rig.sandbox.ledger()) == (_POSTS[way] - 1) * KILLS
    assert mailings.violations() == []


@pytest.mark.parametrize("way", _BY_LISTS)
@pytest.mark.parametrize("milestone", _ON_ITS_WAY)
def test_a_crash_with_the_request_on_its_way_leaves_the_batch_unknown(
    way: str, milestone: Milestone, crash: CrashAll, mailings: Mailings
) -> None:
    _submit_all(mailings, way)

    assert crash(milestone, mailings) == [-signal.SIGKILL] * KILLS
    mailings.rig.settle()
    mailings.rig.receive()

    accepted = len(mailings.rig.sandbox.ledger()) - (_POSTS[way] - 1) * KILLS
    print(f"\n{way}, killed when {milestone.value}: {accepted} of {KILLS} were accepted")
    assert accepted == KILLS or (milestone is Milestone.WRITTEN and accepted <= KILLS)
    assert Counter(mailings.first_batches()) == {BatchState.UNKNOWN: KILLS}
    assert Counter(mailings.states()) == {CampaignState.HELD: KILLS}
    assert mailings.violations() == []


def test_every_milestone_is_in_the_matrix() -> None:
    harmless = {milestone for _, milestone in _HARMLESS}

    assert harmless | {Milestone.BEGUN, *_ON_ITS_WAY} == set(Milestone) - OF_TIME


def _submit_all(mailings: Mailings, way: str) -> None:
    for _ in range(KILLS):
        _WAYS[way](mailings)
