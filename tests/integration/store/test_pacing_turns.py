"""Turns and slots that outlive what they were taken for, and slots that are given back."""

from collections import Counter

from dispatcher.domain.fates import Exclusion
from dispatcher.store.batches import SLOT_MISSED, Outcome
from dispatcher.store.claims import SendClaim
from tests.support.bench import Bench
from tests.support.paced import ask, slot_of, take, weigh

WINDOW_MS = 1_005


def test_a_campaign_that_leaves_and_comes_back_gets_no_more_turns_than_others(bench: Bench) -> None:
    weigh(bench, "restless", [10] * 40)
    weigh(bench, "steady", [10] * 40)
    turns: Counter[str] = Counter()

    for name in ("restless", "steady") * 30:
        claim = ask(bench, name)
        if isinstance(claim, SendClaim):
            turns[claim.campaign] += 1
            bench.begin_heeding(claim)
            bench.accept(claim, ticket=f"t{turns.total()}")
            if claim.campaign == "restless":
                bench.account.campaigns.pause("restless")
                bench.account.campaigns.resume("restless")
        bench.advance(60)

    assert turns.total() > 20
    assert abs(turns["restless"] - turns["steady"]) <= 2


def test_a_missed_slot_whose_budget_was_taken_away_may_begin_soon(bench: Bench) -> None:
    weigh(bench, "paced", [10, 10, 10])
    take(bench, "paced")
    waits = take(bench, "paced")
    bench.advance(1_000)
    assert bench.begin_heeding(waits) == SLOT_MISSED
    assert isinstance(ask(bench, "paced", rate=None), SendClaim)

    bench.account.pacing.renew(waits)

    assert bench.begin_heeding(waits) is None


def test_a_slot_given_back_before_its_post_is_the_next_ones(bench: Bench) -> None:
    weigh(bench, "c1", [10, 50, 10])
    take(bench)
    claim = take(bench)
    slot = slot_of(bench, claim)

    bench.record(claim, Outcome.NOT_SENT, pause_ms=60_000)

    assert slot_of(bench, take(bench)) == slot


def test_a_slot_is_used_up_once_its_post_may_have_begun(bench: Bench) -> None:
    weigh(bench, "c1", [100, 100])
    claim = take(bench)
    assert bench.begin_heeding(claim) is None

    bench.record(claim, Outcome.NOT_SENT, pause_ms=60_000)
    bench.advance(100)

    assert slot_of(bench, take(bench)) == slot_of(bench, claim) + WINDOW_MS


def test_a_batch_of_whom_nobody_is_left_gives_its_slot_back(bench: Bench) -> None:
    weigh(bench, "c1", [10, 50, 10])
    take(bench)
    claim = take(bench)

    bench.account.batches.cut(claim, {0: Exclusion.SUPPRESSED})

    assert slot_of(bench, take(bench)) == slot_of(bench, claim)


def test_a_slot_long_past_gives_nobody_a_start(bench: Bench) -> None:
    weigh(bench, "c1", [100, 100, 100])
    take(bench)
    bench.advance(20_000)
    bench.account.ledger.tick()

    first = take(bench)
    bench.advance(100)

    assert slot_of(bench, take(bench)) == slot_of(bench, first) + WINDOW_MS


def take_early(bench: Bench, early_ms: int) -> SendClaim:
    claim = ask(bench, early_ms=early_ms)
    assert isinstance(claim, SendClaim)
    return claim


def test_who_needs_longer_before_a_slot_gets_one_it_can_meet(bench: Bench) -> None:
    weigh(bench, "c1", [10, 10])

    assert slot_of(bench, take_early(bench, 400)) == 430


def test_all_begin_as_early_as_the_slowest_of_late(bench: Bench) -> None:
    """Else the fast would call the slow too late, and leave because slots are too far ahead."""
    weigh(bench, "c1", [10] * 6)
    take_early(bench, 800)

    fast = take_early(bench, 0)
    assert (fast.early_ms, slot_of(bench, fast)) == (800, 931)

    bench.advance(31_000)
    assert take_early(bench, 0).early_ms == 0
    assert take_early(bench, 90).early_ms == 90


def test_the_slot_of_a_slow_worker_is_renewed_to_one_it_can_meet(bench: Bench) -> None:
    weigh(bench, "c1", [10])
    claim = take_early(bench, 200)
    bench.advance(300)
    assert bench.begin_heeding(claim) == SLOT_MISSED

    bench.account.pacing.renew(claim, early_ms=400)

    assert slot_of(bench, claim) == 300 + 430
