"""Keeps outcomes that Redis would not take, until it does."""

import fcntl
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock
from typing import BinaryIO

import msgspec
import structlog

from dispatcher.store.batches import Batches, SendRecord
from workers.lookout import Lookout

_log = structlog.get_logger("workers.journal")


class Journal:
    """Files of outcomes, one for each account and process that had to write some.

    A process records its own file as soon as Redis is back, and those of ended processes when
    it starts. A file is locked while its process lives. Recording twice is harmless.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, Path] = {}
        self._open: dict[str, BinaryIO] = {}
        self._lock = Lock()
        self._lookout = Lookout()

    def write(self, account: str, record: SendRecord) -> None:
        """Put an outcome on disk before returning; if even that fails, in the log."""
        try:
            with self._lock:
                self._append(account, msgspec.json.encode(record) + b"\n")
        except OSError as error:
            _log.critical("outcome kept nowhere", error=type(error).__name__, **_facts(record))
        else:
            _log.warning("outcome journalled", **_facts(record))

    @contextmanager
    def unless_soon(
        self, account: str, record: SendRecord, *, seconds: float
    ) -> Iterator[Callable[[], None]]:
        """Write an outcome unless it is recorded within so long; give what writes it at once.

        A Redis that hangs keeps who asks it for minutes, so a thread of its own looks at the time.
        """
        turn, is_over = Lock(), Event()

        def write() -> None:
            with turn:
                if not is_over.is_set():
                    is_over.set()
                    self.write(account, record)

        self._lookout.add(write, seconds)
        try:
            yield write
        finally:
            self._lookout.remove(write)
            with turn:
                is_over.set()

    def retry(self, account: str, batches: Batches) -> None:
        """Record what this process journalled, if it did.

        Raises:
            StoreError: Redis does not take it; the file stays.
        """
        with self._lock:
            if account not in self._open:
                return
            path = self._files[account]
            written = path.read_bytes()
        # Others may have to write while a Redis that hangs keeps this one.
        _record(batches, written.splitlines())
        with self._lock:
            if account in self._open and path.exists() and path.read_bytes() == written:
                path.unlink()
                self._open.pop(account).close()

    def replay(self, account: str, batches: Batches) -> int:
        """Record what ended processes journalled for an account; give how many outcomes.

        Raises:
            StoreError: Redis does not take them; the file stays.
        """
        recorded = 0
        for path in sorted(self._folder.glob(f"{account}.*.jsonl")):
            try:
                file = path.open("rb")
            except FileNotFoundError:
                continue
            with file:
                if _is_locked(file):
                    continue
                recorded += _record(batches, file)
                path.unlink(missing_ok=True)
        return recorded

    def close(self) -> None:
        """Leave the files to the next process."""
        self._lookout.close()
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()

    def _append(self, account: str, line: bytes) -> None:
        if account not in self._open:
            self._open[account] = self._create(account)
        file = self._open[account]
        file.write(line)
        file.flush()
        os.fsync(file.fileno())

    def _create(self, account: str) -> BinaryIO:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{account}.{uuid.uuid4().hex}.jsonl"
        unlocked = path.with_suffix(".new")
        file = unlocked.open("ab")
        fcntl.flock(file, fcntl.LOCK_EX)
        # Only now may it be seen: a starting process would take an unlocked file for a dead one's.
        unlocked.rename(path)
        self._files[account] = path
        return file


def _is_locked(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _record(batches: Batches, lines: Iterable[bytes]) -> int:
    recorded = 0
    for line in lines:
        try:
            record = msgspec.json.decode(line, type=SendRecord)
        except msgspec.MsgspecError:
            # Cut short by the end of its process, so nobody ever relied on it.
            _log.warning("journal line unreadable", bytes=len(line))
            continue
        if batches.record_send(record) is None:
            _log.error("outcome of a batch that is not kept in this Redis", **_facts(record))
        recorded += 1
    return recorded


def _facts(record: SendRecord) -> dict[str, str | int | None]:
    return {
        "campaign": record.campaign,
        "batch": record.n,
        "attempt": record.attempt,
        "outcome": record.outcome.value,
        "ticket": record.ticket,
        "cost": record.cost,
    }
