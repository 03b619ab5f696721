"""Decode the bytes of a table whose encoding nobody has told."""

import codecs
import io
from typing import TYPE_CHECKING, BinaryIO

from dispatcher.errors import InputError, Problem

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_FALLBACK = "dispatcher.cp1252"
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ZIP_MARK = b"PK\x03\x04"


def text_of(source: BinaryIO) -> io.TextIOWrapper:
    """Decode a stream as UTF-8 with or without a byte order mark, cp1252, or marked UTF-16.

    Bytes that are no UTF-8 are read as cp1252 where they stand, which needs no second pass:
    text in cp1252 is next to never valid UTF-8 by accident. Line ends are kept as they are.

    Raises:
        InputError: the stream is a workbook.
    """
    buffered = io.BufferedReader(_Unclosed(source))
    mark = buffered.peek(len(_ZIP_MARK))
    if mark.startswith(_ZIP_MARK):
        raise InputError(
            [
                Problem(
                    field="table",
                    message="this is a workbook or an archive, not delimited text",
                    fix="save it as CSV (UTF-8) and give that file",
                )
            ]
        )
    encoding = "utf-16" if mark.startswith(_UTF16_MARKS) else "utf-8-sig"
    return io.TextIOWrapper(buffered, encoding=encoding, errors=_FALLBACK, newline="")


class _Unclosed(io.RawIOBase):
    """A stream of the caller's, which stays open when what reads it is collected."""

    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        room = memoryview(buffer)
        chunk = self._source.read(len(room))
        room[: len(chunk)] = chunk
        return len(chunk)


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    """Decode the bytes that are not UTF-8; what cp1252 lacks becomes a replacement character."""
    if not isinstance(error, UnicodeDecodeError) or error.encoding != "utf-8":
        raise error
    spoilt = error.object[error.start : error.end]
    return spoilt.decode("cp1252", errors="replace"), error.end


codecs.register_error(_FALLBACK, _as_cp1252)
