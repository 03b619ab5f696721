"""Turns and slots that outlive what they were taken for: a pause, and a budget."""

from collections import Counter

from dispatcher.store.batches import SLOT_MISSED
from dispatcher.store.claims import SendClaim
from tests.support.bench import Bench
from tests.support.paced import ask, take, weigh


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
