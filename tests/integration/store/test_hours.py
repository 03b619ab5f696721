"""Batches that are not sent because of the hour: the money, the states, and when they go on."""

import pytest

from dispatcher.domain.lifecycle import BatchState, CampaignState, HoldReason
from dispatcher.store.batches import Outcome
from dispatcher.store.claims import NothingToDo
from dispatcher.store.keys import Key
from tests.support.bench import Bench
from tests.support.closed_hours import HOUR, WHY, close, expire, held, idle, reserved, stands

B, C, H = BatchState, CampaignState, HoldReason


def test_a_campaign_of_which_all_waits_is_held_and_sets_nothing_aside(bench: Bench) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    assert reserved(bench) == 2

    assert close(bench, claim) == (B.READY, C.HELD)

    assert stands(bench) == (C.HELD, H.WINDOW)
    assert (reserved(bench), bench.account_field("exposed")) == (0, 0)
    assert bench.status().error == WHY
    record = bench.account.batches.read("c1", 0)
    assert record is not None
    assert (record.state, record.attempt, record.cost) == (B.READY, 1, None)


def test_while_another_batch_may_go_out_it_is_not_held(bench: Bench) -> None:
    bench.ready()

    assert close(bench, bench.claim()) == (B.READY, C.SENDING)

    assert stands(bench) == (C.SENDING, None)
    assert reserved(bench) == 4
    assert bench.claim().n == 1
    assert stands(bench) == (C.SENDING, None)


def test_while_another_batch_is_on_its_way_it_is_not_held(bench: Bench) -> None:
    bench.ready()
    closed, other = bench.claim(), bench.claim()

    close(bench, closed)

    assert stands(bench) == (C.SENDING, None)
    assert bench.accept(other) == (B.ACCEPTED, C.HELD)
    assert stands(bench) == (C.HELD, H.WINDOW)
    assert (reserved(bench), bench.status().cost) == (0, 2)


@pytest.mark.parametrize("last", [Outcome.REFUSED, Outcome.EXPIRED, Outcome.UNKNOWN])
def test_it_is_held_when_the_last_on_its_way_ends_whatever_its_end(
    bench: Bench, last: Outcome
) -> None:
    bench.ready()
    closed, other = bench.claim(), bench.claim()
    close(bench, closed)

    bench.record(other, last, why="why")

    assert stands(bench) == (C.HELD, H.WINDOW)


def test_a_batch_that_is_tried_again_soon_is_no_reason_to_hold(bench: Bench) -> None:
    bench.ready()
    closed, other = bench.claim(), bench.claim()
    close(bench, closed)

    bench.record(other, Outcome.NOT_SENT, why="no connection", pause_ms=2000)

    assert stands(bench) == (C.SENDING, None)
    bench.advance(2000)
    assert bench.claim().n == 1


def test_a_receipt_that_settles_the_last_unknown_one_lets_the_others_wait(bench: Bench) -> None:
    bench.ready()
    closed, other = bench.claim(), bench.claim()
    bench.record(other, Outcome.UNKNOWN, why="lost")
    assert stands(bench) == (C.SENDING, None)

    close(bench, closed)

    assert stands(bench) == (C.HELD, H.WINDOW)
    assert bench.accept(other) == (B.ACCEPTED, C.HELD)
    assert stands(bench) == (C.HELD, H.WINDOW)


def test_the_window_releases_it_and_not_a_moment_earlier(bench: Bench) -> None:
    held(bench)

    bench.advance(11 * HOUR - 1)
    assert bench.account.ledger.tick().nudges == []
    assert stands(bench) == (C.HELD, H.WINDOW)
    assert idle(bench) is NothingToDo.OTHER_STATE

    bench.advance(1)
    agenda = bench.account.ledger.tick()
    assert [(nudge.campaign, nudge.state, nudge.waiting) for nudge in agenda.nudges] == [
        ("c1", C.SENDING, 2)
    ]
    assert stands(bench) == (C.SENDING, None)
    assert reserved(bench) == 4
    for _ in range(2):
        bench.accept(bench.claim(), ticket="")
    assert stands(bench) == (C.SENT, None)
    assert (bench.status().cost, reserved(bench)) == (4, 0)


def test_a_second_tick_changes_nothing(bench: Bench) -> None:
    held(bench)
    bench.advance(11 * HOUR)
    bench.account.ledger.tick()

    assert bench.account.ledger.tick().nudges == []

    assert stands(bench) == (C.SENDING, None)
    assert bench.listed(Key.ALARM_CLOCK) == set()


def test_it_waits_again_for_those_whose_window_opens_later(bench: Bench) -> None:
    bench.ready()
    first, second = bench.claim(), bench.claim()
    close(bench, second, hours=16)
    close(bench, first, hours=11)
    assert stands(bench) == (C.HELD, H.WINDOW)

    bench.advance(11 * HOUR)
    bench.account.ledger.tick()
    claim = bench.claim()
    assert claim.n == 0
    bench.accept(claim)
    assert stands(bench) == (C.HELD, H.WINDOW)

    bench.advance(5 * HOUR)
    bench.account.ledger.tick()
    assert bench.claim().n == 1


def test_a_batch_still_closed_when_it_is_claimed_waits_once_more(bench: Bench) -> None:
    held(bench, recipients=2)
    bench.advance(11 * HOUR)
    bench.account.ledger.tick()

    assert close(bench, bench.claim(), hours=24) == (B.READY, C.HELD)

    bench.advance(24 * HOUR)
    bench.account.ledger.tick()
    assert bench.claim().attempt == 3


def test_too_few_credits_when_the_window_opens_hold_it_for_these(bench: Bench) -> None:
    held(bench)
    bench.account.ledger.observe(3, spent_before=0)

    bench.advance(11 * HOUR)
    bench.account.ledger.tick()

    assert stands(bench) == (C.HELD, H.CREDITS)
    assert (bench.status().need, bench.status().have) == (4, 3)
    assert bench.account.ledger.observe(4, spent_before=0) == ["c1"]
    assert bench.account.ledger.resume("c1").state is C.SENDING
    assert stands(bench) == (C.SENDING, None)


def test_held_credits_may_be_used_by_others_meanwhile(bench: Bench) -> None:
    bench.ready(credits_left=4)
    for claim in [bench.claim(), bench.claim()]:
        close(bench, claim)

    bench.submit("c2")
    bench.quote_all("c2", credits_left=4)

    assert bench.status("c2").state is C.SENDING


def test_other_campaigns_go_on_meanwhile(bench: Bench) -> None:
    held(bench)
    bench.submit("c2")
    bench.quote_all("c2")

    claim = bench.claim("c2")

    assert bench.accept(claim)[0] is B.ACCEPTED
    assert bench.status().hold is H.WINDOW


def test_cancelling_it_meanwhile_stops_all_of_it(bench: Bench) -> None:
    held(bench)

    assert bench.account.campaigns.cancel("c1") is C.CANCELLED

    assert stands(bench) == (C.CANCELLED, None)
    bench.advance(11 * HOUR)
    bench.account.ledger.tick()
    assert stands(bench) == (C.CANCELLED, None)


def test_cancelling_it_after_some_went_out_stops_the_others(bench: Bench) -> None:
    bench.ready()
    first, second = bench.claim(), bench.claim()
    bench.accept(first)
    close(bench, second)

    assert bench.account.campaigns.cancel("c1") is C.SENT

    assert stands(bench) == (C.SENT, None)
    assert bench.status().batch_states == {"accepted": 1, "cancelled": 1}
    assert bench.listed(Key.ALARM_CLOCK) == set()


def test_a_batch_found_closed_after_the_cancellation_stays_here(bench: Bench) -> None:
    bench.ready()
    claim = bench.claim()
    assert bench.account.campaigns.cancel("c1") is C.CANCELLING

    assert close(bench, claim) == (B.CANCELLED, C.CANCELLED)

    assert stands(bench) == (C.CANCELLED, None)
    assert reserved(bench) == 0


def test_a_batch_found_expired_after_the_cancellation_stays_here(bench: Bench) -> None:
    bench.ready()
    claim = bench.claim()
    bench.account.campaigns.cancel("c1")

    assert expire(bench, claim) == (B.CANCELLED, C.CANCELLED)

    assert stands(bench) == (C.CANCELLED, None)


def test_a_pause_outlasts_the_opening_of_the_window(bench: Bench) -> None:
    held(bench)
    bench.account.campaigns.pause("c1")

    bench.advance(11 * HOUR)
    bench.account.ledger.tick()

    assert stands(bench) == (C.HELD, H.PAUSED)
    assert bench.account.campaigns.resume("c1").state is C.SENDING
    assert bench.claim().n == 0
    assert stands(bench) == (C.SENDING, None)


def test_resuming_while_the_window_is_closed_waits_for_it_again(bench: Bench) -> None:
    held(bench)
    bench.account.campaigns.pause("c1")

    assert bench.account.campaigns.resume("c1").state is C.HELD

    assert stands(bench) == (C.HELD, H.WINDOW)
    assert reserved(bench) == 0
    bench.advance(11 * HOUR)
    bench.account.ledger.tick()
    assert bench.claim().n == 0


def test_a_batch_found_closed_after_the_pause_stays_paused(bench: Bench) -> None:
    bench.ready()
    claim = bench.claim()
    bench.account.campaigns.pause("c1")

    assert close(bench, claim) == (B.READY, C.HELD)

    assert stands(bench) == (C.HELD, H.PAUSED)
    assert reserved(bench) == 0
    assert bench.account.campaigns.resume("c1").state is C.SENDING
    assert bench.claim().n == 1
