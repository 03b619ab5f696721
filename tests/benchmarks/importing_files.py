"""The tables that importing is measured on: made-up people, as many as asked for."""

import csv
import enum
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import msgspec
from openpyxl import Workbook

from tests.support.people import generated

TEXT = "Bonjour {prenom}, votre rendez-vous est le {date}. Dossier {dossier}, annulation au 3900."
PLAIN_TEXT = "Bonjour, votre colis vous attend au point relais."
COLUMNS = ("telephone", "prenom", "date", "dossier")

# One in twenty, Zoë, has a character that forces her text into UCS-2 and two segments.
_NAMES = (
    *("Anne", "Bénédicte", "Chloé", "David", "Élise", "Fatima", "Gérard", "Hélène", "Inès"),
    *("Jean-Luc", "Karim", "Lé Thi", "Marie-Christine", "Noé", "Olivier", "Paul", "Quentin"),
    *("René", "Salomé", "Zoë"),
)
_SEED = 40

People = Iterator[tuple[str, ...]]


class Kind(enum.Enum):
    """How a table is kept."""

    CSV = "csv"
    NATIONAL = "national.csv"
    WORKBOOK = "xlsx"
    JSON_LINES = "jsonl"


def write_table(folder: Path, kind: Kind, rows: int) -> Path:
    """Write a table of so many rows, row by row, and give its path."""
    path = folder / f"{rows}.{kind.value}"
    if kind is Kind.WORKBOOK:
        _write_workbook(path, people(rows))
        return path
    with path.open("w", encoding="utf-8", newline="") as file:
        _WRITERS[kind](file, people(rows))
    return path


def people(count: int) -> People:
    """Make people up; no two of them have the same number or are told the same."""
    for place, number in enumerate(generated(count, _SEED)):
        yield number, _NAMES[place % len(_NAMES)], f"{place % 28 + 1:02d}/03/2026", f"{place:07d}"


def _write_csv(file: TextIO, rows: People) -> None:
    csv.writer(file).writerows(itertools.chain([COLUMNS], rows))


def _write_national(file: TextIO, rows: People) -> None:
    _write_csv(file, ((f"0{number[2:]}", *told) for number, *told in rows))


def _write_json_lines(file: TextIO, rows: People) -> None:
    for row in rows:
        line = msgspec.json.encode(dict(zip(COLUMNS, row, strict=True)))
        file.write(f"{line.decode()}\n")


def _write_workbook(path: Path, rows: People) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in itertools.chain([COLUMNS], rows):
        sheet.append(row)
    book.save(path)


_WRITERS: dict[Kind, Callable[[TextIO, People], None]] = {
    Kind.CSV: _write_csv,
    Kind.NATIONAL: _write_national,
    Kind.JSON_LINES: _write_json_lines,
}
