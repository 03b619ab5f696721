"""Short ways to batches that were found outside the hours of advertising."""

from dispatcher.domain.lifecycle import BatchState, CampaignState, HoldReason
from dispatcher.store.batches import Outcome
from dispatcher.store.claims import NothingToDo, SendClaim
from tests.support.bench import SEND_LEASE_MS, Bench
from tests.support.books import check_counters, check_indexes, check_money, check_transitions

B, C, H = BatchState, CampaignState, HoldReason
HOUR = 3_600_000
WHY = "after 20:00 in Europe/Paris"


def close(bench: Bench, claim: SendClaim, *, hours: float = 11) -> tuple[BatchState, CampaignState]:
    return bench.record(claim, Outcome.CLOSED, why=WHY, pause_ms=int(hours * HOUR))


def expire(bench: Bench, claim: SendClaim) -> tuple[BatchState, CampaignState]:
    return bench.record(claim, Outcome.EXPIRED, why=WHY)


def idle(bench: Bench, campaign: str = "c1") -> NothingToDo:
    found = bench.account.batches.claim_send(campaign, operation="op", deadline_ms=SEND_LEASE_MS)
    assert isinstance(found, NothingToDo)
    return found


def stands(bench: Bench, campaign: str = "c1") -> tuple[CampaignState, HoldReason | None]:
    """Check every book, and tell where the campaign stands."""
    check_counters(bench, campaign)
    check_money(bench, [campaign])
    check_indexes(bench, [campaign])
    check_transitions(bench, campaign)
    assert bench.alarms() == []
    found = bench.status(campaign)
    return found.state, found.hold


def reserved(bench: Bench) -> int:
    return bench.account.ledger.credits().reserved


def held(bench: Bench, *, hours: float = 11, recipients: int = 4) -> str:
    """Bring a campaign to where all of it waits for its window."""
    bench.ready(recipients=recipients)
    claims = [bench.claim() for _ in range(bench.status().batches)]
    for claim in claims:
        close(bench, claim, hours=hours)
    assert stands(bench) == (C.HELD, H.WINDOW)
    return "c1"
