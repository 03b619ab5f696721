import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.damage import Damage, damage_of, is_formula_error
from dispatcher.domain.numbers import normaliser


@pytest.mark.parametrize(
    ("text", "damage"),
    [
        ("639980001", Damage.LEADING_ZERO),
        ("3.3639980001E+10", Damage.SCIENTIFIC),
        ("6,39980001e8", Damage.SCIENTIFIC),
        ("33639980001.0", Damage.DECIMALS),
        ("33639980001,00", Damage.DECIMALS),
        ("33 639 980 001,00", Damage.DECIMALS),
        ("33,639,980,001", Damage.THOUSANDS),
        ("33.639.980.001,00", Damage.THOUSANDS),
        ("'0639980001", Damage.TEXT_MARK),
        ('="0639980001"', Damage.TEXT_MARK),
        ("\ufeff0639980001", Damage.INVISIBLE),
        ("06\u200b39980001", Damage.INVISIBLE),
        ("\u202a0639980001\u202c", Damage.INVISIBLE),
        ("\uff10\uff16\uff13\uff19\uff19\uff18\uff10\uff10\uff10\uff11", Damage.OTHER_DIGITS),
        ("tel:0639980001", Damage.LABEL),
        ("T\u00e9l. : 06 39 98 00 01", Damage.LABEL),
        ("06 39 98 00 01", Damage.SEPARATORS),
        ("06.39.98.00.01", Damage.SEPARATORS),
        ("06\xa039\xa098\xa000\xa001", Damage.SEPARATORS),
        ("+33 (0)6 39 98 00 01", Damage.SEPARATORS),
        ("0639980001", None),
        ("33639980001", None),
        ("+33639980001", None),
        ("0033639980001", None),
    ],
)
def test_what_happened_to_a_number_is_told(text: str, damage: Damage | None) -> None:
    assert normaliser("FR")(text) == 33_639_980_001
    assert damage_of(text, 33_639_980_001) is damage


@pytest.mark.parametrize(
    ("region", "text", "damage"),
    [
        ("US", "2025550123", None),
        ("ES", "612345678", None),
        ("IT", "3123456789", None),
        ("DE", "15112345678", Damage.LEADING_ZERO),
        ("GB", "7911123456", Damage.LEADING_ZERO),
    ],
)
def test_a_zero_is_missed_only_where_people_write_one(
    region: str, text: str, damage: Damage | None
) -> None:
    number = normaliser(region)(text)

    assert isinstance(number, int)
    assert damage_of(text, number) is damage


def test_every_damage_has_a_sentence_of_its_own() -> None:
    sentences = [damage.sentence for damage in Damage]

    assert len(set(sentences)) == len(sentences) == 9
    assert all(sentence.endswith(".") for sentence in sentences)


@pytest.mark.parametrize(
    "text",
    ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#VALEUR!", "#NOM?",
     "#NV", "#WERT!", "#\u00a1VALOR!", "####"],
)  # fmt: skip
def test_what_spreadsheets_show_for_errors_is_known(text: str) -> None:
    assert is_formula_error(text)


@pytest.mark.parametrize("text", ["", "N/A", "#1", "#promo", "No #1!", "#Lyon! Paris", "3.36E+10"])
def test_other_text_is_no_error_of_a_formula(text: str) -> None:
    assert not is_formula_error(text)


@given(st.text(alphabet="+0123456789 .,-()E'=\"#tel:\xa0\ufeff\u0663", max_size=20))
def test_whatever_was_understood_can_be_told(text: str) -> None:
    number = normaliser("FR")(text)

    if isinstance(number, int):
        damage_of(text, number)
