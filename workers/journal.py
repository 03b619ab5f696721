"""Keeps outcomes that Redis would not take, until it does."""

import os
import time
import uuid
from pathlib import Path
from threading import Lock

import msgspec
import structlog

from dispatcher.store.batches import Batches, SendRecord

_log = structlog.get_logger("workers.journal")


class _Line(msgspec.Struct):
    account: str
    at: float
    record: SendRecord


class Journal:
    """A file of outcomes for each process that had to write one, replayed at start-up."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / f"{uuid.uuid4().hex}.jsonl"
        self._lock = Lock()

    def write(self, account: str, record: SendRecord) -> None:
        """Put an outcome on disk before returning."""
        line = msgspec.json.encode(_Line(account, time.time(), record)) + b"\n"
        with self._lock:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._file.open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        _log.warning("outcome journalled", campaign=record.campaign, batch=record.n)

    def replay(self, account: str, batches: Batches) -> int:
        """Record everything journalled for an account by any process; give how many.

        Recording twice is harmless, so a file goes only once all of it is recorded.
        """
        recorded = 0
        for path in sorted(self._folder.glob("*.jsonl")):
            lines = [
                msgspec.json.decode(line, type=_Line) for line in path.read_bytes().splitlines()
            ]
            for line in lines:
                if line.account == account:
                    batches.record_send(line.record)
                    recorded += 1
            if all(line.account == account for line in lines):
                path.unlink(missing_ok=True)
        return recorded
