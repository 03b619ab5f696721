import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dispatcher.cli.main import app
from dispatcher.errors import ConflictError, UnknownScheduleError

DAILY = ("--cron", "30 8 * * *", "--timezone", "Europe/Paris", "--text", "Bonjour")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `dispatcher schedule`; give exit code, output and errors."""
    monkeypatch.setenv("DISPATCHER_REDIS_URL", redis_url)
    monkeypatch.setenv("DISPATCHER_ACCOUNTS__DEFAULT__USERNAME", "sandbox@example.com")
    monkeypatch.setenv("DISPATCHER_ACCOUNTS__DEFAULT__PASSWORD", "sandbox")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.csv").write_text("mobile;prénom\n33639980001;Zoé\n33639980002;Léa\n")

    def run_it(*arguments: str) -> tuple[int, str, str]:
        found = CliRunner().invoke(app, ["schedule", *arguments])
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found.exit_code, found.stdout, found.stderr

    return run_it


def shown(run: Run, schedule: str = "news") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run("show", schedule, "--json")[1])
    return document


def test_a_schedule_is_created_with_its_next_ten_runs_and_their_offsets(run: Run) -> None:
    code, output, _ = run("create", "people.csv", *DAILY, "--id", "news")

    lines = output.splitlines()
    assert code == 0
    assert lines[0] == "Schedule news: 30 8 * * * in Europe/Paris"
    assert len(lines) == 11
    assert all(" 08:30+0" in line for line in lines[1:])


def test_a_schedule_is_created_for_scripts(run: Run) -> None:
    _, output, _ = run("create", "people.csv", *DAILY, "--id", "news", "--json")

    found = json.loads(output)
    assert found["id"] == "news"
    assert len(found["runs"]) == 10
    assert shown(run)["recipients"] == 2


def test_fields_of_the_text_are_found_in_the_table(run: Run) -> None:
    code, _, _ = run("create", "people.csv", *DAILY[:-1], "Bonjour {prénom}", "--id", "news")

    assert code == 0


def test_what_is_wrong_is_named_with_its_fix(run: Run) -> None:
    code, output, errors = run(
        "create", "--cron", "61 8 * * *", "--timezone", "Europe/Pari", "--text", "Bonjour"
    )

    assert code == 3
    assert output == ""
    assert "3 problems; nothing was kept" in errors
    assert "did you mean Europe/Paris?" in errors
    assert "audience" in errors


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "--cron", "30 8 * * *"),
        ("create", *DAILY, "--queue", "shop"),
        ("create", *DAILY, "--task", "shop.news", "--file-at-run", "/srv/people.csv"),
        ("create", "nowhere.csv", *DAILY),
    ],
)
def test_options_that_make_no_sense_are_refused(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments)[0] == 2


def test_audiences_read_at_each_run_are_told(run: Run) -> None:
    run("create", *DAILY, "--id", "a", "--list", "12", "--list", "13")
    run("create", *DAILY, "--id", "b", "--file-at-run", "/srv/people.csv")
    run("create", *DAILY, "--id", "c", "--task", "shop.news", "--queue", "shop")

    found = {name: run("show", name)[1] for name in "abc"}

    assert "lists 12, 13, read at each run" in found["a"]
    assert "the table /srv/people.csv, read at each run" in found["b"]
    assert "whom the task shop.news on queue shop submits" in found["c"]


def test_every_bound_is_an_option(run: Run) -> None:
    run(
        "create",
        "people.csv",
        *DAILY,
        *("--id", "news", "--catch-up", "all", "--lateness", "90", "--overlap", "allow"),
        *("--ends", "2099-07-01", "--most", "7"),
    )

    _, output, _ = run("show", "news")

    assert (
        "catch-up all, at most 90 minutes late, overlap allow, "
        "ends Wed 2099-07-01 00:00+02:00, 7 runs in all"
    ) in output


def test_what_is_done_about_lost_answers_and_who_is_told_are_options(run: Run) -> None:
    given = ("--on-unknown", "resend", "--producer", "shop")
    assert run("create", "people.csv", *DAILY, "--id", "news", *given)[0] == 0
    made = shown(run)["schedule"]["campaign"]

    assert run("edit", "news", "--on-unknown", "assume-sent", "--producer", "crm")[0] == 0
    changed = shown(run)["schedule"]["campaign"]

    assert (made["on_unknown"], made["producer"]) == ("resend", "shop")
    assert (changed["on_unknown"], changed["producer"]) == ("assume-sent", "crm")


def test_schedules_are_listed(run: Run) -> None:
    run("create", "people.csv", *DAILY, "--id", "news")
    run("create", *DAILY, "--id", "lists", "--list", "12")

    code, output, _ = run("list")

    assert code == 0
    assert [line.split()[0] for line in output.splitlines()] == ["schedule", "news", "lists"]
    assert [each["id"] for each in json.loads(run("list", "--json")[1])] == ["news", "lists"]


def test_the_next_runs_are_as_many_as_asked_for(run: Run) -> None:
    run("create", "people.csv", *DAILY, "--id", "news")

    assert len(run("next", "news", "3")[1].splitlines()) == 3
    assert len(json.loads(run("next", "news", "--json")[1])) == 10


def test_a_schedule_is_paused_and_resumed(run: Run) -> None:
    run("create", "people.csv", *DAILY, "--id", "news")

    _, paused, _ = run("pause", "news")
    silent = run("next", "news")
    _, resumed, _ = run("resume", "news")

    assert "when it is resumed" in paused
    assert silent[1] == ""
    assert "schedule show" in silent[2]
    assert "active" in resumed


def test_an_edit_changes_what_is_given_and_nothing_else(run: Run) -> None:
    run("create", "people.csv", *DAILY, "--id", "news", "--most", "9")

    code, output, _ = run("edit", "news", "--cron", "0 9 * * *", "--text", "Bonsoir")

    found = shown(run)
    assert code == 0
    assert " 09:00+0" in output
    assert found["schedule"]["campaign"]["text"] == "Bonsoir"
    assert (found["schedule"]["most"], found["recipients"]) == (9, 2)


def test_an_edit_may_change_the_audience(run: Run) -> None:
    run("create", "people.csv", *DAILY, "--id", "news")

    run("edit", "news", "--list", "12")
    of_lists = run("show", "news")[1]
    run("edit", "news", "people.csv")

    assert "lists 12" in of_lists
    assert "2 recipients" in run("show", "news")[1]


def test_a_deleted_schedule_is_gone(run: Run) -> None:
    run("create", "people.csv", *DAILY, "--id", "news")

    _, output, _ = run("delete", "news")

    assert output == "schedule news is deleted; its campaigns stay\n"
    with pytest.raises(UnknownScheduleError):
        run("show", "news")


def test_another_schedule_of_that_id_is_refused(run: Run) -> None:
    run("create", "people.csv", *DAILY, "--id", "news")

    with pytest.raises(ConflictError, match="edit it, or take another id"):
        run("create", "people.csv", *DAILY[:-1], "Bonsoir", "--id", "news")


@pytest.mark.parametrize(
    "command", ["create", "edit", "list", "show", "next", "pause", "resume", "delete"]
)
def test_every_command_has_an_example(run: Run, command: str) -> None:
    assert f"Example: dispatcher schedule {command}" in run(command, "--help")[1]
