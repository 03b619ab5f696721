import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.erasure import Person, without
from dispatcher.domain.packing import Batch, pack, packed_numbers, unpack

NUMBER = 33639980001
ADA = Person(number=NUMBER)
NUMBERS = st.integers(33639980000, 33639989999)


@pytest.mark.parametrize(
    "text",
    [
        "33639980001",
        "+33639980001",
        "0033639980001",
        "0639980001",
        "639980001",
        "06 39 98 00 01",
        "06.39.98.00.01",
        "06-39-98-00-01",
        "+33 6 39 98 00 01",
        "+33 (0)6 39 98 00 01",
        "06\u00a039\u00a098\u00a000\u00a001",
        "06\u202f39\u202f98\u202f00\u202f01",
        r"06\u00a039\u00a098\u00a000\u00a001",
        '{"destination":33639980001,"status":3}',
        '{"from":"0639980001"}',
        "call me at 06 39 98 00 01!",
        "12 06 39 98 00 01",
    ],
)
def test_a_number_is_found_however_it_is_written(text: str) -> None:
    assert ADA.is_in(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "33639980002",
        "336399800012",
        "133639980001",
        "0739980001",
        "+44 639980001",
        "4639980001",
        "33 6 39 98 00 0",
    ],
)
def test_another_number_is_not_taken_for_it(text: str) -> None:
    assert not ADA.is_in(text.encode())


@pytest.mark.parametrize(
    "content",
    [
        packed_numbers([1, NUMBER]),
        struct.pack(">Q", NUMBER),
        struct.pack("<d", NUMBER),
        struct.pack(">d", NUMBER),
        msgspec.msgpack.encode([[NUMBER, "x"]]),
        msgspec.msgpack.encode(["+33639980001"]),
        pack(Batch(numbers=[5, NUMBER], ids=["a", "b"])),
    ],
)
def test_a_number_is_found_in_every_packed_form(content: bytes) -> None:
    assert ADA.is_in(content)


@given(numbers=st.lists(NUMBERS, unique=True, max_size=20), wanted=NUMBERS)
def test_only_batches_with_somebody_hold_them(numbers: list[int], wanted: int) -> None:
    person = Person(number=wanted)

    assert person.is_in(packed_numbers(numbers)) is (wanted in numbers)
    assert [numbers[place] for place in person.places(numbers)] == [wanted] * (wanted in numbers)


def test_a_number_without_a_known_country_is_found_as_it_is() -> None:
    nowhere = Person(number=999123)

    assert nowhere.is_in(b"id 999123.")
    assert not nowhere.is_in(b"id 1999123.")


def test_a_person_does_not_show_the_number() -> None:
    assert str(NUMBER) not in repr(ADA)


def test_whoever_is_blanked_out_leaves_nothing_and_the_others_stay_in_their_places() -> None:
    batch = Batch(
        numbers=[1, NUMBER, 3], ids=["a", "b", "c"], shared=("x",), infos=[["p", "q", "r"]]
    )

    found = unpack(pack(without(batch, [1])))

    assert list(found.numbers) == [1, 0, 3]
    assert (found.ids, found.shared, found.infos) == (["a", "", "c"], ("x",), [["p", "", "r"]])


def test_shared_values_go_with_the_last_person() -> None:
    batch = Batch(numbers=[NUMBER], shared=("Ada", "9 h"))

    assert without(batch, [0]).shared == ("", "")
