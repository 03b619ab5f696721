"""Which column of a table holds the numbers, and which the producer's own ids."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from dispatcher.errors import InputError, Problem

# Best first: of several such columns, a mobile's is the one a message should go to.
_NUMBER_NAMES = (
    re.compile(
        r"msisdn|(?:tel|telephone|phone|numero|num|no?)?(?:de)?(?:mobile|portable|gsm|cell)"
        r"(?:phone|number)?|handy(?:nummer)?|movil"
    ),
    re.compile(r"(?:numero|num|no?)?(?:de)?(?:tel|telephone|phone)(?:number)?|telefono?"),
    re.compile(r"numero|numbers?|phones|destination|destinataire|recipient"),
)
_ID_NAMES = (
    re.compile(r"gsmsmsid"),
    re.compile(r"(?:client|customer|contact|recipient|external|message)?id"),
    re.compile(r"id(?:entifiant|client|contact)|ref(?:erence)?(?:client)?"),
)
_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?[eE]\+?\d+")
_FEWEST_DIGITS = 6
_CHOOSE = "choose it with --number-column NAME, or with its place: 1 for the first"


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Where a table keeps what a campaign needs; columns are counted from 0.

    Attributes:
        number: the column of phone numbers.
        id: the column of the producer's ids; None when there is none.
        header: the names of all columns; None when the first row is already a recipient.
    """

    number: int
    id: int | None
    header: tuple[str, ...] | None


def find_columns(
    first: Sequence[str], *, row: int, number_column: str | None, id_column: str | None
) -> Columns:
    """Tell the columns from the first row that is not blank.

    A column may be asked for by its name, in any case and with or without accents and
    punctuation, or by its place, counted from 1.

    Raises:
        InputError: the column asked for is not there, or none was and the table's own names
            do not tell; the message lists the columns found.
    """
    names = [_plain(cell) for cell in first]
    number = _number_column(first, names, row=row, asked=number_column)
    header = tuple(cell.strip() for cell in first) if _is_title(first[number]) else None
    own: int | None = None
    if id_column is not None:
        own = _asked(first, names, row=row, asked=id_column, option="--id-column")
    elif header is not None:
        own = _named(names, _ID_NAMES)
    return Columns(number=number, id=None if own == number else own, header=header)


def _number_column(
    first: Sequence[str], names: Sequence[str], *, row: int, asked: str | None
) -> int:
    if asked is not None:
        return _asked(first, names, row=row, asked=asked, option="--number-column")
    found = _named(names, _NUMBER_NAMES)
    if found is not None:
        return found
    if len(first) == 1:
        return 0
    raise _unknown(first, row=row, message="no column is named like a phone number", fix=_CHOOSE)


def _named(names: Sequence[str], known: Sequence[re.Pattern[str]]) -> int | None:
    """Find the first column with a name of the best rank that occurs."""
    for rank in known:
        for place, name in enumerate(names):
            if rank.fullmatch(name):
                return place
    return None


def _asked(first: Sequence[str], names: Sequence[str], *, row: int, asked: str, option: str) -> int:
    wanted = _plain(asked)
    if names.count(wanted) == 1:
        return names.index(wanted)
    if wanted in names:
        message = f"several columns are named {asked!r}"
        raise _unknown(first, row=row, message=message, fix=f"give {option} the place, from 1")
    if asked.isdecimal() and 1 <= int(asked) <= len(first):
        return int(asked) - 1
    message = f"there is no column {asked!r}"
    raise _unknown(first, row=row, message=message, fix=f"give {option} one of those names")


def _unknown(first: Sequence[str], *, row: int, message: str, fix: str) -> InputError:
    """Name the columns found, but not cells that may be somebody's data."""
    if not all(map(_is_title, filter(None, first))):
        found = f"{len(first)} columns without names"
    else:
        found = ", ".join(repr(cell.strip()) for cell in first)
    problem = Problem(field="header", row=row, message=f"{message}; found {found}", fix=fix)
    return InputError([problem])


def _is_title(cell: str) -> bool:
    """Tell a column's name from a number, even a spoilt one such as `3.36E+10`."""
    digits = sum(character.isdecimal() for character in cell)
    lettered = any(character.isalpha() for character in cell)
    return lettered and digits < _FEWEST_DIGITS and not _SCIENTIFIC.fullmatch(cell.strip())


def _plain(name: str) -> str:
    """Reduce a column's name to its letters and digits: `N° de téléphone` is `ndetelephone`."""
    letters = unicodedata.normalize("NFKD", name.replace("°", "")).casefold()
    return "".join(letter for letter in letters if letter.isascii() and letter.isalnum())
