import pytest

from dispatcher.domain.lifecycle import BatchState, CampaignState, HoldReason
from dispatcher.store.batches import Outcome
from dispatcher.store.keys import Key
from tests.support.bench import NUDGE_AFTER_MS, SEND_LEASE_MS, Bench
from tests.support.closed_hours import HOUR, WHY, close, expire, held, reserved, stands

B, C, H = BatchState, CampaignState, HoldReason


def test_what_is_given_up_costs_nothing_and_leaves_the_others(bench: Bench) -> None:
    bench.ready()

    assert expire(bench, bench.claim()) == (B.EXPIRED, C.SENDING)

    assert stands(bench) == (C.SENDING, None)
    assert reserved(bench) == 2
    bench.accept(bench.claim())
    assert stands(bench) == (C.SENT, None)
    assert bench.status().batch_states == {"accepted": 1, "expired": 1}
    assert (bench.status().cost, reserved(bench)) == (2, 0)


def test_a_campaign_of_which_all_is_given_up_has_expired(bench: Bench) -> None:
    bench.ready()
    claims = [bench.claim(), bench.claim()]

    assert [expire(bench, claim)[1] for claim in claims] == [C.SENDING, C.EXPIRED]

    assert stands(bench) == (C.EXPIRED, None)
    assert (bench.status().cost, reserved(bench), bench.account_field("exposed")) == (0, 0, 0)
    assert bench.status().error == WHY
    assert {result.state.value for result in bench.results()} == {"expired"}


def test_one_that_was_refused_and_one_given_up_have_expired(bench: Bench) -> None:
    bench.ready()
    refused, given_up = bench.claim(), bench.claim()
    bench.record(refused, Outcome.REFUSED, code="-5", why="status -5")

    assert expire(bench, given_up)[1] is C.EXPIRED


def test_given_up_while_others_wait_for_their_window(bench: Bench) -> None:
    bench.ready()
    closed, given_up = bench.claim(), bench.claim()
    close(bench, closed)

    assert expire(bench, given_up) == (B.EXPIRED, C.HELD)

    assert stands(bench) == (C.HELD, H.WINDOW)
    bench.advance(11 * HOUR)
    bench.account.ledger.tick()
    bench.accept(bench.claim())
    assert stands(bench) == (C.SENT, None)


@pytest.mark.parametrize("outcome", [Outcome.CLOSED, Outcome.EXPIRED])
def test_only_the_attempt_that_claimed_may_tell_the_hour(bench: Bench, outcome: Outcome) -> None:
    bench.ready(recipients=2)
    stale = bench.claim()
    bench.record(stale, Outcome.NOT_SENT, why="no connection")
    current = bench.claim()
    assert (stale.attempt, current.attempt) == (1, 2)

    states = bench.record(stale, outcome, why=WHY, pause_ms=HOUR)

    assert states == (B.SENDING, C.SENDING)
    assert stands(bench) == (C.SENDING, None)
    bench.accept(current)
    assert stands(bench) == (C.SENT, None)


@pytest.mark.parametrize("outcome", [Outcome.CLOSED, Outcome.EXPIRED])
def test_told_twice_it_is_the_same_as_once(bench: Bench, outcome: Outcome) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()

    first = bench.record(claim, outcome, why=WHY, pause_ms=HOUR)
    before = stands(bench), reserved(bench)
    again = bench.record(claim, outcome, why=WHY, pause_ms=HOUR)

    assert again == first
    assert (stands(bench), reserved(bench)) == before


@pytest.mark.parametrize(
    ("outcome", "state", "campaign"),
    [
        (Outcome.CLOSED, B.READY, (C.HELD, H.WINDOW)),
        (Outcome.EXPIRED, B.EXPIRED, (C.EXPIRED, None)),
    ],
)
def test_a_worker_that_was_too_slow_to_tell_the_hour_is_still_believed(
    bench: Bench, outcome: Outcome, state: BatchState, campaign: tuple[CampaignState, HoldReason]
) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    bench.advance(SEND_LEASE_MS)
    bench.account.ledger.tick()
    assert stands(bench) == (C.HELD, H.OUTCOME_UNKNOWN)

    assert bench.record(claim, outcome, why=WHY, pause_ms=HOUR)[0] is state

    assert stands(bench) == campaign
    assert (reserved(bench), bench.account_field("exposed")) == (0, 0)


def test_a_proof_that_a_batch_given_up_went_out_raises_an_alarm(bench: Bench) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    expire(bench, claim)

    bench.accept(claim)

    assert bench.alarms() == ["proof that a batch was sent which we held for expired"]


def test_what_waits_for_its_window_expires_when_its_time_is_over(bench: Bench) -> None:
    held(bench)
    bench.client.zadd(bench.keys.of(Key.DEADLINES), {"c1": bench.now_ms + HOUR})

    bench.advance(HOUR)
    bench.account.ledger.tick()

    assert stands(bench) == (C.EXPIRED, None)
    assert bench.status().batch_states == {"expired": 2}
    bench.advance(10 * HOUR)
    bench.account.ledger.tick()
    assert stands(bench) == (C.EXPIRED, None)


def test_a_campaign_with_some_closed_is_nudged_only_for_what_is_due(bench: Bench) -> None:
    bench.ready()
    close(bench, bench.claim())

    bench.advance(NUDGE_AFTER_MS)
    (nudge,) = bench.account.ledger.tick().nudges

    assert (nudge.state, nudge.waiting) == (C.SENDING, 1)
