from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis

from dispatcher.embedded import EmbeddedRedis
from dispatcher.errors import StoreUnavailableError, StoreUnsafeError
from dispatcher.settings import Settings
from dispatcher.store.account import AccountStore, Store
from dispatcher.store.claims import NothingToDo
from dispatcher.store.connection import connect
from dispatcher.store.durability import Barrier, barrier_for, examine
from dispatcher.store.scripts import Script, Scripts
from tests.support.bench import ACCOUNT, CLOCK, SEND_LEASE_MS, Bench, upload_of
from tests.support.books import check_counters

# Valkey and Redis from 7.2 on can wait for the disk; Debian 12's Redis 7.0 cannot.
NO_WAITAOF = "the server has no WAITAOF"


@pytest.fixture
def client(own_redis: EmbeddedRedis) -> Iterator[Redis]:
    with connect(own_redis.url) as client:
        yield client


def has_waitaof(client: Redis) -> bool:
    commands: Any = client.command_list()
    return b"waitaof" in commands


def test_a_server_that_syncs_always_needs_no_barrier(client: Redis) -> None:
    assert examine(client) == []
    assert barrier_for(client, replicas=0, demo=False) == Barrier()
    assert Barrier().command == ()


def test_a_server_that_syncs_each_second_is_waited_for(client: Redis) -> None:
    client.config_set("appendfsync", "everysec")

    if has_waitaof(client):
        assert examine(client) == []
        barrier = barrier_for(client, replicas=0, demo=False)
        assert barrier.command == ("WAITAOF", 1, 0, 2000)
    else:
        assert NO_WAITAOF in examine(client)[0].message
        with pytest.raises(StoreUnsafeError, match="appendfsync always"):
            barrier_for(client, replicas=0, demo=False)


def test_a_claim_is_on_disk_before_it_is_given_out(client: Redis, own_redis: EmbeddedRedis) -> None:
    client.config_set("appendfsync", "everysec")
    if not has_waitaof(client):
        return
    barrier = barrier_for(client, replicas=0, demo=False)
    bench = Bench(own_redis.url, barrier=barrier)
    bench.ready()
    bench.claim()

    own_redis.kill()
    own_redis.start()

    assert bench.status().batch_states == {"ready": 1, "sending": 1}
    bench.close()


def repeated(url: str, ask: Callable[[AccountStore], object]) -> list[object]:
    """Ask the same twice, over a connection of its own each time; give what came of it."""
    found: list[object] = []
    for _ in range(2):
        with connect(url) as client:
            store = Store(client, barrier=Barrier(local=True), clock=CLOCK)
            try:
                found.append(ask(store.account(ACCOUNT)))
            except StoreUnavailableError:
                found.append(StoreUnavailableError)
    return found


def test_what_is_asked_again_is_confirmed_no_sooner(
    client: Redis, own_redis: EmbeddedRedis
) -> None:
    if not has_waitaof(client):
        return
    bench = Bench(own_redis.url)
    bench.ready(recipients=2, batch_size=2)
    submission = bench.submission("c2", 2, 2)
    bench.upload(upload_of(submission), 2, 2)
    # As a disk that is slow: nothing is confirmed.
    client.config_set("appendfsync", "no")

    with connect(own_redis.url) as another:
        # It writes nothing, as a claim that is given again.
        scripts = Scripts(another, bench.keys, clock=CLOCK)
        is_durable = scripts.run_durably(Script.PACE, barrier=Barrier(local=True))[1]
    submits = repeated(own_redis.url, lambda account: account.campaigns.submit(submission))
    cancels = repeated(own_redis.url, lambda account: account.campaigns.cancel("c1"))

    assert not is_durable
    assert submits == [StoreUnavailableError] * 2
    assert cancels == [StoreUnavailableError] * 2
    bench.close()


@pytest.mark.parametrize(
    ("setting", "value", "finding"),
    [
        ("appendonly", "no", "appendonly is off"),
        ("maxmemory-policy", "allkeys-lru", "maxmemory-policy is allkeys-lru"),
        ("maxmemory-policy", "volatile-ttl", "maxmemory-policy is volatile-ttl"),
    ],
)
def test_a_server_that_forgets_is_refused_unless_it_is_a_demo(
    client: Redis, setting: str, value: str, finding: str
) -> None:
    client.config_set(setting, value)

    [found] = examine(client)

    assert finding in found.message
    assert found.fix.startswith("set ")
    with pytest.raises(StoreUnsafeError, match="DISPATCHER_DEMO"):
        barrier_for(client, replicas=0, demo=False)
    assert barrier_for(client, replicas=0, demo=True) == Barrier()


def test_replicas_are_waited_for_too(client: Redis) -> None:
    assert barrier_for(client, replicas=2, demo=False).command == ("WAIT", 2, 2000)
    assert Barrier(local=True, replicas=1).command == ("WAITAOF", 1, 1, 2000)


@pytest.mark.parametrize(
    ("barrier", "confirmed", "is_met"),
    [
        (Barrier(local=True), [1, 0], True),
        (Barrier(local=True), [0, 0], False),
        (Barrier(local=True, replicas=1), [1, 0], False),
        (Barrier(local=True, replicas=1), [1, 2], True),
        (Barrier(replicas=2), 1, False),
        (Barrier(replicas=2), 2, True),
    ],
)
def test_a_barrier_wants_all_it_asks_for(
    barrier: Barrier, confirmed: int | list[int], *, is_met: bool
) -> None:
    assert barrier.is_met(confirmed) is is_met


def test_a_store_does_not_open_on_a_server_that_forgets(own_redis: EmbeddedRedis) -> None:
    settings = Settings.model_validate({"redis_url": own_redis.url})
    with connect(own_redis.url) as client:
        client.config_set("appendonly", "no")

    with pytest.raises(StoreUnsafeError, match="appendonly is off"):
        Store.open(settings)


def test_a_server_that_is_away_is_told_apart(own_redis: EmbeddedRedis) -> None:
    bench = Bench(own_redis.url)
    bench.submit()
    own_redis.kill()

    with pytest.raises(StoreUnavailableError):
        bench.status()

    own_redis.start()
    assert bench.status().batches == 2
    bench.close()


def test_a_server_that_refuses_writes_for_now_is_unavailable(own_redis: EmbeddedRedis) -> None:
    bench = Bench(own_redis.url)
    bench.ready(recipients=2)
    claim = bench.claim()
    bench.client.config_set("min-replicas-to-write", 1)

    with pytest.raises(StoreUnavailableError):
        bench.accept(claim)

    bench.client.config_set("min-replicas-to-write", 0)
    bench.accept(claim)
    check_counters(bench, "c1")
    bench.close()


def test_after_a_restart_nothing_is_claimed_until_the_server_is_approved(
    own_redis: EmbeddedRedis,
) -> None:
    bench = Bench(own_redis.url)
    bench.ready()
    bench.claim(operation="before")
    own_redis.restart()

    fenced = bench.account.batches.claim_send("c1", operation="after", deadline_ms=SEND_LEASE_MS)
    left = bench.account.ledger.approve_server(quiet_ms=0)

    assert fenced is NothingToDo.FENCED
    assert left == 0
    assert bench.claim().n == 1
    bench.close()


def test_after_a_failover_sends_wait_until_nothing_can_be_in_flight(
    own_redis: EmbeddedRedis,
) -> None:
    bench = Bench(own_redis.url)
    bench.ready()
    own_redis.restart()
    ledger = bench.account.ledger

    assert ledger.approve_server(quiet_ms=80_000) == 80_000
    bench.advance(79_999)
    assert ledger.approve_server(quiet_ms=80_000) == 1
    assert (
        bench.account.batches.claim_send("c1", operation="a", deadline_ms=1) is NothingToDo.FENCED
    )
    own_redis.restart()
    bench.advance(1)
    assert ledger.approve_server(quiet_ms=80_000) == 80_000
    bench.advance(80_000)
    assert ledger.approve_server(quiet_ms=80_000) == 0
    assert bench.claim().n == 0
    bench.close()


def test_a_new_account_need_not_wait(bench: Bench) -> None:
    assert bench.account.ledger.approve_server(quiet_ms=80_000) == 0
