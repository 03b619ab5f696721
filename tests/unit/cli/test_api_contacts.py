from pathlib import Path

import pytest

from dispatcher.cli.api.contacts import destinations, read_contacts
from dispatcher.errors import InputError
from dispatcher.smsfactor import NewContact


def contacts_of(folder: Path, table: str, *columns: str) -> list[NewContact]:
    file = folder / "contacts.csv"
    file.write_text(table)
    return read_contacts(file, default_region="FR", number_column=None, info_columns=columns)


def test_contacts_are_read_with_the_columns_of_the_fields_names(tmp_path: Path) -> None:
    table = "mobile;info1;info2\n06 39 98 00 01;Ada;Lyon\n+33639980002;Bo;\n"

    assert [tuple(contact) for contact in contacts_of(tmp_path, table)] == [
        ("33639980001", ("Ada", "Lyon", "", "")),
        ("33639980002", ("Bo", "", "", "")),
    ]


def test_any_columns_may_fill_the_fields_in_the_order_given(tmp_path: Path) -> None:
    table = "mobile,prenom,ville\n0639980001,Ada,Lyon\n"

    (found,) = contacts_of(tmp_path, table, "ville", "prenom")

    assert found.infos == ("Lyon", "Ada", "", "")


def test_a_column_of_numbers_alone_will_do(tmp_path: Path) -> None:
    assert [tuple(contact) for contact in contacts_of(tmp_path, "0639980001\n")] == [
        ("33639980001", ("", "", "", ""))
    ]


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"town: is not a column .*choose among mobile, ville"):
        contacts_of(tmp_path, "mobile,ville\n0639980001,Lyon\n", "town")


def test_a_table_without_a_header_has_no_columns_to_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="its first line is no header"):
        contacts_of(tmp_path, "0639980001\n", "town")


def test_more_than_four_columns_are_too_many(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="4 fields"):
        contacts_of(tmp_path, "mobile,a,b,c,d,e\n0639980001,1,2,3,4,5\n", *"abcde")


def test_every_bad_number_is_named_by_its_row(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        contacts_of(tmp_path, "mobile\n0639980001\n12\nnobody\n")

    assert [problem.row for problem in caught.value.problems] == [3, 4]


def test_a_row_that_is_cut_in_two_is_no_contact(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        contacts_of(tmp_path, "mobile,nom\n0639980001,Ada\n0639980002,Martin, Bo\n")

    assert [(problem.row, problem.field) for problem in caught.value.problems] == [(3, "table")]


def test_a_bad_number_is_named_by_the_files_own_column(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        contacts_of(tmp_path, "Tél. portable,nom\n12,Ada\n")

    assert [problem.field for problem in caught.value.problems] == ["Tél. portable"]


def test_destinations_are_international_digits() -> None:
    found = destinations(["06 39 98 00 01", "+33639980002"], default_region="FR")

    assert [each.value for each in found] == ["33639980001", "33639980002"]
