"""Writes rows to CSV files while they are read: those that are bad, and those understood."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from dispatcher.cli.output import count, say
from dispatcher.cli.recipients_file import Words, in_own_words
from dispatcher.cli.results_file import opened_for_results
from dispatcher.domain.routes import Kept
from dispatcher.domain.template import Template, field_key
from dispatcher.errors import Problem

ERRORS_HEADER = ("row", "column", "reason", "fix")

# The first names of columns of numbers and of ids that no field of the text has.
_NUMBER_TITLES = ("mobile", "msisdn", "gsm")
_ID_TITLES = ("id", "client id", "recipient id")


class _CsvFile:
    """A CSV file that appears once it is whole; without a path, nothing is written."""

    def __init__(self, path: Path | None, header: Sequence[str], *, noun: str) -> None:
        self._path = path
        self._header = header
        self._noun = noun
        self._written = 0
        self._write: Callable[[Sequence[str]], object] | None = None

    @property
    def is_wanted(self) -> bool:
        return self._path is not None

    @contextmanager
    def opened(self) -> Iterator[None]:
        if self._path is None:
            yield
            return
        with opened_for_results(self._path) as stream:
            self._write = csv.writer(stream, lineterminator="\n").writerow
            self._write(self._header)
            yield
        say(f"{count(self._written, self._noun)} written to {self._path}")

    def write(self, cells: Sequence[str]) -> None:
        if self._write is not None:
            self._write(cells)
            self._written += 1


def refuse_same_file(*paths: Path | None) -> None:
    """Keep what is written from taking the place of what is read, or of each other.

    Raises:
        BadParameter: two paths are the same file.
    """
    files = [path.resolve() for path in paths if path is not None]
    for path in files:
        if files.count(path) > 1:
            raise typer.BadParameter(f"{path.name} is named twice: give each file its own name")


class ErrorsFile:
    """Takes bad rows, however many there are; ignores them without a path."""

    def __init__(self, path: Path | None) -> None:
        self._file = _CsvFile(path, ERRORS_HEADER, noun="bad row")
        self.opened = self._file.opened

    def write(self, problem: Problem, words: Words) -> None:
        """Write what is wrong with a row, in the file's own words."""
        self._file.write(problem_cells(in_own_words(problem, words)))


class RepairedFile:
    """Takes rows that are kept, and writes them as they were understood.

    The file may be quoted and sent in the place of the one it was made from: same people, same
    texts. A field is called as the text calls it.
    """

    def __init__(self, path: Path | None, template: Template) -> None:
        self._fields = _places(template)
        self._file = _CsvFile(path, self._header(), noun="row")
        self.opened = self._file.opened

    def write(self, kept: Kept) -> None:
        """Write rows that are kept."""
        if not self._file.is_wanted:
            return
        values = kept.values or [()] * len(kept.numbers)
        for number, own_id, found in zip(kept.numbers, kept.ids, values, strict=True):
            cells = [_common([found[place] for place in places]) for _, places in self._fields]
            self._file.write((f"+{number}", own_id or "", *cells))

    def _header(self) -> list[str]:
        names = [name for name, _ in self._fields]
        taken = set(map(field_key, names))
        number, own_id = (
            next((title for title in titles if field_key(title) not in taken), titles[0])
            for titles in (_NUMBER_TITLES, _ID_TITLES)
        )
        return [number, own_id, *names]


def problem_cells(problem: Problem) -> tuple[str, str, str, str]:
    """Give the cells of one problem: row, column, reason and fix."""
    row = "" if problem.row is None else str(problem.row)
    return row, problem.field, problem.message, problem.fix


def _places(template: Template) -> Sequence[tuple[str, Sequence[int]]]:
    """Give each field of a template with its places among the slots."""
    slots = list(enumerate(template.slots))
    return [
        (
            name,
            [place for place, slot in slots if field_key(slot.field) == field_key(name)],
        )
        for name in template.fields
    ]


def _common(values: Sequence[str]) -> str:
    """Give the one value of a field; where its defaults differ, it was empty."""
    return values[0] if len(set(values)) == 1 else ""
