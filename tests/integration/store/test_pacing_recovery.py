"""What a budget outlives: pauses the API asked for, debts of a low rate, a clock that went back."""

import pytest

from dispatcher.store.claims import NothingToDo, SendClaim
from dispatcher.store.keys import Key
from tests.support.bench import SEND_LEASE_MS, START_MS, Bench
from tests.support.bench_lists import submit_uploaded
from tests.support.paced import ask, slot_of, take, weigh

NEAREST_MS = 30
HOUR_MS = 3_600_000


def lower_often(bench: Bench) -> None:
    """Have the API ask for one pause after the other, until little of the budget is left."""
    for _ in range(8):
        bench.advance(bench.account.pacing.lower())


@pytest.mark.parametrize("weight", [250, 3_000])
def test_a_debt_of_a_time_when_little_was_left_of_a_budget_does_not_outlive_it(
    bench: Bench, weight: int
) -> None:
    weigh(bench, "c1", [10, weight, 10])
    take(bench)
    lower_often(bench)
    take(bench)

    bench.advance(60_000)

    assert bench.account.pacing.read().effective == 100
    assert slot_of(bench, take(bench)) == bench.now_ms - START_MS + NEAREST_MS


def test_what_is_left_of_a_budget_is_not_exceeded_while_it_grows_back(bench: Bench) -> None:
    weigh(bench, "c1", [1] * 12)
    take(bench)
    lower_often(bench)
    slots: list[int] = []
    while len(slots) < 8:
        claim = ask(bench)
        if isinstance(claim, SendClaim):
            slots.append(slot_of(bench, claim))
        else:
            bench.advance(50)

    # From 1.6 segments a second to 100 in a minute: about 3 in the first second, 5 in the second.
    assert sum(slot < slots[0] + 1_000 for slot in slots) <= 3
    assert sum(slot < slots[0] + 2_000 for slot in slots) <= 7


def test_a_clock_that_went_back_frees_the_batch_of_a_worker_that_is_gone(bench: Bench) -> None:
    weigh(bench, "c1", [10, 10])
    gone = take(bench)
    bench.advance(-HOUR_MS)
    take(bench)

    bench.advance(20_000)
    bench.account.ledger.tick()

    record = bench.account.batches.read("c1", gone.n)
    assert record is not None
    assert record.state.value == "ready"


def test_a_clock_that_went_back_keeps_the_lease_of_a_list_that_is_read(bench: Bench) -> None:
    submit_uploaded(bench, batches=2)
    bench.quote_all("c1")
    claim = take(bench)
    bench.advance(-HOUR_MS)

    take(bench)

    ends = bench.client.zscore(bench.keys.of(Key.INFLIGHT), f"c1/{claim.n}")
    assert 0 < int(ends or 0) - bench.now_ms <= 600_000


def test_a_clock_that_went_back_leaves_a_post_its_lease_and_no_hour(bench: Bench) -> None:
    weigh(bench, "c1", [10, 10])
    claim = take(bench)
    assert bench.begin(claim) is None
    bench.advance(-HOUR_MS)

    take(bench)

    ends = bench.client.zscore(bench.keys.of(Key.INFLIGHT), f"c1/{claim.n}")
    assert ends == bench.now_ms + SEND_LEASE_MS


def test_a_pause_ends_in_time_although_the_clock_went_back(bench: Bench) -> None:
    weigh(bench, "c1", [10, 10])
    take(bench)
    bench.account.pacing.lower(retry_after_ms=5_000)
    bench.advance(-HOUR_MS)

    assert ask(bench) is NothingToDo.PACED
    assert bench.account.pacing.read().paused_ms == 5_000

    bench.advance(5_000)
    assert isinstance(ask(bench), SendClaim)
    bench.advance(60_000)
    assert bench.account.pacing.read().effective == 100
