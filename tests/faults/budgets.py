"""A campaign that is sent under a budget: its slots, and pauses the API asks for."""

from dispatcher.store.batches import Outcome, SendRecord
from dispatcher.store.claims import SendClaim
from dispatcher.store.scripts import Script
from tests.faults.rig import Rig
from tests.support.paced import under_a_budget
from workers.steps.progress import Progress
from workers.steps.send import send_next

RECIPIENTS = 5
RATE = 100.0
OF_BUDGETS = {
    Script.RENEW_SLOT: "sending",
    Script.NOTE_POST: "sending",
    Script.LOWER_RATE: "",
    Script.PACE: "",
}


def a_budget(rig: Rig) -> list[str]:
    campaign = rig.submit_quoted(RECIPIENTS)
    account = under_a_budget(rig.account, RATE)
    missed = account.store.batches.claim_send(
        campaign, operation="missed", deadline_ms=60_000, rate=RATE
    )
    assert isinstance(missed, SendClaim)
    rig.advance(1)
    account.store.pacing.renew(missed)
    account.store.pacing.note(missed, late_ms=5)
    account.store.batches.record_send(
        SendRecord(campaign=campaign, n=missed.n, attempt=missed.attempt, outcome=Outcome.NOT_SENT)
    )
    account.store.pacing.lower()
    assert account.store.pacing.read().lowered == 1
    rig.advance(2)
    while send_next(account, campaign) is Progress.MADE:
        rig.advance(1)
    rig.settle()
    return [campaign]
