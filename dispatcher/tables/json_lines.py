"""Read JSON Lines: one object a line, or one bare number or string."""

import itertools
from collections.abc import Iterator, Sequence

import msgspec

from dispatcher.errors import Problem
from dispatcher.tables.grid import Grid, Record, text_of_number

_SEEN_AHEAD = 1000
_MEND = "mend or delete the line"


def json_grid(lines: Iterator[str]) -> Grid:
    """Read one JSON value a line; the names of its objects are the columns.

    Lines may differ: a name may come first anywhere within the first thousand lines, which
    are looked at ahead, and is a blank cell where it is missing. Names first seen later are
    no columns. Rows are the lines, counted from 1.
    """
    values = _values(lines)
    ahead = list(itertools.islice(values, _SEEN_AHEAD))
    objects = [value for _, value in ahead if isinstance(value, dict)]
    names = tuple(dict.fromkeys(name for value in objects for name in value))
    records = (_record(row, value, names) for row, value in itertools.chain(ahead, values))
    return Grid(records=records, names=names or None)


def _values(lines: Iterator[str]) -> Iterator[tuple[int, object]]:
    decode = msgspec.json.decode
    for row, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield row, decode(line)
        except msgspec.DecodeError as error:
            yield row, _problem(row, "line", f"not JSON: {error}", fix=_MEND)
        except RecursionError:
            yield row, _problem(row, "line", "not JSON: nested too deep", fix=_MEND)


def _record(row: int, value: object, names: Sequence[str]) -> Record:
    if isinstance(value, dict):
        try:
            return row, [_cell(value.get(name)) for name in names]
        except TypeError:
            return row, _nested(row, value)
    if isinstance(value, Problem):
        return row, value
    if isinstance(value, list):
        return row, _problem(row, "line", "a list, not an object", fix="write names and values")
    if names:
        fix = "write an object with the names of the others"
        return row, _problem(row, "line", "a bare value among objects", fix=fix)
    return row, [_cell(value)]


def _cell(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return text_of_number(value)
    raise TypeError


def _nested(row: int, value: dict[str, object]) -> Problem:
    name, kind = next(
        (name, "a list" if isinstance(inner, list) else "an object")
        for name, inner in value.items()
        if isinstance(inner, list | dict)
    )
    fix = "write one text or number, under a name of its own"
    return _problem(row, name, f"the value is {kind}", fix=fix)


def _problem(row: int, field: str, message: str, *, fix: str) -> Problem:
    return Problem(field=field, row=row, message=message, fix=fix)
