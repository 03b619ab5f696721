"""Erasing somebody from what was received, and the look at every key that proves it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec
import pytest

from dispatcher.domain.erasure import Person, Proof
from dispatcher.domain.suppressions import SuppressionSource
from dispatcher.store.erasure import Count
from dispatcher.store.keys import Key
from dispatcher.store.proof import entries
from dispatcher.store.replies import blob
from dispatcher.store.suppressions import Addition
from tests.support.bench import FIRST_NUMBER, START_MS, Bench

NUMBER = FIRST_NUMBER + 1
ADA = Person(number=NUMBER)


def erase(bench: Bench) -> Count:
    return bench.account.erasure.erase(ADA)


def look(bench: Bench) -> Proof:
    return bench.store.search().find(ADA)


def test_received_bodies_about_them_are_deleted_and_those_of_others_stay(bench: Bench) -> None:
    theirs = b'{"status":3,"destination":"+33639980001","campaign_id":9}'
    others = b'{"status":3,"destination":"33639980002","campaign_id":9}'
    bench.account.receipts.park([theirs, others])
    bench.account.receipts.quarantine([b"from=06%2039 0639980001", others])
    packed = msgspec.msgpack.encode([theirs, others])
    bench.client.rpush(bench.keys.of(Key.EARLY, "9"), packed)

    count = erase(bench)

    assert count.entries == 3
    assert look(bench).is_clean
    for key in (Key.PARKED, Key.QUARANTINE):
        kept = [fields[b"body"] for _, fields in entries(bench.client, bench.keys.of(key))]
        assert kept == [others]
    (early,) = bench.client.lrange(bench.keys.of(Key.EARLY, "9"), 0, -1)
    assert msgspec.msgpack.decode(blob(early)) == [others]


def test_receipts_that_are_about_to_be_merged_are_told_as_passing(bench: Bench) -> None:
    bench.account.receipts.append([b'{"destination":"33639980001"}'])

    erase(bench)

    (trace,) = look(bench).traces
    assert (trace.key, trace.count, trace.passes) == ("sms:{default}:receipts", 1, True)


def test_who_was_erased_lately_is_remembered_by_a_digest(bench: Bench) -> None:
    bench.account.erasure.remember(ADA, datetime.fromtimestamp(START_MS / 1000, UTC))

    assert bench.account.erasure.forgotten([FIRST_NUMBER, NUMBER]) == {NUMBER}
    assert look(bench).is_clean


def test_replies_of_theirs_are_deleted_and_those_of_others_stay(bench: Bench) -> None:
    for reply, sender in (("r1", "+33639980001"), ("r2", "+33639980002")):
        bench.client.hset(bench.keys.of(Key.REPLY, reply), mapping={"sender": sender, "text": "a"})
        for index in (Key.REPLIES, Key.REVIEW):
            bench.client.zadd(bench.keys.of(index), {reply: START_MS})

    assert erase(bench).entries == 1

    assert look(bench).is_clean
    assert bench.listed(Key.REPLIES) == bench.listed(Key.REVIEW) == {"r2"}
    assert bench.client.exists(bench.keys.of(Key.REPLY, "r2"))
    assert not bench.client.exists(bench.keys.of(Key.REPLY, "r1"))


def test_whoever_is_suppressed_stays_so_without_their_number(bench: Bench) -> None:
    suppressions = bench.account.suppressions
    at = datetime.fromtimestamp(START_MS / 1000, UTC)
    addition = Addition(numbers=[NUMBER], source=SuppressionSource.OPERATOR, at=at)
    suppressions.add(addition)
    assert not look(bench).is_clean

    first, second = erase(bench), erase(bench)

    assert (first.entries, second.entries) == (1, 0)
    assert look(bench).is_clean
    assert suppressions.contains([NUMBER]) == {NUMBER}


PLANTED: Sequence[Callable[[Bench, str], object]] = (
    lambda bench, name: bench.client.set(name, b"\0" * 2_000_000 + ADA.packed),
    lambda bench, name: bench.client.set(name, b"x" * ((1 << 20) - 5) + b" 33639980001"),
    lambda bench, name: bench.client.hset(name, "field", "06 39 98 00 01"),
    lambda bench, name: bench.client.hset(name, "33639980001", "value"),
    lambda bench, name: bench.client.rpush(name, *["x"] * 300, msgspec.msgpack.encode([NUMBER])),
    lambda bench, name: bench.client.sadd(name, "33639980001"),
    lambda bench, name: bench.client.zadd(name, {"shop/0639980001": 1}),
    lambda bench, name: bench.client.xadd(name, {"body": "+33639980001"}),
    lambda bench, name: bench.client.set(f"{name}:33639980001", "x"),
)


@pytest.mark.parametrize("plant", PLANTED)
def test_the_proof_finds_the_number_in_every_type_and_form(
    bench: Bench, plant: Callable[[Bench, str], object]
) -> None:
    assert look(bench).is_clean

    plant(bench, "sms:{other}:planted")

    (trace,) = look(bench).traces
    assert trace.key in ("sms:{other}:planted", "(number)")
