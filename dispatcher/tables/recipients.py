"""Read recipients from delimited text, as spreadsheets and databases export it."""

import csv
import itertools
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from dispatcher.errors import InputError, Problem
from dispatcher.tables.columns import Columns, find_columns
from dispatcher.tables.encoding import text_of

_DELIMITERS = ";\t,|"
_BLANKS = _DELIMITERS + " \r\n\v\f\xa0"
_SNIFFED_LINES = 20

# What spreadsheets write, and do not show, ahead of the first row.
_SEPARATOR_LINE = re.compile(r"\"?sep=([;,|\t])\"?\s*", re.IGNORECASE)

# For a table of one column: no exported cell holds this character, so no cell is cut in two.
_NO_DELIMITER = "\x1f"


class Row(NamedTuple):
    """One recipient as the table has it, not yet checked.

    Attributes:
        row: the line as a spreadsheet numbers it, the header included.
        number: the cell of the number column, without blanks around it.
        id: the producer's id; None when the cell is empty or there is no such column.
        fields: every cell by the name of its column, when asked for.
    """

    row: int
    number: str
    id: str | None
    fields: Mapping[str, str] | None

    def __repr__(self) -> str:
        """Keep numbers and names out of logs and tracebacks."""
        return f"Row({self.row})"


def read_recipients(
    source: Path | BinaryIO,
    *,
    number_column: str | None = None,
    id_column: str | None = None,
    with_fields: bool = False,
) -> Iterator[Row]:
    """Read the recipients of a table one by one, in constant memory.

    Delimiter (comma, semicolon, tab, bar), encoding (UTF-8, cp1252, UTF-16) and header are
    told from the content; blank lines are skipped. Numbers are not judged here, but by
    `dispatcher.domain.numbers`, which also mends what a spreadsheet did to them.

    Args:
        source: a path, or bytes to read to their end; a stream is left open.
        number_column: name or place of the column of numbers, when its name does not tell.
        id_column: name or place of the column of the producer's ids.
        with_fields: give each row its cells by column name, for merged texts.

    Raises:
        InputError: with the first row asked for, when no column of numbers can be told; or
            at the row where the table stops being one.
    """
    with _opened(source) as stream:
        table = _records(text_of(stream))
        row, first = next(((row, cells) for row, cells in table if not _blank(cells)), (1, []))
        if not first:
            raise _unreadable("the table is empty", row=None, fix="export it again")
        columns = find_columns(first, row=row, number_column=number_column, id_column=id_column)
        if columns.header is None:
            table = itertools.chain([(row, first)], table)
        yield from _rows(table, columns, names=columns.header if with_fields else None)


@contextmanager
def _opened(source: Path | BinaryIO) -> Iterator[BinaryIO]:
    if not isinstance(source, Path):
        yield source
        return
    try:
        stream = source.open("rb")
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise _unreadable(
            f"cannot be opened: {reason}", row=None, fix="check the path and its permissions"
        ) from error
    with stream:
        yield stream


def _records(lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """Number the records as a spreadsheet does, in which a cell of two lines is one row."""
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
        raise _unreadable(
            f"not a table from here on: {error}", row=row + 1, fix="look for a quote left open"
        ) from error


def _delimiter(head: list[str]) -> str:
    """Choose the delimiter that cuts most lines into as many cells as the first one."""
    filled = [line for line in head if line.strip(_BLANKS)]
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


def _rows(
    table: Iterator[tuple[int, list[str]]], columns: Columns, *, names: tuple[str, ...] | None
) -> Iterator[Row]:
    number_at, id_at = columns.number, columns.id
    fields = None
    for row, cells in table:
        number = cells[number_at].strip() if number_at < len(cells) else ""
        if not number and _blank(cells):
            continue
        own = cells[id_at].strip() if id_at is not None and id_at < len(cells) else ""
        if names is not None:
            fields = dict(itertools.zip_longest(names, cells[: len(names)], fillvalue=""))
        yield Row(row, number, own or None, fields)


def _blank(cells: list[str]) -> bool:
    return not any(cell.strip(_BLANKS) for cell in cells)


def _unreadable(message: str, *, row: int | None, fix: str) -> InputError:
    return InputError([Problem(field="table", row=row, message=message, fix=fix)])
