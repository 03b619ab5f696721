"""Campaigns for later on a bench: short ways to schedule them and to take them back."""

from datetime import UTC, datetime, timedelta
from typing import Any

from dispatcher.domain.campaign import Cancellation, cancellation_of
from dispatcher.domain.fates import Receipt
from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.domain.timing import Timing
from dispatcher.store.batches import BatchRecord
from dispatcher.store.keys import Key
from dispatcher.store.withdrawals import Withdrawal, WithdrawalClaim
from tests.support.api_for_later import ApiForLater
from tests.support.bench import START_MS, Bench
from tests.support.books import check_counters, check_indexes, check_money, check_transitions

SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
DUE_MS = 120 * MINUTE_MS
"""When campaigns are due, counted from the bench's start like every time here."""
LATEST_MS = DUE_MS + 60 * MINUTE_MS
MARGIN_MS = 30 * SECOND_MS
LEAST_DELAY_MS = 60 * SECOND_MS
WITHDRAWAL_LEASE_MS = 45 * SECOND_MS

_PAID = (
    BatchState.ACCEPTED,
    BatchState.SCHEDULED,
    BatchState.WITHDRAWING,
    BatchState.DOUBTFUL,
)


def moment(milliseconds: int) -> datetime:
    """Give a time of the bench, counted from its start."""
    return datetime.fromtimestamp(START_MS / 1000, UTC) + timedelta(milliseconds=milliseconds)


def timing(
    due: int = DUE_MS, *, lead: int | None = None, lateness: int = LATEST_MS - DUE_MS
) -> Timing:
    """Give the timing of a campaign; one with a `lead` is kept here until then."""
    return Timing(
        send_at=moment(due),
        handover_at=None if lead is None else moment(due - lead),
        latest=moment(due + lateness),
    )


def ready_for_later(bench: Bench, campaign: str = "c1", **more: Any) -> str:  # noqa: ANN401 - any field of a submission
    """Bring a campaign for later to where its batches can be claimed."""
    return bench.ready(campaign, **{"timing": timing(), **more})


def schedule(bench: Bench, campaign: str = "c1", **more: Any) -> str:  # noqa: ANN401 - as above
    """Give all of a campaign to the API for later, under the tickets t0, t1…"""
    ready_for_later(bench, campaign, **more)
    send_all(bench, campaign)
    return campaign


def send_all(bench: Bench, campaign: str = "c1", *, ticket: str = "t") -> None:
    """Have the API accept every batch that waits."""
    for _ in range(bench.status(campaign).batch_states.get("ready", 0)):
        claim = bench.claim(campaign)
        bench.accept(claim, ticket=f"{ticket}{claim.n}")


def advance_to(bench: Bench, milliseconds: int) -> None:
    """Turn the clock on to a time counted from the bench's start."""
    bench.advance(START_MS + milliseconds - bench.now_ms)


def claim_withdrawal(bench: Bench) -> WithdrawalClaim:
    claim = bench.account.withdrawals.claim(lease_ms=WITHDRAWAL_LEASE_MS)
    assert claim is not None
    return claim


def take_back(
    bench: Bench,
    outcome: Withdrawal = Withdrawal.GONE,
    **more: Any,  # noqa: ANN401 - what `record` takes
) -> tuple[BatchState, CampaignState]:
    """Claim the next batch to be taken back, and record how that ended."""
    return bench.account.withdrawals.record(claim_withdrawal(bench), outcome, **more)


def take_all_back(bench: Bench) -> None:
    """Take back whatever is to be taken back, each time with success."""
    while claim := bench.account.withdrawals.claim(lease_ms=WITHDRAWAL_LEASE_MS):
        bench.account.withdrawals.record(claim, Withdrawal.GONE)


def cancellation(bench: Bench, campaign: str = "c1") -> Cancellation:
    return cancellation_of(bench.status(campaign))


def receive(bench: Bench, sequence: int, code: int = 3, *, ticket: str = "t0") -> None:
    """Merge one receipt."""
    at = datetime.fromtimestamp(bench.now_ms // 1000, UTC)
    bench.account.receipts.merge([Receipt(sequence=sequence, code=code, ticket=ticket, at=at)])


def check_books(bench: Bench, *campaigns: str) -> None:
    """Recount everything that is kept of these campaigns, and of their money."""
    check_time_money(bench, *campaigns)
    for campaign in campaigns:
        check_transitions(bench, campaign)


def check_time_money(bench: Bench, *campaigns: str) -> None:
    """Recount counters, money and what a tick will find."""
    for campaign in campaigns:
        check_counters(bench, campaign)
    check_money(bench, list(campaigns))
    check_indexes(bench, list(campaigns))
    batches = {
        (campaign, n): record
        for campaign in campaigns
        for n in range(bench.status(campaign).batches)
        if (record := bench.account.batches.read(campaign, n))
    }
    for campaign in campaigns:
        mine = [record for (name, _), record in batches.items() if name == campaign]
        assert bench.status(campaign).cost == _paid(mine)
    net = bench.account_field("spent") - bench.account_field("returned")
    assert net == _paid(list(batches.values()))
    for key, state in ((Key.DUE, BatchState.SCHEDULED), (Key.WITHDRAWALS, BatchState.WITHDRAWING)):
        assert bench.listed(key) == {
            f"{name}/{n}" for (name, n), record in batches.items() if record.state is state
        }


def _paid(batches: list[BatchRecord]) -> int:
    return sum(batch.cost or 0 for batch in batches if batch.state in _PAID)


def check_promises(bench: Bench, api: ApiForLater) -> None:
    """Check that no more credits are set aside than the API has, but for what is not recorded."""
    known = bench.account.ledger.credits()
    unrecorded = 0
    for taken in api.taken.values():
        record = bench.account.batches.read(taken.campaign, taken.n)
        is_open = record and record.state in (BatchState.SENDING, BatchState.UNKNOWN)
        unrecorded += taken.cost if is_open and not taken.was_cancelled else 0
    assert (known.balance or 0) <= api.credits + unrecorded
    assert known.reserved <= api.credits + unrecorded
