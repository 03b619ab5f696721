"""Keeps bodies on our disk while a Redis that syncs each second has them only in memory.

Such a server confirms an append a tenth of a second later, or a whole one: too long for whoever
posted. A sync of our own takes a millisecond. The journal's files are those of a spool, so
should we die, or Redis forget, they are drained like any other.
"""

import threading
import time
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from dispatcher.web.spool import (
    Spooled,
    SpoolFullError,
    framed,
    new_file,
    used_bytes,
    write_through,
)

# Files go one by one, each once everything in it is confirmed; so they are short.
_FILE_BYTES = 1 << 20
_FILE_SECONDS = 0.5


@dataclass(kw_only=True)
class Leaf:
    """A file of the journal.

    Attributes:
        begun: when, by the monotonic clock.
        pending: how many of its records Redis has neither confirmed nor refused.
        failed: a record will not be confirmed, so the file has to be drained.
    """

    path: Path
    file: FileIO
    begun: float
    pending: int = 0
    failed: bool = False

    @property
    def is_full(self) -> bool:
        """Say whether the next record goes into another file."""
        return self.file.tell() >= _FILE_BYTES or time.monotonic() - self.begun > _FILE_SECONDS

    def close(self) -> None:
        """Delete the file, or leave it to whoever drains."""
        if not self.failed:
            self.path.unlink(missing_ok=True)
        # The lock goes with it: a file that is there may be drained from now on.
        self.file.close()


class Journal:
    """The files of one process, in the folder of its spool; safe to use from many threads."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        """Take a folder, made on first use, and the size all files in it may reach together."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._leaf: Leaf | None = None
        self._open: list[Leaf] = []

    def keep(self, spooled: Spooled) -> Leaf:
        """Put bodies on disk before returning; give what to settle once Redis has spoken.

        Raises:
            SpoolFullError: they are not there, or not for certain.
        """
        record = framed(spooled)
        with self._lock:
            try:
                if used_bytes(self._folder) + len(record) > self._max_bytes:
                    raise SpoolFullError(f"the spool is full ({self._max_bytes} bytes)")
                leaf = self._leaf
                if leaf is None or leaf.is_full:
                    leaf = self._turn()
                write_through(leaf.file, record)
            except OSError as error:
                self._turn_away()
                raise SpoolFullError(f"the journal cannot be written: {error.strerror}") from error
            leaf.pending += 1
            return leaf

    def settle(self, leaf: Leaf, *, confirmed: bool) -> None:
        """Take note that Redis has a record on its disk, or may never have it there."""
        with self._lock:
            leaf.pending -= 1
            leaf.failed |= not confirmed
            # A record that failed is not to wait for all that follow it.
            if leaf.failed and leaf is self._leaf:
                self._leaf = None
            if not leaf.pending:
                self._end(leaf)

    def close(self) -> None:
        """Leave what is not confirmed to whoever drains."""
        with self._lock:
            for leaf in list(self._open):
                leaf.failed |= leaf.pending > 0
                self._end(leaf)

    def _turn(self) -> Leaf:
        path, file = new_file(self._folder)
        self._leaf = Leaf(path=path, file=file, begun=time.monotonic())
        self._open.append(self._leaf)
        return self._leaf

    def _turn_away(self) -> None:
        """Write no more to a file that failed, nor leave one that has nothing in it."""
        leaf, self._leaf = self._leaf, None
        if leaf is not None and not leaf.pending:
            self._end(leaf)

    def _end(self, leaf: Leaf) -> None:
        if leaf is self._leaf:
            self._leaf = None
        # A close comes before the last word on what was pending.
        if leaf in self._open:
            self._open.remove(leaf)
            leaf.close()
