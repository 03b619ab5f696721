"""Reads and writes suppression lists as files."""

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from dispatcher.cli.output import count, say, stderr
from dispatcher.cli.reading import Reading
from dispatcher.cli.recipients_file import STDIN, RecipientsFile, Words
from dispatcher.cli.results_file import opened_for_results
from dispatcher.domain.campaign import Recipient
from dispatcher.domain.suppressions import Suppression
from dispatcher.domain.template import field_key
from dispatcher.errors import InputError, Problem
from dispatcher.suppressing import EVIDENCE
from dispatcher.tables import Table, open_table

HEADER = ("number", *EVIDENCE, "by")

NumberColumnOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Column of the numbers; left out: found.")
]
SheetOption = Annotated[str | None, typer.Option(help="Sheet of a workbook.")]


@contextmanager
def opened_people(
    path: Path, *, number_column: str | None, sheet: str | None
) -> Iterator[tuple[Iterator[Recipient], Words]]:
    """Open a file of people, and show how far it is read; `-` is standard input.

    A file that has all the columns of an export says of each row how it came onto the list.

    Raises:
        InputError: it is no table, or nobody is in it.
        BadParameter: there is no such file.
    """
    if path != STDIN and not path.is_file():
        raise typer.BadParameter(f"{path} is no file")
    with (
        Reading(stderr()) as reading,
        RecipientsFile(path=path).stream(reading) as stream,
        open_table(stream, number_column=number_column, sheet=sheet, with_fields=True) as table,
    ):
        kept = {name for name in table.columns if field_key(name) in EVIDENCE}
        table.narrow(kept if len(kept) == len(EVIDENCE) else ())
        yield _people(table, reading), table.titles


def _people(table: Table, reading: Reading) -> Iterator[Recipient]:
    is_empty = True
    for row in table:
        is_empty = False
        reading.row()
        fields = {field_key(name): value for name, value in (row.fields or {}).items()}
        yield Recipient(row.number, row=row.row, fields=fields or None)
    if is_empty:
        problem = Problem(field="file", message="it names nobody", fix="give one with rows in it")
        raise InputError([problem])


def write_entries(entries: Iterable[Suppression], path: Path | None, *, as_json: bool) -> None:
    """Write a list as CSV or JSON lines, and say how many are in it.

    Args:
        entries: of the list; those who were erased have no number, and are counted only.
        path: where to; None for standard output.
        as_json: as JSON lines.
    """
    written = erased = 0
    with opened_for_results(path) as stream:
        table = csv.writer(stream, lineterminator="\n")
        if not as_json:
            table.writerow(HEADER)
        for entry in entries:
            if entry.number is None:
                erased += 1
                continue
            written += 1
            if as_json:
                stream.write(msgspec.json.encode(document(entry)).decode() + "\n")
            else:
                table.writerow(cells(entry))
    if path is not None:
        say(f"{count(written, 'number')} written to {path}")
    if erased:
        say(f"{count(erased, 'erased number')} left out, suppressed all the same")


def document(entry: Suppression) -> dict[str, Any]:
    """Give an entry for JSON."""
    return {
        "number": None if entry.number is None else f"+{entry.number}",
        "since": entry.at,
        "source": entry.source,
        "reason": entry.reason,
        "by": entry.by,
    }


def cells(entry: Suppression) -> tuple[str, ...]:
    """Give the cells of an entry, below `HEADER`."""
    number = "(erased)" if entry.number is None else f"+{entry.number}"
    return number, entry.at.isoformat(), entry.source.value, entry.reason, entry.by
