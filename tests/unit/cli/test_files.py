import csv
import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from dispatcher import InputError, Problem, Recipient, RecipientResult, RecipientState
from dispatcher.cli.problems_view import show_problems, write_problems, write_problems_json
from dispatcher.cli.recipients_file import RecipientsFile
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
        "number,id,state,reason,ticket,receipt,sent_at,receipt_at\n"
        '33639980001,"a,b",undelivered,expired,1001,expired,2026-11-22T08:00:00+00:00,\n'
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
    assert lines[-1] == "and 980 more"


def test_every_problem_is_written_to_the_file(tmp_path: Path) -> None:
    write_problems(problems(25, total=25), tmp_path / "errors.csv")

    with (tmp_path / "errors.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["row", "field", "problem", "fix"]
    assert rows[1] == ["2", "number", "too few digits", "write it all"]
    assert len(rows) == 26


def test_problems_beyond_those_listed_are_not_kept_quiet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_problems(problems(25, total=2000), tmp_path / "errors.csv")

    assert "25 problems of 2,000: mend these first" in capsys.readouterr().err


def test_problems_for_scripts_have_rows_as_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    write_problems_json(problems(1, total=1))

    assert json.loads(capsys.readouterr().out) == {
        "error": "InputError",
        "total": 1,
        "problems": [
            {"row": 2, "field": "number", "problem": "too few digits", "fix": "write it all"}
        ],
    }


@pytest.mark.parametrize("terminal", [True, False])
def test_a_file_gives_recipients_with_their_rows(tmp_path: Path, *, terminal: bool) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("id;mobile\nc1;06 39 98 00 01\n\nc2;+33639980002\n")
    console = Console(file=io.StringIO(), force_terminal=terminal)

    with RecipientsFile(path=path).recipients(console) as rows:
        found = list(rows)

    assert found == [Recipient("06 39 98 00 01", "c1", 2), Recipient("+33639980002", "c2", 4)]


def test_standard_input_is_read_like_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"0639980001\n0639980002\n")))

    with RecipientsFile(path=Path("-")).recipients(Console(file=io.StringIO())) as rows:
        found = list(rows)

    assert [each.number for each in found] == ["0639980001", "0639980002"]


def test_columns_are_taken_as_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("home,work,key\n0139980001,0639980001,k1\n")
    table = RecipientsFile(path=path, number_column="work", id_column="3")

    with table.recipients(Console(file=io.StringIO())) as rows:
        assert list(rows) == [Recipient("0639980001", "k1", 2)]
