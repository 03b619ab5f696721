import pytest

from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import BatchState, CampaignState, HoldReason
from dispatcher.domain.message import Message
from dispatcher.store.batches import Outcome
from dispatcher.store.claims import NothingToDo
from dispatcher.store.keys import Key
from dispatcher.store.submissions import Submission
from tests.support.bench import NUDGE_AFTER_MS, RECEIPT_WAIT_MS, SEND_LEASE_MS, Bench
from tests.support.timed import (
    DUE_MS,
    LATEST_MS,
    MINUTE_MS,
    advance_to,
    check_books,
    ready_for_later,
    receive,
    schedule,
    timing,
)

B, C, H, R = BatchState, CampaignState, HoldReason, RecipientState
LEAD_MS = 10 * MINUTE_MS


def try_to_claim(bench: Bench) -> object:
    return bench.account.batches.claim_send("c1", operation="op", deadline_ms=SEND_LEASE_MS)


def tick_at(bench: Bench, milliseconds: int) -> None:
    advance_to(bench, milliseconds)
    bench.account.ledger.tick()
    check_books(bench, "c1")


def queued(bench: Bench) -> None:
    bench.submit(timing=timing())


def quoting(bench: Bench) -> None:
    queued(bench)
    bench.quote("c1")


def sending(bench: Bench) -> None:
    ready_for_later(bench)


def held_for_credits(bench: Bench) -> None:
    ready_for_later(bench, credits_left=1)


def held_for_approval(bench: Bench) -> None:
    ready_for_later(bench, needs_approval=True)


@pytest.mark.parametrize("begin", [queued, quoting, sending, held_for_credits, held_for_approval])
def test_what_did_not_go_out_in_time_expires(bench: Bench, begin: object) -> None:
    assert callable(begin)
    begin(bench)
    state = bench.status().state
    tick_at(bench, LATEST_MS - 1)
    assert bench.status().state is state

    tick_at(bench, LATEST_MS)

    assert bench.status().state is C.EXPIRED
    assert bench.status().recipient_states == {R.EXPIRED: 4}
    assert bench.account.ledger.credits().reserved == 0
    assert bench.listed(Key.DEADLINES) == set()
    agenda = bench.account.ledger.tick()
    assert (agenda.held, agenda.nudges) == (0, [])


def test_a_claim_before_the_tick_finds_it_too_late_as_well(bench: Bench) -> None:
    ready_for_later(bench)
    advance_to(bench, LATEST_MS)

    assert try_to_claim(bench) is NothingToDo.OTHER_STATE

    check_books(bench, "c1")
    assert bench.status().state is C.EXPIRED


@pytest.mark.parametrize("obstacle", ["stopped", "parked"])
def test_nothing_keeps_a_campaign_from_expiring(bench: Bench, obstacle: str) -> None:
    ready_for_later(bench)
    bench.client.hset(bench.keys.of(Key.ACCOUNT), "parked", "credentials")
    if obstacle == "stopped":
        bench.account.ledger.stop(by="somebody")
    advance_to(bench, LATEST_MS)

    try_to_claim(bench)

    assert bench.status().state is C.EXPIRED


def test_what_went_out_in_time_is_sent_and_the_rest_expires(bench: Bench) -> None:
    ready_for_later(bench)
    advance_to(bench, DUE_MS)
    bench.accept(bench.claim())

    tick_at(bench, LATEST_MS)

    assert bench.status().state is C.SENT
    assert bench.status().recipient_states == {R.SENT: 2, R.EXPIRED: 2}


def test_when_all_receipts_came_what_expires_ends_the_campaign(bench: Bench) -> None:
    ready_for_later(bench)
    advance_to(bench, DUE_MS)
    bench.accept(bench.claim(), ticket="t0")
    receive(bench, 0)
    receive(bench, 1)

    tick_at(bench, LATEST_MS)

    assert bench.status().state is C.FINISHED


def test_a_batch_in_flight_at_the_deadline_is_awaited(bench: Bench) -> None:
    ready_for_later(bench)
    advance_to(bench, LATEST_MS - 1)
    claim = bench.claim()

    tick_at(bench, LATEST_MS)

    assert bench.status().batch_states == {"sending": 1, "expired": 1}
    assert bench.accept(claim) == (B.ACCEPTED, C.SENT)
    check_books(bench, "c1")


@pytest.mark.parametrize("outcome", [Outcome.NOT_SENT, Outcome.NO_CREDITS, Outcome.NO_CREDENTIALS])
def test_a_batch_in_flight_at_the_deadline_that_did_not_go_out_expires(
    bench: Bench, outcome: Outcome
) -> None:
    ready_for_later(bench)
    advance_to(bench, LATEST_MS - 1)
    claim = bench.claim()
    tick_at(bench, LATEST_MS)

    bench.record(claim, outcome)
    try_to_claim(bench)
    tick_at(bench, LATEST_MS + 1)

    assert bench.status().state is C.EXPIRED
    assert bench.status().recipient_states == {R.EXPIRED: 4}
    assert bench.account.ledger.credits().reserved == 0


def test_a_lost_answer_at_the_deadline_is_still_awaited(bench: Bench) -> None:
    ready_for_later(bench)
    advance_to(bench, LATEST_MS - SEND_LEASE_MS)
    bench.claim()

    tick_at(bench, LATEST_MS)

    assert bench.status().batch_states == {"unknown": 1, "expired": 1}
    assert bench.status().hold is H.OUTCOME_UNKNOWN
    bench.advance(NUDGE_AFTER_MS)
    assert bench.account.ledger.tick().nudges == []
    receive(bench, 0)
    receive(bench, 1)
    check_books(bench, "c1")
    assert bench.status().state is C.FINISHED


def test_a_campaign_whose_answer_is_lost_outlives_its_deadline(bench: Bench) -> None:
    ready_for_later(bench, recipients=2)
    bench.record(bench.claim(), Outcome.UNKNOWN)

    tick_at(bench, LATEST_MS)

    assert bench.status().hold is H.OUTCOME_UNKNOWN


def test_a_scheduled_campaign_does_not_expire(bench: Bench) -> None:
    schedule(bench)
    assert bench.listed(Key.DEADLINES) == set()

    tick_at(bench, LATEST_MS)

    assert bench.status().state is C.SENT


def test_a_late_handover_goes_out_within_its_lateness(bench: Bench) -> None:
    bench.ready(timing=timing(lead=LEAD_MS))

    tick_at(bench, LATEST_MS - 1)

    assert bench.status().state is C.SENDING
    assert bench.claim().delay is None


def test_a_handover_missed_altogether_expires(bench: Bench) -> None:
    bench.ready(timing=timing(lead=LEAD_MS))

    tick_at(bench, LATEST_MS)

    assert bench.status().state is C.EXPIRED
    assert bench.account.ledger.credits().reserved == 0


def test_a_receipt_for_what_expired_raises_an_alarm(bench: Bench) -> None:
    ready_for_later(bench)
    tick_at(bench, LATEST_MS)

    receive(bench, 0)

    assert bench.alarms() == ["proof that a batch was sent which we held for expired"]


def test_what_is_in_flight_for_later_is_taken_back_though_the_pause_expired(bench: Bench) -> None:
    ready_for_later(bench, recipients=2)
    claim = bench.claim()
    bench.account.campaigns.pause("c1")
    advance_to(bench, LATEST_MS)
    bench.account.ledger.tick()
    assert bench.status().hold is H.PAUSED

    bench.record(claim, Outcome.UNKNOWN)
    bench.advance(60_000)
    bench.account.ledger.tick()

    check_books(bench, "c1")
    assert bench.status().hold is H.PAUSED
    bench.record(claim, Outcome.NOT_SENT)
    bench.advance(60_000)
    bench.account.ledger.tick()
    check_books(bench, "c1")
    assert bench.status().state is C.EXPIRED


def test_a_campaign_over_lists_that_were_never_read_expires(bench: Bench) -> None:
    bench.account.campaigns.submit(
        Submission(
            id="c1",
            fingerprint="same",
            message=Message(text="Bonjour"),
            filling=None,
            lists=("4711",),
            timing=timing(),
            nudge_after_ms=NUDGE_AFTER_MS,
            receipt_wait_ms=RECEIPT_WAIT_MS,
        )
    )
    bench.account.campaigns.pause("c1")

    tick_at(bench, LATEST_MS)

    assert bench.status().state is C.EXPIRED


def test_a_campaign_that_waited_for_an_outcome_and_then_for_credits_expires(bench: Bench) -> None:
    ready_for_later(bench, recipients=2)
    claim = bench.claim()
    bench.record(claim, Outcome.UNKNOWN)
    bench.account.ledger.observe(0, spent_before=0)
    bench.record(claim, Outcome.NOT_SENT)
    assert bench.status().hold is H.CREDITS

    tick_at(bench, LATEST_MS)

    check_books(bench, "c1")
    assert bench.status().state is C.EXPIRED
