"""Workers that come and go in a time of their own: whoever has a slot calls for the next."""

import heapq
import itertools
import random
from collections.abc import Callable

import pytest

from dispatcher.store.batches import SLOT_MISSED
from dispatcher.store.claims import SendClaim
from tests.support.bench import START_MS, Bench
from tests.support.paced import ask, slot_of, weigh

RATE = 100.0
LEAD_MS = 50
BATCHES = 150


class Workers:
    """So many workers as are called for, each action of theirs at its time.

    Args:
        bench: on whose clock.
        hop: how many ms a hint takes to a worker.
        latency: how many ms the API takes.
        dies: whether a worker is killed while it waits for the slot of a batch.
        still: ms of the test when nobody does anything.
        early: how many ms more than usual whoever asks needs before a slot.
    """

    def __init__(
        self,
        bench: Bench,
        hop: Callable[[], int],
        latency: Callable[[], int],
        dies: Callable[[SendClaim], bool] = lambda _: False,
        still: range = range(0),
        early: Callable[[], int] = lambda: 0,
    ) -> None:
        self.posts: list[int] = []
        self.waited: list[int] = []
        self._bench = bench
        self._hop, self._latency, self._dies = hop, latency, dies
        self._still, self._early = still, early
        self._places = itertools.count()
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []

    def run(self, until_posted: int) -> None:
        self._later(0, self._tick)
        self._later(0, self._ask)
        while len(self.posts) < until_posted:
            at, _, action = heapq.heappop(self._agenda)
            assert at < START_MS + 600_000, "nobody goes on"
            if at - START_MS in self._still:
                at = START_MS + self._still.stop
            self._bench.advance(max(0, at - self._bench.now_ms))
            action()

    def _later(self, after_ms: int, action: Callable[[], None]) -> None:
        at = self._bench.now_ms + after_ms
        heapq.heappush(self._agenda, (at, next(self._places), action))

    def _tick(self) -> None:
        for nudge in self._bench.account.ledger.tick().nudges:
            for _ in range(max(1, nudge.waiting)):
                self._later(self._hop(), self._ask)
        self._later(1_000, self._tick)

    def _ask(self) -> None:
        claim = ask(self._bench, rate=RATE, early_ms=self._early())
        if isinstance(claim, SendClaim):
            self._await(claim)

    def _await(self, claim: SendClaim) -> None:
        left = slot_of(self._bench, claim) + START_MS - self._bench.now_ms
        self.waited.append(left)
        if not self._dies(claim):
            self._later(max(0, left - LEAD_MS - claim.early_ms), lambda: self._begin(claim))

    def _begin(self, claim: SendClaim) -> None:
        self._later(self._hop(), self._ask)
        why = self._bench.begin(claim)
        if why == SLOT_MISSED:
            self._bench.account.pacing.renew(claim)
            self._await(claim)
        elif why is None:
            slot = slot_of(self._bench, claim)
            self.posts.append(slot)
            left = slot + START_MS - self._bench.now_ms
            self._later(max(0, left) + self._latency(), lambda: self._end(claim))

    def _end(self, claim: SendClaim) -> None:
        self._bench.accept(claim, ticket=f"t{claim.n}-{claim.attempt}")
        self._ask()


def mean_of(posts: list[int]) -> float:
    posts = sorted(posts)
    return (len(posts) - 1) * RATE / 10 / (posts[-1] - posts[0]) * 1_000


def fullest_of(posts: list[int]) -> int:
    return max(sum(begin <= post < begin + 1_000 for post in posts) for begin in posts)


@pytest.mark.parametrize("latency_ms", [5, 60, 900, 4_000])
@pytest.mark.parametrize("hop_ms", [2, 40, 90])
def test_a_chain_of_workers_uses_the_budget_up(
    fast_bench: Bench, latency_ms: int, hop_ms: int
) -> None:
    fast_bench.reset()
    weigh(fast_bench, "c1", [10] * (BATCHES + 50))
    workers = Workers(fast_bench, lambda: hop_ms, lambda: latency_ms)

    workers.run(BATCHES)

    assert mean_of(workers.posts) > 0.99 * RATE
    assert fullest_of(workers.posts) == 10
    assert max(workers.waited) <= 2_500


@pytest.mark.parametrize("seed", range(4))
def test_hints_that_take_their_time_now_and_then_cost_little(fast_bench: Bench, seed: int) -> None:
    chance = random.Random(seed)
    fast_bench.reset()
    weigh(fast_bench, "c1", [10] * (BATCHES + 50))
    workers = Workers(
        fast_bench,
        lambda: chance.choice((3, 5, 8, 20, 60, 400)),
        lambda: chance.choice((40, 60, 300)),
    )

    workers.run(BATCHES)

    assert mean_of(workers.posts) > 0.97 * RATE
    assert fullest_of(workers.posts) == 10


@pytest.mark.parametrize("seed", range(3))
def test_workers_of_which_some_need_longer_before_a_slot_use_the_budget_up(
    fast_bench: Bench, seed: int
) -> None:
    chance = random.Random(seed)
    fast_bench.reset()
    weigh(fast_bench, "c1", [10] * (BATCHES + 50))
    workers = Workers(
        fast_bench, lambda: 5, lambda: 60, early=lambda: chance.choice((0, 100, 400, 830))
    )

    workers.run(BATCHES)

    assert mean_of(workers.posts) > 0.98 * RATE
    assert fullest_of(workers.posts) == 10


def test_killed_workers_cost_a_tick_each_and_no_batch(fast_bench: Bench) -> None:
    fast_bench.reset()
    weigh(fast_bench, "c1", [10] * BATCHES)
    killed: set[int] = set()

    def dies(claim: SendClaim) -> bool:
        is_killed = claim.n % 50 == 0 and claim.n not in killed
        killed.add(claim.n)
        return is_killed

    workers = Workers(fast_bench, lambda: 5, lambda: 60, dies)
    workers.run(BATCHES)

    assert len(workers.posts) == BATCHES
    assert fullest_of(workers.posts) == 10
    assert fast_bench.status().batch_states.get("unknown", 0) == 0


@pytest.mark.parametrize("still_ms", [150, 300, 450, 600])
@pytest.mark.parametrize("latency_ms", [5, 60])
def test_a_machine_that_stood_still_catches_up_and_goes_on(
    fast_bench: Bench, still_ms: int, latency_ms: int
) -> None:
    """Then a second is filled early, and the next slot lies further ahead than usual."""
    fast_bench.reset()
    weigh(fast_bench, "c1", [10] * BATCHES)
    still = range(3_000, 3_000 + still_ms)
    workers = Workers(fast_bench, lambda: 5, lambda: latency_ms, still=still)

    workers.run(BATCHES - 10)

    assert mean_of([post for post in workers.posts if post >= still.stop]) > 0.985 * RATE
    assert mean_of(workers.posts) > 0.97 * RATE
    assert fullest_of(workers.posts) == 10
