"""The circuit breaker of an account that loses answers."""

import pytest

from dispatcher.domain.lifecycle import BatchState
from dispatcher.store.batches import Outcome
from dispatcher.store.claims import NothingToDo, SendClaim
from dispatcher.store.unknowns import Precautions
from tests.support.bench import SEND_LEASE_MS, Bench

COOL_DOWN_MS = 60_000
PRECAUTIONS = Precautions(dedicated=False, most=3, span_ms=600_000, cool_down_ms=COOL_DOWN_MS)


@pytest.fixture
def breaking(bench: Bench) -> Bench:
    bench.account.unknowns.review(PRECAUTIONS)
    bench.ready(recipients=20, batch_size=2)
    return bench


def try_to_claim(bench: Bench) -> SendClaim | None:
    found = bench.account.batches.claim_send("c1", operation="new", deadline_ms=SEND_LEASE_MS)
    if isinstance(found, SendClaim):
        return found
    assert found is NothingToDo.OTHER_STATE
    return None


def lose(bench: Bench, times: int = 1) -> None:
    for _ in range(times):
        bench.record(bench.claim(), Outcome.UNKNOWN, why="the answer was lost")


def is_open(bench: Bench) -> bool:
    return bench.account.unknowns.tally().breaker_since is not None


def test_three_lost_answers_stop_the_account_and_start_releases_it(breaking: Bench) -> None:
    lose(breaking, 2)
    assert not is_open(breaking)
    lose(breaking)

    assert is_open(breaking)
    assert try_to_claim(breaking) is None
    assert breaking.account.ledger.start() == "circuit breaker"
    assert breaking.account.ledger.start() == ""
    assert try_to_claim(breaking)


def test_what_was_claimed_before_is_not_posted_any_more(breaking: Bench) -> None:
    claim = breaking.claim()
    lose(breaking, 3)

    assert breaking.begin(claim) == "too many answers were lost"
    assert breaking.record(claim, Outcome.NOT_SENT)[0] is BatchState.READY


def test_answers_lost_long_ago_do_not_count(breaking: Bench) -> None:
    lose(breaking, 2)
    breaking.advance(600_001)
    lose(breaking, 2)

    assert not is_open(breaking)


def test_a_worker_that_vanished_says_nothing_of_the_api(breaking: Bench) -> None:
    for _ in range(4):
        breaking.claim()
    breaking.advance(SEND_LEASE_MS + 1)
    breaking.account.ledger.tick()

    assert breaking.account.unknowns.tally().count == 4
    assert not is_open(breaking)


def test_one_batch_tries_the_api_again_and_its_answer_closes_the_breaker(breaking: Bench) -> None:
    lose(breaking, 3)
    assert not breaking.account.unknowns.arm_probe(cool_down_ms=COOL_DOWN_MS)
    breaking.advance(COOL_DOWN_MS)
    assert breaking.account.unknowns.review(PRECAUTIONS)
    assert breaking.account.unknowns.arm_probe(cool_down_ms=COOL_DOWN_MS)
    assert not breaking.account.unknowns.arm_probe(cool_down_ms=COOL_DOWN_MS)

    probe = breaking.claim()
    assert breaking.begin(probe) is None
    assert try_to_claim(breaking) is None

    breaking.accept(probe)
    assert not is_open(breaking)
    assert try_to_claim(breaking)


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.NOT_SENT])
def test_a_probe_without_an_answer_opens_it_anew(breaking: Bench, outcome: Outcome) -> None:
    lose(breaking, 3)
    breaking.advance(COOL_DOWN_MS)
    breaking.account.unknowns.arm_probe(cool_down_ms=COOL_DOWN_MS)
    breaking.record(breaking.claim(), outcome)

    assert is_open(breaking)
    assert try_to_claim(breaking) is None
    breaking.advance(COOL_DOWN_MS - 1)
    assert not breaking.account.unknowns.arm_probe(cool_down_ms=COOL_DOWN_MS)


def test_a_breaker_that_is_switched_off_never_opens(bench: Bench) -> None:
    bench.account.unknowns.review(
        Precautions(dedicated=False, most=0, span_ms=1, cool_down_ms=COOL_DOWN_MS)
    )
    bench.ready(recipients=20, batch_size=2)
    lose(bench, 8)

    assert not is_open(bench)
