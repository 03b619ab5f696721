"""What spreadsheets and people do to phone numbers that can still be told."""

import enum
import re
from functools import cache

import phonenumbers
from phonenumbers import PhoneMetadata

from dispatcher.domain.numbering import calling_code


class Damage(enum.Enum):
    """How a number came in that `dispatcher.domain.numbers` understood all the same.

    Attributes:
        sentence: what happened, to be shown beside how many numbers it happened to.
    """

    SCIENTIFIC = "A spreadsheet wrote the number with an exponent, with all its digits there."
    DECIMALS = "A spreadsheet added decimals to the number."
    THOUSANDS = "A spreadsheet set the number in groups of thousands."
    TEXT_MARK = "An apostrophe or a formula around the number was kept as part of it."
    INVISIBLE = "Invisible characters were copied along with the number."
    OTHER_DIGITS = "The digits are those of another alphabet or width."
    LABEL = "The number has its label in front."
    LEADING_ZERO = "A spreadsheet dropped the zero that begins the number."
    SEPARATORS = "Blanks, dots, brackets or dashes stand between the digits."

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence


_CLEAN = re.compile(r"\+?\d+", re.ASCII)

# In this order, the first that is found tells most about where the number came from.
_TRACES = (
    (Damage.SCIENTIFIC, re.compile(r"\d[eE]\+?\d+\W*\Z")),
    (Damage.THOUSANDS, re.compile(r"\A[1-9]\d{0,2}(?:[,.'\u2019]\d{3}){2,}(?:[.,]0{1,2})?\Z")),
    (Damage.DECIMALS, re.compile(r"\d{3}[.,]0{1,2}\W*\Z")),
    (Damage.TEXT_MARK, re.compile(r"\A\s*['=\"`\u00b4\u2018\u2019\u201c\u201d]")),
    (Damage.INVISIBLE, re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")),
    (Damage.OTHER_DIGITS, re.compile(r"(?![0-9])\d")),
    (Damage.LABEL, re.compile(r"\A\s*[^\W\d_]")),
)
_ERROR = re.compile(
    r"#+|#(?:N/?[AD]|NV|GETTING_DATA|\u00a1?\u00bf?[A-Z\u00c0-\u00dd0-9/]+[!?])", re.IGNORECASE
)


def damage_of(text: str, number: int) -> Damage | None:
    """Tell what had happened to a number that was understood.

    Args:
        text: what came in.
        number: the international digits it was read as.

    Returns:
        The damage that tells most; None when nobody would call the text spoilt.
    """
    if _CLEAN.fullmatch(text):
        return Damage.LEADING_ZERO if _has_lost_zero(text, number) else None
    for damage, trace in _TRACES:
        if trace.search(text):
            return damage
    return Damage.SEPARATORS


def is_formula_error(text: str) -> bool:
    """Tell what a spreadsheet shows instead of a value, such as `#N/A`, `#REF!` or `####`."""
    return text.startswith("#") and _ERROR.fullmatch(text) is not None


def _has_lost_zero(digits: str, number: int) -> bool:
    if digits.startswith(("+", "0")) or int(digits) == number:
        return False
    code = calling_code(str(number))
    return code is not None and _begins_with_zero(code) and str(number) == f"{code}{digits}"


@cache
def _begins_with_zero(code: int) -> bool:
    """Tell whether people of that calling code write a 0 ahead of their national numbers."""
    region = phonenumbers.region_code_for_country_code(code)
    metadata = PhoneMetadata.metadata_for_region(region)
    return metadata is not None and metadata.national_prefix == "0"
