from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import BatchState, CampaignState, HoldReason
from dispatcher.store.batches import Outcome
from dispatcher.store.claims import NothingToDo
from dispatcher.store.keys import Key
from tests.support.bench import RECEIPT_WAIT_MS, SEND_LEASE_MS, Bench
from tests.support.timed import (
    DUE_MS,
    LATEST_MS,
    LEAST_DELAY_MS,
    MINUTE_MS,
    advance_to,
    check_books,
    moment,
    ready_for_later,
    receive,
    schedule,
    send_all,
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


def test_a_campaign_for_later_is_given_to_the_api_at_once_with_its_time(bench: Bench) -> None:
    ready_for_later(bench)

    claim = bench.claim()

    assert claim.delay == moment(DUE_MS)
    assert bench.accept(claim) == (B.SCHEDULED, C.SENDING)
    assert bench.status().recipient_states == {R.SCHEDULED: 2, R.WAITING: 2}
    send_all(bench)
    check_books(bench, "c1")
    assert (bench.status().state, bench.status().cost) == (C.SCHEDULED, 4)
    assert bench.account.ledger.credits().reserved == 0


def test_a_campaign_for_now_has_no_delay(bench: Bench) -> None:
    bench.ready()

    assert bench.claim().delay is None


def test_scheduled_batches_are_sent_when_their_time_comes(bench: Bench) -> None:
    schedule(bench)
    tick_at(bench, DUE_MS - 1)
    assert bench.status().state is C.SCHEDULED

    tick_at(bench, DUE_MS)

    assert bench.status().state is C.SENT
    assert bench.status().recipient_states == {R.SENT: 4}
    assert {result.sent_at for result in bench.results()} == {moment(DUE_MS)}
    tick_at(bench, DUE_MS + RECEIPT_WAIT_MS)
    assert bench.status().state is C.FINISHED


def test_a_tick_that_comes_late_or_twice_makes_no_difference(bench: Bench) -> None:
    schedule(bench)

    tick_at(bench, LATEST_MS + MINUTE_MS)
    tick_at(bench, LATEST_MS + MINUTE_MS)

    assert bench.status().state is C.SENT


def test_receipts_for_a_scheduled_batch_show_that_its_time_has_come(bench: Bench) -> None:
    schedule(bench)

    receive(bench, 0)

    check_books(bench, "c1")
    assert bench.status().batch_states == {"accepted": 1, "scheduled": 1}
    assert bench.status().state is C.SCHEDULED
    tick_at(bench, DUE_MS)
    for sequence, ticket in ((1, "t0"), (2, "t1"), (3, "t1")):
        receive(bench, sequence, ticket=ticket)
    assert bench.status().state is C.FINISHED
    assert bench.alarms() == []


def test_not_sent_yet_does_not_show_that_its_time_has_come(bench: Bench) -> None:
    schedule(bench)

    receive(bench, 0, code=0)

    check_books(bench, "c1")
    assert bench.status().recipient_states == {R.SCHEDULED: 4}


def test_not_sent_yet_settles_a_lost_answer(bench: Bench) -> None:
    ready_for_later(bench, recipients=2)
    bench.record(bench.claim(), Outcome.UNKNOWN)
    assert bench.status().hold is H.OUTCOME_UNKNOWN

    receive(bench, 0, code=0, ticket="t7")

    check_books(bench, "c1")
    assert bench.status().state is C.SCHEDULED
    bench.account.campaigns.cancel("c1")
    claim = bench.account.withdrawals.claim(lease_ms=1)
    assert claim is not None
    assert claim.ticket == "t7"


def test_a_sent_receipt_settles_a_lost_answer_whatever_its_time(bench: Bench) -> None:
    ready_for_later(bench, recipients=2)
    bench.record(bench.claim(), Outcome.UNKNOWN)

    receive(bench, 0, code=1)

    check_books(bench, "c1")
    assert bench.status().state is C.SENT


def test_an_answer_that_comes_after_its_time_means_that_it_was_sent(bench: Bench) -> None:
    ready_for_later(bench, recipients=2)
    claim = bench.claim()
    tick_at(bench, DUE_MS)

    assert bench.accept(claim) == (B.ACCEPTED, C.SENT)


def test_a_lost_answer_does_not_stop_the_others_from_being_sent(bench: Bench) -> None:
    ready_for_later(bench)
    bench.record(bench.claim(), Outcome.UNKNOWN)
    send_all(bench)
    assert bench.status().hold is H.OUTCOME_UNKNOWN

    tick_at(bench, DUE_MS)

    assert bench.status().batch_states == {"unknown": 1, "accepted": 1}
    assert bench.status().hold is H.OUTCOME_UNKNOWN


def test_so_close_to_its_time_it_is_sent_by_us_on_the_minute(bench: Bench) -> None:
    ready_for_later(bench)
    advance_to(bench, DUE_MS - LEAST_DELAY_MS)
    assert try_to_claim(bench) is NothingToDo.IDLE
    advance_to(bench, DUE_MS - 1)
    bench.account.ledger.tick()
    assert try_to_claim(bench) is NothingToDo.IDLE

    advance_to(bench, DUE_MS)

    assert [nudge.campaign for nudge in bench.account.ledger.tick().nudges] == ["c1"]
    claim = bench.claim()
    assert claim.delay is None
    assert bench.accept(claim)[0] is B.ACCEPTED


def test_a_moment_before_that_the_api_still_gets_it_for_later(bench: Bench) -> None:
    ready_for_later(bench)
    advance_to(bench, DUE_MS - LEAST_DELAY_MS - 1)

    assert bench.claim().delay == moment(DUE_MS)


def test_a_batch_that_was_not_sent_is_tried_again_with_what_is_left(bench: Bench) -> None:
    ready_for_later(bench, recipients=2)
    bench.record(bench.claim(), Outcome.NOT_SENT)
    advance_to(bench, DUE_MS + 1)

    assert bench.claim().delay is None


def test_a_campaign_kept_here_reserves_nothing_until_its_handover(bench: Bench) -> None:
    bench.ready(timing=timing(lead=LEAD_MS))
    assert bench.status().hold is H.TIME
    assert try_to_claim(bench) is NothingToDo.OTHER_STATE
    assert bench.account.ledger.credits().reserved == 0
    tick_at(bench, DUE_MS - LEAD_MS - 1)
    assert bench.status().hold is H.TIME

    tick_at(bench, DUE_MS - LEAD_MS)

    assert bench.status().state is C.SENDING
    assert bench.account.ledger.credits().reserved == 4
    assert bench.claim().delay == moment(DUE_MS)
    assert bench.listed(Key.ALARM_CLOCK) == set()


def test_a_handover_with_too_few_credits_waits_for_more(bench: Bench) -> None:
    bench.ready(timing=timing(lead=LEAD_MS))
    bench.account.ledger.observe(3, spent_before=0)
    tick_at(bench, DUE_MS - LEAD_MS)
    assert (bench.status().hold, bench.status().need) == (H.CREDITS, 4)

    for campaign in bench.account.ledger.observe(4, spent_before=0):
        bench.account.ledger.resume(campaign)

    check_books(bench, "c1")
    assert bench.status().state is C.SENDING


def test_a_handover_that_passed_during_the_quotes_is_now(bench: Bench) -> None:
    bench.account.ledger.approve_server(quiet_ms=0)
    bench.submit(timing=timing(lead=LEAD_MS))
    advance_to(bench, DUE_MS - LEAD_MS)

    bench.quote_all("c1")

    assert bench.status().state is C.SENDING


def test_two_campaigns_on_one_alarm_clock_share_what_there_is(bench: Bench) -> None:
    bench.ready("c1", timing=timing(lead=LEAD_MS), credits_left=7)
    bench.ready("c2", timing=timing(lead=LEAD_MS), credits_left=7)
    advance_to(bench, DUE_MS - LEAD_MS)

    bench.account.ledger.tick()

    check_books(bench, "c1", "c2")
    states = [(bench.status(name).state, bench.status(name).hold) for name in ("c1", "c2")]
    assert states == [(C.SENDING, None), (C.HELD, H.CREDITS)]
