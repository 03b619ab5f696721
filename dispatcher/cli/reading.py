"""Shows how far a file has been read, and how many of its people the API was asked about."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from dispatcher.cli.output import is_live

_ROWS_BETWEEN_NEWS = 1000


class Reading:
    """Bars that go away at the end; a context manager, so that the terminal is left whole."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<9}"),
            BarColumn(),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not is_live(console),
            transient=True,
        )
        self._read = self._progress.add_task("reading", total=None, note="")
        self._asked = self._progress.add_task("asking", total=None, note="", visible=False)
        self._rows = self._people = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    @contextmanager
    def opened(self, path: Path) -> Iterator[BinaryIO]:
        """Open a file whose bytes move the first bar."""
        with self._progress.open(path, "rb", task_id=self._read) as stream:
            yield stream

    def row(self) -> None:
        """Count a row that was read."""
        self._rows += 1
        if self._rows % _ROWS_BETWEEN_NEWS == 0:
            self._progress.update(self._read, note=f"{self._rows:,} rows")

    def simulated(self, people: int) -> None:
        """Count people the API was asked about, of all those read so far."""
        self._people += people
        self._progress.update(
            self._asked,
            completed=self._people,
            total=self._rows,
            visible=True,
            note=f"{self._people:,} people simulated",
        )
