"""Decode the bytes of a table whose encoding nobody has told."""

import codecs
import io

_FALLBACK = "dispatcher.cp1252"
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def encoding_of(head: bytes) -> str:
    """Tell UTF-16, with or without a byte order mark, from what `text_of` reads as UTF-8."""
    if head.startswith(_UTF16_MARKS):
        return "utf-16"
    # Half of what Latin letters and digits are in UTF-16 is zero, always the same half.
    zeros_first, zeros_second = head[::2].count(0), head[1::2].count(0)
    if zeros_second > len(head) // 4 and not zeros_first:
        return "utf-16-le"
    if zeros_first > len(head) // 4 and not zeros_second:
        return "utf-16-be"
    return "utf-8-sig"


def text_of(chunks: io.RawIOBase, *, encoding: str) -> io.TextIOWrapper:
    """Decode a stream as `encoding_of` told; what is no UTF-8 is read as cp1252.

    Such bytes are decoded where they stand, which needs no second pass: text in cp1252 is
    next to never valid UTF-8 by accident. Line ends are kept as they are.
    """
    buffered = io.BufferedReader(chunks)
    return io.TextIOWrapper(buffered, encoding=encoding, errors=_FALLBACK, newline="")


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    """Decode the bytes that are not UTF-8; what nobody can read becomes a replacement character."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    if error.encoding != "utf-8":
        return "\N{REPLACEMENT CHARACTER}", error.end
    spoilt = error.object[error.start : error.end]
    return spoilt.decode("cp1252", errors="replace"), error.end


codecs.register_error(_FALLBACK, _as_cp1252)
