import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.numbers import NumberProblem, normaliser
from dispatcher.errors import SettingsError
from tests.support.number_oracle import COUNTRIES, REGIONS, expected_number, random_number
from tests.support.people import fictional, generated

# All 200,000 of the project's promise: COMPARED_NUMBERS=200000 pytest tests/unit/domain
COMPARED = int(os.environ.get("COMPARED_NUMBERS", "20000"))


@pytest.mark.parametrize(
    "text",
    [
        "+33639980001",
        "+33 6 39 98 00 01",
        "+33 (0)6 39 98 00 01",
        "(+33) 6.39.98.00.01",
        "\uff0b33639980001",
        "0033639980001",
        "00 33 (0) 6 39 98 00 01",
        "33639980001",
        "0639980001",
        "06 39 98 00 01",
        "06.39.98.00.01",
        "06-39-98-00-01",
        "06/39/98/00/01",
        "06\u201139\u201198\u201100\u201101",
        "06\xa039\xa098\xa000\xa001",
        "06\u202f39\u202f98\u202f00\u202f01",
        "\t06 39 98 00 01\r\n",
        "\u202a0639980001\u202c",
        "tel:+33-6-39-98-00-01",
        "TEL: 0639980001",
        "T\u00e9l. : 06 39 98 00 01",
        "\uff10\uff16\uff13\uff19\uff19\uff18\uff10\uff10\uff10\uff11",
        "\u0660\u0666\u0663\u0669\u0669\u0668\u0660\u0660\u0660\u0661",
    ],
)
def test_forms_that_people_type_are_one_number(text: str) -> None:
    assert normaliser("FR")(text) == 33_639_980_001


@pytest.mark.parametrize(
    "text",
    [
        "639980001",
        "33639980001.0",
        "33639980001,00",
        "3.3639980001E+10",
        "3.36399800010E+010",
        "33 639 980 001.00",
        "33\u202f639\u202f980\u202f001,00",
        "33,639,980,001",
        "33.639.980.001,0",
        "'0639980001",
        "`0639980001",
        '="0639980001"',
    ],
)
def test_what_a_spreadsheet_did_is_mended_while_every_digit_is_there(text: str) -> None:
    assert normaliser("FR")(text) == 33_639_980_001


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", NumberProblem.EMPTY),
        (" \t\xa0", NumberProblem.EMPTY),
        ('""', NumberProblem.EMPTY),
        ("unknown", NumberProblem.NOT_A_NUMBER),
        ("-", NumberProblem.NOT_A_NUMBER),
        ("+", NumberProblem.NOT_A_NUMBER),
        ("0639980001 ext. 5", NumberProblem.NOT_A_NUMBER),
        ("0639980001;ext=5", NumberProblem.NOT_A_NUMBER),
        ("0639980001x5", NumberProblem.NOT_A_NUMBER),
        ("0800 FLOWERS", NumberProblem.NOT_A_NUMBER),
        ("0639980001, 0639980002", NumberProblem.NOT_A_NUMBER),
        ("+33 6 39 98 +00 01", NumberProblem.NOT_A_NUMBER),
        ("++33639980001", NumberProblem.NOT_A_NUMBER),
        ("1", NumberProblem.TOO_SHORT),
        ("063998", NumberProblem.TOO_SHORT),
        ("+33 6 39 98 00", NumberProblem.TOO_SHORT),
        ("06 39 98 00 01 23", NumberProblem.TOO_LONG),
        ("+33 6 39 98 00 01 2", NumberProblem.TOO_LONG),
        ("0639980001" * 7, NumberProblem.TOO_LONG),
        ("+999 123 456 789", NumberProblem.NOT_VALID),
        ("+0639980001", NumberProblem.NOT_VALID),
        ("06 94 00 00 00", NumberProblem.NOT_VALID),
        ("3.36E+10", NumberProblem.DIGITS_LOST),
        ("3,36E+10", NumberProblem.DIGITS_LOST),
        ("3E10", NumberProblem.DIGITS_LOST),
        ("3.36398E+10", NumberProblem.DIGITS_LOST),
        ("3.36398000155E+10", NumberProblem.NOT_A_NUMBER),
        ("33 639 980 00.01", NumberProblem.TOO_LONG),
        ("#N/A", NumberProblem.FORMULA_ERROR),
        ("#VALEUR!", NumberProblem.FORMULA_ERROR),
        ("########", NumberProblem.FORMULA_ERROR),
    ],
)
def test_what_is_no_number_is_told_apart(text: str, problem: NumberProblem) -> None:
    assert normaliser("FR")(text) is problem


@pytest.mark.parametrize("problem", NumberProblem)
def test_every_problem_says_what_to_do(problem: NumberProblem) -> None:
    assert problem.message
    assert problem.fix


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("33639979999", NumberProblem.NOT_VALID),
        ("33639980000", 33_639_980_000),
        ("33639989999", 33_639_989_999),
        ("33639990000", NumberProblem.NOT_VALID),
        ("336399800000", NumberProblem.TOO_LONG),
    ],
)
def test_the_range_for_fiction_ends_where_the_regulator_says(
    text: str, expected: int | NumberProblem
) -> None:
    assert normaliser("FR")(text) == expected


@pytest.mark.parametrize("region", ["FR", "DE", "US", "IT", "JP", "RE", ""])
def test_a_fictional_number_with_its_country_is_taken_in_any_region(region: str) -> None:
    assert normaliser(region)("+33 6 39 98 00 01") == 33_639_980_001
    assert normaliser(region)("+33639980001") == 33_639_980_001


@pytest.mark.parametrize(
    ("region", "text", "expected"),
    [
        ("FR", "4915112345678", 4_915_112_345_678),
        ("US", "33639980001", 33_639_980_001),
        ("US", "0033639980001", 33_639_980_001),
        ("US", "01133639980001", 33_639_980_001),
        ("US", "2025550123", 12_025_550_123),
        ("US", "12025550123", 12_025_550_123),
        ("ES", "612345678", 34_612_345_678),
        ("IT", "3123456789", 393_123_456_789),
        ("IT", "+39 06 6982 0000", 390_669_820_000),
        ("IT", "0669820000", 390_669_820_000),
        ("RU", "8 912 345-67-89", 79_123_456_789),
        ("RE", "0692123456", 262_692_123_456),
        ("fr", "0639980001", 33_639_980_001),
        ("", "33639980001", 33_639_980_001),
        ("", "0033639980001", 33_639_980_001),
        ("", "0639980001", NumberProblem.NO_REGION),
    ],
)
def test_the_default_region_decides_what_digits_without_a_plus_mean(
    region: str, text: str, expected: int | NumberProblem
) -> None:
    assert normaliser(region)(text) == expected


@pytest.mark.parametrize(
    ("region", "text", "expected"),
    [
        # In Germany's open numbering plan these are landlines too, of the area 04915.
        ("DE", "4915112345678", 4_915_112_345_678),
        # A landline of Brittany that lost its zero, or a mobile of the Faroe Islands.
        ("FR", "298212345", NumberProblem.AMBIGUOUS),
        ("FR", "0298212345", 33_298_212_345),
        ("FR", "+298212345", 298_212_345),
        ("DE", "33639980001", NumberProblem.AMBIGUOUS),
        ("IT", "33639980001", NumberProblem.AMBIGUOUS),
    ],
)
def test_of_two_valid_readings_none_is_guessed_that_would_reach_a_stranger(
    region: str, text: str, expected: int | NumberProblem
) -> None:
    assert normaliser(region)(text) == expected


@pytest.mark.parametrize(
    ("region", "text", "expected"),
    [
        # Digits that begin with the region's calling code and yet are national.
        ("AT", "435904157", 43_435_904_157),
        ("BR", "5540041202", 555_540_041_202),
        ("DE", "4916412345", 494_916_412_345),
        # Brazil cuts 90, for a call the receiver pays, off what could be Turkish.
        ("BR", "908001233617", 558_001_233_617),
        # Calling codes shared by several countries, some of which own leading digits.
        ("GB", "07911123456", 447_911_123_456),
        ("GG", "07781123456", 447_781_123_456),
        ("", "+77710001234", 77_710_001_234),
        ("", "+262639012345", 262_639_012_345),
        ("", "+15062345678", 15_062_345_678),
        # Kept whole, although 8 is what Russians dial ahead of a national number.
        ("RU", "+78001234567", 78_001_234_567),
    ],
)
def test_awkward_numbering_plans_read_as_libphonenumber_reads_them(
    region: str, text: str, expected: int
) -> None:
    assert normaliser(region)(text) == expected
    assert expected_number(text, region) == expected


@pytest.mark.parametrize("region", ["XX", "FRA", "France", "33"])
def test_an_unknown_region_is_refused(region: str) -> None:
    with pytest.raises(SettingsError, match="two letters such as FR"):
        normaliser(region)


@pytest.mark.parametrize("region", REGIONS)
def test_random_numbers_of_20_countries_read_as_libphonenumber_reads_them(region: str) -> None:
    normalise = normaliser(region)
    chance = random.Random(f"numbers in {region}")
    texts = [random_number(chance) for _ in range(COMPARED // 8)]

    different = [
        text for text in texts if _number(normalise(text)) != expected_number(text, region)
    ]

    assert different == []
    assert COMPARED // 4 > sum(isinstance(normalise(text), int) for text in texts) > COMPARED // 20


@given(
    place=st.integers(0, 8_999),
    form=st.sampled_from(["0", "+33", "+33(0)", "0033", "0033(0)", "tel:+33", "tel:0", "33", ""]),
    gaps=st.lists(
        st.sampled_from(["", " ", ".", "-", "\xa0", "\u202f", "/", "\t"]), min_size=8, max_size=8
    ),
)
def test_separators_change_nothing(place: int, form: str, gaps: list[str]) -> None:
    number = fictional(1, start=place)[0]
    digits = str(number)[2:]
    text = form + "".join(digit + gap for digit, gap in zip(digits, [*gaps, ""], strict=True))

    assert normaliser("FR")(text) == number


@given(
    text=st.text(max_size=80) | st.text(alphabet="+0123456789 .-()E,\u0663", max_size=20),
    region=st.sampled_from(["FR", "US", "DE", ""]),
)
def test_any_text_gives_a_number_or_a_problem(text: str, region: str) -> None:
    answer = normaliser(region)(text)

    assert isinstance(answer, NumberProblem) or 100 < answer < 10**17


@given(
    text=st.text(alphabet="+0123456789", min_size=5, max_size=16), region=st.sampled_from(COUNTRIES)
)
def test_any_digits_read_as_libphonenumber_reads_them(text: str, region: str) -> None:
    assert _number(normaliser(region)(text)) == expected_number(text, region)


@given(
    texts=st.lists(
        st.sampled_from(["33639980001", "33612345678", "+33612345678", "+14155552671"])
        | st.sampled_from(["33612345678\n33612345679", "33639980001\n", "", "\n", "336", "4412"])
        | st.text(alphabet="+0123456789\n", max_size=13),
        max_size=6,
    ),
    region=st.sampled_from(["FR", "US", "RE", ""]),
)
def test_many_numbers_read_as_each_of_them_does(texts: list[str], region: str) -> None:
    normalise = normaliser(region)

    assert normalise.read_all(texts) == [normalise(text) for text in texts]


@pytest.mark.parametrize("region", REGIONS)
def test_random_numbers_read_alike_on_lines_of_their_own(region: str) -> None:
    normalise = normaliser(region)
    chance = random.Random(f"lines in {region}")
    texts = [random_number(chance) for _ in range(COMPARED // 40)]

    pairs = [normalise.read_all([text, text]) for text in texts]

    assert pairs == [[normalise(text)] * 2 for text in texts]


def test_the_numbers_of_load_tests_are_valid_and_distinct() -> None:
    numbers = list(generated(20_000, seed=3))

    assert len(set(numbers)) == 20_000
    assert all(normaliser("FR")(number) == int(number) for number in numbers)
    assert numbers == list(generated(20_000, seed=3))
    assert numbers[:10] != list(generated(10, seed=4))


def _number(answer: int | NumberProblem) -> int | None:
    return answer if isinstance(answer, int) else None
