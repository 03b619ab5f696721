import pytest

from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.store.withdrawals import Withdrawal
from tests.support.bench import RECEIPT_WAIT_MS, Bench
from tests.support.timed import (
    DUE_MS,
    MARGIN_MS,
    WITHDRAWAL_LEASE_MS,
    advance_to,
    cancellation,
    check_books,
    claim_withdrawal,
    ready_for_later,
    receive,
    schedule,
    send_all,
    take_all_back,
    take_back,
)

B, C, R, W = BatchState, CampaignState, RecipientState, Withdrawal


@pytest.fixture
def cancelled(bench: Bench) -> Bench:
    """A bench with one batch for later that is being taken back."""
    schedule(bench, recipients=2)
    bench.account.campaigns.cancel("c1")
    return bench


def test_what_the_api_confirms_is_gone_and_its_word_on_credits_is_taken(cancelled: Bench) -> None:
    assert cancelled.account.ledger.credits().balance == 998

    assert take_back(cancelled, credits_left=1000) == (B.CANCELLED, C.CANCELLED)

    check_books(cancelled, "c1")
    assert cancelled.account.ledger.credits().balance == 1000
    assert cancelled.account.batches.read("c1", 0).ticket is None  # type: ignore[union-attr]  # it is there
    assert cancelled.account.withdrawals.claim(lease_ms=1) is None


def test_credits_are_not_promised_before_the_api_told_that_they_are_back(cancelled: Bench) -> None:
    take_back(cancelled)

    assert cancelled.account.ledger.credits().balance == 998


def test_a_refusal_long_before_its_time_is_believed_by_nobody(cancelled: Bench) -> None:
    assert take_back(cancelled, W.REFUSED, why="status -5") == (B.DOUBTFUL, C.SENT)

    check_books(cancelled, "c1")
    assert cancellation(cancelled).doubtful == 1
    assert cancelled.status().recipient_states == {R.UNKNOWN: 2}


@pytest.mark.parametrize("at", [DUE_MS - MARGIN_MS, DUE_MS, DUE_MS + 1])
def test_a_refusal_around_its_time_means_that_it_was_too_late(cancelled: Bench, at: int) -> None:
    advance_to(cancelled, at)

    assert take_back(cancelled, W.REFUSED) == (B.ACCEPTED, C.SENT)

    check_books(cancelled, "c1")
    assert cancellation(cancelled).too_late == 1
    assert cancelled.status().cost == 2


def test_a_refusal_after_a_lost_answer_means_that_it_had_worked(cancelled: Bench) -> None:
    assert take_back(cancelled, W.LOST, pause_ms=500) == (B.WITHDRAWING, C.CANCELLING)
    assert cancelled.account.withdrawals.claim(lease_ms=1) is None
    cancelled.advance(500)

    assert take_back(cancelled, W.REFUSED) == (B.CANCELLED, C.CANCELLED)

    check_books(cancelled, "c1")
    assert cancellation(cancelled).credits_returned == 2


@pytest.mark.parametrize("at", [DUE_MS - MARGIN_MS, DUE_MS + 1])
def test_a_refusal_around_its_time_after_a_lost_answer_leaves_it_in_doubt(
    cancelled: Bench, at: int
) -> None:
    take_back(cancelled, W.LOST)
    advance_to(cancelled, at)

    assert take_back(cancelled, W.REFUSED) == (B.DOUBTFUL, C.SENT)

    check_books(cancelled, "c1")
    receive(cancelled, 0)
    receive(cancelled, 1)
    assert cancelled.status().recipient_states == {R.DELIVERED: 2}
    assert cancellation(cancelled).state is C.FINISHED
    assert cancelled.alarms() == []


def test_answers_lost_until_its_time_leave_it_in_doubt(cancelled: Bench) -> None:
    take_back(cancelled, W.LOST)
    advance_to(cancelled, DUE_MS)

    assert take_back(cancelled, W.LOST) == (B.DOUBTFUL, C.SENT)

    cancelled.advance(RECEIPT_WAIT_MS)
    cancelled.account.ledger.tick()
    check_books(cancelled, "c1")
    assert cancelled.status().state is C.FINISHED
    assert cancelled.status().recipient_states == {R.UNKNOWN: 2}


def test_what_the_api_confirms_after_lost_answers_is_gone(cancelled: Bench) -> None:
    take_back(cancelled, W.LOST)

    assert take_back(cancelled, W.GONE) == (B.CANCELLED, C.CANCELLED)


def test_an_api_that_cannot_be_reached_is_asked_again(cancelled: Bench) -> None:
    assert take_back(cancelled, W.NOT_MADE, pause_ms=500) == (B.WITHDRAWING, C.CANCELLING)
    cancelled.advance(500)

    assert take_back(cancelled, W.GONE) == (B.CANCELLED, C.CANCELLED)

    check_books(cancelled, "c1")


def test_an_api_that_was_never_reached_sent_it_at_its_time(cancelled: Bench) -> None:
    take_back(cancelled, W.NOT_MADE)
    advance_to(cancelled, DUE_MS)

    assert take_back(cancelled, W.NOT_MADE) == (B.ACCEPTED, C.SENT)

    check_books(cancelled, "c1")


def test_a_refusal_around_its_time_after_calls_that_were_not_made_was_too_late(
    cancelled: Bench,
) -> None:
    take_back(cancelled, W.NOT_MADE)
    advance_to(cancelled, DUE_MS)

    assert take_back(cancelled, W.REFUSED) == (B.ACCEPTED, C.SENT)


def test_nobody_gets_a_batch_that_somebody_is_taking_back(cancelled: Bench) -> None:
    claim_withdrawal(cancelled)
    cancelled.advance(WITHDRAWAL_LEASE_MS - 1)
    assert cancelled.account.withdrawals.claim(lease_ms=1) is None
    assert cancelled.account.ledger.tick().withdrawals == 0

    cancelled.advance(1)

    assert cancelled.account.ledger.tick().withdrawals == 1
    assert claim_withdrawal(cancelled).attempt == 2


def test_a_call_whose_worker_died_may_have_worked(cancelled: Bench) -> None:
    claim_withdrawal(cancelled)
    cancelled.advance(WITHDRAWAL_LEASE_MS)

    assert take_back(cancelled, W.REFUSED) == (B.CANCELLED, C.CANCELLED)


def test_a_call_whose_worker_died_shortly_before_its_time_leaves_it_in_doubt(
    cancelled: Bench,
) -> None:
    claim_withdrawal(cancelled)
    advance_to(cancelled, DUE_MS)

    assert take_back(cancelled, W.REFUSED) == (B.DOUBTFUL, C.SENT)


@pytest.mark.parametrize("late", list(Withdrawal))
def test_of_two_claimers_the_second_word_changes_nothing(
    cancelled: Bench, late: Withdrawal
) -> None:
    first = claim_withdrawal(cancelled)
    cancelled.advance(WITHDRAWAL_LEASE_MS)
    second = claim_withdrawal(cancelled)

    cancelled.account.withdrawals.record(second, W.GONE, credits_left=1000)
    cancelled.account.withdrawals.record(first, late, credits_left=1000)

    check_books(cancelled, "c1")
    assert cancelled.status().state is C.CANCELLED
    assert cancelled.account_field("returned") == 2


@pytest.mark.parametrize("outcome", list(Withdrawal))
def test_an_outcome_recorded_twice_counts_once(cancelled: Bench, outcome: Withdrawal) -> None:
    claim = claim_withdrawal(cancelled)

    first = cancelled.account.withdrawals.record(claim, outcome)
    second = cancelled.account.withdrawals.record(claim, outcome)

    assert second == first
    check_books(cancelled, "c1")


@pytest.mark.parametrize("outcome", list(Withdrawal))
def test_a_word_on_an_earlier_ticket_says_nothing_of_the_one_it_was_sent_again_under(
    bench: Bench, outcome: Withdrawal
) -> None:
    schedule(bench, recipients=2)
    bench.account.campaigns.pause("c1")
    frozen = claim_withdrawal(bench)
    bench.advance(WITHDRAWAL_LEASE_MS)
    take_back(bench)
    bench.account.campaigns.resume("c1")
    send_all(bench, ticket="again")
    bench.account.campaigns.cancel("c1")

    bench.account.withdrawals.record(frozen, outcome)

    check_books(bench, "c1")
    assert bench.status().batch_states == {"withdrawing": 1}


def test_a_reply_recorded_again_after_it_was_taken_back_is_old_news(bench: Bench) -> None:
    ready_for_later(bench, recipients=2)
    claim = bench.claim()
    bench.accept(claim, ticket="t0")
    bench.account.campaigns.cancel("c1")
    take_all_back(bench)

    assert bench.accept(claim, ticket="t0") == (B.CANCELLED, C.CANCELLED)

    check_books(bench, "c1")
    assert bench.alarms() == []


def test_a_reply_with_another_ticket_after_it_was_taken_back_is_alarming(bench: Bench) -> None:
    ready_for_later(bench, recipients=2)
    claim = bench.claim()
    bench.accept(claim, ticket="t0")
    bench.account.campaigns.cancel("c1")
    take_all_back(bench)

    bench.accept(claim, ticket="other")

    assert bench.alarms() == ["proof that a batch was sent which we held for cancelled"]


def test_a_receipt_while_it_is_taken_back_shows_that_it_was_too_late(cancelled: Bench) -> None:
    claim = claim_withdrawal(cancelled)
    receive(cancelled, 0)
    assert cancelled.status().state is C.SENT

    assert cancelled.account.withdrawals.record(claim, W.GONE) == (B.ACCEPTED, C.SENT)

    check_books(cancelled, "c1")
    assert cancelled.alarms() == []


def test_a_receipt_after_a_confirmed_cancellation_raises_an_alarm(cancelled: Bench) -> None:
    take_back(cancelled)

    receive(cancelled, 0)

    assert cancelled.alarms() == ["proof that a batch was sent which we held for cancelled"]
    assert cancelled.status().alarms == 1
    assert cancelled.status().recipient_states == {R.DELIVERED: 1, R.SENT: 1}
    assert cancelled.status().is_conserved


def test_not_sent_yet_said_of_what_was_taken_back_alarms_nobody(cancelled: Bench) -> None:
    take_back(cancelled)

    receive(cancelled, 0, code=0)

    check_books(cancelled, "c1")
    assert cancelled.alarms() == []
    assert cancelled.status().recipient_states == {R.CANCELLED: 2}


def test_not_sent_yet_said_of_what_was_never_posted_is_alarming(bench: Bench) -> None:
    bench.ready(recipients=2)
    bench.account.campaigns.cancel("c1")

    receive(bench, 0, code=0)

    assert bench.alarms() == ["proof that a batch was sent which we held for cancelled"]


@pytest.mark.parametrize(
    "outcome", [None, W.LOST, W.REFUSED], ids=["withdrawing", "withdrawing again", "doubtful"]
)
def test_not_sent_yet_said_of_what_is_being_taken_back_settles_nothing(
    cancelled: Bench, outcome: Withdrawal | None
) -> None:
    if outcome:
        take_back(cancelled, outcome)
    before = cancelled.status().batch_states

    receive(cancelled, 0, code=0)

    check_books(cancelled, "c1")
    assert cancelled.status().batch_states == before
    assert cancelled.alarms() == []
