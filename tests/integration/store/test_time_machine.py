"""Campaigns for now and for later, cancelled, paused and resumed in any order.

`TIME_MACHINE=3000` tries so many histories instead of the few of the suite.
"""

import itertools
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dispatcher.domain.fates import Receipt
from dispatcher.domain.lifecycle import TERMINAL, BatchState, CampaignState, HoldReason
from dispatcher.domain.timing import AT_ONCE, Timing
from dispatcher.errors import StateError
from dispatcher.store.batches import Outcome
from dispatcher.store.claims import NothingToDo, SendClaim
from dispatcher.store.keys import Key
from dispatcher.store.withdrawals import Withdrawal
from tests.support.api_for_later import (
    NOT_TAKEN,
    WAYS,
    WITHDRAWAL_WAYS,
    ApiForLater,
    Attempt,
    Retrieval,
)
from tests.support.bench import SEND_LEASE_MS, START_MS, Bench, record_of
from tests.support.books import check_transitions
from tests.support.timed import (
    MINUTE_MS,
    WITHDRAWAL_LEASE_MS,
    check_promises,
    check_time_money,
)

B, C, H, W = BatchState, CampaignState, HoldReason, Withdrawal
EXAMPLES = int(os.environ.get("TIME_MACHINE", "25"))
MOST_CAMPAIGNS = 3
DUE_IN_MS = 10 * MINUTE_MS
LATENESS_MS = 10 * MINUTE_MS
LEAD_MS = 3 * MINUTE_MS
KINDS = ("now", "provider", "provider", "local")
STEPS_MS = (1, 30_000, WITHDRAWAL_LEASE_MS, SEND_LEASE_MS, 2 * MINUTE_MS, 5 * MINUTE_MS)
# The API has nothing of a batch in these states that it has not given back.
_NOT_AT_THE_API = {B.READY, B.CANCELLED, B.EXPIRED, B.REFUSED}
_AT_THE_API = {B.SCHEDULED, B.ACCEPTED}


class Delays(RuleBasedStateMachine):
    """Producers, workers, the API's clock and its receipts come in any order, and again."""

    campaigns = Bundle("campaigns")
    attempts = Bundle("attempts")
    retrievals = Bundle("retrievals")

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench
        bench.reset()
        bench.account.ledger.approve_server(quiet_ms=0)
        self.api = ApiForLater(credits=9)
        self.made: list[str] = []
        self.stopped: set[str] = set()
        self.calls: list[Callable[[], object]] = []
        self.operations = itertools.count(1)

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.bench.now_ms / 1000, UTC)

    def call(self, call: Callable[[], object]) -> None:
        """Make a call that may be repeated at any later time."""
        self.calls.append(call)
        call()

    @precondition(lambda self: len(self.made) < MOST_CAMPAIGNS)
    @rule(
        target=campaigns,
        recipients=st.integers(1, 4),
        batch_size=st.integers(1, 2),
        kind=st.sampled_from(KINDS),
    )
    def submit(self, recipients: int, batch_size: int, kind: str) -> str:
        name = f"c{len(self.made)}"
        self.bench.submit(
            name, recipients=recipients, batch_size=batch_size, timing=self._timing(kind)
        )
        self.bench.quote_all(name, credits_left=self.api.credits)
        self.made.append(name)
        return name

    @precondition(lambda self: len(self.made) < MOST_CAMPAIGNS)
    @rule(target=campaigns, recipients=st.integers(1, 4))
    def submit_and_schedule(self, recipients: int) -> str:
        """Save the machine the way to where most of what can go wrong begins."""
        name = self.submit(recipients, 2, "provider")
        assert isinstance(name, str)
        while isinstance(self.send(name, "answered"), Attempt):
            pass
        return name

    def _timing(self, kind: str) -> Timing:
        if kind == "now":
            return AT_ONCE
        due = self.now + timedelta(milliseconds=DUE_IN_MS)
        lead = timedelta(milliseconds=LEAD_MS)
        return Timing(
            send_at=due,
            handover_at=due - lead if kind == "local" else None,
            latest=due + timedelta(milliseconds=LATENESS_MS),
        )

    @rule(target=attempts, campaign=campaigns)
    def claim_send(self, campaign: str) -> object:
        claim = self._claim(campaign)
        return Attempt(claim) if isinstance(claim, SendClaim) else multiple()

    @rule(attempt=attempts)
    def begin(self, attempt: Attempt) -> None:
        """Look once more, however late; what was forbidden by then is never posted."""
        if attempt.answer is not None or attempt.may_post:
            return
        attempt.may_post = self.bench.begin_heeding(attempt.claim) is None
        if not attempt.may_post:
            attempt.answer = record_of(attempt.claim, Outcome.NOT_SENT)
            return
        status = self.bench.status(attempt.claim.campaign)
        assert (status.state, self.bench.account.ledger.credits().stopped_by) == (C.SENDING, None)

    @rule(attempt=attempts, way=st.sampled_from(WAYS))
    def post(self, attempt: Attempt, way: str) -> None:
        """Post, however late: a worker may be frozen between any two steps."""
        self.begin(attempt)
        if attempt.answer is not None:
            return
        claim = attempt.claim
        if way in NOT_TAKEN:
            attempt.answer = record_of(claim, NOT_TAKEN[way], why=way)
            return
        cost = len(claim.batch.numbers)
        ticket = self.api.take(claim, cost, self.now)
        attempt.answer = record_of(claim, Outcome.UNKNOWN)
        if way == "answered":
            attempt.answer = record_of(claim, Outcome.ACCEPTED, ticket=ticket, cost=cost)

    @rule(attempt=attempts)
    def record_send(self, attempt: Attempt) -> None:
        answer = attempt.answer
        if answer is not None:
            self.call(lambda: self.bench.account.batches.record_send(answer))

    @rule(target=attempts, campaign=campaigns, way=st.sampled_from(WAYS))
    def send(self, campaign: str, way: str) -> object:
        """Claim, post and record with nothing in between, as nearly always."""
        attempt = self.claim_send(campaign)
        if isinstance(attempt, Attempt):
            self.post(attempt, way)
            self.record_send(attempt)
        return attempt

    @rule(campaign=campaigns, really=st.sampled_from((True, False)))
    def cancel(self, campaign: str, *, really: bool) -> None:
        if really:
            self.call(lambda: self._cancel(campaign))

    def _cancel(self, campaign: str) -> None:
        with suppress(StateError):
            if self.bench.account.campaigns.cancel(campaign) is C.CANCELLED:
                self.stopped.add(campaign)

    @rule(campaign=campaigns)
    def pause(self, campaign: str) -> None:
        with suppress(StateError):
            self.bench.account.campaigns.pause(campaign)

    @rule(campaign=campaigns)
    def resume(self, campaign: str) -> None:
        with suppress(StateError):
            self.bench.account.campaigns.resume(campaign)

    @rule(campaign=campaigns)
    def pause_and_resume(self, campaign: str) -> None:
        """Pause, get everything back, go on, and give it to the API again."""
        self.pause(campaign)
        while isinstance(self.take_back("answered"), Retrieval):
            pass
        self.resume(campaign)
        while isinstance(self.send(campaign, "answered"), Attempt):
            pass

    @rule(target=retrievals)
    def claim_withdrawal(self) -> object:
        claim = self.bench.account.withdrawals.claim(lease_ms=WITHDRAWAL_LEASE_MS)
        return Retrieval(claim) if claim else multiple()

    @rule(retrieval=retrievals, way=st.sampled_from(WITHDRAWAL_WAYS))
    def delete(self, retrieval: Retrieval, way: str) -> None:
        """Ask the API, however late."""
        if retrieval.outcome is not None:
            return
        if way == "not made":
            retrieval.outcome = W.NOT_MADE
            return
        worked = way != "lost before" and self.api.delete(retrieval.claim.ticket)
        retrieval.outcome = W.LOST
        if way == "answered":
            retrieval.outcome = W.GONE if worked else W.REFUSED
            retrieval.credits_left = self.api.credits if worked else None

    @rule(retrieval=retrievals, pause_ms=st.sampled_from((0, 1000)))
    def record_withdrawal(self, retrieval: Retrieval, pause_ms: int) -> None:
        outcome = retrieval.outcome
        if outcome is not None:
            self.call(
                lambda: self.bench.account.withdrawals.record(
                    retrieval.claim,
                    outcome,
                    credits_left=retrieval.credits_left,
                    pause_ms=pause_ms,
                )
            )

    @rule(target=retrievals, way=st.sampled_from(WITHDRAWAL_WAYS))
    def take_back(self, way: str) -> object:
        """Claim, ask and record with nothing in between, as nearly always."""
        retrieval = self.claim_withdrawal()
        if isinstance(retrieval, Retrieval):
            self.delete(retrieval, way)
            self.record_withdrawal(retrieval, 0)
        return retrieval

    @precondition(lambda self: self.api.taken)
    @rule(data=st.data(), code=st.sampled_from((0, 1, 2, 3, 11)))
    def merge_receipt(self, data: st.DataObject, code: int) -> None:
        """Receive what the API says of a message: `not sent yet` until it is."""
        ticket = data.draw(st.sampled_from(sorted(self.api.taken)))
        place = data.draw(st.integers(0, 1))
        if code == 0 or self.api.taken[ticket].was_sent:
            receipt = self._receipt(ticket, place, code)
            self.call(lambda: self.bench.account.receipts.merge([receipt]))

    @rule(milliseconds=st.sampled_from(STEPS_MS))
    def pass_time(self, milliseconds: int) -> None:
        self.bench.advance(milliseconds)
        self.api.fire(self.now)

    @rule(times=st.integers(1, 2))
    def tick(self, times: int) -> None:
        for _ in range(times):
            self.bench.account.ledger.tick()

    @rule(stops=st.booleans())
    def stop_or_start(self, *, stops: bool) -> None:
        if stops:
            self.bench.account.ledger.stop(by="somebody")
        else:
            self.bench.account.ledger.start()

    @rule()
    def restart_redis(self) -> None:
        """Be on a server with another run id, as after a restart or a failover."""
        self.bench.client.hset(self.bench.keys.of(Key.ACCOUNT), "run_id", "another")

    @rule()
    def check_credits(self) -> None:
        self._check_credits()

    @precondition(lambda self: self.calls)
    @rule(back=st.integers(1, 12))
    def repeat_an_earlier_call(self, back: int) -> None:
        self.calls[-min(back, len(self.calls))]()

    @invariant()
    def the_books_are_right(self) -> None:
        check_time_money(self.bench, *self.made)
        assert self.bench.alarms() == []

    @invariant()
    def no_more_is_promised_than_there_is(self) -> None:
        check_promises(self.bench, self.api)

    @invariant()
    def batches_stand_where_the_api_has_them(self) -> None:
        for campaign in self.made:
            for n in range(self.bench.status(campaign).batches):
                posts = self.api.of(campaign, n)
                alive = [taken for taken in posts if not taken.was_cancelled]
                state = self._state(campaign, n)
                assert len(alive) <= 1
                assert not alive or state not in _NOT_AT_THE_API, (campaign, n, state)
                assert alive or state not in _AT_THE_API, (campaign, n, state)

    @invariant()
    def what_is_cancelled_or_expired_is_never_sent(self) -> None:
        ended = {
            name
            for name in self.made
            if self.bench.status(name).state in (C.CANCELLED, C.EXPIRED, C.REJECTED)
        }
        assert self.stopped <= ended
        assert not [
            taken for taken in self.api.taken.values() if taken.was_sent and taken.campaign in ended
        ]

    def teardown(self) -> None:
        """Let everything come to rest: nothing may be stuck, and no credit left set aside."""
        self.api.credits += 100
        self.stop_or_start(stops=False)
        for campaign in self.made:
            self.resume(campaign)
        for _ in range(8):
            self._come_to_rest()
        self.the_books_are_right()
        self.batches_stand_where_the_api_has_them()
        at_stake = [self._rest(campaign) for campaign in self.made]
        assert self.bench.account.ledger.credits().reserved == sum(at_stake)
        for campaign in self.made:
            check_transitions(self.bench, campaign)

    def _come_to_rest(self) -> None:
        self.pass_time(5 * MINUTE_MS)
        self.bench.account.ledger.tick()
        self._check_credits()
        while isinstance(self.take_back("answered"), Retrieval):
            pass
        for campaign in self.made:
            while isinstance(self.send(campaign, "answered"), Attempt):
                pass
        for ticket, taken in self.api.taken.items():
            if taken.was_sent:
                receipts = [self._receipt(ticket, place, 3) for place in range(taken.cost)]
                self.bench.account.receipts.merge(receipts)

    def _rest(self, campaign: str) -> int:
        """Check that a campaign is over, or waits for a lost answer; give what that may cost."""
        status = self.bench.status(campaign)
        if status.state in TERMINAL:
            return 0
        if status.batch_states.get("doubtful") and status.state is C.SENT:
            return 0
        assert status.hold is H.OUTCOME_UNKNOWN or status.state is C.CANCELLING, status
        assert status.batch_states[B.UNKNOWN.value] > 0
        return self.bench.record_field(campaign, "cost_exposed")

    def _check_credits(self) -> None:
        ledger = self.bench.account.ledger
        spent = ledger.begin_check(interval_ms=0, at_once=True)
        for campaign in ledger.observe(self.api.credits, spent_before=spent or 0):
            ledger.resume(campaign)

    def _claim(self, campaign: str) -> SendClaim | NothingToDo:
        claim = self.bench.account.batches.claim_send(
            campaign, operation=f"op-{next(self.operations)}", deadline_ms=SEND_LEASE_MS
        )
        if claim is NothingToDo.FENCED:
            self.bench.account.ledger.approve_server(quiet_ms=0)
        return claim

    def _state(self, campaign: str, n: int) -> BatchState:
        record = self.bench.account.batches.read(campaign, n)
        assert record is not None
        return record.state

    def _receipt(self, ticket: str, place: int, code: int) -> Receipt:
        taken = self.api.taken[ticket]
        first = self.bench.record_field(taken.campaign, "first")
        size = self.bench.record_field(taken.campaign, "batch_size")
        sequence = first + taken.n * size + place % taken.cost
        at = datetime.fromtimestamp(START_MS // 1000 + 3600, UTC)
        return Receipt(sequence=sequence, code=code, ticket=ticket, at=at)


@pytest.mark.timeout(0)
def test_whatever_the_order_nobody_is_sent_to_twice_or_after_a_cancellation(
    fast_bench: Bench,
) -> None:
    run_state_machine_as_test(
        lambda: Delays(fast_bench),  # type: ignore[arg-type]  # any factory will do
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
