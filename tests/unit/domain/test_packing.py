import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.packing import Batch, pack, packed_numbers, unpack

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

    assert len(packed) == 8007


VALUES = st.text(max_size=20)


@given(shared=st.lists(VALUES, max_size=6).map(tuple))
def test_values_that_all_have_come_back(shared: tuple[str, ...]) -> None:
    found = unpack(pack(Batch(numbers=[33639980000], shared=shared)))

    assert (found.shared, found.infos) == (shared, None)


@given(rows=st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=20))
def test_values_of_each_recipient_come_back_by_field(rows: list[tuple[str, str, str]]) -> None:
    columns = list(zip(*rows, strict=True))

    found = unpack(pack(Batch(numbers=range(len(rows)), infos=columns)))

    assert found.shared is None
    assert list(zip(*(found.infos or []), strict=True)) == rows


@pytest.mark.parametrize("ids", [None, ["a", "b"]])
def test_batches_packed_before_there_were_fields_are_still_read(ids: list[str] | None) -> None:
    old = msgspec.msgpack.encode([packed_numbers([33639980000, 33639980001]), ids])

    found = unpack(old)

    assert list(found.numbers) == [33639980000, 33639980001]
    assert (found.ids, found.shared, found.infos) == (ids, None, None)


@pytest.mark.parametrize("number", [-1, 2**64])
def test_what_is_no_phone_number_is_not_packed(number: int) -> None:
    with pytest.raises(OverflowError):
        pack(Batch(numbers=[number]))
