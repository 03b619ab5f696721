"""What every kind of table is read as, before anybody asks what its columns mean."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from dispatcher.errors import Problem

Record: TypeAlias = tuple[int, list[str] | Problem]
"""A row as the table numbers it, from 1, with its cells, or with why it has none."""

_BLANKS = ";\t,| \r\n\v\f\xa0\ufeff"


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """The rows of a table, read as they are asked for.

    Attributes:
        records: the rows from the first one on; blank ones may be among them.
        names: the names of the columns, where the format has them; None when only the
            first row can tell.
        is_strict: a filled cell beyond the first row's columns betrays a cell cut in two.
    """

    records: Iterator[Record]
    names: tuple[str, ...] | None = None
    is_strict: bool = False


def is_blank(cells: list[str]) -> bool:
    """Tell a row without content; delimiters alone are none."""
    return not any(cell.strip(_BLANKS) for cell in cells)


def text_of_number(number: float) -> str:
    """Write a number of a table as its digits: 33639980001.0 is 33639980001.

    Spreadsheets keep fifteen digits. What has more was rounded, and is written with an
    exponent, by which `dispatcher.domain.numbers` knows that digits are lost.
    """
    if isinstance(number, int):
        return str(number)
    return f"{number:.0f}" if number.is_integer() and abs(number) < 1e15 else f"{number:.15g}"  # noqa: PLR2004 - in the docstring
