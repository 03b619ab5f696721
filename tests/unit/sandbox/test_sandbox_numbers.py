import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.sandbox.bodies import Gsm
from dispatcher.sandbox.numbers import Step, answer_of, fate_of, is_plain_block, read_number
from dispatcher.sandbox.sifting import Sifted, _sift_each, sift

VALUES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "33639980001",
                "+33639980001",
                "33639980002",
                "33639989800",
                "33639989700",
                "0639980003",
                "12345678",
                "1234567",
                "123456789012345",
                "1234567890123456",
                "33639980001\n33639980002",
                "٣٣٦٣٩٩٨٠٠٠١",
                "",
            ]
        ),
        st.integers(min_value=-1, max_value=10**16),
        st.none(),
        st.text(max_size=20),
    ),
    max_size=12,
)


@pytest.mark.parametrize(
    ("value", "digits"),
    [
        ("33639980001", "33639980001"),
        (33639980001, "33639980001"),
        (" +33 6 39 98 00 01\n", "33639980001"),
        ("12345678", "12345678"),
        ("123456789012345", "123456789012345"),
        ("1234567", None),
        ("1234567890123456", None),
        ("0639980001", None),
        ("0033639980001", None),
        ("++33639980001", None),
        ("33639980001x", None),
        ("٣٣٦٣٩٩٨٠٠٠١", None),
        ("", None),
        ("33639989700", None),
        ("33639989799", None),
        ("33639989699", "33639989699"),
        ("33639989800", "33639989800"),
    ],
)
def test_only_international_digits_are_a_number(value: str | int, digits: str | None) -> None:
    assert read_number(value) == digits


@given(VALUES)
def test_the_fast_way_sifts_as_the_slow_way_does(values: list[str | int | None]) -> None:
    blacklist: dict[str, object] = {"33639989800": None}

    fast = sift([Gsm(value) for value in values], blacklist)
    slow = _sift_each(values, blacklist)

    assert (fast.destinations, list(fast.kept), fast.counts) == (
        slow.destinations,
        list(slow.kept),
        slow.counts,
    )


@given(VALUES)
def test_every_recipient_is_counted_once(values: list[str | int | None]) -> None:
    sifted: Sifted = sift([Gsm(value) for value in values], {"33639980002": None})

    counts = sifted.counts
    parts = counts.sent + counts.blacklisted + counts.duplicated + counts.invalid
    assert counts.total == len(values) == parts
    assert len(set(sifted.destinations)) == counts.sent


@pytest.mark.parametrize(
    "values",
    [
        ["33639980001", "0639980001"],
        ["0639980001"],
        ["33639980001\n33639980002"],
        ["33639989001"],
        ["33639980001", ""],
        ["1234567"],
    ],
)
def test_a_block_with_an_oddity_is_not_plain(values: list[str]) -> None:
    assert not is_plain_block(values)
    assert is_plain_block(["33639980001", "12345678", "123456789012345"])


@pytest.mark.parametrize(
    ("number", "fate"),
    [
        ("33639980001", [Step(3)]),
        ("33639989000", [Step(0)]),
        ("33639989099", [Step(99)]),
        ("33639989112", [Step(12), Step(12)]),
        ("33639989203", [Step(3), Step(1)]),
        ("33639989303", [Step(1), Step(3)]),
        ("33639989403", [Step(2), Step(3)]),
        ("33639989503", [Step(1), Step(3, 60.0)]),
        ("33639989600", []),
        ("33639989810", [Step(3)]),
        ("33639989999", [Step(3)]),
        ("336399890", [Step(3)]),
    ],
)
def test_a_reserved_number_chooses_its_fate(number: str, fate: list[Step]) -> None:
    assert list(fate_of(number, seed=0, undelivered_rate=0.0)) == fate


def test_a_share_of_the_others_is_not_delivered_by_seed() -> None:
    numbers = [str(33639980000 + place) for place in range(1000)]

    def undelivered(seed: int) -> list[str]:
        return [n for n in numbers if fate_of(n, seed=seed, undelivered_rate=0.1) == (Step(2),)]

    assert 50 < len(undelivered(1)) < 150
    assert undelivered(1) == undelivered(1)
    assert undelivered(1) != undelivered(2)


def test_some_reserved_numbers_answer() -> None:
    answers = [answer_of(number) for number in ("33639989900", "33639989911", "33639980900")]

    assert [answer and (answer.text, answer.national) for answer in answers] == [
        ("STOP", False),
        ("OUI", True),
        None,
    ]
