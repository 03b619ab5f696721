import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.numbers import NumberProblem, normaliser
from dispatcher.errors import InputError
from dispatcher.tables import Row, read_recipients


def read(content: str | bytes, **options: str | None) -> list[tuple[int, str, str | None]]:
    data = content.encode() if isinstance(content, str) else content
    rows = read_recipients(
        io.BytesIO(data),
        number_column=options.get("number_column"),
        id_column=options.get("id_column"),
    )
    return [(row.row, row.number, row.id) for row in rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_delimiter_and_the_line_ends_are_told_from_the_content(
    delimiter: str, end: str
) -> None:
    lines = ["id,mobile,city", "a1,0639980001,Lyon", "a2,0639980002,Brest"]

    rows = read(end.join(lines).replace(",", delimiter))

    assert rows == [(2, "0639980001", "a1"), (3, "0639980002", "a2")]


@pytest.mark.parametrize(
    "encoded",
    [
        "prénom;mobile\nZoé;0639980001\n".encode(),
        "prénom;mobile\nZoé;0639980001\n".encode("utf-8-sig"),
        "prénom;mobile\nZoé;0639980001\n".encode("cp1252"),
        "prénom;mobile\nZoé;0639980001\n".encode("utf-16"),
    ],
)
def test_the_encoding_is_told_from_the_content(encoded: bytes) -> None:
    rows = list(read_recipients(io.BytesIO(encoded), with_fields=True))

    assert rows == [Row(2, "0639980001", None, {"prénom": "Zoé", "mobile": "0639980001"})]


def test_cp1252_is_noticed_however_late_it_shows() -> None:
    plain = b"".join(b"0639980001,Max\n" for _ in range(20_000))

    rows = list(
        read_recipients(
            io.BytesIO(b"tel,nom\n" + plain + b"0639980002,Zo\xe9 \x80\x81\n"), with_fields=True
        )
    )

    assert rows[-1].fields == {"tel": "0639980002", "nom": "Zoé €\N{REPLACEMENT CHARACTER}"}


@pytest.mark.parametrize(
    "name",
    [
        "number", "Phone", "phone_number", "Phone Number", "MOBILE", "mobile phone", "tel", "Tél.",
        "telephone", "Téléphone", "N° de téléphone", "n° tel", "Téléphone portable", "portable",
        "N° portable", "gsm", "GSM", "numero", "Numéro", "numéro de téléphone", "destination",
        "msisdn", "MSISDN", "recipient", "cell phone",
    ],
)  # fmt: skip
def test_a_column_named_like_a_phone_number_is_found(name: str) -> None:
    assert read(f"name,{name},city\nMax,0639980001,Lyon\n") == [(2, "0639980001", None)]


@pytest.mark.parametrize(
    "name",
    ["id", "ID", "gsmsmsid", "reference", "Référence", "ref", "client_id", "customer id",
     "contactId", "identifiant", "external_id"],
)  # fmt: skip
def test_a_column_named_like_an_id_is_found(name: str) -> None:
    assert read(f"mobile,{name}\n0639980001,a1\n0639980002, \n") == [
        (2, "0639980001", "a1"),
        (3, "0639980002", None),
    ]


@pytest.mark.parametrize(
    ("header", "place"), [("telephone,mobile", 1), ("mobile,telephone", 0), ("to,tel,gsm", 2)]
)
def test_a_mobile_comes_before_any_other_phone(header: str, place: int) -> None:
    cells = ["0639980001", "0639980002", "0639980003"][: header.count(",") + 1]

    assert read(f"{header}\n{','.join(cells)}\n") == [(2, cells[place], None)]


@pytest.mark.parametrize(
    ("number_column", "id_column"),
    [("Contact", "Badge"), ("contact", "BADGE"), ("2", "3"), (" contact ", "badge.")],
)
def test_columns_may_be_chosen_by_name_or_place(number_column: str, id_column: str) -> None:
    table = "mobile,Contact,Badge\n0639980001,0639980002,b7\n"

    rows = read(table, number_column=number_column, id_column=id_column)

    assert rows == [(2, "0639980002", "b7")]


def test_a_chosen_place_needs_no_header() -> None:
    table = "Max,0639980001,b7\nZoe,0639980002,b8\n"

    rows = read(table, number_column="2", id_column="3")

    assert rows == [(1, "0639980001", "b7"), (2, "0639980002", "b8")]


@pytest.mark.parametrize(
    "content",
    ["0639980001\n0639980002", "+33 6 39 98 00 01\n+33 6 39 98 00 02\n", "3.36E+10\n3,36E+10",
     "tel:0639980001\n12"],
)  # fmt: skip
def test_a_list_of_numbers_alone_has_no_header(content: str) -> None:
    assert [(row, number) for row, number, _ in read(content)] == list(
        enumerate(content.splitlines(), 1)
    )


def test_one_column_is_the_column_whatever_its_name() -> None:
    assert read("Our guests\n0639980001\n") == [(2, "0639980001", None)]


def test_rows_are_numbered_as_a_spreadsheet_numbers_them() -> None:
    lines = ["sep=;", ";;", "mobile;note;id", "", '0639980001;"two', 'lines";a', " ; ; "]

    rows = read("\r\n".join([*lines, "0639980002;;b"]))

    assert rows == [(4, "0639980001", "a"), (6, "0639980002", "b")]


def test_quoted_cells_keep_delimiters_and_quotes() -> None:
    table = 'name,mobile\n"Durand, Max ""M""","06,39,98,00,01"\n'

    rows = list(read_recipients(io.BytesIO(table.encode()), with_fields=True))

    assert rows[0].number == "06,39,98,00,01"
    assert rows[0].fields == {"name": 'Durand, Max "M"', "mobile": "06,39,98,00,01"}


def test_a_delimiter_within_texts_does_not_mislead() -> None:
    table = "nom;adresse, ville;tel\nMax;1 rue A, Lyon;0639980001\nZoé;Brest;0639980002\n"

    assert read(table) == [(2, "0639980001", None), (3, "0639980002", None)]


def test_a_short_row_is_a_recipient_without_number() -> None:
    rows = list(read_recipients(io.BytesIO(b"name,mobile,city\nMax\n"), with_fields=True))

    assert rows == [Row(2, "", None, {"name": "Max", "mobile": "", "city": ""})]


def test_a_header_alone_has_no_recipients() -> None:
    assert read("mobile,id\n") == []


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("", {}, "table: the table is empty"),
        (" \n;;\n", {}, "table: the table is empty"),
        ("name,city\nMax,Lyon\n", {}, "found 'name', 'city' (choose it with --number-column"),
        ("Max,0639980001\n", {}, "found 2 columns without names (choose it with --number-column"),
        ("mobile,city\n", {"number_column": "tel"}, "no column 'tel'; found 'mobile', 'city'"),
        ("mobile,city\n", {"number_column": "3"}, "there is no column '3'"),
        ("mobile,city\n", {"number_column": "0"}, "there is no column '0'"),
        ("mobile,city\n", {"id_column": "ref"}, "give --id-column one of those names"),
        ("a,a\n", {"number_column": "a"}, "several columns are named 'a'"),
        (b"PK\x03\x04rest", {}, "the workbook is cut short or damaged"),
        ('name,tel\n"Max,1\nZoe,2\n', {}, "row 2, table: not a table from here on"),
        ('name,tel\n"Max" M,1\n', {}, "row 2, table: not a table from here on"),
        ('mobile\n"' + "0" * 200_000, {}, "row 2, table: not a table from here on"),
    ],
)
def test_a_table_that_cannot_be_told_is_refused_with_what_to_do(
    content: str | bytes, options: dict[str, str], said: str
) -> None:
    with pytest.raises(InputError) as refused:
        read(content, **options)

    assert said in str(refused.value)
    assert "0639980001" not in str(refused.value)


def test_a_file_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be opened: No such file"):
        next(read_recipients(tmp_path / "none.csv"))


def test_a_path_and_a_stream_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(b"mobile\n0639980001\n")

    with path.open("rb") as stream:
        assert list(read_recipients(path)) == list(read_recipients(stream))
        assert not stream.closed


def test_a_row_shows_no_number() -> None:
    assert repr(Row(7, "0639980001", "a1", {"name": "Max"})) == "Row(7)"


def test_what_a_spreadsheet_spoilt_is_mended_or_named() -> None:
    normalise = normaliser("FR")
    table = "mobile\n639980001\n33639980001.0\n3.36E+10\n3.3639980001E+10\n"

    assert [normalise(number) for _, number, _ in read(table)] == [
        33_639_980_001,
        33_639_980_001,
        NumberProblem.DIGITS_LOST,
        33_639_980_001,
    ]


def test_memory_does_not_grow_with_the_table(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_bytes(b"mobile;id\n" + b"0639980001;a\n" * 200_000)
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_recipients(path))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert count == 200_000
    assert peak < 1_000_000


@given(
    st.binary(max_size=300) | st.text(alphabet='mobile,;"\n\r\t06', max_size=200).map(str.encode)
)
def test_any_bytes_are_rows_or_an_input_error(content: bytes) -> None:
    try:
        rows = list(read_recipients(io.BytesIO(content), with_fields=True))
    except InputError:
        return
    assert all(row.row >= 1 for row in rows)
