import pytest

from dispatcher.domain.campaign import Cancellation
from dispatcher.domain.fates import Exclusion, RecipientState
from dispatcher.domain.lifecycle import BatchState, CampaignState, HoldReason
from dispatcher.domain.timing import AT_ONCE
from dispatcher.errors import StateError, UnknownCampaignError
from dispatcher.store.batches import Outcome, QuoteFailure
from dispatcher.store.claims import NothingToDo
from tests.support.bench import SEND_LEASE_MS, Bench
from tests.support.timed import (
    DUE_MS,
    advance_to,
    cancellation,
    check_books,
    ready_for_later,
    receive,
    schedule,
    send_all,
    take_all_back,
    take_back,
    timing,
)

B, C, H, R = BatchState, CampaignState, HoldReason, RecipientState


def cancel(bench: Bench) -> CampaignState:
    state = bench.account.campaigns.cancel("c1")
    check_books(bench, "c1")
    return state


def came_of_it(bench: Bench, **expected: int | CampaignState) -> None:
    """Compare a cancellation with what is expected; what is not named is 0."""
    numbers = {
        "stopped": 0,
        "taken_back": 0,
        "too_late": 0,
        "verifying": 0,
        "doubtful": 0,
        "credits_returned": 0,
    }
    assert cancellation(bench) == Cancellation(**{**numbers, **expected})  # type: ignore[arg-type]  # either kind of value fits its field


def test_a_queued_campaign_is_cancelled_and_never_quoted(bench: Bench) -> None:
    bench.submit()

    assert cancel(bench) is C.CANCELLED

    came_of_it(bench, state=C.CANCELLED, stopped=2)
    assert bench.status().recipient_states == {R.CANCELLED: 4}
    assert bench.account.batches.claim_quote("c1", lease_ms=1) is NothingToDo.OTHER_STATE


def test_a_quote_that_comes_after_the_cancellation_changes_nothing(bench: Bench) -> None:
    bench.submit()
    bench.quote("c1")
    late = bench.claim_quote("c1")

    assert cancel(bench) is C.CANCELLED
    bench.account.batches.record_quote(late, cost=2, credits_left=1000, exclusions={})

    check_books(bench, "c1")
    came_of_it(bench, state=C.CANCELLED, stopped=2)


def held_for_credits(bench: Bench) -> None:
    bench.ready(credits_left=1)


def held_for_credentials(bench: Bench) -> None:
    bench.submit()
    bench.account.batches.fail_quote(
        bench.claim_quote("c1"), QuoteFailure.NO_CREDENTIALS, why="status -1"
    )


def held_for_approval(bench: Bench) -> None:
    bench.ready(needs_approval=True)


def held_for_its_time(bench: Bench) -> None:
    bench.ready(timing=timing(lead=1))


def held_by_a_pause(bench: Bench) -> None:
    bench.ready()
    bench.account.campaigns.pause("c1")


@pytest.mark.parametrize(
    ("hold", "reason"),
    [
        (held_for_credits, H.CREDITS),
        (held_for_credentials, H.CREDENTIALS),
        (held_for_approval, H.APPROVAL),
        (held_for_its_time, H.TIME),
        (held_by_a_pause, H.PAUSED),
    ],
)
def test_a_held_campaign_is_cancelled_whatever_it_waits_for(
    bench: Bench,
    hold: object,
    reason: HoldReason,
) -> None:
    assert callable(hold)
    hold(bench)
    assert bench.status().hold is reason

    assert cancel(bench) is C.CANCELLED

    came_of_it(bench, state=C.CANCELLED, stopped=2)
    assert bench.account.ledger.credits().reserved == 0
    advance_to(bench, DUE_MS)
    agenda = bench.account.ledger.tick()
    assert (agenda.held, agenda.nudges) == (0, [])
    assert bench.status().state is C.CANCELLED


def test_a_campaign_ready_to_send_is_cancelled_and_its_credits_are_free(bench: Bench) -> None:
    bench.ready()
    assert bench.account.ledger.credits().reserved == 4

    assert cancel(bench) is C.CANCELLED

    assert bench.account.ledger.credits().reserved == 0
    claim = bench.account.batches.claim_send("c1", operation="late", deadline_ms=1)
    assert claim is NothingToDo.OTHER_STATE


def test_cancelling_a_campaign_with_nobody_to_send_to_ends_it(bench: Bench) -> None:
    bench.submit(recipients=1, needs_approval=True)
    bench.quote("c1", exclusions={0: Exclusion.INVALID})

    assert cancel(bench) is C.CANCELLED

    came_of_it(bench, state=C.CANCELLED)
    assert bench.status().recipient_states == {R.NOT_SENT: 1}


@pytest.mark.parametrize("later", [False, True])
def test_a_batch_in_flight_is_awaited_and_the_rest_stopped(bench: Bench, *, later: bool) -> None:
    bench.ready(timing=timing() if later else AT_ONCE)
    bench.claim()

    assert cancel(bench) is C.CANCELLING

    came_of_it(bench, state=C.CANCELLING, stopped=1, verifying=1)
    assert bench.account.ledger.credits().reserved == 2


def test_a_batch_in_flight_that_goes_out_at_once_is_too_late(bench: Bench) -> None:
    bench.ready()
    claim = bench.claim()
    cancel(bench)

    assert bench.accept(claim) == (B.ACCEPTED, C.SENT)

    check_books(bench, "c1")
    came_of_it(bench, state=C.SENT, stopped=1, too_late=1)
    receive(bench, 0, ticket="t1")
    receive(bench, 1, ticket="t1")
    assert bench.status().state is C.FINISHED
    assert bench.alarms() == []


def test_a_batch_in_flight_for_later_is_taken_back_when_its_ticket_comes(bench: Bench) -> None:
    ready_for_later(bench)
    claim = bench.claim()
    cancel(bench)

    assert bench.accept(claim) == (B.WITHDRAWING, C.CANCELLING)
    came_of_it(bench, state=C.CANCELLING, stopped=1, verifying=1)
    assert take_back(bench) == (B.CANCELLED, C.CANCELLED)

    check_books(bench, "c1")
    came_of_it(bench, state=C.CANCELLED, stopped=1, taken_back=1, credits_returned=2)


@pytest.mark.parametrize(
    ("outcome", "batch"),
    [
        (Outcome.REFUSED, B.REFUSED),
        (Outcome.NOT_SENT, B.CANCELLED),
        (Outcome.NO_CREDITS, B.CANCELLED),
        (Outcome.NO_CREDENTIALS, B.CANCELLED),
    ],
)
def test_a_batch_in_flight_that_did_not_go_out_ends_the_campaign(
    bench: Bench, outcome: Outcome, batch: BatchState
) -> None:
    bench.ready()
    claim = bench.claim()
    cancel(bench)

    assert bench.record(claim, outcome) == (batch, C.CANCELLED)

    check_books(bench, "c1")
    assert bench.account.ledger.credits().reserved == 0
    late = bench.account.batches.claim_send("c1", operation="late", deadline_ms=1)
    assert late is NothingToDo.OTHER_STATE


def test_a_lost_answer_keeps_the_cancellation_open_until_a_receipt(bench: Bench) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    cancel(bench)

    assert bench.record(claim, Outcome.UNKNOWN) == (B.UNKNOWN, C.CANCELLING)
    came_of_it(bench, state=C.CANCELLING, verifying=1)
    assert bench.account.ledger.credits().reserved == 2
    receive(bench, 0)

    check_books(bench, "c1")
    came_of_it(bench, state=C.SENT, too_late=1)


def test_a_lost_answer_that_is_found_again_is_taken_back_if_it_was_for_later(
    bench: Bench,
) -> None:
    ready_for_later(bench, recipients=2)
    claim = bench.claim()
    bench.advance(SEND_LEASE_MS)
    bench.account.ledger.tick()
    assert bench.status().hold is H.OUTCOME_UNKNOWN

    assert cancel(bench) is C.CANCELLING
    assert bench.accept(claim) == (B.WITHDRAWING, C.CANCELLING)
    assert take_back(bench) == (B.CANCELLED, C.CANCELLED)

    check_books(bench, "c1")


def test_a_lost_answer_that_turns_out_not_sent_is_not_tried_again(bench: Bench) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    bench.record(claim, Outcome.UNKNOWN)
    cancel(bench)

    assert bench.record(claim, Outcome.NOT_SENT) == (B.CANCELLED, C.CANCELLED)

    check_books(bench, "c1")
    assert bench.account.ledger.credits().reserved == 0


def test_a_scheduled_campaign_is_taken_back_batch_by_batch(bench: Bench) -> None:
    schedule(bench)
    assert bench.status().state is C.SCHEDULED

    assert cancel(bench) is C.CANCELLING
    came_of_it(bench, state=C.CANCELLING, verifying=2)
    assert bench.account.ledger.tick().withdrawals == 2
    assert take_back(bench) == (B.CANCELLED, C.CANCELLING)
    came_of_it(bench, state=C.CANCELLING, taken_back=1, verifying=1, credits_returned=2)
    assert take_back(bench, credits_left=1000) == (B.CANCELLED, C.CANCELLED)

    check_books(bench, "c1")
    came_of_it(bench, state=C.CANCELLED, taken_back=2, credits_returned=4)
    assert (bench.status().cost, bench.account_field("returned")) == (0, 4)
    assert bench.account.ledger.credits().balance == 1000
    advance_to(bench, DUE_MS)
    bench.account.ledger.tick()
    assert bench.status().recipient_states == {R.CANCELLED: 4}


def test_a_campaign_half_of_which_is_scheduled_is_stopped_and_taken_back(bench: Bench) -> None:
    ready_for_later(bench)
    bench.accept(bench.claim())

    assert cancel(bench) is C.CANCELLING
    take_all_back(bench)

    check_books(bench, "c1")
    came_of_it(bench, state=C.CANCELLED, stopped=1, taken_back=1, credits_returned=2)


def test_cancelling_a_paused_campaign_keeps_what_is_being_taken_back(bench: Bench) -> None:
    schedule(bench)
    bench.account.campaigns.pause("c1")
    take_back(bench)

    assert cancel(bench) is C.CANCELLING
    assert take_back(bench) == (B.CANCELLED, C.CANCELLED)

    check_books(bench, "c1")
    came_of_it(bench, state=C.CANCELLED, stopped=1, taken_back=1, credits_returned=2)


def test_a_campaign_of_which_a_batch_was_sent_ends_as_sent(bench: Bench) -> None:
    bench.ready()
    bench.accept(bench.claim())

    assert cancel(bench) is C.SENT

    came_of_it(bench, state=C.SENT, stopped=1, too_late=1)
    assert bench.status().recipient_states == {R.SENT: 2, R.CANCELLED: 2}


def test_a_sent_half_whose_receipts_came_ends_as_finished(bench: Bench) -> None:
    bench.ready()
    bench.accept(bench.claim())
    receive(bench, 0, ticket="t1")
    receive(bench, 1, ticket="t1")

    assert cancel(bench) is C.FINISHED


def test_cancelling_again_changes_nothing_and_tells_how_far_it_has_come(bench: Bench) -> None:
    schedule(bench)
    cancel(bench)
    assert cancel(bench) is C.CANCELLING
    take_all_back(bench)
    events = list(bench.account.events.all("c1"))

    assert cancel(bench) is C.CANCELLED

    assert list(bench.account.events.all("c1")) == events


def test_a_sent_campaign_can_no_longer_be_cancelled(bench: Bench) -> None:
    bench.ready()
    send_all(bench)

    with pytest.raises(StateError, match="c1 is sent: too late to cancel"):
        bench.account.campaigns.cancel("c1")

    assert bench.status().recipient_states == {R.SENT: 4}


def test_a_campaign_that_is_due_can_no_longer_be_cancelled(bench: Bench) -> None:
    schedule(bench)
    advance_to(bench, DUE_MS)
    bench.account.ledger.tick()

    with pytest.raises(StateError, match="too late"):
        bench.account.campaigns.cancel("c1")


def test_an_unknown_campaign_cannot_be_cancelled(bench: Bench) -> None:
    with pytest.raises(UnknownCampaignError):
        bench.account.campaigns.cancel("c1")


def test_a_claim_replayed_after_the_cancellation_gets_the_batch_it_had(bench: Bench) -> None:
    bench.ready()
    first = bench.claim(operation="op")
    cancel(bench)

    again = bench.claim(operation="op")

    assert (again.n, again.attempt) == (first.n, first.attempt)
    came_of_it(bench, state=C.CANCELLING, stopped=1, verifying=1)
