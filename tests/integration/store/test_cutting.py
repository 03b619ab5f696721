"""Taking people out of batches who were suppressed after the quote, and the last look at that."""

import os
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dispatcher.domain.fates import Exclusion, Receipt, RecipientState
from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.store.batches import SUPPRESSIONS_CHANGED, Outcome
from dispatcher.store.claims import NothingToDo, SendClaim
from dispatcher.store.durability import Barrier
from dispatcher.store.suppressions import SuppressionList
from tests.support.bench import FIRST_NUMBER, SEND_LEASE_MS, Bench
from tests.support.bench_lists import submit_uploaded
from tests.support.books import check_counters, check_money
from tests.support.suppressed import NOON, suppress
from tests.support.timed import check_books
from workers.steps.suppressions import suppressed_in

B, C, R = BatchState, CampaignState, RecipientState


def state_of(bench: Bench, n: int = 0) -> BatchState:
    record = bench.account.batches.read("c1", n)
    assert record is not None
    return record.state


def heed(bench: Bench, claim: SendClaim) -> SendClaim:
    """Give a claim for which the list as it is now was looked at."""
    return replace(claim, heeded=bench.account.suppressions.version())


def test_a_quote_tells_its_batch_which_list_was_heeded(bench: Bench) -> None:
    bench.submit(recipients=2)
    suppress(bench.account.suppressions, FIRST_NUMBER + 9)
    bench.account.ledger.approve_server(quiet_ms=0)

    quoted = bench.claim_quote("c1")
    assert (quoted.heeded, quoted.listed) == (0, 1)
    bench.account.batches.record_quote(
        replace(quoted, heeded=1), cost=2, credits_left=9, exclusions={}
    )
    suppress(bench.account.suppressions, FIRST_NUMBER + 8)

    claim = bench.claim()
    assert (claim.heeded, claim.listed) == (1, 2)


def test_a_list_that_changed_is_looked_at_again_before_the_post(bench: Bench) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    assert bench.begin(claim) is None

    suppress(bench.account.suppressions, FIRST_NUMBER)

    assert bench.begin(claim) == SUPPRESSIONS_CHANGED
    assert bench.begin(heed(bench, claim)) is None


def test_a_removal_has_it_looked_at_again_too(bench: Bench) -> None:
    suppress(bench.account.suppressions, FIRST_NUMBER)
    bench.ready(recipients=2)
    claim = heed(bench, bench.claim())

    bench.account.suppressions.remove(FIRST_NUMBER, reason="asked to", by="somebody")

    assert bench.begin(claim) == SUPPRESSIONS_CHANGED


def test_those_cut_out_are_not_sent_to_and_the_answer_settles_the_money(bench: Bench) -> None:
    bench.ready(recipients=4, batch_size=4)
    claim = bench.claim()

    assert bench.account.batches.cut(claim, dict.fromkeys([1, 3], Exclusion.SUPPRESSED)) == 2
    assert bench.account.batches.cut(claim, dict.fromkeys([1, 3], Exclusion.SUPPRESSED)) == 2
    check_books(bench, "c1")
    assert bench.begin(claim) is None
    bench.record(claim, Outcome.ACCEPTED, ticket="t1", cost=2)

    check_books(bench, "c1")
    assert bench.status().recipient_states == {R.SENT: 2, R.NOT_SENT: 2}
    assert bench.status().reasons == {"suppressed": 2}
    assert [result.reason for result in bench.results()] == [None, "suppressed"] * 2
    assert (bench.status().cost, bench.account.ledger.credits().reserved) == (2, 0)


def test_those_cut_out_stay_so_when_the_batch_is_tried_again(bench: Bench) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    bench.account.batches.cut(claim, dict.fromkeys([0], Exclusion.SUPPRESSED))
    bench.record(claim, Outcome.NOT_SENT)

    again = bench.claim()

    assert again.fates == bytes([Exclusion.SUPPRESSED, 0])
    assert bench.begin(claim) == "over"
    assert bench.account.batches.cut(claim, dict.fromkeys([1], Exclusion.SUPPRESSED)) is None
    check_books(bench, "c1")


def test_a_batch_cut_to_nobody_ends_and_its_credits_return(bench: Bench) -> None:
    bench.ready(recipients=4, batch_size=2, credits_left=4)
    claim = bench.claim()

    assert bench.account.batches.cut(claim, dict.fromkeys([0, 1], Exclusion.SUPPRESSED)) == 0

    check_books(bench, "c1")
    assert state_of(bench) is B.EMPTY
    assert bench.account.ledger.credits().reserved == 2
    assert bench.account.ledger.credits().balance == 4
    assert bench.begin(claim) == "over"
    assert bench.account.batches.cut(claim, dict.fromkeys([0, 1], Exclusion.SUPPRESSED)) is None
    bench.record(claim, Outcome.NOT_SENT)
    bench.advance(SEND_LEASE_MS + 1)
    bench.account.ledger.tick()
    check_books(bench, "c1")
    assert state_of(bench) is B.EMPTY
    bench.accept(bench.claim())
    assert bench.status().state is C.SENT
    check_books(bench, "c1")


def test_a_campaign_of_whom_everybody_is_cut_out_finishes_for_nothing(bench: Bench) -> None:
    bench.ready(recipients=4, batch_size=2, credits_left=4)

    for _ in range(2):
        bench.account.batches.cut(bench.claim(), dict.fromkeys([0, 1], Exclusion.SUPPRESSED))

    check_books(bench, "c1")
    assert bench.status().state is C.FINISHED
    assert bench.status().recipient_states == {R.NOT_SENT: 4}
    assert bench.account.ledger.credits().reserved == 0


def test_a_cancelled_campaign_whose_last_batch_is_cut_to_nobody_is_cancelled(bench: Bench) -> None:
    bench.ready(recipients=4, batch_size=2)
    claim = bench.claim()
    bench.account.campaigns.cancel("c1")

    bench.account.batches.cut(claim, dict.fromkeys([0, 1], Exclusion.SUPPRESSED))

    check_books(bench, "c1")
    assert bench.status().state is C.CANCELLED
    assert bench.account.ledger.credits().reserved == 0


def test_a_paused_campaign_whose_batch_is_cut_to_nobody_goes_on_later(bench: Bench) -> None:
    bench.ready(recipients=4, batch_size=2)
    claim = bench.claim()
    bench.account.campaigns.pause("c1")

    bench.account.batches.cut(claim, dict.fromkeys([0, 1], Exclusion.SUPPRESSED))
    check_books(bench, "c1")
    assert bench.status().state is C.HELD
    bench.account.campaigns.resume("c1")

    check_books(bench, "c1")
    bench.accept(bench.claim())
    assert bench.status().state is C.SENT


def test_a_list_batch_cut_to_nobody_waits_for_no_ticket(bench: Bench) -> None:
    submit_uploaded(bench, batches=1)
    bench.quote_all("c1")
    claim = bench.claim()

    bench.account.batches.cut(claim, dict.fromkeys([0, 1], Exclusion.SUPPRESSED))

    check_books(bench, "c1")
    assert bench.status().state is C.FINISHED


def test_a_receipt_of_somebody_cut_out_shows_that_they_were_sent_to(bench: Bench) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    bench.account.batches.cut(claim, dict.fromkeys([0], Exclusion.SUPPRESSED))
    bench.record(claim, Outcome.ACCEPTED, ticket="t1", cost=1)

    bench.account.receipts.merge([Receipt(sequence=claim.first, code=3, ticket="t1", at=NOON)])

    check_books(bench, "c1")
    assert bench.results()[0].state is R.DELIVERED


EXAMPLES = int(os.environ.get("CUT_EXAMPLES", "30"))


class Cuts(RuleBasedStateMachine):
    """People are suppressed and lifted at any moment while workers send, in any order.

    Each worker does what `workers.steps.send` does, a call at a time. Whoever was suppressed when
    `begin_post` answered that the POST may go is not in it.
    """

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        bench.reset()
        # What a process copied of the list is of the data that is gone.
        listed = SuppressionList(bench.account.suppressions._scripts, Barrier())
        bench.account = replace(bench.account, suppressions=listed)
        self.bench = bench
        self.worker: Any = SimpleNamespace(store=bench.account)
        bench.ready(recipients=6, batch_size=2, credits_left=6)
        self.claims: list[SendClaim] = []
        self.begun: list[SendClaim] = []
        self.posted: list[int] = []

    @rule(number=st.integers(0, 5), reaches=st.sampled_from(("add", "add", "remove", "forget")))
    def change(self, number: int, reaches: str) -> None:
        listed, who = self.bench.account.suppressions, FIRST_NUMBER + number
        if reaches == "add":
            suppress(listed, who)
        elif reaches == "remove":
            listed.remove(who, reason="test", by="test")
        else:
            listed.forget(who)

    @rule()
    def claim(self) -> None:
        found = self.bench.account.batches.claim_send(
            "c1", operation=f"op-{self.bench.now_ms}", deadline_ms=SEND_LEASE_MS
        )
        self.bench.advance(1)
        if not isinstance(found, NothingToDo):
            self.claims.append(found)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), anew=st.booleans(), repeats=st.integers(1, 2))
    def cut(self, data: st.DataObject, *, anew: bool, repeats: int) -> None:
        claim = self._take(data)
        found = suppressed_in(self.worker, claim, anew=anew)
        left: int | None = len(claim.batch.numbers)
        for _ in range(repeats if found.places else 0):
            left = self.bench.account.batches.cut(
                claim, dict.fromkeys(found.places, Exclusion.SUPPRESSED)
            )
        fates = bytearray(claim.fates)
        for place in found.places:
            fates[place] = Exclusion.SUPPRESSED
        if left:
            self.claims.append(replace(claim, fates=bytes(fates), heeded=found.version))

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        claim = self._take(data)
        answer = self.bench.begin(claim)
        if answer is None:
            on_it = self.bench.account.suppressions.contains(self._to(claim))
            assert not on_it, "the POST of somebody suppressed may begin"
            self.begun.append(claim)
        else:
            assert answer == SUPPRESSIONS_CHANGED
            self.claims.append(claim)

    @precondition(lambda self: self.begun)
    @rule(outcome=st.sampled_from((Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.NOT_SENT)))
    def post(self, outcome: Outcome) -> None:
        claim = self.begun.pop()
        to = self._to(claim)
        if outcome is Outcome.ACCEPTED:
            self.posted += to
        self.bench.record(claim, outcome, ticket=f"t{claim.n}", cost=len(to))

    @invariant()
    def the_books_are_right(self) -> None:
        check_counters(self.bench, "c1")
        check_money(self.bench, ["c1"])
        assert len(set(self.posted)) == len(self.posted)
        assert self.bench.status().cost == len(self.posted)

    def _take(self, data: st.DataObject) -> SendClaim:
        return self.claims.pop(data.draw(st.integers(0, len(self.claims) - 1)))

    def _to(self, claim: SendClaim) -> list[int]:
        pairs = zip(claim.batch.numbers, claim.fates, strict=True)
        return [number for number, fate in pairs if not fate]


def test_nobody_is_posted_to_who_was_suppressed_before_the_post_began(fast_bench: Bench) -> None:
    run_state_machine_as_test(
        lambda: Cuts(fast_bench),  # type: ignore[arg-type]  # any factory will do
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=20,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("places", [[0], [0, 1]])
def test_cutting_needs_the_claim(bench: Bench, places: list[int]) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    bench.record(claim, Outcome.UNKNOWN)

    assert bench.account.batches.cut(claim, dict.fromkeys(places, Exclusion.SUPPRESSED)) is None
    check_books(bench, "c1")
    assert state_of(bench) is B.UNKNOWN
