"""Look into a zip archive before anything in it is unpacked."""

import zipfile
from typing import BinaryIO

from dispatcher.errors import InputError
from dispatcher.tables.refusals import AS_CSV, EXPORT_AGAIN, unreadable

_WORKBOOK_PART = "xl/workbook.xml"
_SHEETS = "xl/worksheets/"
_KIND_PART = "mimetype"

# A sheet of a million rows and twenty columns comes to about one gibibyte of XML, and is
# read as a stream; the rest, the shared texts above all, is held in memory.
_LARGEST_SHEET = 4 * 2**30
_LARGEST_PART = 256 * 2**20
_RATIO_MATTERS_FROM = 16 * 2**20

# Sheets of distinct numbers come to about ten, zeros to a thousand.
_HIGHEST_RATIO = 200
_MOST_PARTS = 10_000
_LONGEST_KIND = 100


def check_workbook(file: BinaryIO) -> None:
    """Make sure that an archive is a workbook of moderate size; its sizes bind who unpacks it.

    Raises:
        InputError: it is damaged, something else, or would fill the memory.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            kind = b""
            if _KIND_PART in archive.namelist():
                with archive.open(_KIND_PART) as kept:
                    kind = kept.read(_LONGEST_KIND)
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        fix = "open it in a spreadsheet, save it again, and give that file"
        raise unreadable("the workbook is cut short or damaged", fix=fix) from error
    if refusal := _foreign(kind, {part.filename for part in parts}):
        raise refusal
    if len(parts) > _MOST_PARTS or any(map(_is_absurd, parts)):
        raise unreadable("the workbook would unpack to an absurd size", fix=EXPORT_AGAIN)
    file.seek(0)


def _foreign(kind: bytes, names: set[str]) -> InputError | None:
    """Name an archive that is something other than a workbook of the new Excel format."""
    if kind.startswith(b"application/vnd.oasis.opendocument"):
        return unreadable("this is an OpenDocument file, such as .ods", fix=AS_CSV)
    if "xl/workbook.bin" in names:
        return unreadable("this is a binary Excel workbook (.xlsb)", fix=AS_CSV)
    if "Index/Document.iwa" in names:
        return unreadable("this is a Numbers or Pages document", fix=AS_CSV)
    if _WORKBOOK_PART not in names:
        return unreadable(
            "this is an archive without a workbook", fix="unpack it, and give the table inside"
        )
    return None


def _is_absurd(part: zipfile.ZipInfo) -> bool:
    if not part.filename.endswith((".xml", ".rels")):
        return False
    limit = _LARGEST_SHEET if part.filename.startswith(_SHEETS) else _LARGEST_PART
    is_dense = part.file_size > _HIGHEST_RATIO * max(part.compress_size, 1)
    return part.file_size > limit or (part.file_size > _RATIO_MATTERS_FROM and is_dense)
