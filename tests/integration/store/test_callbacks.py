import random
from collections import defaultdict
from itertools import count

import pytest

from dispatcher.domain.feed import EventKind
from dispatcher.store.callbacks import CallbackStatus, Delivery, Ending, Settlement
from tests.support.bench import Bench

LEASE_MS = 45_000
HERE, ELSEWHERE = "endpoint-1", "endpoint-2"
DELIVERED = Settlement(ending=Ending.DELIVERED)
FAILED = Settlement(ending=Ending.FAILED, pause_ms=10_000, rest_ms=1_000, why="it answered 500")
DEAD = Settlement(ending=Ending.DEAD, rest_ms=1_000, why="it answered 500")
GONE = Settlement(ending=Ending.GONE, why="it answered 410")

_tokens = count(1)


def tell(bench: Bench, *campaigns: str, kind: EventKind = EventKind.CAMPAIGN) -> None:
    for campaign in campaigns:
        bench.account.outbox.tell("shop", kind, {}, campaign=campaign)


def take(
    bench: Bench, *, token: str | None = None, endpoint: str = HERE, kinds: tuple[str, ...] = ()
) -> Delivery | bool:
    return bench.account.callbacks.take(
        "shop",
        token=token or f"token-{next(_tokens)}",
        endpoint=endpoint,
        lease_ms=LEASE_MS,
        kinds=kinds,
    )


def taken(bench: Bench, *, token: str | None = None, endpoint: str = HERE) -> Delivery:
    found = take(bench, token=token, endpoint=endpoint)
    assert isinstance(found, Delivery), found
    return found


def settle(bench: Bench, delivery: Delivery, how: Settlement = DELIVERED) -> bool:
    return bench.account.callbacks.settle(delivery, how, endpoint=HERE)


def deliver(bench: Bench, how: Settlement = DELIVERED) -> int:
    """Take and settle the next event; give its number."""
    delivery = taken(bench)
    assert settle(bench, delivery, how)
    return delivery.event.sequence


def status(bench: Bench) -> CallbackStatus:
    return bench.account.callbacks.status("shop")


def due(bench: Bench, endpoint: str = HERE) -> bool:
    return bench.account.callbacks.due({"shop": endpoint, "club": HERE}) == ["shop"]


def test_events_are_delivered_in_their_order_and_then_there_is_nothing_to_do(bench: Bench) -> None:
    tell(bench, "c1", "c2", "c1")
    assert due(bench)

    assert [deliver(bench) for _ in range(3)] == [1, 2, 3]

    assert take(bench) is False
    assert not due(bench)
    assert (status(bench).seen, status(bench).delivered, status(bench).put_off) == (3, 3, 0)


def test_one_worker_at_a_time_delivers_to_a_producer(bench: Bench) -> None:
    tell(bench, "c1", "c2")

    first = taken(bench, token="mine")

    assert take(bench) is False
    assert not due(bench)
    again = taken(bench, token="mine")
    assert again == first
    settle(bench, first)
    assert deliver(bench) == 2


def test_what_a_dead_worker_took_is_delivered_when_its_lease_ends(bench: Bench) -> None:
    tell(bench, "c1", "c1")
    dead = taken(bench)
    bench.advance(LEASE_MS - 1)
    assert take(bench) is False

    bench.advance(1)
    heir = taken(bench)

    assert (heir.event, heir.attempt) == (dead.event, 2)
    assert not settle(bench, dead)
    assert settle(bench, heir)
    assert not settle(bench, heir, FAILED)
    assert deliver(bench) == 2


def test_a_failure_holds_back_its_own_campaign_only(bench: Bench) -> None:
    tell(bench, "c1", "c1", "c2", "c1", "c2")

    assert deliver(bench, FAILED) == 1
    assert take(bench) is False
    bench.advance(1_000)
    assert [deliver(bench), deliver(bench)] == [3, 5]
    assert take(bench) is False
    bench.advance(9_000)

    assert [deliver(bench) for _ in range(3)] == [1, 2, 4]
    assert status(bench).failures == 0


def test_after_an_outage_nothing_waits_for_its_own_pause(bench: Bench) -> None:
    tell(bench, "c1", "c2", "c3", "c4")
    for _ in range(3):
        deliver(bench, FAILED)
        bench.advance(1_000)
    assert (status(bench).failures, status(bench).put_off) == (3, 3)

    assert deliver(bench) == 4

    assert sorted(deliver(bench) for _ in range(3)) == [1, 2, 3]


def test_what_is_given_up_becomes_a_dead_letter_and_the_next_goes_on(bench: Bench) -> None:
    tell(bench, "c1", "c1")
    deliver(bench, FAILED)
    bench.advance(10_000)
    assert deliver(bench, DEAD) == 1
    bench.advance(1_000)

    assert deliver(bench) == 2
    (letter,) = bench.account.callbacks.dead("shop")
    assert (letter.event.sequence, letter.attempts, letter.why) == (1, 2, "it answered 500")
    assert letter.event == bench.account.outbox.read("shop")[0]


def test_a_dead_letter_is_replayed_under_its_id_even_when_the_stream_forgot_it(
    bench: Bench,
) -> None:
    tell(bench, "c1")
    first = taken(bench)
    settle(bench, first, DEAD)
    (letter,) = bench.account.callbacks.dead("shop")
    bench.advance(8 * 86_400_000)
    bench.account.ledger.tick()
    assert bench.account.outbox.extent("shop").first == 2

    for _ in range(2):
        assert bench.account.callbacks.replay("shop", [letter.entry]) == 1

    again = taken(bench)
    assert again.event == first.event
    settle(bench, again, DEAD)
    assert bench.account.callbacks.dead("shop") == [letter]
    assert bench.account.callbacks.replay("shop", [letter.entry]) == 1
    assert deliver(bench) == 1
    assert bench.account.callbacks.dead("shop") == []
    assert bench.account.callbacks.replay("shop", [letter.entry]) == 0
    assert take(bench) is False


def test_dead_letters_are_forgotten_after_a_month(bench: Bench) -> None:
    tell(bench, "c1")
    deliver(bench, DEAD)
    bench.advance(29 * 86_400_000)
    tell(bench, "c2")
    deliver(bench, DEAD)
    bench.account.ledger.tick()
    assert [letter.event.sequence for letter in bench.account.callbacks.dead("shop")] == [1, 2]

    bench.advance(2 * 86_400_000)
    bench.account.ledger.tick()

    assert [letter.event.sequence for letter in bench.account.callbacks.dead("shop")] == [2]


def test_410_ends_it_until_somebody_asks_or_the_endpoint_is_another(bench: Bench) -> None:
    tell(bench, "c1")
    deliver(bench, GONE)
    bench.advance(7 * 86_400_000 - 1)

    assert take(bench) is False
    assert not due(bench)
    assert status(bench).is_gone
    assert due(bench, ELSEWHERE)
    assert taken(bench, endpoint=ELSEWHERE).event.sequence == 1
    bench.advance(LEASE_MS)
    bench.account.callbacks.replay("shop", [])
    assert not status(bench).is_gone
    assert deliver(bench) == 1


def test_everything_after_a_number_is_delivered_again_on_request(bench: Bench) -> None:
    tell(bench, "c1", "c2", "c1")
    ids = []
    for _ in range(3):
        delivery = taken(bench)
        settle(bench, delivery)
        ids.append(delivery.event.id)

    bench.account.callbacks.replay("shop", [], after=1)

    again = [taken(bench)]
    settle(bench, again[0])
    again.append(taken(bench))
    assert [delivery.event.id for delivery in again] == ids[1:]


def test_what_waits_behind_that_number_comes_in_its_order_again(bench: Bench) -> None:
    tell(bench, *["c1"] * 3)
    assert [deliver(bench), deliver(bench, FAILED)] == [1, 2]
    tell(bench, "c2")
    bench.advance(1_000)
    assert deliver(bench) == 4

    bench.account.callbacks.replay("shop", [], after=0)

    assert [deliver(bench) for _ in range(4)] == [1, 2, 3, 4]
    assert take(bench) is False


def test_what_is_under_way_stays_so_while_others_come_again(bench: Bench) -> None:
    tell(bench, "c1", "c1")
    assert deliver(bench) == 1
    under_way = taken(bench)

    bench.account.callbacks.replay("shop", [], after=0)
    settle(bench, under_way)

    assert [deliver(bench) for _ in range(2)] == [1, 2]
    assert take(bench) is False


def test_kinds_that_are_not_wanted_are_passed_over(bench: Bench) -> None:
    tell(bench, *["c1"] * 150, kind=EventKind.BATCH)
    tell(bench, "c1")

    assert take(bench, kinds=("campaign",)) is True
    found = take(bench, kinds=("campaign",))

    assert isinstance(found, Delivery)
    assert found.event.sequence == 151


def test_what_the_stream_forgot_before_its_turn_is_counted_as_lost(bench: Bench) -> None:
    tell(bench, "c1", "c1", "c2")
    deliver(bench, FAILED)
    bench.advance(1_000)
    assert deliver(bench) == 3
    tell(bench, "c3")
    bench.advance(8 * 86_400_000)
    tell(bench, "c4")
    bench.account.ledger.tick()

    assert deliver(bench) == 5
    assert take(bench) is False
    assert (status(bench).lost, status(bench).put_off) == (3, 0)


class Chaos:
    """Tells, delivers, fails and dies at random, and remembers what arrived."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.arrived: defaultdict[str, list[int]] = defaultdict(list)
        self.told = 0
        self._bench = bench
        self._chance = random.Random(seed)

    def tell(self) -> None:
        tell(self._bench, f"c{self._chance.randrange(5)}")
        self.told += 1

    def wait(self) -> None:
        self._bench.advance(self._chance.choice([500, 5_000, LEASE_MS]))

    def deliver(self) -> None:
        """Deliver something; half of the workers that die do so after it has arrived."""
        found = take(self._bench)
        if not isinstance(found, Delivery):
            return
        way = self._chance.random()
        if way < 0.7:
            self.arrived[found.event.campaign].append(found.event.sequence)
        if way < 0.55:
            settle(self._bench, found)
        elif way > 0.85:
            settle(self._bench, found, FAILED)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_fails_every_number_arrives_and_each_campaigns_in_order(
    fast_bench: Bench, seed: int
) -> None:
    fast_bench.reset()
    chaos, chance = Chaos(fast_bench, seed), random.Random(seed)

    for _ in range(1_000):
        chance.choice([chaos.tell, chaos.wait, chaos.deliver, chaos.deliver])()
    while status(fast_bench).put_off or status(fast_bench).seen < chaos.told:
        fast_bench.advance(LEASE_MS)
        chaos.deliver()

    assert sorted({number for each in chaos.arrived.values() for number in each}) == [
        *range(1, chaos.told + 1)
    ]
    for numbers in chaos.arrived.values():
        assert numbers == sorted(numbers)
