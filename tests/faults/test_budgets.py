"""Workers that die under a budget: what waits for its slot was certainly not sent."""

import pytest

from dispatcher.domain.lifecycle import BatchState, CampaignState
from tests.faults.rig import Rig, WorkerDiedError
from tests.support.invariants import violations
from tests.support.paced import under_a_budget
from workers.milestones import Milestone
from workers.steps.send import send_next

RECIPIENTS = 5
RATE = 1000.0


@pytest.mark.parametrize("milestone", [Milestone.CLAIMED, Milestone.CONNECTED])
def test_a_worker_killed_before_its_slot_leaves_nothing_unknown(
    rig: Rig, milestone: Milestone
) -> None:
    campaign = rig.submit_quoted(RECIPIENTS)
    rig.interrupt.die_at(milestone)

    with pytest.raises(WorkerDiedError):
        send_next(under_a_budget(rig.account, RATE), campaign)
    rig.settle()

    status = rig.account.store.campaigns.status(campaign)
    assert (status.state, status.alarms) == (CampaignState.SENT, 0)
    assert len(rig.sandbox.ledger()) == status.batches
    rig.receive()
    assert violations(rig.world(), [campaign]) == []


def test_a_worker_killed_in_its_slot_leaves_its_batch_unknown(rig: Rig) -> None:
    campaign = rig.submit_quoted(RECIPIENTS)
    rig.interrupt.die_at(Milestone.BEGUN)

    with pytest.raises(WorkerDiedError):
        send_next(under_a_budget(rig.account, RATE), campaign)
    rig.settle()

    states = rig.account.store.campaigns.status(campaign).batch_states
    assert states[BatchState.UNKNOWN.value] == 1
