"""Batches of one campaign may differ in size; everybody keeps a place of their own."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate, chain

import pytest

from dispatcher.domain.fates import Exclusion, Receipt
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.store.batches import Outcome
from tests.support.bench import FIRST_NUMBER, Bench
from tests.support.bench_lists import submit_sizes
from tests.support.books import check_counters, check_indexes, check_money, check_transitions

SIZES = ((3,), (1, 1), (2, 5), (5, 2), (1, 3, 2, 5, 1), (4, 1, 1, 1, 1, 1, 7), (1,) * 9 + (2,))
AT = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


def receipt(sequence: int, ticket: str, code: int = 3) -> Receipt:
    return Receipt(sequence=sequence, code=code, ticket=ticket, at=AT)


def ready(bench: Bench, sizes: Sequence[int]) -> int:
    """Quote a campaign of such batches behind another one; give its first sequence number."""
    bench.account.ledger.approve_server(quiet_ms=0)
    bench.submit("before", recipients=7, batch_size=3)
    submit_sizes(bench, sizes)
    bench.quote_all("c1")
    return 7


def accept_all(bench: Bench, sizes: Sequence[int]) -> list[str]:
    """Accept every batch; give the ticket of each recipient's."""
    for _ in sizes:
        claim = bench.claim()
        bench.accept(claim, ticket=f"t{claim.n}")
    return list(chain.from_iterable([f"t{n}"] * size for n, size in enumerate(sizes)))


@pytest.mark.parametrize("sizes", SIZES)
def test_each_claim_has_its_own_recipients_fates_and_sequence(
    bench: Bench, sizes: Sequence[int]
) -> None:
    first = ready(bench, sizes)

    claims = [bench.claim() for _ in sizes]

    starts = list(accumulate(sizes, initial=0))[:-1]
    assert [claim.n for claim in claims] == list(range(len(sizes)))
    assert [claim.first for claim in claims] == [first + start for start in starts]
    assert [claim.fates for claim in claims] == [b"\0" * size for size in sizes]
    assert [list(claim.batch.numbers) for claim in claims] == [
        list(range(FIRST_NUMBER + start, FIRST_NUMBER + start + size))
        for start, size in zip(starts, sizes, strict=True)
    ]
    check_indexes(bench, ["c1"])
    check_money(bench, ["c1"])


@pytest.mark.parametrize("sizes", SIZES)
def test_a_receipt_finds_its_batch_whichever_place_it_is_about(
    bench: Bench, sizes: Sequence[int]
) -> None:
    first = ready(bench, sizes)
    tickets = accept_all(bench, sizes)

    for place, ticket in enumerate(tickets):
        assert bench.account.receipts.merge([receipt(first + place, ticket)]) == set()
        found = [result.state.value for result in bench.results()]
        assert found == ["delivered"] * (place + 1) + ["sent"] * (len(tickets) - place - 1)

    assert bench.alarms() == []
    assert [result.ticket for result in bench.results()] == tickets
    assert bench.status().state is CampaignState.FINISHED
    check_counters(bench, "c1")


def test_receipts_merged_at_once_find_their_batches_too(bench: Bench) -> None:
    sizes = (1, 3, 2, 5, 1)
    first = ready(bench, sizes)
    tickets = accept_all(bench, sizes)

    bench.account.receipts.merge([receipt(first + n, ticket) for n, ticket in enumerate(tickets)])

    assert (bench.alarms(), bench.status().receipts) == ([], 12)
    assert bench.status().state is CampaignState.FINISHED


@pytest.mark.parametrize("place", range(12))
def test_a_receipt_settles_the_batch_it_is_about_and_no_other(bench: Bench, place: int) -> None:
    sizes = (1, 3, 2, 5, 1)
    owner = [0, 1, 1, 1, 2, 2, 3, 3, 3, 3, 3, 4][place]
    first = ready(bench, sizes)
    for _ in sizes:
        bench.record(bench.claim(), Outcome.UNKNOWN, why="lost")

    bench.account.receipts.merge([receipt(first + place, "t9")])

    states = [bench.account.batches.read("c1", n) for n in range(5)]
    assert [record.state.value for record in states if record] == [
        "accepted" if n == owner else "unknown" for n in range(5)
    ]
    check_counters(bench, "c1")


@pytest.mark.parametrize("sequence", [6, 19])
def test_a_receipt_beside_the_campaign_is_none_of_its(bench: Bench, sequence: int) -> None:
    sizes = (1, 3, 2, 5, 1)
    ready(bench, sizes)
    accept_all(bench, sizes)

    assert bench.account.receipts.merge([receipt(sequence, "t0")]) == {sequence}
    assert bench.status().receipts == 0


def test_those_left_out_by_a_quote_or_a_send_keep_their_places(bench: Bench) -> None:
    bench.account.ledger.approve_server(quiet_ms=0)
    submit_sizes(bench, (2, 4, 1, 4))
    bench.quote("c1", exclusions={1: Exclusion.INVALID})
    bench.quote("c1", exclusions={0: Exclusion.BLACKLISTED, 2: Exclusion.INVALID})
    bench.quote("c1", exclusions={0: Exclusion.INVALID})
    bench.quote("c1")

    claims = [bench.claim() for _ in range(3)]
    for claim in claims:
        bench.accept(claim)
    bench.account.batches.exclude("c1", 3, {0: Exclusion.BLACKLISTED, 3: Exclusion.DUPLICATED})

    assert [claim.fates for claim in claims] == [b"\0\xc9", b"\xc8\0\xc9\0", b"\0\0\0\0"]
    assert [result.reason for result in bench.results()] == [
        None, "invalid",
        "blacklisted", None, "invalid", None,
        "invalid",
        "blacklisted", None, None, "duplicated",
    ]  # fmt: skip
    assert bench.status().batch_states == {"accepted": 3, "empty": 1}
    check_counters(bench, "c1")


def test_results_are_in_the_order_of_the_batches(bench: Bench) -> None:
    submit_sizes(bench, (2, 5, 1))

    assert [int(result.number) - FIRST_NUMBER for result in bench.results()] == list(range(8))


def test_a_campaign_of_different_batches_ends_as_any_other(bench: Bench) -> None:
    sizes = (2, 5, 1)
    ready(bench, sizes)
    bench.accept(bench.claim())
    bench.record(bench.claim(), Outcome.REFUSED, code="-5", why="nobody")
    bench.record(bench.claim(), Outcome.UNKNOWN, why="lost")

    found = [result.state.value for result in bench.results()]

    assert found == ["sent"] * 2 + ["refused"] * 5 + ["unknown"]
    for check in (check_counters, check_transitions):
        check(bench, "c1")
    check_money(bench, ["c1"])
