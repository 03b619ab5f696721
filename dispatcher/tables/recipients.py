"""Read recipients from a table, whatever it is kept in."""

import itertools
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, NamedTuple

from dispatcher.errors import InputError, Problem
from dispatcher.tables.columns import Choice, Columns, find_columns
from dispatcher.tables.delimited import delimited_grid
from dispatcher.tables.encoding import encoding_of, text_of
from dispatcher.tables.grid import Grid, Record, is_blank
from dispatcher.tables.json_lines import json_grid
from dispatcher.tables.refusals import EXPORT_AGAIN, unreadable
from dispatcher.tables.sources import Format, Source, format_of, opened
from dispatcher.tables.workbook import workbook_grid

_NO_MAPPING: Mapping[str, str] = MappingProxyType({})

# A file put together from several has marks in the middle, and damaged ones have zeros.
_INVISIBLE = dict.fromkeys((*range(9), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F, 0xFEFF))


class Row(NamedTuple):
    """One recipient as the table has it, not yet checked.

    Attributes:
        row: the line as a spreadsheet numbers it, the header included.
        number: the cell of the number column, without blanks around it.
        id: the producer's id; None when the cell is empty or there is no such column.
        fields: the cells asked for, by the names of their columns: without blanks around
            them and control characters, lines ended by a line feed.
        problem: why the row is not to be trusted as it is; None for all others.
    """

    row: int
    number: str
    id: str | None
    fields: Mapping[str, str] | None
    problem: Problem | None = None

    def __repr__(self) -> str:
        """Keep numbers and names out of logs and tracebacks."""
        return f"Row({self.row})"


class Table:
    """An open table: its columns are known, its rows are read as they are asked for, once.

    Attributes:
        columns: the names that `Row.fields` can have, mapped ones included; without the
            latter empty when there is no header. Columns without a name have no place here;
            of several with one name, each is followed by its letter: `nom (B)`.
        titles: the table's own words for the columns of `number` and `id`, where it has a
            header, and for each of `columns`.
    """

    def __init__(self, records: Iterator[Record], columns: Columns, *, is_strict: bool) -> None:
        self.columns = tuple(columns.named)
        self.titles = _titles(columns)
        self._records = records
        self._found = columns
        self._width = columns.width if is_strict else None
        self._rows = _rows(records, columns, width=self._width)

    def __iter__(self) -> Iterator[Row]:
        """Read on."""
        return self._rows

    def narrow(self, names: Collection[str]) -> None:
        """Give rows no other columns than these, from the first row on."""
        fields = {name: place for name, place in self._found.named.items() if name in names}
        found = replace(self._found, fields=fields or None)
        self._rows = _rows(self._records, found, width=self._width)


@contextmanager
def open_table(
    source: Path | BinaryIO,
    *,
    number_column: str | None = None,
    id_column: str | None = None,
    with_fields: bool = False,
    sheet: str | None = None,
    mapping: Mapping[str, str] = _NO_MAPPING,
) -> Iterator[Table]:
    """Open a table of recipients: delimited text, an Excel workbook or JSON Lines.

    The format is told from the content, as are delimiter (comma, semicolon, tab, bar),
    encoding (UTF-8, cp1252, UTF-16) and header. Rows are read one by one, in constant
    memory; blank ones are skipped. Numbers are not judged here, but by
    `dispatcher.domain.numbers`, which also mends what a spreadsheet did to them.

    Args:
        source: a path, or bytes to read to their end; a stream is left open.
        number_column: name or place (`2` or `B`) of the column of numbers, when its name
            does not tell.
        id_column: name or place of the column of the producer's ids.
        with_fields: give each row its cells by column name, for merged texts.
        sheet: name or place of a workbook's sheet; None takes the first that is not hidden.
        mapping: for the name of a merge field, the name or place of its column. Such fields
            are given in any case.

    Raises:
        InputError: at once, when it is no table or its columns cannot be told; or at the
            row where the table stops being one.
    """
    choice = Choice(number=number_column, id=id_column, mapping=mapping, with_fields=with_fields)
    with opened(source) as content, _grid(content, sheet=sheet) as grid:
        yield _table(grid, choice)


def read_recipients(
    source: Path | BinaryIO,
    *,
    number_column: str | None = None,
    id_column: str | None = None,
    with_fields: bool = False,
    sheet: str | None = None,
    mapping: Mapping[str, str] = _NO_MAPPING,
) -> Iterator[Row]:
    """Read the recipients of a table one by one; arguments and errors as `open_table` has them.

    Raises:
        InputError: with the first row asked for, or at the row where the table ends as one.
    """
    with open_table(
        source,
        number_column=number_column,
        id_column=id_column,
        with_fields=with_fields,
        sheet=sheet,
        mapping=mapping,
    ) as table:
        yield from table


@contextmanager
def _grid(content: Source, *, sheet: str | None) -> Iterator[Grid]:
    kind = format_of(content)
    if kind is Format.WORKBOOK:
        with content.seekable() as file, workbook_grid(file, sheet=sheet) as grid:
            yield grid
        return
    if sheet is not None:
        message, fix = f"{kind.value} has no sheets", "leave --sheet out"
        raise InputError([Problem(field="sheet", message=message, fix=fix)])
    lines = text_of(content.chunks(), encoding=encoding_of(content.head))
    yield json_grid(lines) if kind is Format.JSON_LINES else delimited_grid(lines)


def _table(grid: Grid, choice: Choice) -> Table:
    records = grid.records
    if grid.names is not None:
        columns = find_columns(grid.names, choice, row=1, has_names=True)
        return Table(records, columns, is_strict=False)
    row, first = next(((row, cells) for row, cells in records if not _is_blank(cells)), (1, None))
    if first is None:
        raise unreadable("the table is empty", fix=EXPORT_AGAIN)
    if isinstance(first, Problem):
        raise InputError([first])
    columns = find_columns(first, choice, row=row)
    if not columns.has_header:
        records = itertools.chain([(row, first)], records)
    return Table(records, columns, is_strict=grid.is_strict)


def _rows(records: Iterator[Record], columns: Columns, *, width: int | None) -> Iterator[Row]:
    number_at, id_at, places = columns.number, columns.id, columns.fields
    most = float("inf") if width is None else width
    for row, cells in records:
        if isinstance(cells, Problem):
            yield Row(row, "", None, None, cells)
            continue
        number = cells[number_at].strip() if number_at < len(cells) else ""
        if not number and _is_blank(cells):
            continue
        own = cells[id_at].strip() if id_at is not None and id_at < len(cells) else ""
        fields = None if places is None else _fields(cells, places)
        problem = _surplus(row, cells, columns.width) if len(cells) > most else None
        yield Row(row, number, own or None, fields, problem)


def _fields(cells: list[str], places: Mapping[str, int]) -> dict[str, str]:
    count = len(cells)
    return {name: _tidy(cells[place]) if place < count else "" for name, place in places.items()}


def _titles(columns: Columns) -> dict[str, str]:
    by_place: dict[int, str] = {}
    for name, place in columns.named.items():
        by_place.setdefault(place, name)
    titles = {name: by_place[place] for name, place in columns.named.items()}
    for name, wanted in (("number", columns.number), ("id", columns.id)):
        if wanted in by_place:
            titles[name] = by_place[wanted]
    return titles


def _tidy(cell: str) -> str:
    cell = cell.strip()
    if cell.isprintable():
        return cell
    return cell.replace("\r\n", "\n").replace("\r", "\n").translate(_INVISIBLE).strip()


def _surplus(row: int, cells: list[str], width: int) -> Problem | None:
    if is_blank(cells[width:]):
        return None
    return Problem(
        field="table",
        row=row,
        message=f"{len(cells)} cells, where the first row has {width}",
        fix="put double quotes around a cell that contains the delimiter",
    )


def _is_blank(cells: list[str] | Problem) -> bool:
    return not isinstance(cells, Problem) and is_blank(cells)
