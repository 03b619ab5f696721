import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from openpyxl import Workbook
from rich.console import Console

from dispatcher import InputError, Problem, Recipient, RecipientResult, RecipientState
from dispatcher.cli.problems_view import show_problems, write_problems_json
from dispatcher.cli.reading import Reading
from dispatcher.cli.recipients_file import RecipientsFile, in_own_words
from dispatcher.cli.results_file import opened_for_results, write_csv, write_json_lines

AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
RESULT = RecipientResult(
    number="33639980001",
    id="a,b",
    state=RecipientState.UNDELIVERED,
    reason="expired",
    ticket="1001",
    receipt="expired",
    sent_at=AT,
)


def breaking_off() -> Iterator[RecipientResult]:
    yield RESULT
    raise RuntimeError


def problems(listed: int, *, total: int) -> InputError:
    found = [
        Problem(field="number", row=row, message="too few digits", fix="write it all")
        for row in range(2, 2 + listed)
    ]
    return InputError(found, total=total)


def shown(error: InputError) -> list[str]:
    console = Console(file=io.StringIO(), width=100, record=True)
    show_problems(error, console)
    return console.export_text().splitlines()


def test_results_are_csv_with_a_header() -> None:
    stream = io.StringIO()

    write_csv([RESULT], stream)

    assert stream.getvalue() == (
        "number,id,state,reason,ticket,receipt,sent_at,receipt_at,place\n"
        '33639980001,"a,b",undelivered,expired,1001,expired,2026-11-22T08:00:00+00:00,,\n'
    )


def test_results_are_one_json_document_a_line() -> None:
    stream = io.StringIO()

    write_json_lines([RESULT, RESULT], stream)

    first, second = stream.getvalue().splitlines()
    assert first == second
    assert json.loads(first)["sent_at"] == "2026-11-22T08:00:00Z"
    assert json.loads(first)["state"] == "undelivered"


def test_a_results_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"

    with opened_for_results(path) as stream:
        stream.write("some")
        assert not path.exists()

    assert path.read_text() == "some"
    assert list(tmp_path.iterdir()) == [path]


def test_a_results_file_that_failed_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text("earlier")

    with pytest.raises(RuntimeError), opened_for_results(path) as stream:
        write_csv(breaking_off(), stream)

    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_the_first_twenty_problems_are_shown_and_the_rest_counted() -> None:
    lines = shown(problems(25, total=1000))

    assert lines[0].strip() == "1,000 problems; nothing was kept"
    assert sum("too few digits" in line for line in lines) == 20
    assert lines[-2] == "and 980 more"
    assert lines[-1].endswith("or send to the others: --bad-rows skip")


def test_problems_for_scripts_have_rows_as_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    write_problems_json(problems(1, total=1))

    assert json.loads(capsys.readouterr().out) == {
        "error": "InputError",
        "total": 1,
        "problems": [
            {"row": 2, "field": "number", "problem": "too few digits", "fix": "write it all"}
        ],
    }


def read(table: RecipientsFile, *, terminal: bool = False) -> list[Recipient]:
    console = Console(file=io.StringIO(), force_terminal=terminal)
    with Reading(console) as reading, table.opened(reading) as audience:
        return list(audience.recipients)


def written(folder: Path, content: str) -> Path:
    path = folder / "customers.csv"
    path.write_text(content)
    return path


@pytest.mark.parametrize("terminal", [True, False])
def test_a_file_gives_recipients_with_their_rows(tmp_path: Path, *, terminal: bool) -> None:
    path = written(tmp_path, "id;mobile\nc1;06 39 98 00 01\n\nc2;+33639980002\n")

    assert read(RecipientsFile(path=path), terminal=terminal) == [
        Recipient("06 39 98 00 01", "c1", 2),
        Recipient("+33639980002", "c2", 4),
    ]


def test_a_workbook_is_read_while_the_bar_moves(tmp_path: Path) -> None:
    book, path = Workbook(), tmp_path / "customers.xlsx"
    for row in (["mobile", "nom"], *(["0639980001", "Ada"] for _ in range(2001))):
        book.worksheets[0].append(row)
    book.save(path)

    found = read(RecipientsFile(path=path, text="{nom}"), terminal=True)

    assert len(found) == 2001
    assert found[-1] == Recipient("0639980001", None, 2002, {"nom": "Ada"})


def test_standard_input_is_read_like_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"0639980001\n0639980002\n")))

    found = read(RecipientsFile(path=Path("-")))

    assert [each.number for each in found] == ["0639980001", "0639980002"]


def test_columns_are_taken_as_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, "home,work,key\n0139980001,0639980001,k1\n")

    found = read(RecipientsFile(path=path, number_column="work", id_column="3"))

    assert found == [Recipient("0639980001", "k1", 2)]


def test_only_the_columns_of_the_text_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, "Mobile,Prénom,Ville,Secret\n0639980001,Ada,Lyon,x\n")

    (found,) = read(RecipientsFile(path=path, text="Bonjour {prenom} de {VILLE}"))

    assert found.fields == {"Prénom": "Ada", "Ville": "Lyon"}


def test_a_field_may_have_a_column_of_another_name(tmp_path: Path) -> None:
    path = written(tmp_path, "mobile,first,last\n0639980001,Ada,Martin\n")
    table = RecipientsFile(path=path, text="Bonjour {prenom} {last}", mapping={"prenom": "first"})

    (found,) = read(table)

    assert found.fields == {"prenom": "Ada", "last": "Martin"}


def test_an_unknown_field_fails_before_a_row_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, "mobile,prénom\n0639980001,Ada\n")

    with (
        pytest.raises(InputError, match="the nearest is 'prénom'"),
        Reading(Console(file=io.StringIO())) as reading,
        RecipientsFile(path=path, text="Bonjour {prenon}").opened(reading),
    ):
        pytest.fail("it was opened")


def test_a_row_the_table_does_not_trust_stays_a_bad_one(tmp_path: Path) -> None:
    path = written(tmp_path, "mobile,nom\n0639980001,Ada\n0639980002,Martin, Bo\n")

    good, bad = read(RecipientsFile(path=path))

    assert good.problem is None
    assert bad.problem is not None
    assert (bad.row, bad.problem.field) == (3, "table")


def test_errors_name_columns_as_the_file_does(tmp_path: Path) -> None:
    path = written(tmp_path, "Réf. client,Portable,Prénom,Jour\n1,0639980001,Ada,lundi\n")
    table = RecipientsFile(path=path, text="{prenom} {quand}", mapping={"quand": "jour"})

    with Reading(Console(file=io.StringIO())) as reading, table.opened(reading) as audience:
        named = {
            field: in_own_words(Problem(field=field, message="", fix=""), audience.words).field
            for field in ("number", "id", "prenom", "quand", "table")
        }

    assert named == {
        "number": "Portable",
        "id": "Réf. client",
        "prenom": "Prénom",
        "quand": "Jour",
        "table": "table",
    }


def test_a_file_in_a_folder_that_is_not_there_is_refused_before_anything_is_read(
    tmp_path: Path,
) -> None:
    with (
        pytest.raises(typer.BadParameter, match="there is no folder"),
        opened_for_results(tmp_path / "nowhere" / "results.csv"),
    ):
        pass
