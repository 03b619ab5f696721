import csv
from pathlib import Path

import pytest
import typer

from dispatcher import InputError, Kept, Problem
from dispatcher.cli.row_files import ErrorsFile, RepairedFile, refuse_same_file
from dispatcher.domain.template import parse_template

ROW = Problem(field="number", row=3, message="too few digits", fix="write it all")


def cells(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def repaired(folder: Path, text: str, kept: Kept) -> list[list[str]]:
    file = RepairedFile(folder / "repaired.csv", parse_template(text))
    with file.opened():
        file.write(kept)
    return cells(folder / "repaired.csv")


def test_bad_rows_are_written_in_the_words_of_their_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = ErrorsFile(tmp_path / "errors.csv")

    with file.opened():
        file.write(ROW, {"number": "Portable"})

    assert cells(tmp_path / "errors.csv") == [
        ["row", "column", "reason", "fix"],
        ["3", "Portable", "too few digits", "write it all"],
    ]
    assert "1 bad row written to" in capsys.readouterr().err


def test_without_a_path_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    errors, file = ErrorsFile(None), RepairedFile(None, parse_template("Bonjour"))

    with errors.opened(), file.opened():
        errors.write(ROW, {})
        file.write(Kept([33639980001], [None]))

    assert capsys.readouterr().err == ""


def test_a_quote_that_fails_leaves_no_file(tmp_path: Path) -> None:
    file = ErrorsFile(tmp_path / "errors.csv")

    with pytest.raises(InputError), file.opened():
        raise InputError([ROW])

    assert list(tmp_path.iterdir()) == []


def test_rows_are_written_as_they_were_understood(tmp_path: Path) -> None:
    kept = Kept([33639980001, 33639980002], ["c1", None], [("Ada", "a\nb"), ("Zoé", 'x"y')], [])

    assert repaired(tmp_path, "{prenom} {note}", kept) == [
        ["mobile", "id", "prenom", "note"],
        ["+33639980001", "c1", "Ada", "a\nb"],
        ["+33639980002", "", "Zoé", 'x"y'],
    ]


def test_a_plain_text_has_no_fields_to_write(tmp_path: Path) -> None:
    assert repaired(tmp_path, "Bonjour", Kept([33639980001], ["c1"])) == [
        ["mobile", "id"],
        ["+33639980001", "c1"],
    ]


def test_a_field_with_two_defaults_stays_empty_where_it_was(tmp_path: Path) -> None:
    kept = Kept([33639980001, 33639980002], [None, None], [("client", ""), ("Ada", "Ada")], [])

    assert repaired(tmp_path, "{nom|client}{Nom|}", kept)[1:] == [
        ["+33639980001", "", ""],
        ["+33639980002", "", "Ada"],
    ]


def test_a_field_keeps_its_name_where_ours_would_be_the_same(tmp_path: Path) -> None:
    kept = Kept([33639980001], ["c1"], [("06", "k1")], [])

    assert repaired(tmp_path, "{Mobile} {ID}", kept)[0] == ["msisdn", "client id", "Mobile", "ID"]


def test_a_file_is_never_written_over_what_is_read_or_written_beside_it(tmp_path: Path) -> None:
    table, errors = tmp_path / "people.csv", tmp_path / "bad.csv"

    refuse_same_file(table, errors, None)

    with pytest.raises(typer.BadParameter, match=r"people\.csv is named twice"):
        refuse_same_file(table, None, tmp_path / "." / "people.csv")
