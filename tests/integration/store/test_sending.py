import pytest

from dispatcher.domain.fates import Exclusion
from dispatcher.domain.lifecycle import BatchState, CampaignState, HoldReason
from dispatcher.store.batches import Outcome, SendRecord
from dispatcher.store.claims import NothingToDo
from tests.support.bench import RECEIPT_WAIT_MS, SEND_LEASE_MS, Bench
from tests.support.books import check_counters, check_indexes, check_money, check_transitions

B, C = BatchState, CampaignState
OUTCOMES = list(Outcome)
AFTER_ONE_POST = {
    Outcome.ACCEPTED: (B.ACCEPTED, C.SENT),
    Outcome.REFUSED: (B.REFUSED, C.REJECTED),
    Outcome.NOT_SENT: (B.READY, C.SENDING),
    Outcome.NO_CREDITS: (B.READY, C.HELD),
    Outcome.NO_CREDENTIALS: (B.READY, C.HELD),
    Outcome.UNKNOWN: (B.UNKNOWN, C.HELD),
    Outcome.CLOSED: (B.READY, C.HELD),
    Outcome.EXPIRED: (B.EXPIRED, C.EXPIRED),
}
PAUSE_MS = 500


def check_books(bench: Bench, campaign: str = "c1") -> None:
    check_counters(bench, campaign)
    check_money(bench, [campaign])
    check_indexes(bench, [campaign])
    check_transitions(bench, campaign)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_outcome_moves_a_sending_batch_and_its_campaign(
    bench: Bench, outcome: Outcome
) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()

    states = bench.record(claim, outcome, ticket="t1", cost=2, why="why", pause_ms=PAUSE_MS)

    assert states == AFTER_ONE_POST[outcome]
    check_books(bench)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_outcome_settles_a_batch_whose_lease_ran_out(bench: Bench, outcome: Outcome) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    bench.advance(SEND_LEASE_MS)
    bench.account.ledger.tick()
    assert bench.status().hold is HoldReason.OUTCOME_UNKNOWN

    states = bench.record(claim, outcome, ticket="t1", cost=2, why="why", pause_ms=PAUSE_MS)

    assert states == AFTER_ONE_POST[outcome]
    check_books(bench)


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("again", OUTCOMES)
def test_recording_after_the_end_changes_nothing_but_for_a_proof(
    bench: Bench, outcome: Outcome, again: Outcome
) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    bench.record(claim, outcome, ticket="t1", cost=2, why="first", pause_ms=PAUSE_MS)
    before = bench.status()

    states = bench.record(claim, again, ticket="t1", cost=2, why="second", pause_ms=PAUSE_MS)

    if again is Outcome.ACCEPTED:
        assert states[0] is B.ACCEPTED
    elif outcome is Outcome.UNKNOWN:
        assert states == AFTER_ONE_POST[again]
    else:
        assert states == AFTER_ONE_POST[outcome]
        assert bench.status() == before
    check_books(bench)


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome.value != "accepted"])
def test_an_older_attempt_cannot_say_how_a_newer_one_ended(bench: Bench, outcome: Outcome) -> None:
    bench.ready(recipients=2)
    old = bench.claim()
    bench.record(old, Outcome.NOT_SENT)
    new = bench.claim()

    states = bench.record(old, outcome, why="late")

    assert (old.attempt, new.attempt) == (1, 2)
    assert states == (B.SENDING, C.SENDING)
    check_books(bench)


@pytest.mark.parametrize(
    "before",
    [
        Outcome.REFUSED,
        Outcome.NOT_SENT,
        Outcome.NO_CREDITS,
        Outcome.NO_CREDENTIALS,
        Outcome.CLOSED,
        Outcome.EXPIRED,
    ],
)
def test_a_proof_against_our_belief_is_taken_and_raises_an_alarm(
    bench: Bench, before: Outcome
) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    bench.record(claim, before)

    state, _ = bench.accept(claim)

    assert state is B.ACCEPTED
    assert bench.status().alarms == 1
    assert bench.account.ledger.credits().balance == 998
    assert bench.account.ledger.credits().reserved == 0
    check_books(bench)


def test_more_people_sent_to_than_meant_raise_an_alarm(bench: Bench) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    record = SendRecord(
        campaign="c1", n=0, attempt=claim.attempt, outcome=Outcome.ACCEPTED, ticket="1", surplus=1
    )

    bench.account.batches.record_send(record)

    assert bench.status().alarms == 1


def test_a_proof_for_a_cancelled_campaign_is_counted_once(bench: Bench) -> None:
    bench.ready(recipients=4, batch_size=2)
    claim = bench.claim()
    bench.record(claim, Outcome.NO_CREDITS)
    bench.account.campaigns.cancel("c1")

    bench.accept(claim)

    assert bench.status().batch_states == {"accepted": 1, "cancelled": 1}
    assert bench.status().alarms == 1
    check_books(bench)


def test_a_proof_for_a_batch_that_was_never_quoted_moves_nothing(
    bench: Bench,
) -> None:
    bench.submit()

    record = SendRecord(campaign="c1", n=0, attempt=1, outcome=Outcome.ACCEPTED, ticket="t1")
    bench.account.batches.record_send(record)

    assert bench.status().state is C.QUEUED
    assert bench.alarms() != []


def test_an_outcome_of_a_forgotten_campaign_is_reported_without_breaking(bench: Bench) -> None:
    for outcome in Outcome:
        record = SendRecord(campaign="gone", n=0, attempt=1, outcome=outcome, ticket="t1")

        bench.account.batches.record_send(record)

    assert len(bench.alarms()) == 1


def test_the_same_token_gets_the_same_claim_again(bench: Bench) -> None:
    bench.ready()

    first = bench.claim(operation="mine")
    again = bench.claim(operation="mine")
    other = bench.claim(operation="other")

    assert (again.n, again.attempt, again.first) == (first.n, first.attempt, first.first)
    assert other.n != first.n
    check_books(bench)


def test_a_duplicate_of_a_claim_that_is_over_gets_no_other_batch(bench: Bench) -> None:
    bench.ready()
    bench.accept(bench.claim(operation="mine"))

    again = bench.account.batches.claim_send("c1", operation="mine", deadline_ms=SEND_LEASE_MS)

    assert again is NothingToDo.OTHER_STATE
    assert bench.status().batch_states == {"accepted": 1, "ready": 1}
    check_books(bench)


def test_a_claim_carries_everything_a_post_needs(bench: Bench) -> None:
    bench.ready(recipients=5, batch_size=2)
    bench.claim()
    bench.claim()

    last = bench.claim()

    assert last.n == 2
    assert list(last.batch.numbers) == [33639980004]
    assert last.first == 4
    assert last.fates == b"\0"
    assert last.message.text == "Bonjour"


def test_nothing_is_claimed_twice_and_nothing_before_its_time(bench: Bench) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()

    assert bench.account.batches.claim_send("c1", operation="b", deadline_ms=1) is NothingToDo.IDLE
    bench.record(claim, Outcome.NOT_SENT, pause_ms=500)
    assert bench.account.batches.claim_send("c1", operation="c", deadline_ms=1) is NothingToDo.IDLE
    bench.advance(500)
    assert bench.claim().attempt == 2


def test_a_claim_on_an_unknown_campaign_gets_nothing(bench: Bench) -> None:
    answer = bench.account.batches.claim_send("none", operation="a", deadline_ms=1)

    assert answer is NothingToDo.OTHER_STATE


def test_a_second_ticket_means_the_batch_was_accepted_twice(bench: Bench) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    bench.accept(claim, ticket="t1")

    bench.accept(claim, ticket="t2")

    assert bench.alarms() == ["a second ticket: the batch was accepted twice"]
    record = bench.account.batches.read("c1", 0)
    assert record is not None
    assert record.ticket == "t1"


def test_the_real_cost_counts_when_it_is_not_what_was_quoted(bench: Bench) -> None:
    bench.ready(recipients=2, credits_left=100)
    claim = bench.claim()

    bench.record(claim, Outcome.ACCEPTED, ticket="t1", cost=3)

    assert bench.status().cost == 3
    credits_now = bench.account.ledger.credits()
    assert (credits_now.balance, credits_now.reserved, credits_now.spent) == (97, 0, 3)


def test_an_unknown_batch_keeps_its_credits_aside(bench: Bench) -> None:
    bench.ready(recipients=2, credits_left=100)
    bench.record(bench.claim(), Outcome.UNKNOWN, why="lost")

    credits_now = bench.account.ledger.credits()

    assert (credits_now.balance, credits_now.reserved, credits_now.available) == (100, 2, 98)


def test_the_rest_goes_out_although_one_batch_is_unknown(bench: Bench) -> None:
    bench.ready(recipients=6, batch_size=2)
    bench.record(bench.claim(), Outcome.UNKNOWN, why="lost")
    bench.accept(bench.claim(), ticket="t2")
    assert bench.status().state is C.SENDING

    bench.accept(bench.claim(), ticket="t3")

    assert bench.status().state is C.HELD
    assert bench.status().hold is HoldReason.OUTCOME_UNKNOWN
    check_books(bench)


def test_a_campaign_of_which_one_batch_was_refused_is_still_sent(bench: Bench) -> None:
    bench.ready(recipients=4, batch_size=2)
    bench.record(bench.claim(), Outcome.REFUSED, code="-5", why="status -5")
    bench.accept(bench.claim())

    assert bench.status().state is C.SENT
    bench.advance(RECEIPT_WAIT_MS)
    bench.account.ledger.tick()
    assert bench.status().state is C.FINISHED
    check_books(bench)


def test_a_moderated_batch_is_accepted_without_a_ticket_until_a_receipt_names_it(
    bench: Bench,
) -> None:
    bench.ready(recipients=2)
    bench.record(bench.claim(), Outcome.ACCEPTED, ticket="", cost=2, code="-8")

    [first, _] = bench.results()

    assert first.state.value == "sent"
    assert first.ticket is None
    assert first.sent_at is not None


def test_a_batch_that_was_accepted_after_all_gives_no_reason_against_it(bench: Bench) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    bench.advance(SEND_LEASE_MS)
    bench.account.ledger.tick()

    bench.accept(claim)

    assert [(result.state.value, result.reason) for result in bench.results()] == [
        ("sent", None),
        ("sent", None),
    ]


def test_left_out_recipients_of_an_accepted_batch_get_a_fate_of_their_own(bench: Bench) -> None:
    bench.ready(recipients=3, batch_size=3)
    bench.accept(bench.claim())

    for _ in range(2):
        bench.account.batches.exclude("c1", 0, {1: Exclusion.BLACKLISTED})

    assert bench.status().reasons == {"blacklisted": 1}
    assert [result.state.value for result in bench.results()] == ["sent", "not sent", "sent"]
    check_books(bench)
