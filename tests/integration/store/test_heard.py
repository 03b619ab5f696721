"""The log of merged receipts, which tells one recipient's story afterwards."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.domain.fates import Receipt
from dispatcher.store import preamble
from dispatcher.store.keys import Key
from tests.support.bench import START_MS, Bench

T0 = datetime.fromtimestamp(START_MS / 1000, UTC)
SINCE = T0 - timedelta(hours=1)


def receipt(sequence: int, code: int, second: int = 0) -> Receipt:
    return Receipt(sequence=sequence, code=code, ticket="t0", at=T0 + timedelta(seconds=second))


def codes(bench: Bench, sequence: int) -> list[int]:
    return [heard.code for heard in bench.account.heard.of(sequence, since=SINCE)]


def ready(bench: Bench) -> None:
    bench.ready(recipients=4, batch_size=4)
    bench.accept(bench.claim(), ticket="t0")


def test_every_receipt_is_told_in_the_order_it_was_merged_also_those_that_changed_nothing(
    bench: Bench,
) -> None:
    ready(bench)

    bench.account.receipts.merge([receipt(0, 3, 9), receipt(1, 1)])
    bench.advance(1000)
    bench.account.receipts.merge([receipt(0, 1, 5)])

    heard = bench.account.heard.of(0, since=SINCE)
    assert [(each.code, each.ticket, each.heard_at - each.at) for each in heard] == [
        (3, "t0", timedelta(seconds=-9)),
        (1, "t0", timedelta(seconds=-4)),
    ]
    assert codes(bench, 1) == [1]
    assert codes(bench, 2) == []


def test_repetitions_and_strangers_take_no_room(bench: Bench) -> None:
    ready(bench)
    bench.account.receipts.merge([receipt(0, 3), receipt(1, 3)])
    for _ in range(3):
        bench.account.receipts.merge([receipt(0, 3), receipt(1, 3), receipt(900, 3)])
    bench.account.receipts.merge([receipt(0, 3), receipt(2, 3)])

    assert bench.client.xlen(bench.keys.of(Key.HEARD)) == 2
    assert bench.account_field("heard") == 3
    assert [codes(bench, n) for n in range(4)] == [[3], [3], [3], []]


def test_the_log_keeps_the_newest_receipts_and_no_more(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preamble, "_FIGURES", {**preamble._FIGURES, "HEARD_KEPT": 5})
    bench = Bench(redis_url)
    ready(bench)

    for second in range(10):
        bench.account.receipts.merge([receipt(n, 11, second) for n in range(2)])

    assert bench.account_field("heard") <= 5
    assert bench.client.xlen(bench.keys.of(Key.HEARD)) == 2
    assert len(codes(bench, 0)) == 2
    bench.close()


def test_a_log_that_was_emptied_goes_on(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preamble, "_FIGURES", {**preamble._FIGURES, "HEARD_KEPT": 2})
    bench = Bench(redis_url)
    ready(bench)
    bench.account.receipts.merge([receipt(0, 11), receipt(1, 11)])
    bench.client.delete(bench.keys.of(Key.HEARD))

    bench.account.receipts.merge([receipt(2, 11)])
    bench.account.receipts.merge([receipt(3, 11)])
    bench.account.receipts.merge([receipt(3, 3)])

    assert codes(bench, 3) == [11, 3]
    bench.close()


@given(
    packs=st.lists(
        st.lists(st.tuples(st.integers(0, 3), st.sampled_from((1, 2, 3, 99))), max_size=6),
        max_size=6,
    )
)
@settings(max_examples=30, derandomize=True, deadline=None)
def test_what_is_news_is_told_and_nothing_else(
    fast_bench: Bench, packs: list[list[tuple[int, int]]]
) -> None:
    fast_bench.reset()
    ready(fast_bench)

    for pack in packs:
        fast_bench.account.receipts.merge(receipt(sequence, code) for sequence, code in pack)

    for sequence in range(4):
        came = {code for pack in packs for who, code in pack if who == sequence}
        assert set(codes(fast_bench, sequence)) == came


def test_entries_hold_no_numbers(bench: Bench) -> None:
    ready(bench)
    bench.account.receipts.merge([receipt(0, 3)])

    found: Any = bench.client.xrange(bench.keys.of(Key.HEARD))
    ((_, fields),) = found
    assert msgspec.msgpack.decode(fields[b"receipts"]) == [0, 13, START_MS // 1000, "t0"]
