"""Whoever asks for slots, whenever: budgets are kept, used to the full, and shared."""

import enum
import itertools
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.store.account import Store
from dispatcher.store.batches import SLOT_MISSED, Outcome
from dispatcher.store.claims import SendClaim
from dispatcher.store.scripts import read_sources
from tests.support.bench import (
    ACCOUNT,
    CLOCK,
    Bench,
)
from tests.support.paced import ask, slot_of, weigh

SECOND = 1_000


class Back(enum.Enum):
    """When a batch is given back: before its POST began, after it, or not at all."""

    BEFORE = "before"
    AFTER = "after"
    NOT = "not"


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rate=st.sampled_from((3.0, 20.0, 100.0, 333.0)),
    weights=st.lists(st.integers(1, 60), min_size=2, max_size=15),
    pauses=st.lists(st.integers(0, 700), min_size=1, max_size=10),
    late=st.lists(st.integers(0, 120), min_size=1, max_size=5),
    backs=st.lists(st.sampled_from(Back), max_size=5),
)
def test_no_second_holds_more_than_the_budget(
    fast_bench: Bench,
    rate: float,
    weights: list[int],
    pauses: list[int],
    late: list[int],
    backs: list["Back"],
) -> None:
    """Whoever asks whenever, however late some of them are, and whatever is given back."""
    fast_bench.reset()

    posts = posts_of(fast_bench, rate, weights, pauses, late, [*backs, Back.NOT])

    assert fullest_second(posts, rate) <= rate


def posts_of(
    bench: Bench,
    rate: float,
    weights: list[int],
    pauses: list[int],
    late: list[int],
    backs: Sequence["Back"] = (Back.NOT,),
) -> Sequence[tuple[int, int]]:
    """Send batches one by one; give when each went out and how much it weighed."""
    weigh(bench, "c1", weights)
    posts: list[tuple[int, int]] = []
    for pause, delay, back in zip(*map(itertools.cycle, (pauses, late, backs)), strict=False):
        if len(posts) == len(weights):
            break
        claim = ask(bench, rate=rate)
        if not isinstance(claim, SendClaim):
            bench.advance(4 * pause + 100)
            continue
        bench.advance(pause // 4)
        if back is Back.BEFORE:
            bench.record(claim, Outcome.NOT_SENT, pause_ms=0)
            continue
        while bench.begin(claim) == SLOT_MISSED:
            bench.account.pacing.renew(claim)
        if back is Back.AFTER:
            bench.record(claim, Outcome.NOT_SENT, pause_ms=0)
            continue
        if delay > 100:
            bench.account.pacing.note(claim, late_ms=delay)
            posts.append((slot_of(bench, claim) + delay, weights[claim.n]))
        else:
            posts.append((slot_of(bench, claim), weights[claim.n]))
    return posts


def fullest_second(posts: Sequence[tuple[int, int]], rate: float) -> float:
    """Give the most segments in any second that holds more than one batch too dear for it."""
    fullest = 0
    for begin, _ in posts:
        inside = [weight for at, weight in posts if begin <= at < begin + SECOND]
        if len(inside) > 1 or inside[0] <= rate:
            fullest = max(fullest, sum(inside))
    return fullest


GUARDS = {
    "the window": ("if sum > rate then return at + WINDOW_MS end", ""),
    "what is late": ("number(f[1]) + tonumber(ARGV[4])", "f[1]"),
}


@pytest.mark.parametrize("guard", ["the window", "what is late"])
def test_without_its_guards_a_second_holds_more(bench: Bench, guard: str) -> None:
    cut, instead = GUARDS[guard]
    sources = {name: text.replace(cut, instead) for name, text in read_sources().items()}
    assert sources != read_sources()
    bench.account = Store(bench.client, clock=CLOCK, sources=sources).account(ACCOUNT)

    posts = posts_of(bench, 100, [30, 30, 60] * 4, [120], [0, 120])

    assert fullest_second(posts, 100) > 100


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rate=st.sampled_from((50.0, 100.0, 240.0)), step=st.integers(1, 90))
def test_a_budget_that_is_wanted_is_used_to_the_full(
    fast_bench: Bench, rate: float, step: int
) -> None:
    bench = fast_bench
    bench.reset()
    weigh(bench, "c1", [int(rate / 10)] * 30)
    slots: list[int] = []
    while len(slots) < 30:
        claim = ask(bench, rate=rate)
        if isinstance(claim, SendClaim):
            slots.append(slot_of(bench, claim))
        else:
            bench.advance(step)

    mean = 29 * int(rate / 10) / ((slots[-1] - slots[0]) / SECOND)
    assert rate * 0.99 <= mean <= rate


@pytest.mark.parametrize("every", [2, 5])
def test_what_is_given_back_before_it_began_uses_nothing_up(fast_bench: Bench, every: int) -> None:
    bench = fast_bench
    bench.reset()
    weigh(bench, "c1", [10] * 40)
    slots: list[int] = []
    for claimed in itertools.count():
        if len(slots) == 40:
            break
        claim = ask(bench)
        if not isinstance(claim, SendClaim):
            bench.advance(20)
        elif claimed % every == 0:
            bench.record(claim, Outcome.NOT_SENT, pause_ms=0)
        else:
            slots.append(slot_of(bench, claim))

    assert 39 * 10 / ((slots[-1] - slots[0]) / SECOND) > 99


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    sizes=st.lists(st.integers(1, 30), min_size=2, max_size=4),
    asked=st.lists(st.integers(0, 3), min_size=4, max_size=12),
)
def test_campaigns_share_a_budget_evenly_however_they_are_cut_and_who_asks(
    fast_bench: Bench, sizes: list[int], asked: list[int]
) -> None:
    bench = fast_bench
    bench.reset()
    names = [f"c{place}" for place in range(len(sizes))]
    for name, size in zip(names, sizes, strict=True):
        weigh(bench, name, [size] * 12)
        ask(bench, name)
    used: Counter[str] = Counter()
    for who in itertools.islice(itertools.cycle(asked), 120):
        claim = ask(bench, names[who % len(names)])
        if isinstance(claim, SendClaim):
            used[claim.campaign] += sizes[names.index(claim.campaign)]
            if used[claim.campaign] >= 9 * sizes[names.index(claim.campaign)]:
                break
        else:
            bench.advance(400)

    assert max(used.values()) - min(used[name] for name in names) <= 3 * max(sizes)
