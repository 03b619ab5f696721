"""Read delimited text, as spreadsheets and databases export it."""

import csv
import itertools
import re
from collections.abc import Iterator

from dispatcher.tables.grid import Grid, Record, is_blank
from dispatcher.tables.refusals import unreadable

_DELIMITERS = ";\t,|"
_SNIFFED_LINES = 20

# What spreadsheets write, and do not show, ahead of the first row.
_SEPARATOR_LINE = re.compile(r"\"?sep=([;,|\t])\"?\s*", re.IGNORECASE)

# For a table of one column: no exported cell holds this character, so no cell is cut in two.
_NO_DELIMITER = "\x1f"


def delimited_grid(lines: Iterator[str]) -> Grid:
    """Read lines as a table; the delimiter is told from the first of them."""
    return Grid(records=_records(lines), is_strict=True)


def _records(lines: Iterator[str]) -> Iterator[Record]:
    """Number the rows as a spreadsheet does, in which a cell of two lines is one row."""
    head = list(itertools.islice(lines, _SNIFFED_LINES))
    if head and (directive := _SEPARATOR_LINE.fullmatch(head[0])):
        delimiter = directive[1]
        del head[0]
    else:
        delimiter = _delimiter(head)
    # Not strict, an open quote would swallow the recipients below it without a word.
    reader = csv.reader(itertools.chain(head, lines), delimiter=delimiter, strict=True)
    row = 0
    try:
        for row, cells in enumerate(reader, 1):
            yield row, cells
    except csv.Error as error:
        fix = "look for a quote left open"
        raise unreadable(f"not a table from here on: {error}", row=row + 1, fix=fix) from error


def _delimiter(head: list[str]) -> str:
    """Choose the delimiter that cuts most lines into as many cells as the first one."""
    filled = [line for line in head if not is_blank([line])]
    best, agreement = _NO_DELIMITER, 0
    for candidate in _DELIMITERS:
        widths = _widths(filled, candidate)
        agreeing = widths.count(widths[0]) if widths and widths[0] > 1 else 0
        if agreeing > agreement:
            best, agreement = candidate, agreeing
    return best


def _widths(lines: list[str], delimiter: str) -> list[int]:
    try:
        return [len(cells) for cells in csv.reader(lines, delimiter=delimiter)]
    except csv.Error:
        return []
