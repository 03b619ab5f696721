"""Open what holds a table, and tell from its first bytes what kind of table it is."""

import enum
import io
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from dispatcher.errors import InputError
from dispatcher.tables.encoding import encoding_of
from dispatcher.tables.refusals import AS_CSV, unreadable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_HEAD_SIZE = 8192
_CHUNK_SIZE = 65_536
_SNIFFED_LINES = 20

# No table has such a line; without a limit, a file without line ends would fill the memory.
_LONGEST_LINE = 16 * 2**20
_LARGEST_COPY = 2**30

_ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")
_OLE_MARK = b"\xd0\xcf\x11\xe0"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")

# What people give for a table, and what it takes to get the table out of it.
_FOREIGN = (
    (b"%PDF", "this is a PDF", "export the table itself as .xlsx or CSV (UTF-8)"),
    (b"\x1f\x8b", "this is compressed (gzip)", "unpack it, and give the file inside"),
    (b"\x89PNG", "this is a picture", "export the table itself as .xlsx or CSV (UTF-8)"),
    (b"\xff\xd8\xff", "this is a picture", "export the table itself as .xlsx or CSV (UTF-8)"),
    (b"{\\rtf", "this is a text document (RTF)", AS_CSV),
    (b"<", "this is HTML or XML, whatever its name ends with", AS_CSV),
)
_JSON_OBJECT = re.compile(r'\{\s*(["}]|$)')
_JSON_ARRAY = re.compile(r'\[\s*([\[{"\d]|$)')


class Format(enum.Enum):
    """What a table is kept in."""

    DELIMITED = "delimited text"
    JSON_LINES = "one JSON value a line"
    WORKBOOK = "a workbook"


class Source:
    """The bytes of one table, whose beginning is known before they are read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.head = _first(stream, _HEAD_SIZE)

    def chunks(self) -> io.RawIOBase:
        """Give all bytes from the first one on, once; no line of them is endless."""
        return _Chunks(self.head, self._stream)

    @contextmanager
    def seekable(self) -> Iterator[BinaryIO]:
        """Give the bytes as a file to move about in, an unnamed copy if need be."""
        if self._stream.seekable() and self._stream.tell() == len(self.head):
            self._stream.seek(0)
            yield self._stream
            return
        with tempfile.TemporaryFile() as copy:
            copy.write(self.head)
            for chunk in iter(partial(self._stream.read, _CHUNK_SIZE), b""):
                if copy.tell() > _LARGEST_COPY:
                    raise unreadable("over a gibibyte of workbook", fix="split it, or give CSV")
                copy.write(chunk)
            copy.seek(0)
            yield copy


@contextmanager
def opened(source: Path | BinaryIO) -> Iterator[Source]:
    """Open a path; a stream is read from where it is, and left open.

    Raises:
        InputError: the path cannot be opened.
    """
    if not isinstance(source, Path):
        yield Source(source)
        return
    try:
        stream = source.open("rb")
    except OSError as error:
        reason = error.strerror or "unknown reason"
        fix = "check the path and its permissions"
        raise unreadable(f"cannot be opened: {reason}", fix=fix) from error
    with stream:
        yield Source(stream)


def format_of(source: Source) -> Format:
    """Tell the format from the content, whatever the name.

    Raises:
        InputError: it is something known from which no table can be read as it is.
    """
    head = source.head
    if head.startswith(_ZIP_MARKS):
        return Format.WORKBOOK
    if head.startswith(_OLE_MARK):
        raise _not_the_new_workbook(source)
    bare = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for mark, message, fix in _FOREIGN:
        if bare.startswith(mark):
            raise unreadable(message, fix=fix)
    return _format_of_text(head)


def _format_of_text(head: bytes) -> Format:
    text = head.decode(encoding_of(head), errors="replace").removeprefix("\ufeff")
    filled = [line.strip() for line in text.splitlines()[:_SNIFFED_LINES] if line.strip()]
    if not filled:
        return Format.DELIMITED
    if _JSON_ARRAY.match(filled[0]):
        fix = "write one object a line, without the brackets around and the commas between them"
        raise unreadable("this is one JSON array", fix=fix)
    if _JSON_OBJECT.match(filled[0]) or _are_json_texts(filled):
        return Format.JSON_LINES
    return Format.DELIMITED


def _are_json_texts(lines: list[str]) -> bool:
    """Tell numbers in JSON, some of them as strings; a quoted CSV column may read as the same."""
    try:
        values = [msgspec.json.decode(line, type=str | int | float) for line in lines]
    except msgspec.DecodeError:
        return False
    return any(isinstance(value, str) for value in values)


def _not_the_new_workbook(source: Source) -> InputError:
    """Tell a workbook with a password, which is wrapped in the old format, from an old one."""
    chunks, before = source.chunks(), b""
    for chunk in iter(partial(chunks.read, _CHUNK_SIZE), b""):
        if _ENCRYPTED in before + (chunk or b""):
            return unreadable("the workbook is protected by a password", fix="remove it and save")
        before = (chunk or b"")[-len(_ENCRYPTED) :]
    return unreadable("this is an old Excel workbook (.xls) or another old document", fix=AS_CSV)


def _first(stream: BinaryIO, size: int) -> bytes:
    """Read that many bytes even from a pipe that gives them in drops."""
    head = b""
    while len(head) < size and (more := stream.read(size - len(head))):
        head += more
    return head


class _Chunks(io.RawIOBase):
    """The caller's stream behind its head; it stays open when what reads it is collected."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        super().__init__()
        self._head = io.BytesIO(head)
        self._rest = rest
        self._since_line_end = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        room = memoryview(buffer)
        chunk = self._head.read(len(room)) or self._rest.read(len(room))
        if b"\n" in chunk or b"\r" in chunk:
            self._since_line_end = 0
        else:
            self._since_line_end += len(chunk)
            if self._since_line_end > _LONGEST_LINE:
                fix = "check that it is a table, with one recipient a line"
                raise unreadable("a line of more than 16 mebibytes", fix=fix)
        room[: len(chunk)] = chunk
        return len(chunk)
