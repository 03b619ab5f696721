"""Every process of the service ended by SIGTERM and started again, in turn, under load.

`ROLLING_ROUNDS=20` restarts the whole service so often instead of five times.
"""

import contextlib
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from dispatcher.domain.campaign import CampaignStatus, Event
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.embedded import EmbeddedRedis
from dispatcher.store.keys import Key, Keys
from tests.faults.list_path import addressed
from tests.faults.rolling import LONGEST_END, Fleet, Load, Member, under
from tests.faults.storm import let_time_pass
from tests.support.foreign import ForeignProducer
from tests.support.invariants import World
from tests.support.polling import eventually
from tests.support.stack import Stack
from tests.support.time_invariants import is_at_rest, time_violations

ROUNDS = int(os.environ.get("ROLLING_ROUNDS", "5"))
SEED = int(os.environ.get("FAULTS_SEED", "20261128"))
CREDITS = 1_000_000
LATENCY = 0.3
"""Seconds the API takes at least, so that a SIGTERM meets POSTs under way."""

AWAY = 2.0
"""Seconds a server is away while processes are told to end."""

ENV = {
    "DISPATCHER_BATCH_SIZE": "50",
    "DISPATCHER_LIST_SIZE": "50",
    "DISPATCHER_CONCURRENCY": "8",
    "DISPATCHER_SLICE_SECONDS": "0.5",
    "DISPATCHER_CREDIT_CHECK_EVERY": "1",
    "DISPATCHER_HANDOVER_LEAD": "PT2S",
    "DISPATCHER_LOG_LEVEL": "DEBUG",
    "DISPATCHER_LOG_FORMAT": "json",
}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(tmp_path / "broker") as server:
        yield server


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("rounds", "budget"),
    [(ROUNDS, {}), (-(-ROUNDS // 3), {"DISPATCHER_ACCOUNTS__DEFAULT__RATE": "400"})],
    ids=["no budget", "a budget"],
)
def test_a_restart_of_every_process_loses_repeats_and_leaves_open_nothing(
    tmp_path: Path, broker: EmbeddedRedis, rounds: int, budget: dict[str, str]
) -> None:
    env = {**ENV, **budget, "DISPATCHER_BROKER_URL": broker.url}
    options = ("--latency", str(LATENCY), "--receipt-delay", "0.3", "--seed", str(SEED))
    began = time.monotonic()
    with (
        Stack(tmp_path, credits=CREDITS, sandbox_options=options, env=env) as stack,
        ForeignProducer(broker.url) as foreign,
    ):
        fleet = Fleet(stack)
        load = Load(stack=stack, foreign=foreign, dice=random.Random(SEED), pause=0.2)
        with under(load):
            for place in range(rounds):
                _restart_all(fleet, _ways(stack, broker)[place % 5])
        with contextlib.suppress(AssertionError):  # the next line says what did not come to rest
            eventually(lambda: not _restless(stack, fleet, load), within=90, every=0.5)
        assert _restless(stack, fleet, load) == []

        events = [event for name in load.confirmed for event in stack.dispatcher.events(name)]
        statuses = _statuses(stack, load)
        _report(rounds, fleet, load, statuses, time.monotonic() - began)
        assert fleet.badly == []
        assert max(fleet.slowest.values()) < LONGEST_END
        assert all(fleet.hit)
        assert _made_unknown(events) == []
        assert _lost_people(load, statuses) == []
        assert time_violations(_world(stack, load), statuses, _stopped(load)) == []
        assert _left_over(_world(stack, load)) == []


Way = Callable[[Fleet, Member], None]


def _ways(stack: Stack, broker: EmbeddedRedis) -> tuple[Way, ...]:
    """Give what a process goes through in each round."""
    return (
        Fleet.restart,
        lambda fleet, member: fleet.restart(member, signals=2),
        lambda fleet, member: _restart_without(stack.redis, fleet, member),
        lambda fleet, member: _restart_without(broker, fleet, member),
        Fleet.restart,
    )


def _restart_all(fleet: Fleet, way: Way) -> None:
    for member in fleet.members:
        way(fleet, member)


def _restart_without(server: EmbeddedRedis, fleet: Fleet, member: Member) -> None:
    """Restart a process, the first of each role while a server is away for a few seconds."""

    def take_away() -> None:
        server.kill()
        let_time_pass(AWAY)
        server.start()

    is_first = member is next(other for other in fleet.members if other.role == member.role)
    fleet.restart(member, meanwhile=take_away if is_first else lambda: None)


def _statuses(stack: Stack, load: Load) -> list[CampaignStatus]:
    return [stack.dispatcher.status(name) for name in load.confirmed]


def _restless(stack: Stack, fleet: Fleet, load: Load) -> list[str]:
    """Find what still moves, or stands still where it must not."""
    fleet.replace_the_dead()
    posting = stack.sandbox.control("GET", "receipts")
    facts = {
        f"receipts on their way: {posting}": posting["waiting"],
        "receipts to be merged": stack.dispatcher._open(None).receipts.waiting(),
    }
    return [words for words, is_so in facts.items() if is_so] + [
        f"{status.id} is {status.state.value} {status.hold}: {status.batch_states}, {status.error}"
        for status in _statuses(stack, load)
        if not status.is_over
    ]


def _stopped(load: Load) -> set[str]:
    """Give the campaigns whose cancellation was answered with `cancelled`."""
    return {
        name
        for name, answer in load.answers.items()
        if answer and answer.state is CampaignState.CANCELLED
    }


def _made_unknown(events: list[Event]) -> list[str]:
    return [f"{event.what}: {event.detail}" for event in events if event.new == "unknown"]


def _lost_people(load: Load, statuses: list[CampaignStatus]) -> list[str]:
    """Find campaigns with more or fewer people than were confirmed, or that did not end well."""
    wanted = (CampaignState.FINISHED, CampaignState.CANCELLED)
    return [
        f"{status.id} is {status.state.value} with {status.recipients} people"
        for status in statuses
        if status.recipients != load.confirmed[status.id]
        or status.state not in wanted
        or not is_at_rest(status)
    ]


def _left_over(world: World) -> list[str]:
    return [key.name for key in (Key.INFLIGHT, Key.UNKNOWN) if world.size(key)] + list(
        world.read(Key.CLAIMS)
    )


def _world(stack: Stack, load: Load) -> World:
    world = World(
        store=stack.dispatcher._open(None),
        client=redis.Redis(port=stack.redis.port),
        keys=Keys("sms", "default"),
        ledger=stack.sandbox.ledger(),
        credits_given=CREDITS,
        credits_left=stack.sandbox.credits,
    )
    return addressed(world, load.mailings)


def _report(
    rounds: int, fleet: Fleet, load: Load, statuses: list[CampaignStatus], seconds: float
) -> None:
    states = Counter(status.state.value for status in statuses)
    slowest = ", ".join(f"{role} {took:.1f} s" for role, took in fleet.slowest.items())
    print(
        f"\nrolling restart: seed {SEED}; {rounds} rounds, {fleet.ended.total()} processes ended, "
        f"{dict(fleet.ended)}, {fleet.exits} ended by themselves; "
        f"{len(fleet.hit)} senders with {sum(fleet.hit)} POSTs under way "
        f"({min(fleet.hit)} to {max(fleet.hit)} each); slowest to end: {slowest}; "
        f"{len(statuses)} campaigns of {sum(load.confirmed.values())} people, "
        f"{len(load.mailings)} by lists, {len(load.answers)} cancelled; {dict(states)}; "
        f"{seconds:.0f} s"
    )
