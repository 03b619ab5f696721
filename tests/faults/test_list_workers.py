"""Two workers on one batch: the lease of the first ended while it was held up."""

from collections.abc import Callable, Iterator

import pytest

from dispatcher.domain.lifecycle import CampaignState
from dispatcher.settings import Settings
from tests.faults.list_path import OF_TIME, Mailings
from tests.faults.rig import Inbox, Rig, store_on_test_clock
from workers.milestones import Milestone
from workers.resources import Account, Resources
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.send import send_next
from workers.steps.tick import tick

_HELD_UP = 200
"""Seconds, longer than every lease."""

_STEPS_MEANWHILE = (1, 2, 3, 1000)
_READING = (Milestone.CONTACTS_READ, Milestone.CONTACTS_KEPT)
_UPLOADING = (
    Milestone.LIST_ANNOUNCED,
    Milestone.LIST_CREATED,
    Milestone.CONTACTS_ADDED,
    Milestone.UPLOAD_RECORDED,
    Milestone.DEDUPLICATED,
)


@pytest.fixture
def mailings(rig: Rig) -> Mailings:
    rig.sandbox.control("DELETE", "faults")
    return Mailings(rig)


@pytest.fixture
def other(settings: Settings) -> Iterator[Account]:
    """A second worker, with connections of its own."""
    resources = Resources(settings, Inbox(settings), open_store=store_on_test_clock)
    yield resources.accounts[0]
    resources.close()


@pytest.mark.parametrize("steps", _STEPS_MEANWHILE)
@pytest.mark.parametrize("milestone", [m for m in Milestone if m not in {*OF_TIME, *_READING}])
def test_two_workers_on_an_uploaded_batch_send_it_once(
    milestone: Milestone, steps: int, mailings: Mailings, other: Account
) -> None:
    _race(mailings, mailings.submit(), milestone, steps, other)


@pytest.mark.parametrize("steps", _STEPS_MEANWHILE)
@pytest.mark.parametrize("milestone", [m for m in Milestone if m not in {*OF_TIME, *_UPLOADING}])
@pytest.mark.parametrize("submit", [Mailings.submit_given, Mailings.submit_rendered])
def test_two_workers_on_a_given_list_send_it_once(
    submit: Callable[[Mailings], str],
    milestone: Milestone,
    steps: int,
    mailings: Mailings,
    other: Account,
) -> None:
    _race(mailings, submit(mailings), milestone, steps, other)


def test_a_worker_held_up_until_the_cleanup_fills_no_list_again(
    mailings: Mailings, other: Account
) -> None:
    rig = mailings.rig
    campaign = mailings.submit()

    def overtake() -> None:
        _work(rig, other, campaign, 1000)
        rig.receive()
        mailings.clean()

    rig.interrupt.at(Milestone.DEDUPLICATED, overtake)
    rig.settle()

    assert mailings.states() == [CampaignState.FINISHED]
    assert mailings.violations() == []


def _race(
    mailings: Mailings, campaign: str, milestone: Milestone, steps: int, other: Account
) -> None:
    """Let another worker take some steps while the first stands at a milestone."""
    rig = mailings.rig
    passed: list[Milestone] = []

    def overtake() -> None:
        passed.append(milestone)
        _work(rig, other, campaign, steps)

    rig.interrupt.at(milestone, overtake)
    rig.settle()
    rig.receive()

    assert passed == [milestone]
    assert mailings.states() == [CampaignState.FINISHED]
    assert mailings.violations() == []


def _work(rig: Rig, account: Account, campaign: str, steps: int) -> None:
    """Take steps as a worker would that finds the leases of all others over."""
    rig.advance(_HELD_UP)
    tick(account)
    rig.account.store.ledger.approve_server(quiet_ms=0)
    for _ in range(steps):
        if Progress.MADE not in (quote_next(account, campaign), send_next(account, campaign)):
            return
