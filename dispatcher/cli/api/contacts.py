"""Numbers and contacts as people give them, made what the API takes."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.table import Table

from dispatcher.cli.output import listing
from dispatcher.cli.recipients_file import STDIN
from dispatcher.domain.numbers import NumberProblem, normaliser
from dispatcher.errors import InputError, Problem
from dispatcher.smsfactor import Contact, Destination, NewContact
from dispatcher.tables import open_table

INFOS = ("info1", "info2", "info3", "info4")


def destinations(numbers: Sequence[str], *, default_region: str) -> list[Destination]:
    """Give destinations without ids.

    Raises:
        InputError: naming each number that is none by its place.
    """
    normalise = normaliser(default_region)
    read = [normalise(number) for number in numbers]
    _refuse(enumerate(read, start=1))
    return [Destination(str(number)) for number in read]


def read_contacts(
    file: Path, *, default_region: str, number_column: str | None, info_columns: Sequence[str]
) -> list[NewContact]:
    """Read the contacts of a table.

    Args:
        file: `STDIN` reads standard input.
        default_region: the country of numbers written without one.
        number_column: name or place of the column of numbers; None finds out.
        info_columns: names of the columns of `[info1]` and so on, in their order.

    Raises:
        InputError: naming each row whose number is none, or a column that is missing.
    """
    if len(info_columns) > len(INFOS):
        raise InputError([_TOO_MANY_FIELDS])
    source = sys.stdin.buffer if file == STDIN else file
    with open_table(source, number_column=number_column, with_fields=True) as table:
        for name in info_columns:
            _refuse_missing(name, table.columns)
        rows = list(table)
        column = table.titles.get("number", "number")
    normalise = normaliser(default_region)
    read = [row.problem or normalise(row.number) for row in rows]
    _refuse(((row.row, number) for row, number in zip(rows, read, strict=True)), column=column)
    columns = info_columns or INFOS
    return [
        NewContact(str(number), _infos(row.fields or {}, columns))
        for row, number in zip(rows, read, strict=True)
    ]


def contacts_table(title: str, contacts: Iterable[Contact]) -> Table:
    """Show contacts."""
    rows = [(each.id, each.destination, *each.infos) for each in contacts]
    return listing(title, ("contact", "number", *INFOS), rows)


def _refuse_missing(name: str, columns: Sequence[str]) -> None:
    if name not in columns:
        known = ", ".join(columns) or "none: its first line is no header"
        problem = Problem(
            field=name, message="is not a column of the table", fix=f"choose among {known}"
        )
        raise InputError([problem])


def _infos(fields: Mapping[str, str], columns: Sequence[str]) -> tuple[str, str, str, str]:
    cells = [fields.get(name, "") for name in columns]
    first, second, third, fourth = cells + [""] * (len(INFOS) - len(cells))
    return first, second, third, fourth


def _refuse(
    read: Iterable[tuple[int, int | NumberProblem | Problem]], *, column: str = "number"
) -> None:
    problems = [
        found
        if isinstance(found, Problem)
        else Problem(field=column, row=row, message=found.message, fix=found.fix)
        for row, found in read
        if not isinstance(found, int)
    ]
    if problems:
        raise InputError(problems)


_TOO_MANY_FIELDS = Problem(
    field="info", message="a contact has 4 fields", fix="give --info four times at most"
)
