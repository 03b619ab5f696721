"""The budget of an account: slots, their windows, turns, and pauses the API asks for."""

import itertools

import pytest

from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.store.batches import SLOT_MISSED, Outcome
from dispatcher.store.claims import NothingToDo, SendClaim
from dispatcher.store.keys import Key
from tests.support.bench import (
    SEND_LEASE_MS,
    START_MS,
    Bench,
)
from tests.support.bench_lists import submit_uploaded
from tests.support.paced import ask, slot_of, take, weigh

B, C = BatchState, CampaignState
NEAREST_MS = 30
LEASE_MS = 15_000
WINDOW_MS = 1_005
SECOND = 1_000


def test_without_a_budget_nobody_waits(bench: Bench) -> None:
    bench.ready()

    claim = bench.claim()

    assert claim.post_at is None
    assert not claim.begins_later
    assert bench.account.pacing.read().rate is None


def test_slots_are_as_far_apart_as_their_segments_take(bench: Bench) -> None:
    weigh(bench, "c1", [10, 10, 5, 10])

    slots: list[int] = []
    for _ in range(4):
        bench.advance(60)
        slots.append(slot_of(bench, take(bench)))

    first = slots[0]
    assert first == 60 + NEAREST_MS
    assert [slot - first for slot in slots] == [0, 101, 201, 252]


def test_a_slot_too_far_ahead_is_left_to_whoever_comes_in_time(bench: Bench) -> None:
    weigh(bench, "c1", [10, 10, 10, 10])
    claims = [take(bench) for _ in range(3)]

    assert ask(bench) is NothingToDo.PACED
    assert bench.status().state is C.SENDING
    assert bench.status().batch_states[B.SENDING.value] == len(claims)

    bench.advance(100)
    assert isinstance(ask(bench), SendClaim)


def test_while_nobody_has_a_slot_whoever_asks_waits_longer(bench: Bench) -> None:
    """All the others were told to leave, so nobody would come when its time is near."""
    weigh(bench, "c1", [100, 100, 100])
    bench.accept(take(bench))
    bench.advance(100)

    assert slot_of(bench, take(bench)) == NEAREST_MS + WINDOW_MS
    assert ask(bench) is NothingToDo.PACED


def test_the_tick_calls_again_when_whoever_had_a_slot_does_not(bench: Bench) -> None:
    weigh(bench, "c1", [10, 10])
    take(bench)
    bench.advance(1_000)
    assert bench.account.ledger.tick().nudges == []

    bench.advance(600)

    assert [nudge.waiting for nudge in bench.account.ledger.tick().nudges] == [1]


def test_the_tick_comes_back_in_time_for_a_slot_nobody_waits_for(bench: Bench) -> None:
    """A batch cut before there was a budget may take it for ten seconds."""
    weigh(bench, "c1", [1000, 1000])
    bench.accept(take(bench))
    assert ask(bench) is NothingToDo.PACED

    bench.advance(7_500)
    assert bench.account.ledger.tick().nudges == []
    bench.advance(150)
    assert [nudge.waiting for nudge in bench.account.ledger.tick().nudges] == [1]

    claim = take(bench)
    assert slot_of(bench, claim) == NEAREST_MS + 10 * WINDOW_MS


def test_a_batch_dearer_than_a_second_goes_alone(bench: Bench) -> None:
    weigh(bench, "c1", [10, 250, 10])
    slots: list[int] = []
    while len(slots) < 3:
        bench.advance(50)
        claim = ask(bench)
        if isinstance(claim, SendClaim):
            slots.append(slot_of(bench, claim))

    assert slots[1] - slots[0] >= SECOND
    assert slots[2] - slots[0] >= 2.6 * SECOND


def test_the_same_token_gets_the_same_slot_and_uses_it_up_once(bench: Bench) -> None:
    weigh(bench, "c1", [10, 10])
    first = ask(bench, operation="mine")
    assert isinstance(first, SendClaim)

    again = ask(bench, operation="mine")

    assert isinstance(again, SendClaim)
    assert (again.n, again.attempt, slot_of(bench, again)) == (first.n, first.attempt, NEAREST_MS)
    assert slot_of(bench, take(bench)) == NEAREST_MS + 101


def test_a_batch_that_waits_for_its_slot_is_not_perhaps_sent(bench: Bench) -> None:
    weigh(bench, "c1", [10])
    take(bench)

    bench.advance(LEASE_MS + 100)
    bench.account.ledger.tick()

    assert bench.status().batch_states[B.READY.value] == 1
    assert bench.account.batches.read("c1", 0).why is None  # type: ignore[union-attr]  # it is there


def test_a_batch_whose_post_began_in_its_slot_is_perhaps_sent(bench: Bench) -> None:
    weigh(bench, "c1", [10])
    claim = take(bench)
    assert bench.begin(claim) is None

    bench.advance(LEASE_MS + 100)
    bench.account.ledger.tick()
    assert bench.status().batch_states[B.SENDING.value] == 1
    bench.advance(SEND_LEASE_MS)
    bench.account.ledger.tick()

    assert bench.status().batch_states[B.UNKNOWN.value] == 1


def test_an_older_attempt_cannot_begin_in_the_slot_of_a_newer(bench: Bench) -> None:
    weigh(bench, "c1", [10])
    late = take(bench)
    bench.advance(LEASE_MS + 100)
    bench.account.ledger.tick()
    take(bench)

    assert bench.begin(late) == "over"
    assert bench.account.pacing.renew(late) is None


@pytest.mark.parametrize("how", ["stop", "pause", "cancel"])
def test_what_is_stopped_while_it_waits_does_not_go_out(bench: Bench, how: str) -> None:
    weigh(bench, "c1", [10])
    claim = take(bench)

    match how:
        case "stop":
            bench.account.ledger.stop(by="somebody")
        case "pause":
            bench.account.campaigns.pause("c1")
        case _:
            bench.account.campaigns.cancel("c1")

    assert bench.begin(claim) in ("stopped", "held", "cancelling")


def test_a_missed_slot_is_changed_for_another_and_not_used_up_twice(bench: Bench) -> None:
    weigh(bench, "c1", [10, 10])
    claim = take(bench)
    bench.advance(NEAREST_MS + 1)
    assert bench.begin(claim) == SLOT_MISSED

    assert bench.account.pacing.renew(claim) is not None

    assert slot_of(bench, claim) == 2 * NEAREST_MS + 1
    assert bench.client.zcard(bench.keys.of(Key.SLOTS)) == 1
    assert bench.begin(claim) is None
    assert bench.begin(claim) is None


def test_a_last_look_asked_again_after_its_slot_is_given_another(bench: Bench) -> None:
    weigh(bench, "c1", [10, 10])
    claim = take(bench)
    assert bench.begin(claim) is None
    bench.advance(NEAREST_MS + 1)

    assert bench.begin(claim) == SLOT_MISSED
    bench.account.pacing.renew(claim)

    assert slot_of(bench, claim) == 2 * NEAREST_MS + 1
    assert bench.begin(claim) is None


def test_a_list_that_took_its_time_to_be_read_gets_a_slot_of_now(bench: Bench) -> None:
    submit_uploaded(bench, batches=1)
    bench.quote_all("c1")
    claim = take(bench)
    bench.advance(3_000)

    assert bench.begin(claim) == SLOT_MISSED
    bench.account.pacing.renew(claim)

    assert slot_of(bench, claim) == bench.now_ms - START_MS + NEAREST_MS
    assert bench.begin(claim) is None


def test_a_post_that_was_late_moves_what_follows(bench: Bench) -> None:
    weigh(bench, "c1", [100, 10])
    claim = take(bench)
    bench.account.pacing.note(claim, late_ms=40)
    bench.account.pacing.note(claim, late_ms=40)

    bench.advance(900)

    assert slot_of(bench, take(bench)) == NEAREST_MS + 40 + WINDOW_MS


def test_a_budget_that_is_raised_holds_at_once(bench: Bench) -> None:
    weigh(bench, "c1", [100, 100])
    take(bench, rate=1)
    assert ask(bench, rate=1) is NothingToDo.PACED

    bench.advance(1_500)
    claim = take(bench, rate=1000)

    assert slot_of(bench, claim) <= 1_500 + 2 * NEAREST_MS + 100
    assert bench.account.pacing.read().rate == 1000


def test_a_budget_that_is_taken_away_is_forgotten(bench: Bench) -> None:
    weigh(bench, "c1", [100, 100])
    take(bench, rate=1)

    claim = ask(bench, rate=None)

    assert isinstance(claim, SendClaim)
    assert claim.post_at is None
    assert bench.account.pacing.read().rate is None


def test_less_than_a_segment_a_second_is_kept_to_the_millisecond(bench: Bench) -> None:
    weigh(bench, "c1", [1, 1, 1])
    slots: list[int] = []
    for _ in range(60):
        bench.advance(100)
        claim = ask(bench, rate=0.5)
        if isinstance(claim, SendClaim):
            slots.append(slot_of(bench, claim))

    assert [later - earlier for earlier, later in itertools.pairwise(slots)] == [2010, 2010]


def test_a_clock_that_went_back_stops_nobody_and_lets_nobody_hurry(bench: Bench) -> None:
    weigh(bench, "c1", [100, 100])
    take(bench)
    bench.advance(-3_600_000)

    claim = take(bench)

    assert slot_of(bench, claim) == -3_600_000 + NEAREST_MS + WINDOW_MS


def test_a_clock_that_is_put_right_by_a_little_costs_nothing(bench: Bench) -> None:
    weigh(bench, "c1", [10, 10])
    take(bench)
    bench.advance(-20)

    assert slot_of(bench, take(bench)) == NEAREST_MS + 101


def test_an_alert_gets_the_next_slot_whoever_asks(bench: Bench) -> None:
    weigh(bench, "big", [10] * 20)
    for _ in range(5):
        bench.accept(take(bench, "big"))
        bench.advance(101)
    weigh(bench, "alert", [5])
    # Its own worker comes too early, and is told to leave.
    while isinstance(ask(bench, "big"), SendClaim):
        pass
    assert ask(bench, "alert") is NothingToDo.PACED
    bench.advance(101)

    claim = take(bench, "big")

    assert claim.campaign == "alert"


def test_who_comes_for_a_campaign_that_is_over_takes_the_next_turn(bench: Bench) -> None:
    """Else the last worker of a small campaign would leave, and a tick have to call another."""
    weigh(bench, "big", [10, 10, 10, 10])
    weigh(bench, "alert", [5])
    bench.accept(take(bench, "big"))
    bench.accept(take(bench, "alert"))
    bench.advance(200)
    assert take(bench, "alert").campaign == "big"

    bench.account.ledger.stop(by="somebody")
    assert ask(bench, "alert") is NothingToDo.OTHER_STATE
    assert bench.listed(Key.TURNS) == {"big"}


def test_who_cannot_use_a_turn_is_passed_over(bench: Bench) -> None:
    weigh(bench, "paused", [10, 10])
    weigh(bench, "big", [10, 10])
    take(bench, "big")
    bench.accept(take(bench, "paused"))
    bench.account.campaigns.pause("paused")
    bench.advance(200)

    assert take(bench, "big").campaign == "big"
    assert bench.listed(Key.TURNS) == {"big"}


def test_an_answer_429_stops_claims_and_quotes_until_its_time(bench: Bench) -> None:
    weigh(bench, "c1", [10, 10])
    bench.submit("c2", recipients=1)
    claim = take(bench)

    assert bench.account.pacing.lower(retry_after_ms=7_000) == 7_000

    assert ask(bench) is NothingToDo.PACED
    assert bench.begin(claim) == "limited"
    quote = bench.account.batches.claim_quote("c2", lease_ms=1000)
    assert quote is NothingToDo.PACED
    bench.advance(7_000)
    bench.claim_quote("c2")
    assert isinstance(ask(bench), SendClaim)


def test_a_pause_holds_without_a_budget_too(bench: Bench) -> None:
    bench.ready()
    bench.account.pacing.lower()

    assert ask(bench, rate=None) is NothingToDo.PACED
    bench.advance(1_000)
    assert isinstance(ask(bench, rate=None), SendClaim)


def test_calls_that_were_under_way_together_lower_the_rate_once(bench: Bench) -> None:
    weigh(bench, "c1", [10, 10])
    take(bench)

    for _ in range(5):
        bench.account.pacing.lower()

    pace = bench.account.pacing.read()
    assert (pace.rate, pace.effective, pace.lowered) == (100, 50, 1)
    bench.advance(1_000 + 30_000)
    assert bench.account.pacing.read().effective == 100


def test_pauses_that_follow_each_other_double_and_are_forgotten(bench: Bench) -> None:
    pauses = []
    for _ in range(4):
        pauses.append(bench.account.pacing.lower())
        bench.advance(pauses[-1])
    assert pauses == [1_000, 2_000, 4_000, 8_000]

    bench.advance(200_000)

    assert bench.account.pacing.lower() == 1_000


def test_the_rate_never_falls_so_low_that_nobody_would_learn_better(bench: Bench) -> None:
    weigh(bench, "c1", [10])
    take(bench)
    for _ in range(20):
        bench.advance(bench.account.pacing.lower())

    assert bench.account.pacing.read().effective == 100 / 64


def test_taking_a_batch_back_leaves_its_campaign_its_turn(bench: Bench) -> None:
    weigh(bench, "c1", [10, 10])
    claim = take(bench)

    bench.record(claim, Outcome.NOT_SENT)

    assert bench.listed(Key.TURNS) == {"c1"}
    bench.account.campaigns.cancel("c1")
    assert bench.listed(Key.TURNS) == set()
