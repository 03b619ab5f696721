"""Unknown batches by the hundred, settled by each kind of evidence: none ever wrongly.

`UNKNOWN_CASES` sets how many of each kind, 1,000 for the figures that are published; and how long
they took to settle is printed with them.
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain, combinations
from pathlib import Path

import pytest

from dispatcher.domain.lifecycle import BatchState
from dispatcher.domain.unknowns import OnUnknown
from dispatcher.smsfactor import CampaignRecord
from tests.support.access import server_with_users
from tests.support.bench import Bench
from tests.support.losses import Losses, Lost

CASES = int(os.environ.get("UNKNOWN_CASES", "40"))
FOREIGN_CASES = int(os.environ.get("FOREIGN_CASES", "24"))
POLICIES = (OnUnknown.HOLD, OnUnknown.RESEND)
STEPS = (61, 16, 45, 30, 61, 61, 61, 301, 16, 61)
"""Seconds between looks; a real worker looks every five."""


@pytest.fixture(scope="module")
def fast_bench(redis_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A server that need not survive: thousands of calls would wait for the disk."""
    folder = tmp_path_factory.mktemp("fast")
    with server_with_users(folder, binary=redis_binary, options={"appendonly": "no"}) as server:
        bench = Bench(server.url)
        yield bench
        bench.close()


@pytest.fixture
def dice() -> random.Random:
    return random.Random(20261123)


@pytest.fixture
def open_losses(fast_bench: Bench, tmp_path: Path) -> Iterator[Callable[..., Losses]]:
    yield lambda **settings: Losses(fast_bench, tmp_path, **settings)
    fast_bench.reset()


def watch(losses: Losses, lost: list[Lost], said: Counter[str], times: list[int]) -> list[str]:
    """Look for evidence for some minutes; note when each batch is settled, and as what."""
    begun = losses.bench.now_ms
    settled: dict[str, str] = {}
    for seconds in STEPS:
        losses.look(after=seconds)
        for each in lost:
            word = losses.says(each)
            if word != "open" and each.name not in settled:
                settled[each.name] = word
                times.append((losses.bench.now_ms - begun) // 1000)
    words = [losses.says(each) for each in lost]
    said.update(words)
    return words


def tell(kind: str, said: Counter[str], times: list[int]) -> float:
    """Print what came of a kind; give the share that was settled."""
    total = said.total()
    share = (total - said["open"]) / total
    ordered = sorted(times) or [0]
    middle, late = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    print(
        f"\n{kind}: {total} unknown, {dict(said)}, {share:.1%} settled, 0 wrong, "
        f"after {middle} s (median), {late} s (p99); 95 % bound of wrong {3 / total:.2%}"
    )
    return share


def test_receipts_settle_what_they_prove_and_nothing_else(
    open_losses: Callable[..., Losses], dice: random.Random
) -> None:
    losses, said, times = open_losses(), Counter[str](), list[int]()
    for _ in range(CASES):
        lost = losses.lose(dice.randint(1, 9), taken=dice.random() < 0.6)
        if lost.ticket and dice.random() < 0.93:
            losses.receive(lost, 3)
        watch_one = losses.says(lost)
        said[watch_one] += 1
        if watch_one != "open":
            times.append(0)
        losses.clear([lost])

    assert tell("receipts", said, times) > 0.4
    assert said["not sent"] == 0


def test_the_list_settles_all_of_them_whatever_others_send(
    open_losses: Callable[..., Losses], dice: random.Random
) -> None:
    losses, said, times = open_losses(dialect="live"), Counter[str](), list[int]()
    for _ in range(-(-CASES // 4)):
        lost = [
            losses.lose(dice.randint(1, 9), taken=dice.random() < 0.5, policy=dice.choice(POLICIES))
            for _ in range(4)
        ]
        send_as_a_foreigner(losses, dice)
        losses.bench.advance(1000)
        losses.answer()
        watch(losses, lost, said, times)
        losses.clear(lost)

    assert tell("listing", said, times) == 1


def send_as_a_foreigner(losses: Losses, dice: random.Random) -> None:
    if dice.random() < 0.5:
        losses.provider.take("Ceci vient d'ailleurs 98765432100", 2, dice.randint(1, 9))


def test_credits_settle_nearly_all_of_them(
    open_losses: Callable[..., Losses], dice: random.Random
) -> None:
    losses, said, times = open_losses(dedicated=True), Counter[str](), list[int]()
    while said.total() < CASES:
        losses.balance_books()
        # One at a time: sends of a dedicated account are serialised while one is unknown.
        lost = [losses.lose(dice.randint(1, 900), taken=dice.random() < 0.5)]
        watch(losses, lost, said, times)
        losses.clear(lost)

    assert tell("credits", said, times) >= 0.95


def lose_some(losses: Losses, dice: random.Random) -> list[Lost]:
    """Lose one to three answers at once: those that were in flight when the first was lost."""
    many = dice.choice((1, 1, 1, 1, 1, 1, 1, 2, 2, 3))
    claims = [losses.claim(dice.randint(1, 900), policy=dice.choice(POLICIES)) for _ in range(many)]
    return [losses.end(claim, taken=dice.random() < 0.5) for claim in claims]


def test_without_evidence_nothing_is_decided(
    open_losses: Callable[..., Losses], dice: random.Random
) -> None:
    losses, said, times = open_losses(), Counter[str](), list[int]()
    for _ in range(-(-CASES // 8)):
        lost = [
            losses.lose(dice.randint(1, 9), taken=dice.random() < 0.5, policy=dice.choice(POLICIES))
            for _ in range(8)
        ]
        watch(losses, lost, said, times)
        losses.clear(lost)

    assert tell("no evidence", said, times) == 0


@pytest.mark.parametrize("is_known", [False, True], ids=["first seen", "seen before"])
def test_somebody_else_who_spends_or_tops_up_leaves_it_open(
    open_losses: Callable[..., Losses], dice: random.Random, *, is_known: bool
) -> None:
    """Of somebody never seen before, amounts that just equal lost batches cannot be told apart."""
    said, times = Counter[str](), list[int]()
    for case in range(-(-FOREIGN_CASES // 2)):
        losses = open_losses(dedicated=True)
        losses.balance_books()
        if is_known:
            losses.provider.balance -= dice.randint(1, 50)
            losses.balance_books()
        lost = lose_some(losses, dice)
        strange = amount(lost, dice, may_collide=is_known or case % 2 == 1)
        if case % 2 == 0:
            losses.provider.balance -= strange
        losses.look(after=61)
        if case % 2 == 1:
            losses.provider.balance -= strange
        watch(losses, lost, said, times)

    assert tell("foreign spender or top-up", said, times) == 0


def amount(lost: list[Lost], dice: random.Random, *, may_collide: bool) -> int:
    """Give what somebody else spends; negative for a top-up."""
    quotes = [each.quote for each in lost]
    every = chain.from_iterable(combinations(quotes, n) for n in range(len(quotes) + 1))
    sums = [sum(some) for some in every]
    explained = {one - other for one in sums for other in sums}
    if may_collide:
        return dice.choice(sorted(explained - {0}))
    while (found := dice.randint(-400, 400)) in explained:
        pass
    return found


def test_a_campaign_listed_otherwise_is_never_taken_for_absent(
    open_losses: Callable[..., Losses], dice: random.Random
) -> None:
    """The API may cut, transliterate and extend what it lists: then a person decides.

    Each round reads all that was listed before, so a thousand would take most of an hour.
    """
    losses, said, times = open_losses(dialect="live"), Counter[str](), list[int]()
    for _ in range(-(-min(CASES, 200) // 4)):
        lost = [losses.lose(2, taken=True, policy=OnUnknown.RESEND) for _ in range(4)]
        losses.provider.listed[-4:] = [spoilt(each, dice) for each in losses.provider.listed[-4:]]
        losses.bench.advance(1000)
        losses.answer(text="Tout autre chose 0123456789")
        watch(losses, lost, said, times)
        losses.clear(lost)
        assert all(losses.state(each) is BatchState.ACCEPTED for each in lost)

    assert said["not sent"] == 0
    tell("listed otherwise", said, times)


def spoilt(record: CampaignRecord, dice: random.Random) -> CampaignRecord:
    text = dice.choice(
        (
            record.text[:20],
            record.text + " STOP au 36000",
            record.text.upper(),
            record.text.replace("é", "e"),
            "",
        )
    )
    total = dice.choice((None, 1, record.counters["total"], 99))
    counters = {} if total is None else {"total": total}
    created = dice.choice((record.created, None))
    return replace(record, text=text, counters=counters, created=created)
