import itertools

import pytest

from dispatcher.domain.fates import (
    AWAITED_COUNTERS,
    RANKS,
    RECEIPT_BASE,
    Exclusion,
    ReceiptCode,
    code_of,
    fate_of,
    is_final,
    rank,
)


def test_every_code_to_99_has_a_fate_byte_of_its_own() -> None:
    fates = [fate_of(code) for code in range(100)]

    assert fates == list(range(10, 110))
    assert [code_of(fate) for fate in fates if fate is not None] == list(range(100))


@pytest.mark.parametrize("code", [-1, 100, 245, 10**30])
def test_a_code_that_fits_no_byte_has_no_fate(code: int) -> None:
    assert fate_of(code) is None


@pytest.mark.parametrize("fate", [0, 9, 110, *Exclusion])
def test_what_is_no_receipt_has_no_code(fate: int) -> None:
    assert code_of(fate) is None


def test_exclusions_do_not_meet_receipts() -> None:
    assert {int(reason) for reason in Exclusion}.isdisjoint(range(RECEIPT_BASE, RECEIPT_BASE + 100))


def test_delivered_beats_every_other_code() -> None:
    delivered = rank(RECEIPT_BASE + ReceiptCode.DELIVERED)

    others = [rank(RECEIPT_BASE + code) for code in range(100) if code != ReceiptCode.DELIVERED]
    assert delivered > max(others)


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        (ReceiptCode.NOT_SENT, ReceiptCode.SENT),
        (ReceiptCode.SENT, ReceiptCode.NETWORK_ERROR),
        (ReceiptCode.NETWORK_ERROR, ReceiptCode.EXPIRED),
        (ReceiptCode.SENT, ReceiptCode.NOT_DELIVERED),
    ],
)
def test_what_comes_later_in_a_message_s_life_ranks_higher(
    lower: ReceiptCode, higher: ReceiptCode
) -> None:
    assert rank(RECEIPT_BASE + lower) < rank(RECEIPT_BASE + higher)


def test_codes_nobody_documents_rank_lowest_and_are_not_final() -> None:
    unknown = set(range(100)) - set(ReceiptCode)

    assert {rank(RECEIPT_BASE + code) for code in unknown} == {1}
    assert not any(is_final(RECEIPT_BASE + code) for code in unknown)


def test_only_not_sent_and_sent_leave_something_to_wait_for() -> None:
    waiting = [code for code in ReceiptCode if not is_final(RECEIPT_BASE + code)]

    assert waiting == [ReceiptCode.NOT_SENT, ReceiptCode.SENT]


def test_the_tables_of_the_scripts_say_the_same() -> None:
    assert [rank(RECEIPT_BASE + code) for code in range(100)] == list(RANKS)
    awaited = {f"f:{RECEIPT_BASE + code}" for code in range(100) if not is_final(10 + code)}
    assert set(AWAITED_COUNTERS) == awaited | {"b:accepted", "b:doubtful"}


def test_the_order_is_total() -> None:
    heard = [(rank(10 + code), at, 10 + code) for code in ReceiptCode for at in (1, 2)]

    assert all(a < b or b < a for a, b in itertools.combinations(heard, 2))
