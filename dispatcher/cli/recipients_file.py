"""Reads recipients from a file or standard input, with no more of it than the text asks for."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from dispatcher.cli.reading import Reading
from dispatcher.domain.campaign import Recipient
from dispatcher.domain.template import field_key
from dispatcher.domain.wording import Wording
from dispatcher.errors import InputError, Problem
from dispatcher.tables import Table, open_table

STDIN = Path("-")

Words = Mapping[str, str]
"""What the file itself calls the columns that errors name."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who a campaign goes to; `words` is what the file calls its columns."""

    recipients: Iterator[Recipient]
    words: Words


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipientsFile:
    """A table of recipients, and which of its columns matter; None finds out.

    Attributes:
        path: `STDIN` reads standard input.
        text: the template, whose fields are looked for among the columns.
        number_column: name or place of the column of phone numbers.
        id_column: name or place of the column of the producer's ids.
        sheet: name or place of a workbook's sheet.
        mapping: for a field of the text, the name or place of its column.
    """

    path: Path
    text: str = ""
    number_column: str | None = None
    id_column: str | None = None
    sheet: str | None = None
    mapping: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_stdin(self) -> bool:
        """Whether the recipients come by standard input, once, and nobody can answer there."""
        return self.path == STDIN

    @contextmanager
    def opened(self, reading: Reading) -> Iterator[Audience]:
        """Open the table; its rows are read one by one, whatever their number.

        Raises:
            InputError: it is no table, or has no column for a field of the text.
        """
        wording = Wording(self.text)
        keys = set(map(field_key, wording.template.fields))
        with (
            self.stream(reading) as stream,
            open_table(
                stream,
                number_column=self.number_column,
                id_column=self.id_column,
                with_fields=bool(keys - set(map(field_key, self.mapping))),
                sheet=self.sheet,
                mapping=self.mapping,
            ) as table,
        ):
            wording.bind(table.columns)
            table.narrow({name for name in table.columns if field_key(name) in keys})
            yield Audience(_recipients(table, reading), _words(table, wording.template.fields))

    @contextmanager
    def stream(self, reading: Reading) -> Iterator[BinaryIO]:
        """Open the bytes themselves."""
        if self.is_stdin:
            yield sys.stdin.buffer
            return
        with reading.opened(self.path) as stream:
            yield stream


def in_own_words(problem: Problem, words: Words) -> Problem:
    """Name the column of a problem as the file does."""
    return replace(problem, field=words.get(problem.field, problem.field))


def error_in_own_words(error: InputError, words: Words) -> InputError:
    """Name the columns of an error as the file does."""
    problems = [in_own_words(problem, words) for problem in error.problems]
    return InputError(problems, total=error.total)


def _recipients(table: Table, reading: Reading) -> Iterator[Recipient]:
    for row in table:
        reading.row()
        yield Recipient(row.number, row.id, row.row, row.fields, row.problem)


def _words(table: Table, fields: tuple[str, ...]) -> Words:
    titles = table.titles
    by_key = {field_key(name): name for name in table.columns}
    known = {name: by_key[field_key(name)] for name in fields if field_key(name) in by_key}
    return {**titles, **{name: titles[column] for name, column in known.items()}}
