from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.store.batches import Outcome
from dispatcher.store.claims import SendClaim
from tests.support.bench import Bench

BATCHES = 6


@dataclass
class Truth:
    """What the API's balance really is, beside what it was told to have been."""

    credits: int
    debited: list[SendClaim] = field(default_factory=list)
    in_flight: list[SendClaim] = field(default_factory=list)
    told: list[tuple[int, int]] = field(default_factory=list)

    def cost_of(self, claims: list[SendClaim]) -> int:
        return sum(len(claim.batch.numbers) for claim in claims)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("claim", "debit", "accept", "unsent", "top up", "ask", "hear", "lose")),
        st.integers(0, 5),
    ),
    max_size=40,
)


def take_step(bench: Bench, truth: Truth, step: str, number: int) -> None:
    match step:
        case "claim" if bench.status().batch_states.get("ready"):
            truth.in_flight.append(bench.claim())
        case "debit" if truth.in_flight:
            claim = truth.in_flight.pop(number % len(truth.in_flight))
            truth.credits -= len(claim.batch.numbers)
            truth.debited.append(claim)
        case "accept" if truth.debited:
            bench.accept(truth.debited.pop(number % len(truth.debited)), ticket="t")
        case "unsent" if truth.in_flight:
            claim = truth.in_flight.pop(number % len(truth.in_flight))
            bench.record(claim, Outcome.NOT_SENT)
        case "lose" if truth.debited:
            bench.record(truth.debited[number % len(truth.debited)], Outcome.UNKNOWN)
        case _:
            hear_of_balance(bench, truth, step, number)


def hear_of_balance(bench: Bench, truth: Truth, step: str, number: int) -> None:
    match step:
        case "top up":
            truth.credits += number
        case "ask":
            spent = bench.account.ledger.begin_check(interval_ms=0, at_once=True)
            truth.told.append((truth.credits, spent or 0))
        case "hear" if truth.told:
            told, spent_before = truth.told.pop(number % len(truth.told))
            bench.account.ledger.observe(told, spent_before=spent_before)
        case _:
            pass


@given(steps=STEPS)
@settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_never_more_is_promised_than_there_is(
    fast_bench: Bench, steps: list[tuple[str, int]]
) -> None:
    fast_bench.reset()
    fast_bench.ready(recipients=2 * BATCHES, credits_left=20)
    truth = Truth(credits=20)

    for step, number in steps:
        take_step(fast_bench, truth, step, number)

        known = fast_bench.account.ledger.credits()
        promised = known.reserved - truth.cost_of(truth.debited)
        assert known.available <= truth.credits - promised


def test_a_balance_that_shows_an_unrecorded_debit_is_not_taken_off_twice(bench: Bench) -> None:
    bench.ready(recipients=4, batch_size=2, credits_left=100)
    claim = bench.claim()

    bench.account.ledger.observe(98, spent_before=0)
    bench.accept(claim)

    assert bench.account.ledger.credits().balance == 98


def test_what_was_spent_while_asking_is_taken_off(bench: Bench) -> None:
    bench.ready(recipients=4, batch_size=2, credits_left=100)
    spent = bench.account.ledger.begin_check(interval_ms=0, at_once=True)
    assert spent == 0
    bench.accept(bench.claim())

    bench.account.ledger.observe(100, spent_before=spent)

    assert bench.account.ledger.credits().balance == 98


def test_a_top_up_is_seen(bench: Bench) -> None:
    bench.ready(credits_left=100)

    bench.account.ledger.observe(150, spent_before=0)

    assert bench.account.ledger.credits().balance == 150


def test_credits_spent_by_somebody_else_are_seen(bench: Bench) -> None:
    bench.ready(credits_left=100)
    bench.claim()

    bench.account.ledger.observe(50, spent_before=0)

    assert bench.account.ledger.credits().balance == 50


def test_a_reply_without_a_balance_changes_nothing(bench: Bench) -> None:
    bench.submit()
    bench.quote("c1", credits_left=100)

    bench.quote("c1", credits_left=None)

    assert bench.account.ledger.credits().balance == 100


def test_before_the_first_answer_nothing_is_available(bench: Bench) -> None:
    bench.submit()

    bench.quote_all("c1", credits_left=None)

    assert bench.account.ledger.credits().balance is None
    assert bench.account.ledger.credits().available == 0
    assert bench.status().need == 4
