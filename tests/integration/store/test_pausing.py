from datetime import datetime

import pytest

from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import BatchState, CampaignState, HoldReason
from dispatcher.errors import StateError
from dispatcher.store.batches import Outcome
from dispatcher.store.claims import NothingToDo
from dispatcher.store.nudges import Nudge
from dispatcher.store.withdrawals import Withdrawal
from tests.support.bench import SEND_LEASE_MS, Bench
from tests.support.timed import (
    DUE_MS,
    LATEST_MS,
    MINUTE_MS,
    advance_to,
    check_books,
    claim_withdrawal,
    moment,
    ready_for_later,
    receive,
    schedule,
    send_all,
    take_all_back,
    take_back,
    timing,
)

B, C, H, R, W = BatchState, CampaignState, HoldReason, RecipientState, Withdrawal


def pause(bench: Bench) -> None:
    bench.account.campaigns.pause("c1")
    check_books(bench, "c1")
    assert (bench.status().state, bench.status().hold) == (C.HELD, H.PAUSED)


def resume(bench: Bench) -> Nudge:
    next_up = bench.account.campaigns.resume("c1")
    check_books(bench, "c1")
    return next_up


def try_to_claim(bench: Bench) -> object:
    return bench.account.batches.claim_send("c1", operation="op", deadline_ms=SEND_LEASE_MS)


def test_a_campaign_paused_before_its_quotes_is_quoted_after_it_is_resumed(bench: Bench) -> None:
    bench.submit()
    pause(bench)
    assert bench.account.batches.claim_quote("c1", lease_ms=1) is NothingToDo.OTHER_STATE
    assert bench.account.ledger.tick().nudges == []

    assert resume(bench) == Nudge(campaign="c1", state=C.QUOTING, waiting=2)

    bench.quote_all("c1")
    assert bench.status().state is C.SENDING


def test_a_quote_that_comes_during_the_pause_is_asked_for_again(bench: Bench) -> None:
    bench.submit(recipients=2)
    claim = bench.claim_quote("c1")
    pause(bench)
    bench.account.batches.record_quote(claim, cost=2, credits_left=1000, exclusions={})
    assert bench.status().quoted == 0

    resume(bench)
    bench.advance(MINUTE_MS)
    bench.quote_all("c1")

    check_books(bench, "c1")
    assert bench.status().state is C.SENDING


def test_a_paused_campaign_sends_nothing_and_promises_no_credits(bench: Bench) -> None:
    bench.ready()
    bench.accept(bench.claim())

    pause(bench)

    assert try_to_claim(bench) is NothingToDo.OTHER_STATE
    assert bench.account.ledger.credits().reserved == 0
    assert bench.account.ledger.tick().held == 0
    assert resume(bench) == Nudge(campaign="c1", state=C.SENDING, waiting=1)
    assert bench.account.ledger.credits().reserved == 2
    send_all(bench)
    assert bench.status().recipient_states == {R.SENT: 4}


def test_a_batch_in_flight_during_the_pause_is_recorded(bench: Bench) -> None:
    bench.ready()
    claim = bench.claim()
    pause(bench)

    assert bench.accept(claim) == (B.ACCEPTED, C.HELD)

    check_books(bench, "c1")
    resume(bench)
    send_all(bench)
    assert bench.status().state is C.SENT


@pytest.mark.parametrize("outcome", [Outcome.NOT_SENT, Outcome.NO_CREDITS, Outcome.NO_CREDENTIALS])
def test_a_batch_in_flight_that_did_not_go_out_stays_paused(bench: Bench, outcome: Outcome) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    pause(bench)

    assert bench.record(claim, outcome) == (B.READY, C.HELD)

    check_books(bench, "c1")
    assert bench.status().hold is H.PAUSED
    assert bench.account.ledger.credits().reserved == 0
    assert resume(bench).state is C.SENDING


def test_a_batch_whose_answer_is_lost_during_the_pause_is_awaited_after_it(bench: Bench) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    pause(bench)
    bench.record(claim, Outcome.UNKNOWN)
    assert bench.status().hold is H.PAUSED

    resume(bench)

    assert bench.status().hold is H.OUTCOME_UNKNOWN
    receive(bench, 0)
    assert bench.status().state is C.SENT


def test_a_scheduled_campaign_is_taken_back_and_made_again(bench: Bench) -> None:
    schedule(bench)
    pause(bench)
    assert bench.account.ledger.tick().withdrawals == 2

    take_all_back(bench)

    assert (bench.status().batch_states, bench.status().cost) == ({"ready": 2}, 0)
    bench.account.ledger.observe(1000, spent_before=bench.account_field("spent"))
    assert resume(bench) == Nudge(campaign="c1", state=C.SENDING, waiting=2)
    claim = bench.claim()
    assert (claim.attempt, claim.delay) == (2, moment(DUE_MS))
    bench.accept(claim, ticket="new")
    send_all(bench, ticket="new")
    check_books(bench, "c1")
    assert (bench.status().state, bench.status().cost) == (C.SCHEDULED, 4)
    assert (bench.status().withdrawn, bench.status().alarms) == (0, 0)


def test_a_batch_in_flight_for_later_is_taken_back_when_its_ticket_comes(bench: Bench) -> None:
    ready_for_later(bench, recipients=2)
    claim = bench.claim()
    pause(bench)

    assert bench.accept(claim) == (B.WITHDRAWING, C.HELD)
    assert take_back(bench) == (B.READY, C.HELD)

    check_books(bench, "c1")
    assert resume(bench).waiting == 1


def test_resuming_while_batches_are_taken_back_makes_each_again_as_it_comes(bench: Bench) -> None:
    schedule(bench)
    pause(bench)
    take_back(bench)

    assert resume(bench) == Nudge(campaign="c1", state=C.SENDING, waiting=1)
    send_all(bench, ticket="new")
    assert bench.status().state is C.SENDING
    assert take_back(bench) == (B.READY, C.SENDING)

    check_books(bench, "c1")
    send_all(bench, ticket="new")
    assert bench.status().state is C.SCHEDULED
    check_books(bench, "c1")


def test_resuming_before_anything_came_back_waits_for_it(bench: Bench) -> None:
    schedule(bench)
    pause(bench)

    assert resume(bench) == Nudge(campaign="c1", state=C.SENDING, waiting=0)
    assert try_to_claim(bench) is NothingToDo.IDLE
    take_all_back(bench)

    check_books(bench, "c1")
    assert bench.status().batch_states == {"ready": 2}
    assert bench.account.ledger.credits().reserved == 4


def test_what_comes_back_after_the_credits_went_elsewhere_holds_the_campaign(bench: Bench) -> None:
    schedule(bench)
    pause(bench)
    resume(bench)

    take_back(bench, credits_left=1)

    check_books(bench, "c1")
    assert (bench.status().hold, bench.status().need, bench.status().have) == (H.CREDITS, 2, 1)
    take_back(bench, credits_left=4)
    for campaign in bench.account.ledger.observe(4, spent_before=4):
        bench.account.ledger.resume(campaign)
    check_books(bench, "c1")
    assert bench.status().state is C.SENDING


def test_resuming_with_too_few_credits_waits_for_more(bench: Bench) -> None:
    bench.ready()
    pause(bench)
    bench.account.ledger.observe(3, spent_before=0)

    assert resume(bench).state is C.HELD

    assert (bench.status().hold, bench.status().need, bench.status().have) == (H.CREDITS, 4, 3)
    assert bench.account.ledger.observe(4, spent_before=0) == ["c1"]
    assert bench.account.ledger.resume("c1").state is C.SENDING
    check_books(bench, "c1")


def test_a_top_up_does_not_end_a_pause(bench: Bench) -> None:
    bench.ready(credits_left=1)
    assert bench.status().hold is H.CREDITS

    pause(bench)

    assert bench.account.ledger.observe(1000, spent_before=0) == []
    assert bench.account.ledger.resume("c1").state is C.HELD
    assert resume(bench).state is C.SENDING


def test_an_approval_given_during_the_pause_holds_after_it(bench: Bench) -> None:
    bench.ready(needs_approval=True)
    pause(bench)

    assert bench.account.campaigns.approve("c1", by="somebody").state is C.HELD
    assert bench.status().hold is H.PAUSED

    assert resume(bench).state is C.SENDING


def test_without_an_approval_a_resumed_campaign_waits_for_it(bench: Bench) -> None:
    bench.ready(needs_approval=True)
    pause(bench)

    assert resume(bench).state is C.HELD

    assert bench.status().hold is H.APPROVAL
    assert bench.account.campaigns.approve("c1", by="somebody").state is C.SENDING


def test_the_alarm_clock_does_not_end_a_pause(bench: Bench) -> None:
    bench.ready(timing=timing(lead=10 * MINUTE_MS))
    assert bench.status().hold is H.TIME
    pause(bench)

    advance_to(bench, DUE_MS - MINUTE_MS)
    bench.account.ledger.tick()

    assert bench.status().hold is H.PAUSED
    assert resume(bench).state is C.SENDING


def test_a_campaign_resumed_before_its_handover_waits_for_it_again(bench: Bench) -> None:
    bench.ready(timing=timing(lead=10 * MINUTE_MS))
    pause(bench)

    assert resume(bench).state is C.HELD

    assert bench.status().hold is H.TIME
    advance_to(bench, DUE_MS - 10 * MINUTE_MS)
    bench.account.ledger.tick()
    assert bench.status().state is C.SENDING


def test_a_pause_that_comes_too_late_for_all_ends_with_what_was_sent(bench: Bench) -> None:
    schedule(bench)
    pause(bench)
    advance_to(bench, DUE_MS)
    take_back(bench, W.REFUSED)
    take_back(bench, W.REFUSED)
    check_books(bench, "c1")

    assert resume(bench).state is C.SENT

    assert bench.status().recipient_states == {R.SENT: 4}


def test_a_batch_in_doubt_is_not_made_again(bench: Bench) -> None:
    schedule(bench)
    pause(bench)
    take_back(bench, W.REFUSED)
    take_back(bench, W.GONE)

    assert resume(bench).waiting == 1
    send_all(bench, ticket="new")

    check_books(bench, "c1")
    assert bench.status().batch_states == {"doubtful": 1, "scheduled": 1}


def test_a_paused_campaign_expires_when_its_time_is_over(bench: Bench) -> None:
    schedule(bench)
    pause(bench)
    take_all_back(bench)

    advance_to(bench, LATEST_MS)
    bench.account.ledger.tick()

    check_books(bench, "c1")
    assert bench.status().state is C.EXPIRED
    assert bench.status().recipient_states == {R.EXPIRED: 4}
    with pytest.raises(StateError):
        bench.account.campaigns.resume("c1")


def test_what_comes_back_after_its_time_expires(bench: Bench) -> None:
    schedule(bench, recipients=2)
    pause(bench)
    claim = claim_withdrawal(bench)
    advance_to(bench, LATEST_MS)
    bench.account.ledger.tick()
    check_books(bench, "c1")

    bench.account.withdrawals.record(claim, W.GONE)
    bench.advance(60_000)
    bench.account.ledger.tick()

    check_books(bench, "c1")
    assert bench.status().state is C.EXPIRED
    assert bench.account.ledger.credits().reserved == 0


def test_a_second_pause_takes_the_new_ticket_back(bench: Bench) -> None:
    schedule(bench, recipients=2)
    for ticket in ("second", "third"):
        pause(bench)
        take_all_back(bench)
        resume(bench)
        send_all(bench, ticket=ticket)
    pause(bench)

    assert claim_withdrawal(bench).ticket == "third0"

    check_books(bench, "c1")
    assert bench.account_field("spent") - bench.account_field("returned") == 2


def test_a_receipt_under_a_ticket_that_was_given_back_is_alarming(bench: Bench) -> None:
    schedule(bench, recipients=2)
    pause(bench)
    take_all_back(bench)

    receive(bench, 0, ticket="t0")

    assert bench.alarms() == ["proof that a batch was sent which we held for ready"]
    assert resume(bench).state is C.SENT


def test_pausing_twice_is_pausing_once(bench: Bench) -> None:
    bench.ready()
    pause(bench)
    pause(bench)

    assert resume(bench).state is C.SENDING


@pytest.mark.parametrize("end", ["sent", "cancelled"])
def test_what_is_over_cannot_be_paused(bench: Bench, end: str) -> None:
    bench.ready()
    if end == "sent":
        send_all(bench)
    else:
        bench.account.campaigns.cancel("c1")

    with pytest.raises(StateError, match=f"c1 is {end}: there is nothing to pause"):
        bench.account.campaigns.pause("c1")


def test_what_is_not_paused_cannot_be_resumed(bench: Bench) -> None:
    bench.ready(credits_left=1)

    with pytest.raises(StateError, match="is held and is not paused"):
        bench.account.campaigns.resume("c1")


def test_times_are_kept_to_the_millisecond(bench: Bench) -> None:
    due: datetime = moment(DUE_MS + 123)
    schedule(bench, recipients=2, timing=timing(DUE_MS + 123))
    pause(bench)
    take_all_back(bench)
    resume(bench)

    assert bench.status().send_at == due
    assert bench.claim().delay == due
