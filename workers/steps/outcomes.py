from dispatcher.store.batches import Outcome, SendRecord
from dispatcher.store.claims import SendClaim
from workers.steps.pauses import pause_ms


def outcome_of(
    claim: SendClaim, outcome: Outcome, *, code: str = "", why: str = "", at_once: bool = False
) -> SendRecord:
    """Say how a claim ended without a ticket; what may be tried again waits a little.

    With `at_once` it does not wait: nothing was wrong with it.
    """
    return SendRecord(
        campaign=claim.campaign,
        n=claim.n,
        attempt=claim.attempt,
        outcome=outcome,
        code=code,
        why=why,
        pause_ms=0 if at_once else pause_ms(claim.attempt),
    )
