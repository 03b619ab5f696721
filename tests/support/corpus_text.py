"""Broken and odd tables in delimited text."""

from dispatcher.domain.damage import Damage
from dispatcher.domain.numbers import NumberProblem
from tests.support.corpus import N1, N2, N3, Specimen, specimen

ZOE = {"nom": "Zo\u00e9", "mobile": "0639980001"}

ENCODINGS = (
    specimen("UTF-8", "nom,mobile\nZo\u00e9,0639980001\n", (2, N1, ZOE), with_fields=True),
    specimen(
        "UTF-8 with a byte order mark",
        "\ufeffnom,mobile\nZo\u00e9,0639980001\n",
        (2, N1, ZOE),
        with_fields=True,
    ),
    specimen(
        "cp1252, as Excel in France saves CSV",
        "nom;mobile\r\nZo\u00e9;0639980001\r\n".encode("cp1252"),
        (2, N1, ZOE),
        with_fields=True,
    ),
    specimen(
        "UTF-16, as Excel saves Unicode text",
        "nom\tmobile\r\nZo\u00e9\t0639980001\r\n".encode("utf-16"),
        (2, N1, ZOE),
        with_fields=True,
    ),
    specimen(
        "UTF-16 without a mark",
        "nom\tmobile\r\nZo\u00e9\t0639980001\r\n".encode("utf-16-le"),
        (2, N1, ZOE),
        with_fields=True,
    ),
    specimen(
        "UTF-16 big-endian without a mark",
        "nom\tmobile\r\nZo\u00e9\t0639980001\r\n".encode("utf-16-be"),
        (2, N1, ZOE),
        with_fields=True,
    ),
    specimen(
        "two encodings in one file",
        "nom,mobile\nZo\u00e9,0639980001\n".encode() + "Lo\u00efc,0639980002\n".encode("cp1252"),
        (2, N1, ZOE),
        (3, N2, {"nom": "Lo\u00efc", "mobile": "0639980002"}),
        with_fields=True,
    ),
    specimen(
        "a byte order mark in the middle, where two files were joined",
        "nom,mobile\nZo\u00e9,0639980001\n\ufeffLou,0639980002\n",
        (2, N1, ZOE),
        (3, N2, {"nom": "Lou", "mobile": "0639980002"}),
        with_fields=True,
    ),
    specimen(
        "zero bytes in a cell",
        "nom,mobile\nZo\u00e9\0\0,0639980001\nLou,06\x0039980002\n",
        (2, N1, ZOE),
        (3, NumberProblem.NOT_A_NUMBER),
        with_fields=True,
    ),
    specimen(
        "UTF-16 cut in half a character",
        "mobile\n0639980001\n".encode("utf-16") + b"0",
        (2, N1),
        (3, NumberProblem.NOT_A_NUMBER),
    ),
)

LAYOUTS = (
    specimen("semicolons", "id;mobile\na;0639980001\n", (2, N1)),
    specimen("tabs", "id\tmobile\na\t0639980001\n", (2, N1)),
    specimen("bars", "id|mobile\na|0639980001\n", (2, N1)),
    specimen("the delimiter told to Excel", "sep=;\r\nid;mobile\r\na;0639980001\r\n", (2, N1)),
    specimen("commas within semicolons", "a;mobile\n1, rue A;0639980001\n", (2, N1)),
    specimen("old Mac line ends", "id,mobile\ra,0639980001\r", (2, N1)),
    specimen(
        "a cell of two lines",
        'note,mobile\r\n"one\r\ntwo",0639980001\r\nlast,0639980002\r\n',
        (2, N1, {"note": "one\ntwo", "mobile": "0639980001"}),
        (3, N2, {"note": "last", "mobile": "0639980002"}),
        with_fields=True,
    ),
    specimen(
        "a quote left open",
        'nom,mobile\nZo\u00e9,0639980001\n"Lou,0639980002\nMax,0639980003\n',
        (2, N1),
        "row 3, table: not a table from here on: unexpected end of data "
        "(look for a quote left open)",
    ),
    specimen(
        "text behind a closing quote",
        'nom,mobile\nZo\u00e9,0639980001\n"Lou" M,0639980002\n',
        (2, N1),
        "row 3, table: not a table from here on: ',' expected after '\"' "
        "(look for a quote left open)",
    ),
    specimen(
        "a delimiter without quotes",
        "nom,mobile,ville\nDurand, Max,0639980001,Lyon\nLou,0639980002,Brest\n",
        "row 2, table: 4 cells, where the first row has 3 "
        "(put double quotes around a cell that contains the delimiter)",
        (3, N2),
    ),
    specimen("delimiters at the end of rows", "id,mobile\na,0639980001,,\nb,0639980002\n",
             (2, N1), (3, N2)),
    specimen(
        "a row too short",
        "mobile,ville\n0639980001\n0639980002,Brest\n",
        (2, N1, {"mobile": "0639980001", "ville": ""}),
        (3, N2, {"mobile": "0639980002", "ville": "Brest"}),
        with_fields=True,
    ),
    specimen("a row without its number", "id,mobile\na\nb,0639980002\n",
             (2, NumberProblem.EMPTY), (3, N2)),
    specimen("blank rows between and behind", "\n,\nid,mobile\n\n;\na,0639980001\n , \n,,\n",
             (6, N1)),
    specimen(
        "a cell too long",
        "mobile\n0639980001\n" + "9" * 200_000 + "\n",
        (2, N1),
        "row 3, table: not a table from here on: field larger than field limit (131072) "
        "(look for a quote left open)",
    ),
    specimen(
        "a line without end",
        b"0" * 17 * 2**20,
        "table: a line of more than 16 mebibytes "
        "(check that it is a table, with one recipient a line)",
    ),
)  # fmt: skip

HEADERS = (
    specimen("no header, one column", "0639980001\n0639980002\n", (1, N1), (2, N2)),
    specimen(
        "no header, two columns",
        "Max,0639980001\n",
        "row 1, header: no column is named like a phone number; found 2 columns without names "
        "(choose it with --number-column NAME, or with its place: 1 or A for the first)",
    ),
    specimen("no header, the place told", "Max,0639980001\n", (1, N1), number_column="B"),
    specimen(
        "no header, fields told by place",
        "Max,0639980001\n",
        (1, N1, {"prenom": "Max"}),
        number_column="2",
        mapping={"prenom": "A"},
    ),
    specimen("two number columns", "telephone,portable\n0139980001,0639980001\n", (2, N1)),
    specimen(
        "two columns of one name, one asked for",
        "tel,tel\n0639980001,0639980002\n",
        "row 1, header: several columns are named 'tel'; found 'tel', 'tel' "
        "(give --number-column the place, such as 1 or A)",
        number_column="tel",
    ),
    specimen(
        "two fields of one name",
        "mobile,nom,Nom\n0639980001,Durand,Max\n",
        (2, N1, {"mobile": "0639980001", "nom (B)": "Durand", "Nom (C)": "Max"}),
        with_fields=True,
    ),
    specimen(
        "a column without a name",
        "mobile,,ville,\n0639980001,x,Lyon,y\n",
        (2, N1, {"mobile": "0639980001", "ville": "Lyon"}),
        with_fields=True,
    ),
    specimen(
        "a title above the header",
        "Nos clients;;\nid;mobile;ville\na;0639980001;Lyon\n",
        "row 1, header: no column is named like a phone number; found 'Nos clients' "
        "(delete what stands above the names of the columns)",
    ),
    specimen(
        "names without a number's",
        "nom,ville\nMax,Lyon\n",
        "row 1, header: no column is named like a phone number; found 'nom', 'ville' "
        "(choose it with --number-column NAME, or with its place: 1 or A for the first)",
    ),
    specimen("the header once more in the middle", "mobile\n0639980001\nmobile\n0639980002\n",
             (2, N1), (3, NumberProblem.NOT_A_NUMBER), (4, N2)),
    specimen("accents and blanks in a name", "N\u00b0 de T\u00c9L\u00c9PHONE ,x\n0639980001,y\n",
             (2, N1)),
    specimen("an empty file", "", "table: the table is empty (export it again)"),
    specimen("delimiters only", ";;\n;;\n", "table: the table is empty (export it again)"),
)  # fmt: skip

DAMAGES = (
    specimen("a zero dropped", "mobile\n639980001\n", (2, N1, Damage.LEADING_ZERO)),
    specimen("decimals", "mobile\n33639980001.0\n33639980002,00\n",
             (2, N1, Damage.DECIMALS), (3, N2, Damage.DECIMALS)),
    specimen("an exponent with all digits", "mobile;x\n3,3639980001E+10;\n",
             (2, N1, Damage.SCIENTIFIC)),
    specimen("an exponent with digits lost", "mobile\n3.36E+10\n3.36398E+10\n0639980003\n",
             (2, NumberProblem.DIGITS_LOST), (3, NumberProblem.DIGITS_LOST), (4, N3)),
    specimen("groups of thousands", 'mobile\n"33,639,980,001"\n', (2, N1, Damage.THOUSANDS)),
    specimen("blanks and dots", "mobile\n06 39 98 00 01\n06.39.98.00.02\n",
             (2, N1, Damage.SEPARATORS), (3, N2, Damage.SEPARATORS)),
    specimen("blanks that do not break", "mobile\n06\xa039\xa098\xa000\xa001\n",
             (2, N1, Damage.SEPARATORS)),
    specimen("blanks without width", "mobile\n06\u200b39980001\n", (2, N1, Damage.INVISIBLE)),
    specimen("an apostrophe ahead", "mobile\n'0639980001\n", (2, N1, Damage.TEXT_MARK)),
    specimen("a formula around", 'mobile\n"=""0639980001"""\n', (2, N1, Damage.TEXT_MARK)),
    specimen("digits of full width", "mobile\n\uff10\uff16\uff13\uff19\uff19\uff18\uff10\uff10"
             "\uff10\uff11\n", (2, N1, Damage.OTHER_DIGITS)),
    specimen("a link of a phone", "mobile\ntel:+33(0)639980001\n", (2, N1, Damage.LABEL)),
    specimen("an error of a formula", "mobile\n#N/A\n#REF!\n0639980003\n",
             (2, NumberProblem.FORMULA_ERROR), (3, NumberProblem.FORMULA_ERROR), (4, N3)),
    specimen("a column too narrow", "mobile\n########\n", (2, NumberProblem.FORMULA_ERROR)),
    specimen("two numbers in one cell", "mobile\n0639980001 / 0639980002\n",
             (2, NumberProblem.TOO_LONG)),
    specimen("a letter O for a zero", "mobile\nO639980001\n", (2, NumberProblem.NOT_A_NUMBER)),
)  # fmt: skip

AS_CSV = "open it in a spreadsheet, save it as .xlsx or CSV (UTF-8), and give that file"

FOREIGN = (
    specimen("HTML named .xls", "<html><table><tr><td>0639980001</table>",
             f"table: this is HTML or XML, whatever its name ends with ({AS_CSV})"),
    specimen("a PDF", b"%PDF-1.7\n",
             "table: this is a PDF (export the table itself as .xlsx or CSV (UTF-8))"),
    specimen("a picture", b"\x89PNG\r\n\x1a\n",
             "table: this is a picture (export the table itself as .xlsx or CSV (UTF-8))"),
    specimen("a photograph", b"\xff\xd8\xff\xe0\0\x10JFIF",
             "table: this is a picture (export the table itself as .xlsx or CSV (UTF-8))"),
    specimen("gzip", b"\x1f\x8b\x08\0\0\0",
             "table: this is compressed (gzip) (unpack it, and give the file inside)"),
    specimen("RTF", b"{\\rtf1\\ansi 0639980001}",
             f"table: this is a text document (RTF) ({AS_CSV})"),
    specimen("a sheet of what has none", "mobile\n0639980001\n",
             "sheet: delimited text has no sheets (leave --sheet out)", sheet="1"),
)  # fmt: skip

TEXTS: tuple[Specimen, ...] = (*ENCODINGS, *LAYOUTS, *HEADERS, *DAMAGES, *FOREIGN)
