"""Reads recipients from a file or standard input, and shows how far it has got."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from dispatcher.cli.output import is_live
from dispatcher.domain.campaign import Recipient
from dispatcher.tables import read_recipients

STDIN = Path("-")
_ROWS_BETWEEN_NEWS = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipientsFile:
    """A table of recipients, and which of its columns matter; None finds out.

    Attributes:
        path: `STDIN` reads standard input.
        number_column: name or place of the column of phone numbers.
        id_column: name or place of the column of the producer's ids.
    """

    path: Path
    number_column: str | None = None
    id_column: str | None = None

    @property
    def is_stdin(self) -> bool:
        """Whether the recipients come by standard input, so that nobody can answer there."""
        return self.path == STDIN

    @contextmanager
    def recipients(self, console: Console) -> Iterator[Iterator[Recipient]]:
        """Open the table; its rows are read one by one, whatever their number."""
        progress = Progress(
            TextColumn("reading"),
            BarColumn(),
            TextColumn("{task.fields[rows]:,} rows"),
            TimeRemainingColumn(),
            console=console,
            disable=not is_live(console),
            transient=True,
        )
        with progress:
            task = progress.add_task("reading", total=None, rows=0)
            with self._opened(progress, task) as stream:
                yield self._read(stream, progress, task)

    @contextmanager
    def _opened(self, progress: Progress, task: TaskID) -> Iterator[BinaryIO]:
        if self.is_stdin:
            yield sys.stdin.buffer
            return
        with progress.open(self.path, "rb", task_id=task) as stream:
            yield stream

    def _read(self, stream: BinaryIO, progress: Progress, task: TaskID) -> Iterator[Recipient]:
        rows = read_recipients(stream, number_column=self.number_column, id_column=self.id_column)
        for place, row in enumerate(rows, start=1):
            if place % _ROWS_BETWEEN_NEWS == 0:
                progress.update(task, rows=place)
            yield Recipient(row.number, row.id, row.row)
