"""Phone numbers as people and spreadsheets write them, read by libphonenumber's rules.

How digits without `+` are read, in a default region:

1. as a national number of the region, or with the region's prefix for calls abroad;
2. as international digits, the form of the API's own `gsm.value` (contract, section 4).

Where only one reading is valid, it is taken. Where both are and differ, a national mobile
wins, as does a national number over anything abroad that is no mobile. A mobile under the
region's own calling code wins over a national landline. What is left, a landline here or a
stranger's mobile abroad, is refused as ambiguous: a campaign never guesses whom it reaches.
"""

import enum
import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import phonenumbers
from phonenumbers import (
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberType,
    ValidationResult,
)

from dispatcher.domain.damage import is_formula_error
from dispatcher.domain.numbering import FICTION, HEAD, InternationalMatchers, national_matcher
from dispatcher.errors import SettingsError


class NumberProblem(enum.Enum):
    """Why a text is not a phone number that a message can go to.

    Attributes:
        message: what is wrong, without the number.
        fix: what to do about it.
    """

    EMPTY = "the number is missing", "fill it in, or delete the row"
    NOT_A_NUMBER = "not a phone number", "write one number, in digits, without letters or extension"
    TOO_SHORT = "too few digits", "write the whole number, with its area code"
    TOO_LONG = "too many digits", "write one number only, without extension"
    NOT_VALID = "no operator has given out such a number", "check the digits and the country code"
    NO_REGION = (
        "the country is missing",
        "begin with + and the country code, or set a default region",
    )
    AMBIGUOUS = (
        "a landline here or a mobile abroad, depending on how it is read",
        "begin with + and the country code",
    )
    DIGITS_LOST = (
        "a spreadsheet has rounded the number, and its last digits are gone",
        "format the column as text, enter the numbers again and export once more",
    )
    FORMULA_ERROR = (
        "a spreadsheet shows an error here, or a column too narrow, instead of a number",
        "mend the formula or widen the column, and export once more",
    )

    def __init__(self, message: str, fix: str) -> None:
        self.message = message
        self.fix = fix


def normaliser(default_region: str) -> "Normaliser":
    """Make what turns a text into its international digits, as an integer.

    `+33 6 39 98 00 01`, `0033639980001`, `06.39.98.00.01`, `33639980001` and `639980001`
    are all 33639980001 in France. Safe to share between threads.

    Args:
        default_region: two letters such as "FR", the country of numbers written without one;
            "" for none.

    Raises:
        SettingsError: no such region.
    """
    region = default_region.upper()
    if region and region not in phonenumbers.SUPPORTED_REGIONS:
        raise SettingsError(
            f"default region {default_region!r} is unknown: use two letters such as FR, or nothing"
        )
    return Normaliser(region)


class Normaliser:
    """Turns texts into international digits; made by `normaliser`."""

    def __init__(self, region: str) -> None:
        self._international = InternationalMatchers(region)
        self._lines = InternationalMatchers(region, lines=True)
        self._reader = _Reader(region, self._international)

    def __call__(self, text: str) -> int | NumberProblem:
        """Read one number."""
        if self._international[text[:HEAD]](text):
            return int(text)
        return self._reader.read(text)

    def read_all(self, texts: Sequence[str]) -> list[int] | list[int | NumberProblem]:
        """Read many numbers; those of one file mostly look alike, which is told at once."""
        lines = "\n".join(texts)
        if self._lines[lines[:HEAD]](lines) and lines.count("\n") == len(texts) - 1:
            return list(map(int, texts))
        return list(map(self, texts))


_LONGEST_TEXT = 64
_QUOTES = "='\"`\u00b4\u2018\u2019\u201c\u201d \t\r\n\xa0\ufeff"
_TEL = re.compile(r"t[e\u00e9]l(?:\.?\s*:|\.)", re.IGNORECASE)
_DIGITS = re.compile(r"\+?\d+", re.ASCII)
_WITH_DECIMALS = re.compile(r"(\+?\d{7,15})[.,]0{1,2}", re.ASCII)
_IN_THOUSANDS = re.compile(
    r"([1-9]\d{0,2}(?:([ \xa0\u2009\u202f,.'\u2019])\d{3})(?:\2\d{3})+)(?:[.,]00?)?", re.ASCII
)
_SCIENTIFIC = re.compile(r"(\d)(?:[.,](\d+))?[eE]\+?0*(\d{1,2})", re.ASCII)

# Blanks, dots, brackets and hyphens of any alphabet, and the invisible marks phones copy along.
_SEPARATORS = dict.fromkeys(
    (
        *b" \t\r\n\v\f.-/()[]",
        *(0xA0, 0xAD, 0xB7, 0x2060, 0x2212, 0x3000, 0xFEFF),
        *range(0x2000, 0x2016),
        *range(0x2028, 0x2030),
        *range(0x2066, 0x206A),
    )
)
_MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


class _Reading(NamedTuple):
    """One valid way to read a text."""

    number: int
    mobile: bool


class _Reader:
    """Reads what the fast path left, from cheap to thorough."""

    def __init__(self, region: str, international: InternationalMatchers) -> None:
        self._region = region
        self._code = str(phonenumbers.country_code_for_region(region)) if region else ""
        metadata = PhoneMetadata.metadata_for_region(region) if region else None
        self._dials_00 = metadata is not None and metadata.international_prefix == "00"
        self._international = international
        self._national = national_matcher(region)

    def read(self, text: str) -> int | NumberProblem:
        compact = _compact(text)
        if isinstance(compact, NumberProblem):
            return compact
        if self._dials_00 and compact.startswith("00"):
            compact = "+" + compact[2:]
        if self._international[compact[:HEAD]](compact):
            return int(compact)
        if national := self._national(compact):
            return int(self._code + national["nsn"])
        return self._deliberate(compact)

    def _deliberate(self, compact: str) -> int | NumberProblem:
        if compact.startswith("+"):
            national, abroad = None, _reading(compact, None)
        else:
            national = _reading(compact, self._region) if self._region else None
            abroad = _reading("+" + compact.removeprefix("00"), None)
        if national and abroad:
            return self._preferred(compact, national, abroad)
        only = national or abroad
        return only.number if only else _diagnosis(compact, self._region)

    def _preferred(self, compact: str, national: _Reading, abroad: _Reading) -> int | NumberProblem:
        if national.number == abroad.number or national.mobile or not abroad.mobile:
            return national.number
        return abroad.number if compact.startswith(self._code) else NumberProblem.AMBIGUOUS


def _compact(text: str) -> str | NumberProblem:
    """Reduce a text to digits with or without a leading `+`."""
    if len(text) > _LONGEST_TEXT:
        return NumberProblem.TOO_LONG
    if _DIGITS.fullmatch(text):
        return text
    plain = text if text.isascii() else _ascii_digits(text)
    plain = plain.strip(_QUOTES)
    if not plain:
        return NumberProblem.EMPTY
    if mended := _mended(plain):
        return mended
    compact = _TEL.sub("", plain, count=1) if _TEL.match(plain) else plain
    compact = compact.translate(_SEPARATORS)
    return compact if _DIGITS.fullmatch(compact) else NumberProblem.NOT_A_NUMBER


def _mended(plain: str) -> str | NumberProblem | None:
    """Undo what a spreadsheet did to a number; None when it did nothing."""
    if whole := _WITH_DECIMALS.fullmatch(plain):
        return whole[1]
    if rounded := _SCIENTIFIC.fullmatch(plain):
        return _unrounded(rounded)
    if grouped := _IN_THOUSANDS.fullmatch(plain):
        return "".join(filter(str.isdecimal, grouped[1]))
    return NumberProblem.FORMULA_ERROR if is_formula_error(plain) else None


def _ascii_digits(text: str) -> str:
    """Write the digits and plus signs of other alphabets as ASCII ones."""
    return "".join(
        str(unicodedata.decimal(character)) if character.isdecimal() else character
        for character in text.replace("\uff0b", "+")
    )


def _unrounded(scientific: re.Match[str]) -> str | NumberProblem:
    """Mend `3.3639980001E+10`, which still has every digit, as `3.36E+10` has not."""
    first, fraction, exponent = scientific.groups(default="")
    whole, rest = fraction[: int(exponent)], fraction[int(exponent) :]
    if rest.strip("0"):
        return NumberProblem.NOT_A_NUMBER
    return first + whole if len(whole) == int(exponent) else NumberProblem.DIGITS_LOST


def _parsed(compact: str, region: str | None) -> PhoneNumber | NumberProblem:
    try:
        return phonenumbers.parse(compact, region)
    except NumberParseException as error:
        return _PARSE_PROBLEMS.get(error.error_type, NumberProblem.NOT_VALID)


_PARSE_PROBLEMS = {
    NumberParseException.NOT_A_NUMBER: NumberProblem.TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: NumberProblem.TOO_SHORT,
    NumberParseException.TOO_SHORT_AFTER_IDD: NumberProblem.TOO_SHORT,
    NumberParseException.TOO_LONG: NumberProblem.TOO_LONG,
}
_LENGTH_PROBLEMS = {
    ValidationResult.TOO_SHORT: NumberProblem.TOO_SHORT,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: NumberProblem.TOO_SHORT,
    ValidationResult.TOO_LONG: NumberProblem.TOO_LONG,
}


def _reading(compact: str, region: str | None) -> _Reading | None:
    parsed = _parsed(compact, region)
    if isinstance(parsed, NumberProblem) or parsed.country_code is None:
        return None
    national = phonenumbers.national_significant_number(parsed)
    number = int(f"{parsed.country_code}{national}")
    fiction = FICTION.get(parsed.country_code)
    if fiction and re.fullmatch(fiction, national):
        return _Reading(number, mobile=True)
    if not phonenumbers.is_valid_number(parsed):
        return None
    return _Reading(number, mobile=phonenumbers.number_type(parsed) in _MOBILE)


def _diagnosis(compact: str, region: str) -> NumberProblem:
    """Tell why no reading of the digits is valid."""
    if not region and not compact.startswith("+"):
        return NumberProblem.NO_REGION
    parsed = _parsed(compact, region or None)
    if isinstance(parsed, NumberProblem):
        return parsed
    reason = phonenumbers.is_possible_number_with_reason(parsed)
    return _LENGTH_PROBLEMS.get(reason, NumberProblem.NOT_VALID)
