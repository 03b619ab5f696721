"""Broken and odd Excel workbooks."""

import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime, time

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from dispatcher.domain.damage import Damage
from dispatcher.domain.numbers import NumberProblem
from tests.support.corpus import N1, N2, N3, Specimen, specimen

Content = Callable[[], bytes]

_SHEET = "xl/worksheets/sheet1.xml"


def _saved(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def workbook(*rows: Sequence[object], change: Callable[[Worksheet], object] = bool) -> Content:
    """Make a workbook of one sheet, to which something may be done before it is saved."""

    def make() -> bytes:
        book = Workbook()
        sheet = book.worksheets[0]
        for row in rows:
            sheet.append(list(row))
        change(sheet)
        return _saved(book)

    return make


def with_part(part: str, change: Callable[[bytes], bytes], *, of: Content) -> Content:
    """Make a workbook one part of which is changed, or added."""

    def make() -> bytes:
        file = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(of())) as before,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as after,
        ):
            parts = {name: before.read(name) for name in before.namelist()}
            parts[part] = change(parts.get(part, b""))
            for name, content in parts.items():
                after.writestr(name, content)
        return file.getvalue()

    return make


def archive(**parts: str) -> Content:
    """Make an archive that is no workbook."""

    def make() -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as made:
            for name, content in parts.items():
                made.writestr(name, content)
        return file.getvalue()

    return make


def _two_sheets(*, hidden: bool = False, empty: bool = False) -> Content:
    def make() -> bytes:
        book = Workbook()
        first = book.worksheets[0]
        first.title = "Notes"
        if not empty:
            first.append(["mobile"])
            first.append(["0639980001"])
        second = book.create_sheet("Clients")
        second.append(["mobile"])
        second.append(["0639980002"])
        if hidden:
            first.sheet_state = "hidden"
            book.active = 1
        return _saved(book)

    return make


def _in_old_wrapping(name: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(9000) + name.encode("utf-16-le") + bytes(900)


PLAIN = workbook(["mobile", "nom"], ["0639980001", "Zo\u00e9"])
SAVE_AGAIN = "(open it in a spreadsheet, save it again, and give that file)"
AS_CSV = "(open it in a spreadsheet, save it as .xlsx or CSV (UTF-8), and give that file)"
BOMB = '<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'

CELLS = (
    specimen("numbers as numbers", workbook(["mobile"], [33639980001], [639980002]),
             (2, N1), (3, N2, Damage.LEADING_ZERO)),
    specimen("numbers with a fraction", workbook(["mobile"], [33639980001.0], [639980002.0]),
             (2, N1), (3, N2, Damage.LEADING_ZERO)),
    specimen("an exponent kept as text", workbook(["mobile"], ["3.36E+10"], ["0639980002"]),
             (2, NumberProblem.DIGITS_LOST), (3, N2)),
    specimen("more digits than a spreadsheet keeps", workbook(["mobile"], [3363998000112345678.0]),
             (2, NumberProblem.DIGITS_LOST)),
    specimen("errors of formulas", workbook(["mobile"], ["#N/A"], ["#REF!"], ["0639980003"]),
             (2, NumberProblem.FORMULA_ERROR), (3, NumberProblem.FORMULA_ERROR), (4, N3)),
    specimen("a formula never calculated", workbook(["mobile", "id"], ["=B2", "a"]),
             (2, NumberProblem.EMPTY)),
    specimen(
        "dates, times, truth and fractions",
        workbook(
            ["mobile", "jour", "rdv", "heure", "vip", "solde"],
            ["0639980001", datetime(2026, 11, 23), datetime(2026, 11, 23, 14, 30), time(9, 5),  # noqa: DTZ001 - cells have no zone
             True, 12.5],
        ),
        (2, N1, {"mobile": "0639980001", "jour": "2026-11-23", "rdv": "2026-11-23 14:30",
                 "heure": "09:05", "vip": "TRUE", "solde": "12.5"}),
        with_fields=True,
    ),
    specimen(
        "line ends and blanks within cells",
        workbook(["mobile", "note"], [" 0639980001 ", "one_x000D_\ntwo \n"]),
        (2, N1, {"mobile": "0639980001", "note": "one\ntwo"}),
        with_fields=True,
    ),
)  # fmt: skip

SHEETS = (
    specimen("a hidden sheet first", _two_sheets(hidden=True), (2, N2)),
    specimen("the hidden sheet asked for", _two_sheets(hidden=True), (2, N1), sheet="notes"),
    specimen("the second sheet, by place", _two_sheets(), (2, N2), sheet="2"),
    specimen("a sheet that is not there", _two_sheets(),
             "sheet: there is no sheet 'Leads'; found 'Notes', 'Clients' "
             "(give --sheet one of those names, or its place: 1 for the first)", sheet="Leads"),
    specimen("an empty sheet first", _two_sheets(empty=True),
             "table: the table is empty (export it again)"),
    specimen("cells merged over the header",
             workbook(["Nos clients"], ["mobile", "nom"], ["0639980001", "Max"],
                      change=lambda sheet: sheet.merge_cells("A1:B1")),
             "row 1, header: no column is named like a phone number; found 'Nos clients' "
             "(delete what stands above the names of the columns)"),
    specimen("a number merged over two rows",
             workbook(["mobile", "nom"], ["0639980001", "Max"], [None, "Zo\u00e9"],
                      change=lambda sheet: sheet.merge_cells("A2:A3")),
             (2, N1), (3, NumberProblem.EMPTY)),
    specimen("blank rows behind", workbook(["mobile"], ["0639980001"], *[[" "]] * 700), (2, N1)),
    specimen("blank rows between", workbook([], [], ["mobile"], [], ["0639980001"]), (5, N1)),
    specimen("notes beside the table",
             workbook(["mobile"], ["0639980001"], ["0639980002", None, "called twice"]),
             (2, N1), (3, N2)),
    specimen("a size that is wrong",
             with_part(_SHEET, lambda xml: xml.replace(b'ref="A1:B2"', b'ref="A1"'), of=PLAIN),
             (2, N1, {"mobile": "0639980001", "nom": "Zo\u00e9"}), with_fields=True),
)  # fmt: skip

FILES = (
    specimen("cut short", lambda: PLAIN()[:3000],
             f"table: the workbook is cut short or damaged {SAVE_AGAIN}"),
    specimen("a sheet cut short", with_part(_SHEET, lambda xml: xml[:-60], of=PLAIN), (2, N1),
             f"row 3, table: the workbook is damaged (ParseError) {SAVE_AGAIN}"),
    specimen("no list of sheets",
             with_part("xl/workbook.xml", lambda _xml: b"<workbook", of=PLAIN),
             f"table: the workbook is damaged (XMLSyntaxError) {SAVE_AGAIN}"),
    specimen("an old workbook", _in_old_wrapping("Workbook"),
             f"table: this is an old Excel workbook (.xls) or another old document {AS_CSV}"),
    specimen("a password", _in_old_wrapping("EncryptedPackage"),
             "table: the workbook is protected by a password (remove it and save)"),
    specimen("OpenDocument",
             archive(mimetype="application/vnd.oasis.opendocument.spreadsheet"),
             f"table: this is an OpenDocument file, such as .ods {AS_CSV}"),
    specimen("a binary workbook", archive(**{"xl/workbook.bin": "x"}),
             f"table: this is a binary Excel workbook (.xlsb) {AS_CSV}"),
    specimen("another archive", archive(**{"clients.csv": "mobile\n0639980001\n"}),
             "table: this is an archive without a workbook "
             "(unpack it, and give the table inside)"),
    specimen("a bomb of zeros", with_part(_SHEET, lambda _xml: bytes(2**25), of=PLAIN),
             "table: the workbook would unpack to an absurd size (export it again)"),
    specimen("entities in a sheet",
             with_part(_SHEET, lambda xml: xml.replace(b"<worksheet", f"{BOMB}<worksheet".encode(),
                                                       1), of=PLAIN),
             f"table: the workbook is damaged (ValueError) {SAVE_AGAIN}"),
    specimen("macros", with_part("xl/vbaProject.bin", lambda _code: b"x", of=PLAIN), (2, N1)),
)  # fmt: skip

WORKBOOKS: tuple[Specimen, ...] = (*CELLS, *SHEETS, *FILES)
