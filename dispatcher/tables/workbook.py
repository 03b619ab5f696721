"""Read a sheet of an Excel workbook as a stream of rows."""

import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, time
from types import MappingProxyType, NoneType
from typing import Any, BinaryIO

from openpyxl import load_workbook
from openpyxl.utils.escape import unescape
from openpyxl.workbook import Workbook

from dispatcher.errors import InputError, Problem
from dispatcher.tables.archive import check_workbook
from dispatcher.tables.grid import Grid, Record, is_blank, text_of_number
from dispatcher.tables.refusals import unreadable

_ROWS_AT_ONCE = 500
_LAST_ROW = 1_048_576
_MIDNIGHT = time()


@contextmanager
def workbook_grid(file: BinaryIO, *, sheet: str | None) -> Iterator[Grid]:
    """Open one sheet: the first that is not hidden, or the one asked for.

    Formulas give what they came to when the workbook was last calculated, dates their ISO
    form. The texts that sheets share are held in memory, the rows are not.

    Args:
        file: the workbook.
        sheet: a name, or a place among the sheets not hidden, from 1.

    Raises:
        InputError: it is no workbook that can be read, or has no such sheet.
    """
    check_workbook(file)
    try:
        with _without_warnings():
            workbook = load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # whatever its parsers meet in a damaged file
        raise _damaged(error) from error
    try:
        title = _title(workbook, sheet)
        yield Grid(records=_records(workbook, title))
    finally:
        workbook.close()


def _title(workbook: Workbook, asked: str | None) -> str:
    visible = [sheet.title for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
    if asked is None:
        if visible:
            return visible[0]
        raise unreadable("the workbook has no visible sheet", fix="show one, and save it")
    for sheet in workbook.worksheets:
        if sheet.title.strip().casefold() == asked.strip().casefold():
            return sheet.title
    if asked.isdecimal() and 1 <= int(asked) <= len(visible):
        return visible[int(asked) - 1]
    found = ", ".join(map(repr, visible))
    message = f"there is no sheet {asked!r}; found {found}"
    fix = "give --sheet one of those names, or its place: 1 for the first"
    raise InputError([Problem(field="sheet", message=message, fix=fix)])


def _records(workbook: Workbook, title: str) -> Iterator[Record]:
    sheet = workbook[title]
    # What a workbook says of its own size is often wrong, and would cut rows off.
    sheet.reset_dimensions()
    values = sheet.iter_rows(values_only=True)
    row, is_more = 0, True
    while is_more:
        batch, error = _batch(values)
        if row == 0:
            _widen_first(batch)
        for cells in batch:
            row += 1
            yield row, cells
        if error is not None:
            raise _damaged(error, row=row + 1) from error
        if row > _LAST_ROW:
            raise unreadable("more rows than a sheet can have", row=row, fix="export it again")
        is_more = bool(batch)


def _widen_first(rows: list[list[str]]) -> None:
    """Give the first filled row as many cells as any: under a title, a table is no one column."""
    first = next((cells for cells in rows if not is_blank(cells)), [])
    first += [""] * (max(map(len, rows), default=0) - len(first))


def _batch(values: Iterator[Sequence[object]]) -> tuple[list[list[str]], Exception | None]:
    """Read some rows, and give with them the error that ended them."""
    batch: list[list[str]] = []
    try:
        with _without_warnings():
            for cells in itertools.islice(values, _ROWS_AT_ONCE):
                batch.append([_text(cell) for cell in cells])  # noqa: PERF401 - kept on an error
    except Exception as error:  # noqa: BLE001 - whatever its parsers meet in a damaged file
        return batch, error
    return batch, None


def _text(cell: object) -> str:
    """Write a cell as people would type it."""
    return _WRITERS.get(type(cell), str)(cell)


def _clock(moment: time) -> str:
    return moment.isoformat(timespec="seconds" if moment.second else "minutes")


def _day(moment: datetime) -> str:
    day, clock = moment.date().isoformat(), moment.time()
    return day if clock == _MIDNIGHT else f"{day} {_clock(clock)}"


_WRITERS: Mapping[type, Callable[[Any], str]] = MappingProxyType(
    {
        str: lambda cell: unescape(cell) if "_x" in cell else cell,
        NoneType: lambda _cell: "",
        int: str,
        float: text_of_number,
        bool: lambda cell: "TRUE" if cell else "FALSE",
        datetime: _day,
        time: _clock,
    }
)


def _damaged(error: Exception, *, row: int | None = None) -> InputError:
    """Say that a workbook is damaged; only the kind of error is told, its text may have cells."""
    return unreadable(
        f"the workbook is damaged ({type(error).__name__})",
        row=row,
        fix="open it in a spreadsheet, save it again, and give that file",
    )


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Keep quiet about formatting that is not understood, and does not matter here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
