"""Whoever is forgotten after a quote leaves a batch that costs less than that."""

from dispatcher.domain.erasure import Person
from dispatcher.domain.unknowns import Decision, Source
from dispatcher.store.batches import Outcome
from tests.support.bench import FIRST_NUMBER, Bench

ADA = Person(number=FIRST_NUMBER + 1)


def is_cut(bench: Bench) -> bool:
    """Lose the answer of the campaign's next POST; tell whether its price is known to differ."""
    bench.record(bench.claim(), Outcome.UNKNOWN, why="the answer was lost")
    found = bench.account.unknowns.read("c1", 0)
    assert found is not None
    return found.is_cut


def test_a_batch_that_nobody_left_costs_what_was_quoted(bench: Bench) -> None:
    bench.ready(recipients=2)

    assert not is_cut(bench)


def test_whoever_is_forgotten_after_the_quote_changes_its_price(bench: Bench) -> None:
    bench.ready(recipients=2)
    bench.account.erasure.erase(ADA)

    assert is_cut(bench)


def test_whoever_is_forgotten_during_the_quote_changes_its_price(bench: Bench) -> None:
    bench.account.ledger.approve_server(quiet_ms=0)
    bench.submit(recipients=2)
    claim = bench.claim_quote("c1")
    bench.account.erasure.erase(ADA)
    bench.account.batches.record_quote(claim, cost=2, credits_left=100, exclusions={})

    assert is_cut(bench)


def test_whoever_is_forgotten_while_its_outcome_is_unknown_changes_its_next_price(
    bench: Bench,
) -> None:
    bench.ready(recipients=2)
    assert not is_cut(bench)
    bench.account.erasure.erase(ADA)
    found = bench.account.unknowns.read("c1", 0)
    assert found is not None
    bench.account.unknowns.settle([found.finding(Decision.NOT_SENT, Source.OPERATOR, "by a test")])

    assert is_cut(bench)
