"""Which columns of a table hold the numbers, the producer's own ids, and the merge fields."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from dispatcher.domain.template import field_key
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
_LETTERS = re.compile(r"[A-Za-z]{1,3}")
_FEWEST_DIGITS = 6
_CHOOSE = "choose it with --number-column NAME, or with its place: 1 or A for the first"
_BELOW_A_TITLE = "delete what stands above the names of the columns"


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What the producer says about a table; None finds out.

    A column is asked for by its name, in any case and with or without accents and
    punctuation, or by its place: `2` or `B` for the second.

    Attributes:
        number: the column of phone numbers.
        id: the column of the producer's ids.
        mapping: columns by the names their cells get in `Row.fields`.
        with_fields: give rows the cells of all other columns too, by the columns' names.
    """

    number: str | None = None
    id: str | None = None
    mapping: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    with_fields: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Where a table keeps what a campaign needs; columns are counted from 0.

    Attributes:
        number: the column of phone numbers.
        id: the column of the producer's ids; None when there is none.
        has_header: whether the first row has names, and no recipient.
        named: every column by its name, mapped fields included; no two names read alike.
        fields: those of them that rows give; None when none was asked for.
        width: how many columns the first row has.
    """

    number: int
    id: int | None
    has_header: bool
    named: Mapping[str, int]
    fields: Mapping[str, int] | None
    width: int


def find_columns(
    first: Sequence[str], choice: Choice, *, row: int, has_names: bool | None = None
) -> Columns:
    """Tell the columns from the first row that is not blank.

    Args:
        first: its cells.
        choice: what the producer says.
        row: its number.
        has_names: whether it has the names of the columns; None finds out.

    Raises:
        InputError: a column asked for is not there, or none was and the table's own names
            do not tell; the message lists the columns found.
    """
    header = _Header(first, row=row)
    number = _number_column(header, choice.number)
    has_header = _is_title(first[number]) if has_names is None else has_names
    own: int | None = None
    if choice.id is not None:
        own = header.asked(choice.id, option="--id-column")
    elif has_header:
        own = header.named_like(_ID_NAMES)
    mapped = {
        name: header.asked(column, option=f"--field {name}=")
        for name, column in choice.mapping.items()
    }
    named = _distinct(first, besides=mapped) | mapped if has_header else mapped
    return Columns(
        number=number,
        id=None if own == number else own,
        has_header=has_header,
        named=named,
        fields=named if choice.with_fields else mapped or None,
        width=len(first),
    )


class _Header:
    """The first row of a table, in which columns are looked for."""

    def __init__(self, cells: Sequence[str], *, row: int) -> None:
        self.cells = cells
        self._row = row
        self._keys = [field_key(cell) for cell in cells]

    def named_like(self, known: Sequence[re.Pattern[str]]) -> int | None:
        """Find the first column with a name of the best rank that occurs."""
        for rank in known:
            for place, key in enumerate(self._keys):
                if rank.fullmatch(key):
                    return place
        return None

    def asked(self, asked: str, *, option: str) -> int:
        """Find a column by its name, or else by its place."""
        exact = [place for place, cell in enumerate(self.cells) if cell.strip() == asked.strip()]
        if len(exact) == 1:
            return exact[0]
        wanted = field_key(asked)
        alike = [place for place, key in enumerate(self._keys) if wanted and key == wanted]
        if len(alike) == 1:
            return alike[0]
        if alike:
            message = f"several columns are named {asked!r}"
            raise self.unknown(message, fix=f"give {option} the place, such as 1 or A")
        if 0 <= (place := _place(asked.strip())) < len(self.cells):
            return place
        message = f"there is no column {asked!r}"
        raise self.unknown(message, fix=f"give {option} one of those names")

    def unknown(self, message: str, *, fix: str) -> InputError:
        """Name the columns found, but not cells that may be somebody's data."""
        if not all(map(_is_title, filter(None, self.cells))):
            found = f"{len(self.cells)} columns without names"
        else:
            found = ", ".join(repr(cell.strip()) for cell in self.cells if cell.strip())
        message = f"{message}; found {found}"
        return InputError([Problem(field="header", row=self._row, message=message, fix=fix)])


def _number_column(header: _Header, asked: str | None) -> int:
    if asked is not None:
        return header.asked(asked, option="--number-column")
    found = header.named_like(_NUMBER_NAMES)
    if found is not None:
        return found
    if len(header.cells) == 1:
        return 0
    is_title = sum(1 for cell in header.cells if cell.strip()) == 1
    message = "no column is named like a phone number"
    raise header.unknown(message, fix=_BELOW_A_TITLE if is_title else _CHOOSE)


def _place(asked: str) -> int:
    """Read `2` or `B` as the second column, counted from 0; -1 when it is no place."""
    if asked.isdecimal():
        return int(asked) - 1
    if not _LETTERS.fullmatch(asked):
        return -1
    place = 0
    for letter in asked.upper():
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1


def _letter(place: int) -> str:
    """Name a column, counted from 0, as spreadsheets do."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _distinct(header: Sequence[str], *, besides: Mapping[str, int]) -> dict[str, int]:
    """Name every column that has a name; of several with one name, each gets its letter too.

    So nobody gets one of two cells by chance: `nom (B)` has to be asked for as such.
    """
    taken = {field_key(name) for name in besides}
    counted = Counter(map(field_key, header))
    named: dict[str, int] = {}
    for place, cell in enumerate(header):
        name, key = cell.strip(), field_key(cell)
        if name and key not in taken:
            named[name if counted[key] == 1 else f"{name} ({_letter(place)})"] = place
    return named


def _is_title(cell: str) -> bool:
    """Tell a column's name from a number, even a spoilt one such as `3.36E+10`."""
    digits = sum(character.isdecimal() for character in cell)
    lettered = any(character.isalpha() for character in cell)
    return lettered and digits < _FEWEST_DIGITS and not _SCIENTIFIC.fullmatch(cell.strip())
