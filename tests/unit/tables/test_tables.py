import csv
import io
import tracemalloc

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from dispatcher.errors import InputError
from dispatcher.tables import Row, open_table, read_recipients
from tests.support.corpus_workbooks import PLAIN

HEADER = ["mobile", "a", "b"]
LETTERS = st.sampled_from("abz019 \u00e9\u00e8\u00e7\u20ac,;|\t\"'\n={}[]")
CELL = st.text(alphabet=LETTERS, max_size=12)


def is_utf8_too(content: bytes) -> bool:
    """Tell whether bytes that are not all ASCII can be read as UTF-8."""
    try:
        return not content.decode().isascii()
    except UnicodeDecodeError:
        return False


def columns(content: str | bytes, **mapping: str) -> tuple[str, ...]:
    data = content.encode() if isinstance(content, str) else content
    with open_table(io.BytesIO(data), mapping=mapping) as table:
        return table.columns


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("mobile; Pr\u00e9nom ;ville\n", ("mobile", "Pr\u00e9nom", "ville")),
        ("mobile;;\n", ("mobile",)),
        ("mobile;nom;NOM;nom\n", ("mobile", "nom (B)", "NOM (C)", "nom (D)")),
        ("0639980001\n", ()),
        ('{"mobile": 1}\n{"nom": "Max", "mobile": 2}\n', ("mobile", "nom")),
        ('"0639980001"\n', ()),
        (PLAIN(), ("mobile", "nom")),
    ],
)
def test_the_names_of_columns_are_known_before_a_row_is_read(
    content: str | bytes, names: tuple[str, ...]
) -> None:
    assert columns(content) == names


def test_a_mapped_field_is_a_column_and_hides_one_of_its_name() -> None:
    assert columns("mobile;Pr\u00e9nom;first\n", prenom="first") == ("mobile", "first", "prenom")
    assert columns("mobile;nom;nom\n", nom="C") == ("mobile", "nom")
    assert columns("0639980001\n", prenom="1") == ("prenom",)


@pytest.mark.parametrize("column", ["Pr\u00e9nom", "PRENOM", "prenom ", "2", "B", "b"])
def test_a_field_is_mapped_by_name_or_place(column: str) -> None:
    table = io.BytesIO("mobile;Pr\u00e9nom\n0639980001; Zo\u00e9 \n".encode())

    rows = list(read_recipients(table, mapping={"first": column}))

    assert rows == [Row(2, "0639980001", None, {"first": "Zo\u00e9"})]


@pytest.mark.parametrize("column", ["C", "3", "0", "nom", "AAAA", ""])
def test_a_field_mapped_to_no_column_is_refused_by_its_name(column: str) -> None:
    with pytest.raises(InputError) as refused:
        columns("mobile;ville\n", first=column)

    assert str(refused.value) == (
        f"row 1, header: there is no column {column!r}; found 'mobile', 'ville' "
        "(give --field first= one of those names)"
    )


def test_a_table_is_open_while_its_rows_are_read() -> None:
    with open_table(io.BytesIO(b"mobile\n0639980001\n0639980002\n")) as table:
        assert next(iter(table)).number == "0639980001"
        assert [row.number for row in table] == ["0639980002"]


def test_names_first_seen_after_a_thousand_lines_are_no_columns() -> None:
    lines = ['{"mobile": "0639980001"}\n'] * 1000 + ['{"mobile": "0639980002", "late": "x"}\n']

    rows = list(read_recipients(io.BytesIO("".join(lines).encode()), with_fields=True))

    assert rows[-1] == Row(1001, "0639980002", None, {"mobile": "0639980002"})


@given(
    rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=30),
    delimiter=st.sampled_from(",;\t|"),
    quotes_all=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]),
)
def test_what_the_csv_writer_wrote_is_read_back(
    *,
    rows: list[tuple[str, str]],
    delimiter: str,
    quotes_all: bool,
    end: str,
    encoding: str,
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(
        text,
        delimiter=delimiter,
        quoting=csv.QUOTE_ALL if quotes_all else csv.QUOTE_MINIMAL,
        lineterminator=end,
    )
    writer.writerow(HEADER)
    writer.writerows(["0639980001", *row] for row in rows)
    content = text.getvalue().encode(encoding)
    # Such bytes are text in both, and then a file is taken for UTF-8.
    assume(encoding != "cp1252" or not is_utf8_too(content))

    read = list(read_recipients(io.BytesIO(content), with_fields=True))

    assert [row.fields for row in read] == [
        {"mobile": "0639980001", "a": a.strip(), "b": b.strip()} for a, b in rows
    ]
    assert [row.row for row in read] == list(range(2, len(rows) + 2))
    assert all(row.problem is None for row in read)


@settings(max_examples=20)
@given(rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8))
def test_what_a_workbook_was_given_is_read_back(rows: list[tuple[str, str]]) -> None:
    book, file = Workbook(write_only=True), io.BytesIO()
    sheet = book.create_sheet("Clients")
    sheet.append(HEADER)
    for row in rows:
        sheet.append(["0639980001", *(cell.replace("=", "") for cell in row)])
    book.save(file)
    file.seek(0)

    read = list(read_recipients(file, with_fields=True))

    assert [row.fields for row in read] == [
        {"mobile": "0639980001", "a": a.replace("=", "").strip(), "b": b.replace("=", "").strip()}
        for a, b in rows
    ]


@settings(max_examples=150)
@given(place=st.integers(0, len(PLAIN()) - 1), spoilt=st.binary(min_size=1, max_size=40))
def test_a_spoilt_workbook_gives_rows_or_an_input_error(place: int, spoilt: bytes) -> None:
    content = PLAIN()
    content = content[:place] + spoilt + content[place + len(spoilt) :]
    try:
        rows = list(read_recipients(io.BytesIO(content), with_fields=True))
    except InputError:
        return
    assert all(row.row >= 1 for row in rows)


@given(
    st.sampled_from([b"{", b'{"', b'{"mobile":"', b'"', b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"["]),
    st.binary(max_size=100) | st.text(alphabet='{}[]":,\n01mobile', max_size=60).map(str.encode),
)
def test_any_bytes_behind_a_mark_are_rows_or_an_input_error(mark: bytes, content: bytes) -> None:
    try:
        rows = list(read_recipients(io.BytesIO(mark + content), with_fields=True))
    except InputError:
        return
    assert all(row.row >= 1 for row in rows)


def test_memory_does_not_grow_with_lines_of_json() -> None:
    stream = io.BytesIO(b'{"mobile": "0639980001", "nom": "Max"}\n' * 50_000)
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_recipients(stream, with_fields=True))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert count == 50_000
    assert peak < 2_000_000
