"""Keeps webhooks on disk while Redis is away.

A file of the spool is a row of records, each `length, CRC-32, msgpack [hook, account, bodies]`.
Whoever works on a file holds a lock on it, which ends with the process: so several receivers
may share a folder, and each takes over what a dead one left.
"""

import contextlib
import fcntl
import os
import struct
import threading
import time
import uuid
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, NamedTuple, Self

import msgspec
import structlog

from dispatcher.errors import DispatcherError
from dispatcher.store.inbox import Hook

_log = structlog.get_logger("dispatcher.web.spool")

_ENDING = ".spool"
# Not yet locked by its writer, so nobody else's to look at.
_UNFINISHED = ".new"
_SUSPECT = ".damaged"
_FRAME = struct.Struct(">II")
# Files are drained whole: small enough to hold in memory, large enough to be few.
_FILE_BYTES = 4 << 20


class SpoolFullError(DispatcherError):
    """The spool has reached its size limit, or the disk would not take more."""


class Spooled(NamedTuple):
    """Bodies that arrived together and could not go to Redis."""

    hook: Hook
    account: str
    bodies: Sequence[bytes]


class Spool:
    """A folder of files that only this project reads; safe to use from many threads."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        """Take a folder, made on first use, and the size all files in it may reach together."""
        self.folder = folder
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._file: FileIO | None = None

    def append(self, spooled: Spooled) -> None:
        """Put bodies on disk before returning.

        Raises:
            SpoolFullError: they are not there, or not for certain.
        """
        record = framed(spooled)
        with self._lock:
            try:
                if used_bytes(self.folder) + len(record) > self.max_bytes:
                    raise SpoolFullError(f"the spool is full ({self.max_bytes} bytes)")
                self._write(record)
            except OSError as error:
                raise SpoolFullError(f"the spool cannot be written: {error.strerror}") from error

    def finished(self) -> list[Path]:
        """End the file being written, and give all files, oldest first."""
        with self._lock:
            self._finish()
        return sorted(self.folder.glob(f"*{_ENDING}"))

    def has_room(self) -> bool:
        """Tell whether the spool would take a record now."""
        try:
            self.probe()
            return used_bytes(self.folder) < self.max_bytes
        except OSError:
            return False

    def probe(self) -> None:
        """Write something that is gone again at once.

        Raises:
            OSError: the folder cannot be written to.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with TemporaryFile(dir=self.folder) as file:
            file.write(_FRAME.pack(0, 0))
            file.flush()
            os.fsync(file.fileno())

    def close(self) -> None:
        """End the file being written; another process may drain it from now on."""
        with self._lock:
            self._finish()

    def _write(self, record: bytes) -> None:
        if self._file is None:
            _, self._file = new_file(self.folder)
        try:
            write_through(self._file, record)
        except OSError:
            self._finish()
            raise
        if self._file.tell() >= _FILE_BYTES:
            self._finish()

    def _finish(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def framed(spooled: Spooled) -> bytes:
    """Give the record of bodies as it stands in a file."""
    record = msgspec.msgpack.encode(spooled)
    return _FRAME.pack(len(record), zlib.crc32(record)) + record


def used_bytes(folder: Path) -> int:
    """Add up what a folder's files take."""
    if not folder.exists():
        return 0
    with os.scandir(folder) as entries:
        return sum(_size(entry) for entry in entries)


def new_file(folder: Path) -> tuple[Path, FileIO]:
    """Make a file that is locked before anybody else can see it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    hidden = folder / f"{time.time_ns():020}-{uuid.uuid4().hex}{_UNFINISHED}"
    descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
    file = FileIO(descriptor, "wb")
    fcntl.flock(file, fcntl.LOCK_EX)
    path = hidden.rename(hidden.with_suffix(_ENDING))
    _sync_folder(folder)
    return path, file


def write_through(file: FileIO, record: bytes) -> None:
    """Have a record on disk at the end of a file, or nothing of it.

    Raises:
        OSError: it is not there, or not for certain.
    """
    end = file.tell()
    try:
        rest = memoryview(record)
        while rest:
            rest = rest[file.write(rest) :]
        os.fsync(file.fileno())
    except OSError:
        # Half a record would hide those that follow it.
        with contextlib.suppress(OSError):
            file.truncate(end)
        raise


@dataclass(frozen=True, kw_only=True)
class SpoolFile:
    """One file of the spool, ours alone until it is closed.

    Attributes:
        records: what it holds, in the order it came.
        damaged: there is more in it, which cannot be read: a crash cut off its end, or worse.
    """

    path: Path
    records: Sequence[Spooled]
    damaged: bool
    _file: BinaryIO

    @classmethod
    def claim(cls, path: Path) -> Self | None:
        """Take a file; None when it is gone, or another process works on it."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        records, damaged = _read(file.read())
        return cls(path=path, records=records, damaged=damaged, _file=file)

    def remove(self) -> None:
        """Delete the file, or put it aside if there is more in it than could be read."""
        if self.damaged:
            _log.error("spool file damaged", file=self.path.with_suffix(_SUSPECT).name)
            self.path.rename(self.path.with_suffix(_SUSPECT))
        else:
            self.path.unlink(missing_ok=True)

    @staticmethod
    def is_one(path: Path) -> bool:
        """Tell whether a file is one of the spool's, be it damaged."""
        return path.suffix in (_ENDING, _SUSPECT)

    def take_out(self, is_to_go: Callable[[bytes], bool]) -> int:
        """Take bodies out for good; give how many.

        Of a damaged file, what could be read was passed on before it was put aside, so all of
        it goes.
        """
        is_suspect = self.path.suffix == _SUSPECT
        kept = [
            spooled._replace(bodies=[body for body in spooled.bodies if not is_to_go(body)])
            for spooled in self.records
        ]
        before, after = (
            sum(len(spooled.bodies) for spooled in records) for records in (self.records, kept)
        )
        if after and not is_suspect:
            # Under a name of its own: at no moment may what stays be on no disk.
            hidden = self.path.with_name(f"{self.path.stem}-{uuid.uuid4().hex}{_UNFINISHED}")
            with hidden.open("xb") as file:
                file.write(b"".join(framed(spooled) for spooled in kept if spooled.bodies))
                file.flush()
                os.fsync(file.fileno())
            hidden.rename(hidden.with_suffix(_ENDING))
        self.path.unlink(missing_ok=True)
        _sync_folder(self.path.parent)
        return max(1, before - after)

    def close(self) -> None:
        """Let others have the file."""
        self._file.close()


def _read(content: bytes) -> tuple[list[Spooled], bool]:
    """Give every record that can be read, and whether there is anything that cannot."""
    records: list[Spooled] = []
    damaged = False
    position = 0
    while position + _FRAME.size <= len(content):
        length, checksum = _FRAME.unpack_from(content, position)
        position += _FRAME.size + length
        record = content[position - length : position]
        if zlib.crc32(record) != checksum:
            damaged = True
            continue
        try:
            records.append(msgspec.msgpack.decode(record, type=Spooled))
        except msgspec.ValidationError:
            # Written by a newer version, which knew more hooks.
            damaged = True
    return records, damaged or position != len(content)


def _size(entry: os.DirEntry[str]) -> int:
    # A file may be drained by another process between its name and its size.
    with contextlib.suppress(FileNotFoundError):
        return entry.stat().st_size
    return 0


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
