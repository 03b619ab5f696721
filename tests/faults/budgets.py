"""A campaign that is sent under a budget: its slots, and pauses the API asks for."""

from dispatcher.store.batches import Outcome, SendRecord
from dispatcher.store.claims import SendClaim
from dispatcher.store.scripts import Script
from tests.faults.rig import Rig

RECIPIENTS = 5
RATE = 100.0
OF_BUDGETS = {
    Script.RENEW_SLOT: "sending",
    Script.NOTE_POST: "sending",
    Script.LOWER_RATE: "",
    Script.PACE: "",
}


def a_budget(rig: Rig) -> list[str]:
    """Take a batch for its slot, miss that, give it back, and send it once nothing slows it."""
    campaign = rig.submit_quoted(RECIPIENTS)
    store = rig.account.store
    claim = store.batches.claim_send(campaign, operation="paced", deadline_ms=60_000, rate=RATE)
    assert isinstance(claim, SendClaim)
    rig.advance(1)
    store.pacing.renew(claim)
    assert store.batches.begin_post(claim, deadline_ms=60_000) is None
    store.pacing.note(claim, late_ms=5)
    store.batches.record_send(
        SendRecord(campaign=campaign, n=claim.n, attempt=claim.attempt, outcome=Outcome.NOT_SENT)
    )
    store.pacing.lower()
    assert store.pacing.read().lowered == 1
    rig.settle()
    return [campaign]
