from dispatcher.store.batches import Outcome, SendRecord
from dispatcher.store.claims import SendClaim
from workers.steps.pauses import pause_ms


def outcome_of(claim: SendClaim, outcome: Outcome, *, code: str = "", why: str = "") -> SendRecord:
    """Say how a claim ended without a ticket; what may be tried again waits a little."""
    return SendRecord(
        campaign=claim.campaign,
        n=claim.n,
        attempt=claim.attempt,
        outcome=outcome,
        code=code,
        why=why,
        pause_ms=pause_ms(claim.attempt),
    )
