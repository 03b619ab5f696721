"""`dispatcher suppressions` on a real store."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dispatcher.cli.main import app
from tests.support.bench import Bench

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `dispatcher suppressions`; give exit code, output and errors."""
    monkeypatch.setenv("DISPATCHER_REDIS_URL", redis_url)
    for account in ("DEFAULT", "OTHER"):
        monkeypatch.setenv(f"DISPATCHER_ACCOUNTS__{account}__USERNAME", "sandbox@example.com")
        monkeypatch.setenv(f"DISPATCHER_ACCOUNTS__{account}__PASSWORD", "sandbox")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def run_it(*arguments: str) -> tuple[int, str, str]:
        found = CliRunner().invoke(app, ["suppressions", *arguments])
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found.exit_code, found.stdout, found.stderr

    return run_it


def as_json(run: Run, *arguments: str) -> Any:  # noqa: ANN401 - whatever the command tells
    code, output, errors = run(*arguments, "--json")
    assert code == 0, errors
    return json.loads(output)


def test_people_are_added_checked_and_removed_with_a_reason(run: Run) -> None:
    assert run("add", "06 39 98 00 01", "+33639980001", "33639980002", "--reason", "mail")[1] == (
        "2 numbers suppressed, 1 were so already\n"
    )

    standing = as_json(run, "check", "+33639980001", "+33639980003")
    assert standing[0]["suppressed"]["reason"] == "mail"
    assert standing[0]["suppressed"]["source"] == "operator"
    assert standing[1] == {"number": "+33639980003", "suppressed": None, "removed": None}
    removed = ("remove", "0639980001", "--reason", "subscribed again")
    assert run(*removed)[1] == "1 number taken off: they may be sent to again\n"
    code, output, errors = run(*removed)
    assert (code, output) == (0, "0 numbers taken off: they may be sent to again\n")
    assert "its back office" in errors
    assert "subscribed again" in run("check", "0639980001")[1]
    assert as_json(run, "check", "0639980001")[0]["removed"]["reason"] == "subscribed again"


def test_removing_needs_a_reason(run: Run) -> None:
    run("add", "+33639980001")

    code, _, errors = run("remove", "+33639980001", "--reason", " ")

    assert code == 3
    assert "say why" in errors


def test_numbers_that_are_not_are_named_with_a_fix_and_nothing_is_kept(run: Run) -> None:
    code, output, errors = run("add", "+33639980001", "12")

    assert (code, output) == (3, "")
    assert "nothing was kept" in errors
    assert as_json(run, "list")["total"] == 0


def test_a_file_is_imported_listed_and_exported_to_be_imported_elsewhere(
    run: Run, tmp_path: Path
) -> None:
    Path("stop.csv").write_text("nom;mobile\nZoé;06 39 98 00 01\nLéa;+33639980002\nIvo;12\n")

    assert run("import", "stop.csv")[0] == 3
    told = as_json(run, "import", "stop.csv", "--bad-rows", "skip", "--reason", "old tool")
    assert told == {"rows": 3, "new": 2, "known": 0, "bad": 1}
    assert as_json(run, "import", "stop.csv", "--bad-rows", "skip")["known"] == 2
    found = as_json(run, "list", "--source", "import", "--count", "1")
    assert (found["total"], len(found["entries"])) == (2, 1)
    assert found["entries"][0]["reason"] == "old tool"
    assert as_json(run, "list", "--source", "reply")["entries"] == []
    assert "2 suppressed" in run("list")[1]

    run("export", "all.csv")
    assert tmp_path.joinpath("all.csv").read_text().startswith("number,since,source,reason,by\n+33")
    told = as_json(run, "import", "all.csv", "--account", "other")
    assert told == {"rows": 2, "new": 2, "known": 0, "bad": 0}
    lines = run("export", "--json")[1].splitlines()
    assert {json.loads(line)["number"] for line in lines} == {"+33639980001", "+33639980002"}


def test_a_move_keeps_how_it_is_known_that_somebody_must_not_be_sent_to(run: Run) -> None:
    run("add", "+33639980001", "--reason", "asked by mail")
    run("export", "all.csv")
    before = as_json(run, "check", "+33639980001")[0]["suppressed"]

    run("import", "all.csv", "--account", "other", "--reason", "moved")

    after = as_json(run, "check", "+33639980001", "--account", "other")[0]["suppressed"]
    assert (before["source"], before["reason"]) == ("operator", "asked by mail")
    assert after == before


def test_an_export_of_a_machine_whose_clock_is_ahead_is_imported(run: Run) -> None:
    since = datetime.now(UTC) + timedelta(minutes=5)
    row = f"+33639980001,{since.isoformat()},reply,"
    Path("all.csv").write_text(f"number,since,source,reason\n{row}\n")

    assert run("import", "all.csv")[0] == 0

    standing = as_json(run, "check", "+33639980001")[0]["suppressed"]
    assert standing["source"] == "reply"
    assert datetime.fromisoformat(standing["since"]) < since


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("2026-11-22T20:00:00,reply,", "since"),
        ("2999-01-01T00:00:00+00:00,reply,", "since"),
        ("yesterday,reply,", "since"),
        (",by mouth,", "source"),
        (f",,{'x' * 201}", "reason"),
    ],
)
def test_a_row_of_an_export_that_says_nonsense_is_named(run: Run, row: str, field: str) -> None:
    Path("all.csv").write_text(f"number,since,source,reason\n+33639980001,,,\n+33639980002,{row}\n")

    code, output, errors = run("import", "all.csv")

    assert (code, output) == (3, "")
    assert f"3 {field}" in " ".join(errors.split())
    assert as_json(run, "list")["total"] == 0


def test_columns_of_another_tool_that_are_called_the_same_mean_nothing(run: Run) -> None:
    Path("other.csv").write_text("number,source\n+33639980001,web form\n")

    assert as_json(run, "import", "other.csv")["new"] == 1


def test_every_bad_row_is_counted_and_written(run: Run) -> None:
    rows = "".join(f"{n}\n" for n in range(10_050))
    Path("bad.csv").write_text(f"mobile\n+33639980001\n{rows}")

    code, output, errors = run("import", "bad.csv", "--bad-rows", "skip", "--errors", "e.csv")

    assert code == 0
    assert output == "1 number suppressed, 0 were so already, 10,050 bad rows skipped\n"
    assert "and 10,030 more" in errors
    written = Path("e.csv").read_text().splitlines()
    assert (len(written), written[1].split(",")[:2]) == (10_051, ["3", "mobile"])
    refused, _, told = run("import", "bad.csv", "--errors", "again.csv")
    assert refused == 3
    assert "10,050 problems; nothing was kept" in told
    assert Path("again.csv").read_text() == Path("e.csv").read_text()


def test_a_file_that_names_nobody_is_refused(run: Run) -> None:
    Path("empty.csv").write_text("mobile\n")

    code, _, errors = run("import", "empty.csv")

    assert code == 3
    assert "it names nobody" in errors
    assert run("import", "nowhere.csv")[0] == 2


def test_standard_input_is_imported(run: Run) -> None:
    assert as_json(run, "list")["total"] == 0
    given = "mobile\n06 39 98 00 01\n"

    found = CliRunner().invoke(app, ["suppressions", "import", "-"], input=given)

    assert found.stdout == "1 number suppressed, 0 were so already\n"


def test_a_wrong_import_is_taken_back_whole_or_not_at_all(run: Run) -> None:
    Path("wrong.csv").write_text("mobile\n+33639980001\n+33639980002\n")
    run("import", "wrong.csv")
    Path("worse.csv").write_text("mobile\n+33639980001\n12\n")
    undo = ("--reason", "the wrong file")

    assert run("remove", "--from", "worse.csv", *undo)[0] == 3
    assert as_json(run, "list")["total"] == 2
    assert run("remove", *undo)[0] == 2
    assert run("remove", "+33639980001", "--from", "wrong.csv", *undo)[0] == 2
    assert as_json(run, "remove", "--from", "wrong.csv", *undo) == {"removed": 2}
    assert as_json(run, "list")["total"] == 0


def test_who_was_erased_is_counted_and_not_shown(run: Run, redis_url: str) -> None:
    run("add", "+33639980001", "+33639980002")
    bench = Bench(redis_url)
    bench.account.suppressions.forget(33639980001)
    bench.close()

    code, output, errors = run("export")

    assert (code, output.count("\n")) == (0, 2)
    assert "+33639980001" not in output
    assert "1 erased number left out" in errors
    assert "(erased)" in run("list")[1]
    assert as_json(run, "check", "+33639980001")[0]["suppressed"]["number"] is None


def test_words_that_cannot_be_kept_are_refused(run: Run) -> None:
    code, _, errors = run("add", "+33639980001", "--reason", "x" * 201)

    assert code == 3
    assert "longer than 200" in errors


def test_bad_numbers_are_answered_with_advice_that_can_be_followed(run: Run) -> None:
    Path("stop.csv").write_text("mobile\n06 39 98 00 01\n12\n")

    added, imported = run("add", "12")[2], run("import", "stop.csv")[2]

    assert "give all of them again" in added
    assert "--" not in added
    assert "--errors FILE lists all), or suppress the others: --bad-rows skip" in imported
    assert run("import", "stop.csv", "--bad-rows", "skip")[0] == 0


def test_an_export_goes_to_standard_output_or_tells_how_many_it_wrote(
    run: Run, tmp_path: Path
) -> None:
    run("add", "+33639980001", "+33639980002")

    code, output, errors = run("export", "-")
    told = run("export", "all.csv")

    assert (code, errors) == (0, "")
    assert output == run("export")[1]
    assert output.count("\n") == 3
    assert not tmp_path.joinpath("-").exists()
    assert told == (0, "", "2 numbers written to all.csv\n")
