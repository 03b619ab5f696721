"""Keeps outcomes that Redis would not take, until it does."""

import fcntl
import os
import uuid
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import msgspec
import structlog

from dispatcher.store.batches import Batches, SendRecord

_log = structlog.get_logger("workers.journal")


class Journal:
    """Files of outcomes, one for each account and process, recorded by whoever starts next.

    A file is locked by the process that writes it, so none is taken away from a living one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, BinaryIO] = {}
        self._lock = Lock()

    def write(self, account: str, record: SendRecord) -> None:
        """Put an outcome on disk before returning."""
        line = msgspec.json.encode(record) + b"\n"
        with self._lock:
            if account not in self._files:
                self._files[account] = self._create(account)
            file = self._files[account]
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        _log.warning("outcome journalled", campaign=record.campaign, batch=record.n)

    def replay(self, account: str, batches: Batches) -> int:
        """Record what ended processes journalled for an account; give how many outcomes.

        Recording twice is harmless, so a file goes only once all of it is recorded.

        Raises:
            StoreError: Redis did not take them; the file stays.
        """
        recorded = 0
        for path in sorted(self._folder.glob(f"{account}.*.jsonl")):
            try:
                file = path.open("rb")
            except FileNotFoundError:
                continue
            with file:
                if _is_written_to(file):
                    continue
                for record in _records(file):
                    batches.record_send(record)
                    recorded += 1
                path.unlink(missing_ok=True)
        return recorded

    def close(self) -> None:
        """Leave the files to the next process."""
        with self._lock:
            while self._files:
                self._files.popitem()[1].close()

    def _create(self, account: str) -> BinaryIO:
        self._folder.mkdir(parents=True, exist_ok=True)
        file = (self._folder / f"{account}.{uuid.uuid4().hex}.jsonl").open("ab")
        fcntl.flock(file, fcntl.LOCK_EX)
        return file


def _is_written_to(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _records(file: BinaryIO) -> list[SendRecord]:
    """Read a file; a line that the end of its process cut short was never relied upon."""
    records = []
    for line in file:
        try:
            records.append(msgspec.json.decode(line, type=SendRecord))
        except msgspec.MsgspecError:
            _log.warning("journal line unreadable", bytes=len(line))
    return records
