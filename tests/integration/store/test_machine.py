"""Campaigns submitted, quoted, sent, stopped and cancelled in any order, by calls repeated at will.

`STORE_MACHINE=100` tries so many histories instead of the few of the suite.
"""

import itertools
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dispatcher.domain.fates import Exclusion, Receipt
from dispatcher.domain.lifecycle import TERMINAL, BatchState, CampaignState, HoldReason
from dispatcher.errors import ConflictError, StateError
from dispatcher.store.batches import Outcome, QuoteFailure
from dispatcher.store.claims import QuoteClaim, SendClaim
from tests.support.api_model import Api, Attempt
from tests.support.bench import QUOTE_LEASE_MS, SEND_LEASE_MS, Bench, record_of, upload_of
from tests.support.bench_lists import submit_sizes
from tests.support.books import check_counters, check_indexes, check_money, check_transitions

EXAMPLES = int(os.environ.get("STORE_MACHINE", "25"))
MOST_CAMPAIGNS = 3
CODES = (0, 1, 2, 3, 4, 8, 11, 12)
NOT_TAKEN = {
    "refused": Outcome.REFUSED,
    "unreachable": Outcome.NOT_SENT,
    "no credentials": Outcome.NO_CREDENTIALS,
    "no credits": Outcome.NO_CREDITS,
    "lost before": Outcome.UNKNOWN,
}
TAKEN = {"answered": Outcome.ACCEPTED, "lost after": Outcome.UNKNOWN}
TOO_LATE = {CampaignState.SENT, *TERMINAL}
MOSTLY_NOT = st.sampled_from((False, False, False, True))
WAYS = (*TAKEN, *NOT_TAKEN, "answered", "unreachable")


class Campaigns(RuleBasedStateMachine):
    """Producers, workers, webhook and clock call the store in any order, and again."""

    campaigns = Bundle("campaigns")
    quotes = Bundle("quotes")
    attempts = Bundle("attempts")
    told = Bundle("told")

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench
        bench.reset()
        bench.account.ledger.approve_server(quiet_ms=0)
        self.api = Api()
        self.made: dict[str, list[int]] = {}
        self.cancelled: set[str] = set()
        self.calls: list[Callable[[], object]] = []
        self.operations = itertools.count(1)

    def call(self, call: Callable[[], object]) -> None:
        """Make a call that may be repeated at any later time."""
        self.calls.append(call)
        call()

    @precondition(lambda self: len(self.made) < MOST_CAMPAIGNS)
    @rule(
        target=campaigns,
        recipients=st.integers(1, 5),
        batch_size=st.integers(1, 3),
        needs_approval=MOSTLY_NOT,
    )
    def submit(self, recipients: int, batch_size: int, *, needs_approval: bool) -> str:
        return self._submit(recipients, batch_size, needs_approval=needs_approval)

    @precondition(lambda self: len(self.made) < MOST_CAMPAIGNS)
    @rule(target=campaigns, sizes=st.lists(st.integers(1, 3), min_size=1, max_size=3))
    def submit_batches_of_different_sizes(self, sizes: list[int]) -> str:
        name = self._name(sizes)
        submit_sizes(self.bench, sizes, name)
        return name

    @precondition(lambda self: len(self.made) < MOST_CAMPAIGNS)
    @rule(target=campaigns, recipients=st.integers(1, 5), batch_size=st.integers(1, 3))
    def submit_and_quote(self, recipients: int, batch_size: int) -> str:
        """Save the machine the way to where most of what can go wrong begins."""
        name = self._submit(recipients, batch_size, needs_approval=False)
        if self.bench.account.ledger.credits().parked is None:
            self.bench.quote_all(name, credits_left=self.api.credits)
        return name

    @rule(campaign=campaigns)
    def submit_other_content(self, campaign: str) -> None:
        other = self.bench.submission(campaign, 1, 1, fingerprint="other")
        self.bench.upload(upload_of(other), 1, 1)

        with pytest.raises(ConflictError):
            self.bench.account.campaigns.submit(other)

    @rule(target=quotes, campaign=campaigns)
    def claim_quote(self, campaign: str) -> object:
        claim = self.bench.account.batches.claim_quote(campaign, lease_ms=QUOTE_LEASE_MS)
        return claim if isinstance(claim, QuoteClaim) else multiple()

    @rule(claim=quotes, left_out=st.sets(st.integers(0, 2)), price=st.integers(1, 2))
    def record_quote(self, claim: QuoteClaim, left_out: set[int], price: int) -> None:
        size = len(claim.batch.numbers)
        exclusions = {place: Exclusion.INVALID for place in left_out if place < size}
        cost, credits_left = price * (size - len(exclusions)), self.api.credits
        self.call(
            lambda: self.bench.account.batches.record_quote(
                claim, cost=cost, credits_left=credits_left, exclusions=exclusions
            )
        )

    @rule(claim=consumes(quotes), failure=st.sampled_from(QuoteFailure))
    def fail_quote(self, claim: QuoteClaim, failure: QuoteFailure) -> None:
        self.call(
            lambda: self.bench.account.batches.fail_quote(
                claim, failure, code="-1", why="it said no", pause_ms=500
            )
        )

    @rule(campaign=campaigns)
    def approve(self, campaign: str) -> None:
        self.call(lambda: self._approve(campaign))

    def _approve(self, campaign: str) -> None:
        with suppress(StateError):
            self.bench.account.campaigns.approve(campaign, by="somebody")

    @rule(campaign=campaigns, really=MOSTLY_NOT)
    def cancel(self, campaign: str, *, really: bool) -> None:
        if not really:
            return
        too_late = self.bench.status(campaign).state in TOO_LATE
        try:
            self.bench.account.campaigns.cancel(campaign)
        except StateError:
            assert too_late
            return
        assert not too_late or campaign in self.cancelled
        self.cancelled.add(campaign)

    @rule(target=attempts, campaign=campaigns)
    def claim_send(self, campaign: str) -> object:
        operation = f"op-{next(self.operations)}"
        claim = self._claim(campaign, operation)
        return Attempt(claim, operation) if isinstance(claim, SendClaim) else multiple()

    @rule(attempt=attempts)
    def claim_again_after_a_lost_answer(self, attempt: Attempt) -> None:
        claim = attempt.claim
        record = self.bench.account.batches.read(claim.campaign, claim.n)
        assert record is not None
        if attempt.answer is None and (record.state, record.attempt) == (
            BatchState.SENDING,
            claim.attempt,
        ):
            again = self._claim(claim.campaign, attempt.operation)
            assert isinstance(again, SendClaim)
            assert (again.n, again.attempt, again.first) == (claim.n, claim.attempt, claim.first)

    @rule(attempt=attempts, way=st.sampled_from(WAYS))
    def post(self, attempt: Attempt, way: str) -> None:
        """Post, however late: a worker may be frozen between any two steps."""
        if attempt.answer is not None:
            return
        claim = attempt.claim
        record = self.bench.account.batches.read(claim.campaign, claim.n)
        assert record is not None
        if way in NOT_TAKEN:
            attempt.answer = record_of(claim, NOT_TAKEN[way], why=way)
            return
        ticket = self.api.take(claim, record.quote)
        attempt.answer = record_of(claim, TAKEN[way])
        if way == "answered":
            attempt.answer = record_of(claim, Outcome.ACCEPTED, ticket=ticket, cost=record.quote)

    @rule(target=attempts, campaign=campaigns, way=st.sampled_from(WAYS))
    def send(self, campaign: str, way: str) -> object:
        """Claim, post and record with nothing in between, as nearly always."""
        attempt = self.claim_send(campaign)
        if isinstance(attempt, Attempt):
            self.post(attempt, way)
            self.record_send(attempt)
        return attempt

    @rule(attempt=attempts)
    def record_send(self, attempt: Attempt) -> None:
        answer = attempt.answer
        if answer is not None:
            self.call(lambda: self.bench.account.batches.record_send(answer))

    @precondition(lambda self: self.api.taken)
    @rule(data=st.data(), code=st.sampled_from(CODES), seconds=st.integers(0, 3))
    def merge_receipts(self, data: st.DataObject, code: int, seconds: int) -> None:
        taken = data.draw(st.lists(st.sampled_from(sorted(self.api.taken)), min_size=1, max_size=3))
        receipts = [
            Receipt(
                sequence=data.draw(st.sampled_from(self._sent_to(campaign, n))),
                code=code,
                ticket=self.api.taken[campaign, n],
                at=datetime.fromtimestamp(1_800_000_000 + seconds, UTC),
            )
            for campaign, n in taken
        ]
        self.call(lambda: self.bench.account.receipts.merge(receipts))

    @rule(amount=st.integers(1, 8))
    def top_up(self, amount: int) -> None:
        self.api.credits += amount

    @rule(target=told)
    def ask_for_the_balance(self) -> tuple[int, int]:
        spent = self.bench.account.ledger.begin_check(interval_ms=0, at_once=True)
        assert spent is not None
        return self.api.credits, spent

    @rule(answer=consumes(told))
    def observe(self, answer: tuple[int, int]) -> None:
        self.call(lambda: self._observe(*answer))

    @rule(milliseconds=st.sampled_from((1, 500, 10_000, QUOTE_LEASE_MS, SEND_LEASE_MS)))
    def pass_time(self, milliseconds: int) -> None:
        self.bench.advance(milliseconds)

    @rule()
    def tick(self) -> None:
        self.bench.account.ledger.tick()

    @precondition(lambda self: self.calls)
    @rule(back=st.integers(1, 12))
    def repeat_an_earlier_call(self, back: int) -> None:
        self.calls[-min(back, len(self.calls))]()

    @invariant()
    def the_books_are_right(self) -> None:
        for campaign in self.made:
            check_counters(self.bench, campaign)
        check_money(self.bench, list(self.made))
        check_indexes(self.bench, list(self.made))

    @invariant()
    def nothing_is_promised_twice(self) -> None:
        known = self.bench.account.ledger.credits()
        taken_unrecorded = sum(
            record.quote
            for name, n in self.api.taken
            if (record := self.bench.account.batches.read(name, n))
            and record.state is not BatchState.ACCEPTED
        )
        covered = self.api.credits + taken_unrecorded
        assert known.reserved <= covered
        assert known.available <= covered - known.reserved

    @invariant()
    def nothing_is_left_to_send_of_what_was_cancelled(self) -> None:
        for campaign in self.cancelled:
            assert BatchState.READY.value not in self.bench.status(campaign).batch_states

    @invariant()
    def states_agree_with_the_api(self) -> None:
        for campaign in self.made:
            status = self.bench.status(campaign)
            taken = {n for name, n in self.api.taken if name == campaign}
            for n in range(status.batches):
                record = self.bench.account.batches.read(campaign, n)
                state = record.state if record else BatchState.READY
                if state is BatchState.ACCEPTED:
                    assert n in taken
                elif n in taken:
                    assert state in (BatchState.SENDING, BatchState.UNKNOWN)
            assert status.alarms == 0
            if status.state in (CampaignState.CANCELLED, CampaignState.REJECTED):
                assert not taken

    def teardown(self) -> None:
        """Let everything come to rest: nothing may be stuck, and no credit left set aside."""
        for campaign in self.made:
            check_transitions(self.bench, campaign)
        self.api.credits += 100
        for _ in range(MOST_CAMPAIGNS * 3):
            self._come_to_rest()
        self.the_books_are_right()
        self.states_agree_with_the_api()
        held_unknown = [self._rest(campaign) for campaign in self.made]
        assert self.bench.account.ledger.credits().reserved == sum(held_unknown)

    def _submit(self, recipients: int, batch_size: int, *, needs_approval: bool) -> str:
        bench = self.bench
        name = self._name([batch_size] * (recipients // batch_size) + [recipients % batch_size])
        bench.submit(
            name, recipients=recipients, batch_size=batch_size, needs_approval=needs_approval
        )
        again = bench.submission(name, recipients, batch_size)
        self.calls.append(lambda: bench.account.campaigns.submit(again))
        return name

    def _name(self, sizes: list[int]) -> str:
        name = f"c{len(self.made)}"
        self.made[name] = sizes
        return name

    def _come_to_rest(self) -> None:
        account = self.bench.account
        self.bench.advance(SEND_LEASE_MS + 1)
        account.ledger.tick()
        spent = account.ledger.begin_check(interval_ms=0, at_once=True)
        self._observe(self.api.credits, spent or 0)
        for campaign in self.made:
            self._approve(campaign)
            while isinstance(
                claim := account.batches.claim_quote(campaign, lease_ms=QUOTE_LEASE_MS), QuoteClaim
            ):
                account.batches.record_quote(
                    claim,
                    cost=len(claim.batch.numbers),
                    credits_left=self.api.credits,
                    exclusions={},
                )
            while isinstance(
                sending := self._claim(campaign, f"op-{next(self.operations)}"), SendClaim
            ):
                quote = account.batches.read(campaign, sending.n)
                assert quote is not None
                ticket = self.api.take(sending, quote.quote)
                account.batches.record_send(
                    record_of(sending, Outcome.ACCEPTED, ticket=ticket, cost=quote.quote)
                )
        for campaign, n in self.api.taken:
            delivered = [
                Receipt(
                    sequence=sequence,
                    code=3,
                    ticket=self.api.taken[campaign, n],
                    at=datetime.fromtimestamp(1_800_000_100, UTC),
                )
                for sequence in self._sent_to(campaign, n)
            ]
            account.receipts.merge(delivered)

    def _rest(self, campaign: str) -> int:
        """Check that a campaign is over, or held for a lost answer; give what that may cost."""
        status = self.bench.status(campaign)
        if status.state in TERMINAL:
            return 0
        if campaign in self.cancelled:
            assert status.state is CampaignState.CANCELLING
        else:
            assert status.hold is HoldReason.OUTCOME_UNKNOWN, status
        assert status.batch_states[BatchState.UNKNOWN.value] > 0
        return self.bench.record_field(campaign, "cost_exposed")

    def _claim(self, campaign: str, operation: str) -> object:
        return self.bench.account.batches.claim_send(
            campaign, operation=operation, deadline_ms=SEND_LEASE_MS
        )

    def _observe(self, credits_left: int, spent_before: int) -> None:
        ledger = self.bench.account.ledger
        for campaign in ledger.observe(credits_left, spent_before=spent_before):
            ledger.resume(campaign)

    def _sent_to(self, campaign: str, n: int) -> list[int]:
        """Give the sequence numbers a batch was sent to: those no quote left out."""
        first = self.bench.record_field(campaign, "first")
        start = sum(self.made[campaign][:n])
        left_out = [
            result.receipt is None and result.state.value == "not sent"
            for result in self.bench.results(campaign)
        ]
        places = range(start, start + self.made[campaign][n])
        return [first + place for place in places if not left_out[place]]


@pytest.mark.timeout(0)
def test_whatever_the_order_of_calls_no_batch_is_doubled_lost_or_overspent(
    fast_bench: Bench,
) -> None:
    run_state_machine_as_test(
        lambda: Campaigns(fast_bench),  # type: ignore[arg-type]  # any factory will do
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=50,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
