"""What a failover to a replica that lacks the newest claims does, with a barrier and without."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from dispatcher.embedded import EmbeddedRedis
from dispatcher.store.claims import NothingToDo, SendClaim
from dispatcher.store.durability import Barrier
from tests.support.bench import SEND_LEASE_MS, Bench
from tests.support.sentinels import await_link, primary_with_replicas, replica_of

ROUNDS = 20


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    with primary_with_replicas(tmp_path / "primary") as server:
        yield server


@pytest.fixture
def replica(tmp_path: Path, primary: EmbeddedRedis) -> Iterator[EmbeddedRedis]:
    with replica_of(tmp_path / "replica", primary) as server:
        await_link(server)
        yield server


def claim(bench: Bench, operation: str) -> SendClaim | NothingToDo:
    return bench.account.batches.claim_send("c1", operation=operation, deadline_ms=SEND_LEASE_MS)


def promote(replica: EmbeddedRedis, primary: EmbeddedRedis) -> None:
    """Lose the primary, and have the replica go on with what it has."""
    primary.kill()
    with redis.Redis(port=replica.port) as client:
        client.execute_command("REPLICAOF", "NO", "ONE")


def fall_behind(replica: EmbeddedRedis) -> None:
    """Have a replica get nothing of what is written from now on."""
    with redis.Redis(port=replica.port) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")


def test_without_a_barrier_a_failover_forgets_a_claim_and_it_is_sent_twice(
    primary: EmbeddedRedis, replica: EmbeddedRedis
) -> None:
    bench = Bench(primary.url)
    bench.ready(recipients=1)
    fall_behind(replica)

    first = claim(bench, "before")
    promote(replica, primary)
    promoted = Bench(replica.url)
    promoted.account.ledger.approve_server(quiet_ms=0)
    second = claim(promoted, "after")

    # Both would be posted: this is what DISPATCHER_REDIS_REPLICAS=1 is for.
    assert isinstance(first, SendClaim)
    assert isinstance(second, SendClaim)
    assert first.n == second.n
    bench.close()
    promoted.close()


def test_with_a_barrier_what_a_replica_lacks_is_not_sent(
    primary: EmbeddedRedis, replica: EmbeddedRedis
) -> None:
    bench = Bench(primary.url, barrier=Barrier(replicas=1))
    bench.ready(recipients=1)
    fall_behind(replica)

    first = claim(bench, "before")
    promote(replica, primary)
    promoted = Bench(replica.url)
    promoted.account.ledger.approve_server(quiet_ms=0)
    second = claim(promoted, "after")

    assert not isinstance(first, SendClaim)
    assert isinstance(second, SendClaim)
    bench.close()
    promoted.close()


def test_a_claim_that_was_confirmed_is_known_after_every_failover(tmp_path: Path) -> None:
    primary = primary_with_replicas(tmp_path / "0")
    primary.start()
    bench = Bench(primary.url)
    bench.ready(recipients=ROUNDS, batch_size=1)
    bench.close()
    bench = Bench(primary.url, barrier=Barrier(replicas=1))
    claimed = set()
    for n in range(1, ROUNDS + 1):
        replica = replica_of(tmp_path / str(n), primary)
        replica.start()
        await_link(replica)
        got = claim(bench, f"round {n}")
        assert isinstance(got, SendClaim)
        claimed.add(got.n)

        promote(replica, primary)
        bench.close()
        primary = replica
        bench = Bench(primary.url, barrier=Barrier(replicas=1))
        bench.account.ledger.approve_server(quiet_ms=0)

    assert len(claimed) == ROUNDS
    assert bench.status().batch_states == {"sending": ROUNDS}
    bench.close()
    primary.stop()
