import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.packing import Batch, pack, unpack

NUMBERS = st.lists(st.integers(0, 2**64 - 1), max_size=50)


@given(numbers=NUMBERS)
def test_numbers_come_back_in_order(numbers: list[int]) -> None:
    found = unpack(pack(Batch(numbers=numbers)))

    assert list(found.numbers) == numbers
    assert found.ids is None


@given(rows=st.lists(st.tuples(st.integers(0, 2**50), st.text(max_size=128)), max_size=20))
def test_ids_come_back_beside_their_numbers(rows: list[tuple[int, str]]) -> None:
    batch = Batch(numbers=[number for number, _ in rows], ids=[own_id for _, own_id in rows])

    found = unpack(pack(batch))

    assert list(zip(found.numbers, found.ids or [], strict=True)) == rows


def test_a_recipient_takes_eight_bytes_and_a_batch_few_more() -> None:
    packed = pack(Batch(numbers=range(33639980000, 33639981000)))

    assert len(packed) == 8005


@pytest.mark.parametrize("number", [-1, 2**64])
def test_what_is_no_phone_number_is_not_packed(number: int) -> None:
    with pytest.raises(OverflowError):
        pack(Batch(numbers=[number]))
