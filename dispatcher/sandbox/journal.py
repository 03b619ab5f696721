import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from dispatcher.sandbox.events import Event


class Journal(Protocol):
    """Where changes are written down."""

    def append(self, event: Event) -> None:
        """Keep a change; once this returns, it survives the process."""

    def close(self) -> None:
        """Write no more."""


class NoJournal:
    """Keeps nothing: what a sandbox without a state file uses."""

    def append(self, event: Event) -> None:
        """Forget the change."""

    def close(self) -> None:
        """Do nothing."""


class FileJournal:
    """One JSON document per line, appended; a line cut short by a crash is dropped.

    A change survives the process being killed, not the machine losing power.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._encoder = msgspec.json.Encoder()
        self._file: int | None = None

    def replay(self) -> Iterator[Event]:
        """Give every change written so far, and cut off a line that was not finished."""
        if not self._path.exists():
            return
        decoder = msgspec.json.Decoder(Event)
        whole = 0
        with self._path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                yield decoder.decode(line)
        os.truncate(self._path, whole)

    def append(self, event: Event) -> None:
        """Write one line."""
        if self._file is None:
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        line = memoryview(self._encoder.encode(event) + b"\n")
        while line:
            line = line[os.write(self._file, line) :]

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
