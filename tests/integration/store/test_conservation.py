"""Books that do not add up, found and told; and books that do, left alone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from dispatcher.checking import check_books
from dispatcher.domain.conservation import gaps_in
from dispatcher.domain.fates import Exclusion, Receipt
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.domain.timing import Timing
from dispatcher.store.batches import QuoteFailure
from dispatcher.store.keys import Key
from tests.support.bench import RECEIPT_WAIT_MS, START_MS, Bench

TEN_MINUTES_MS = 600_000


def receipts(*codes: int) -> list[Receipt]:
    at = datetime.fromtimestamp(1_800_000_000, UTC)
    return [
        Receipt(sequence=n, code=code, ticket=f"t{n // 2}", at=at) for n, code in enumerate(codes)
    ]


def sent(bench: Bench) -> None:
    bench.ready(recipients=4, batch_size=2)
    for ticket in ("t0", "t1"):
        bench.accept(bench.claim(), ticket=ticket)


def spoil_counter(bench: Bench) -> None:
    """Two wrongs that the sum of all counters does not show."""
    record = bench.keys.of(Key.CAMPAIGN, "c1")
    bench.client.hincrby(record, "f:13", 1)
    bench.client.hincrby(record, "f:14", -1)


def spoil_fate(bench: Bench) -> None:
    bench.client.setrange(bench.keys.of(Key.FATES, "c1"), 3, b"\x0c")


def spoil_batch(bench: Bench) -> None:
    bench.client.hincrby(bench.keys.of(Key.BATCH, "c1", 1), "left", 1)


def test_a_campaign_that_adds_up_at_every_step_has_no_gap(bench: Bench) -> None:
    def check() -> None:
        assert check_books(bench.account, "c1") == ([], True)

    bench.account.ledger.approve_server(quiet_ms=0)
    bench.submit(recipients=5, batch_size=2, invalid=1)
    check()
    bench.quote("c1", exclusions={1: Exclusion.INVALID})
    check()
    bench.quote("c1")
    bench.quote("c1", exclusions={0: Exclusion.BLACKLISTED})
    check()
    claim = bench.claim()
    check()
    bench.accept(claim, ticket="t0")
    bench.account.receipts.merge(receipts(3))
    check()
    bench.accept(bench.claim(), ticket="t1")
    bench.account.receipts.merge(receipts(3, 3, 99, 93))
    check()


def cancel(bench: Bench) -> None:
    bench.account.campaigns.cancel("c1")


def reject(bench: Bench) -> None:
    claim = bench.claim_quote("c1")
    bench.account.batches.fail_quote(claim, QuoteFailure.REJECT, why="no")


def expire(bench: Bench) -> None:
    bench.advance(60_000)
    bench.account.ledger.tick()


@pytest.mark.parametrize("end", [cancel, reject, expire])
def test_batches_that_were_never_quoted_end_with_their_campaign(
    bench: Bench, end: Callable[[Bench], None]
) -> None:
    now = datetime.fromtimestamp(START_MS / 1000, UTC)
    latest = Timing(send_at=now + timedelta(seconds=30), latest=now + timedelta(seconds=60))
    bench.account.ledger.approve_server(quiet_ms=0)
    bench.submit(recipients=5, batch_size=2, timing=latest)
    bench.quote("c1")

    end(bench)

    assert bench.status().is_over
    assert check_books(bench.account, "c1") == ([], True)


@pytest.mark.parametrize("spoil", [spoil_counter, spoil_fate, spoil_batch])
def test_a_campaign_with_a_gap_does_not_finish_silently(
    bench: Bench, spoil: Callable[[Bench], None]
) -> None:
    sent(bench)
    spoil(bench)

    bench.account.receipts.merge(receipts(3, 3, 3, 3))
    bench.advance(RECEIPT_WAIT_MS)
    bench.account.ledger.tick()
    bench.advance(60_000)
    bench.account.ledger.tick()

    status = bench.status()
    assert status.state is CampaignState.SENT
    assert status.findings
    assert status.alarms == len(bench.alarms())
    assert len(set(bench.alarms())) == len(bench.alarms())


def test_a_gap_that_is_mended_lets_the_campaign_finish(bench: Bench) -> None:
    sent(bench)
    spoil_counter(bench)
    bench.account.receipts.merge(receipts(3, 3, 3, 3))
    assert bench.status().state is CampaignState.SENT
    record = bench.keys.of(Key.CAMPAIGN, "c1")
    bench.client.hincrby(record, "f:13", -1)
    bench.client.hincrby(record, "f:14", 1)

    bench.advance(60_000)
    bench.account.ledger.tick()

    assert bench.status().state is CampaignState.FINISHED
    assert bench.status().findings == ()


@pytest.mark.parametrize("spoil", [spoil_counter, spoil_fate, spoil_batch])
def test_a_recount_names_what_is_wrong(bench: Bench, spoil: Callable[[Bench], None]) -> None:
    sent(bench)
    bench.account.receipts.merge(receipts(2))
    spoil(bench)

    assert list(gaps_in(bench.account.checks.recount("c1")))


def test_rows_that_are_missing_are_a_gap(bench: Bench) -> None:
    sent(bench)
    bench.client.hincrby(bench.keys.of(Key.CAMPAIGN, "c1"), "rows", 1)

    assert check_books(bench.account, "c1")[0] == [
        "5 rows came in, and 4 kept and 0 dropped are others"
    ]


def test_a_campaign_is_checked_every_ten_minutes_until_no_receipt_is_awaited(bench: Bench) -> None:
    def due() -> bool:
        agenda = bench.account.ledger.tick()
        claim = bench.account.checks.claim()
        assert agenda.checks == (claim is not None)
        if claim is not None:
            bench.account.checks.record("c1", [], asked=0, has_more=False, took_ms=0)
        return claim is not None

    sent(bench)
    assert not due()
    bench.advance(TEN_MINUTES_MS)
    assert due()
    assert not due()
    bench.account.receipts.merge(receipts(3, 3, 3, 3))
    assert bench.status().state is CampaignState.FINISHED
    bench.advance(TEN_MINUTES_MS)
    assert due()
    bench.advance(TEN_MINUTES_MS)
    assert not due()
    bench.advance(RECEIPT_WAIT_MS - TEN_MINUTES_MS * 3)
    assert not due()
    bench.advance(TEN_MINUTES_MS)
    assert due()
    assert bench.listed(Key.CHECKS) == set()


def test_a_long_check_is_followed_by_a_longer_rest(bench: Bench) -> None:
    bench.submit("c1")
    bench.submit("c2")
    bench.advance(TEN_MINUTES_MS)
    claim = bench.account.checks.claim()
    assert claim is not None
    bench.account.checks.record(claim.campaign, [], asked=0, has_more=False, took_ms=1000)

    bench.advance(19_999)
    assert bench.account.checks.claim() is None
    assert bench.account.ledger.tick().checks == 0
    bench.advance(1)

    assert bench.account.checks.claim() is not None


def test_a_finding_raises_one_alarm_however_often_it_is_found(bench: Bench) -> None:
    bench.submit()
    for _ in range(3):
        bench.account.checks.record("c1", ["odd"], asked=0, has_more=False, took_ms=0)

    assert bench.alarms() == ["odd"]
    assert bench.status().findings == ("odd",)
    assert bench.status().alarms == 1
