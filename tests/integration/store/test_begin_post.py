"""The last look at a claimed batch, right before its POST."""

from collections.abc import Callable

import pytest

from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.errors import StoreUnavailableError
from dispatcher.store.batches import Outcome
from dispatcher.store.claims import SendClaim
from dispatcher.store.durability import Barrier
from dispatcher.store.keys import Key
from tests.support.bench import READING_LEASE_MS, SEND_LEASE_MS, Bench
from tests.support.bench_lists import submit_uploaded
from tests.support.timed import (
    DUE_MS,
    LATEST_MS,
    LEAST_DELAY_MS,
    advance_to,
    check_books,
    timing,
)

B, C, R = BatchState, CampaignState, RecipientState


def claim_of_a_list(bench: Bench) -> SendClaim:
    submit_uploaded(bench, batches=1)
    bench.quote_all("c1")
    return bench.claim()


def test_a_batch_may_go_however_often_the_answer_is_lost(bench: Bench) -> None:
    bench.ready()
    claim = bench.claim()

    assert bench.begin(claim) is None
    assert bench.begin(claim) is None
    bench.accept(claim)
    assert bench.begin(claim) == "over"


def test_an_older_attempt_may_not(bench: Bench) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    bench.record(claim, Outcome.NOT_SENT)
    again = bench.claim()

    assert bench.begin(claim) == "over"
    assert bench.begin(again) is None


@pytest.mark.parametrize(
    ("forbid", "why"),
    [
        (lambda bench: bench.account.ledger.stop(by="somebody"), "stopped"),
        (lambda bench: bench.account.campaigns.pause("c1"), "held"),
        (lambda bench: bench.account.campaigns.cancel("c1"), "cancelling"),
    ],
)
def test_what_was_forbidden_after_the_claim_is_not_posted(
    bench: Bench, forbid: Callable[[Bench], object], why: str
) -> None:
    bench.ready()
    claim = bench.claim()

    forbid(bench)

    assert bench.begin(claim) == why
    bench.record(claim, Outcome.NOT_SENT)
    check_books(bench, "c1")
    assert B.SENDING not in {bench_state(bench, n) for n in range(2)}


def test_a_claim_of_before_a_failover_is_not_posted(bench: Bench) -> None:
    bench.ready()
    claim = bench.claim()

    bench.client.hset(bench.keys.of(Key.ACCOUNT), "run_id", "another")

    assert bench.begin(claim) == "fenced"


def test_a_batch_cancelled_before_its_post_is_cancelled_and_free(bench: Bench) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    bench.account.campaigns.cancel("c1")

    assert bench.begin(claim) is not None
    bench.record(claim, Outcome.NOT_SENT)

    check_books(bench, "c1")
    assert bench.status().state is C.CANCELLED
    assert bench.status().recipient_states == {R.CANCELLED: 2}
    assert bench.account.ledger.credits().reserved == 0


def test_a_batch_whose_reader_died_waits_again(bench: Bench) -> None:
    claim = claim_of_a_list(bench)

    bench.advance(READING_LEASE_MS - 1)
    bench.account.ledger.tick()
    assert bench_state(bench, 0) is B.SENDING
    bench.advance(1)
    bench.account.ledger.tick()

    check_books(bench, "c1")
    assert bench_state(bench, 0) is B.READY
    assert bench.begin(claim) == "over"
    assert bench.begin(bench.claim()) is None


def test_a_batch_whose_reader_died_is_cancelled_with_its_campaign(bench: Bench) -> None:
    claim_of_a_list(bench)
    bench.account.campaigns.cancel("c1")

    bench.advance(READING_LEASE_MS)
    bench.account.ledger.tick()

    check_books(bench, "c1")
    assert bench.status().state is C.CANCELLED


def test_a_batch_whose_reader_died_lets_a_campaign_go_on_that_waits_for_an_outcome(
    bench: Bench,
) -> None:
    submit_uploaded(bench, batches=2)
    bench.quote_all("c1")
    bench.record(bench.claim(), Outcome.UNKNOWN)
    bench.claim()

    bench.advance(READING_LEASE_MS)
    bench.account.ledger.tick()

    check_books(bench, "c1")
    assert bench.status().state is C.SENDING
    assert bench.begin(bench.claim()) is None


def test_a_batch_whose_post_had_begun_is_unknown(bench: Bench) -> None:
    claim = claim_of_a_list(bench)
    bench.advance(READING_LEASE_MS - 1)
    assert bench.begin(claim) is None

    bench.advance(SEND_LEASE_MS - 1)
    bench.account.ledger.tick()
    assert bench_state(bench, 0) is B.SENDING
    bench.advance(1)
    bench.account.ledger.tick()

    check_books(bench, "c1")
    assert bench_state(bench, 0) is B.UNKNOWN
    assert bench.listed(Key.INFLIGHT) == set()


def test_a_post_to_lists_begins_durably_or_not_at_all(bench: Bench, redis_url: str) -> None:
    claim = claim_of_a_list(bench)
    without_replica = Bench(redis_url, barrier=Barrier(replicas=1))

    with pytest.raises(StoreUnavailableError):
        without_replica.begin(claim)
    without_replica.close()


def bench_state(bench: Bench, n: int) -> BatchState:
    record = bench.account.batches.read("c1", n)
    assert record is not None
    return record.state


def claim_of_a_list_for_later(bench: Bench, **more: int) -> SendClaim:
    submit_uploaded(bench, batches=1, timing=timing(**more))
    bench.quote_all("c1")
    return bench.claim()


def test_a_batch_whose_time_ended_while_its_list_was_read_expires(bench: Bench) -> None:
    claim = claim_of_a_list_for_later(bench)
    advance_to(bench, LATEST_MS)

    assert bench.begin(claim) == "late"
    bench.record(claim, Outcome.NOT_SENT)
    bench.advance(60_000)
    bench.account.ledger.tick()

    check_books(bench, "c1")
    assert bench.status().state is C.EXPIRED


def test_a_batch_too_near_to_its_time_goes_out_then_without_a_delay(bench: Bench) -> None:
    claim = claim_of_a_list_for_later(bench)
    assert claim.delay is not None
    advance_to(bench, DUE_MS - LEAST_DELAY_MS)

    assert bench.begin(claim) == "due"
    bench.record(claim, Outcome.NOT_SENT)
    advance_to(bench, DUE_MS)

    again = bench.claim()
    assert again.delay is None
    assert bench.begin(again) is None
