"""The commands as a shell runs them, against real services (see tests/support/warm.py)."""

import csv
import json
import os
import pty
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import warm
from tests.support.people import fictional
from tests.support.polling import eventually
from tests.support.shell import run, start
from tests.support.stack import Stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything a campaign needs, running."""
    options = ("--receipt-delay", "0.1")
    with Stack(tmp_path_factory.mktemp("stack"), sandbox_options=options) as running:
        running.start_worker()
        running.start_beat()
        running.start_web()
        yield running


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Stack]:
    """Redis and sandbox alone: nobody takes a campaign."""
    with Stack(tmp_path / "stack") as running:
        yield running


def table(folder: Path, numbers: list[int], *more: str) -> str:
    """Write a table of recipients."""
    path = folder / "customers.csv"
    lines = [f"c{place};+{number}" for place, number in enumerate(numbers, start=1)]
    path.write_text("\n".join(["id client;mobile", *lines, *more, ""]))
    return str(path)


def sent_to(stack: Stack) -> list[str]:
    return [
        message["destination"] for entry in stack.sandbox.ledger() for message in entry["messages"]
    ]


def test_a_campaign_is_quoted_approved_followed_and_told_row_by_row(
    stack: Stack, tmp_path: Path
) -> None:
    file = table(tmp_path, [*fictional(30), 33639989801], "c1b;06 39 98 00 00")

    code, output, errors = run(stack, "send", file, "--text", "Bonjour", "--id", "first")

    assert code == 4, errors
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert "rows 32" in lines
    assert "recipients 30" in lines
    assert "blacklisted 1 left out" in lines
    assert "duplicated row 1 left out" in lines
    assert "cost 30 credits" in lines
    assert "To send it: dispatcher approve first" in errors
    assert sent_to(stack) == []

    code, output, _ = run(stack, "approve", "first", "--by", "ada")
    assert (code, output[:17]) == (0, "campaign first is")

    code, output, errors = run(stack, "status", "first", "--watch", "--timeout", "120")
    assert code == 0, errors
    assert "finished" in output
    assert len(sent_to(stack)) == 30

    code, output, _ = run(stack, "results", "first", "--csv")
    rows = list(csv.DictReader(output.splitlines()))
    assert code == 0
    assert rows[0]["id"] == "c1"
    assert rows[0]["number"] == "33639980000"
    assert [row["state"] for row in rows].count("delivered") == 30
    assert {row["reason"] for row in rows if row["state"] == "not sent"} == {
        "blacklisted",
        "duplicate",
    }

    code, output, _ = run(stack, "events", "first")
    assert code == 0
    assert "approval     ada" in output
    assert output.rstrip().endswith("sent -> finished")


def test_standard_input_with_yes_is_sent_without_a_question(stack: Stack) -> None:
    rows = "\n".join(f"+{number}" for number in fictional(5, start=100))

    code, output, errors = run(
        stack, "send", "-", "--text", "Bonjour", "--yes", "--json", given=rows
    )

    assert code == 0, errors
    document = json.loads(output)
    assert document["quote"]["cost"] == 5
    assert document["status"]["state"] in ("sent", "finished")
    assert set(map(str, fictional(5, start=100))) <= set(sent_to(stack))


def test_standard_input_without_yes_stays_held(stack: Stack) -> None:
    code, _, errors = run(stack, "send", "-", "--text", "Bonjour", given="+33639980150\n")

    assert code == 4
    assert "To send it: dispatcher approve" in errors
    assert "33639980150" not in sent_to(stack)


def test_a_simulation_costs_nothing_and_leaves_nothing_to_send(
    stack: Stack, tmp_path: Path
) -> None:
    before = stack.sandbox.credits
    file = table(tmp_path, fictional(3, start=200))

    code, output, _ = run(stack, "send", file, "--text", "Bonjour", "--simulate-only")

    assert code == 0
    assert "cancelled" in output
    assert stack.sandbox.credits == before


@pytest.mark.parametrize(("answer", "code", "sent"), [("y", 0, True), ("n", 1, False)])
def test_at_a_terminal_it_asks_before_it_spends(
    stack: Stack, tmp_path: Path, *, answer: str, code: int, sent: bool
) -> None:
    number = 33639980300 + code
    keyboard, terminal = pty.openpty()
    try:
        with start(
            stack, "send", table(tmp_path, [number]), "--text", "Bonjour", stdin=terminal
        ) as process:
            os.write(keyboard, f"{answer}\n".encode())
            _, errors = process.communicate(timeout=120)
    finally:
        os.close(keyboard)
        os.close(terminal)

    assert "Send to 1 recipient for 1 credit? [y/N]" in errors
    assert process.returncode == code
    assert (str(number) in sent_to(stack)) is sent


def test_bad_rows_are_all_told_and_nothing_is_kept(stack: Stack, tmp_path: Path) -> None:
    bad = [f"b{place};12" for place in range(25)]
    file = table(tmp_path, fictional(2, start=400), *bad)
    listed = run(stack, "list", "--json")[1]

    code, _, errors = run(
        stack, "send", file, "--text", "Bonjour", "--errors", str(tmp_path / "errors.csv")
    )

    assert code == 3
    assert "25 problems; nothing was kept" in errors
    assert "and 5 more" in errors
    rows = list(csv.DictReader((tmp_path / "errors.csv").read_text().splitlines()))
    assert [row["row"] for row in rows] == [str(row) for row in range(4, 29)]
    assert run(stack, "list", "--json")[1] == listed


def test_bad_rows_may_be_skipped(stack: Stack, tmp_path: Path) -> None:
    file = table(tmp_path, fictional(2, start=500), "b1;12")

    code, output, _ = run(
        stack, "send", file, "--text", "Bonjour", "--bad-rows", "skip", "--yes", "--id", "skipping"
    )

    assert code == 0
    assert "invalid row" in output
    lines = run(stack, "results", "skipping", "--jsonl", "--state", "not sent")[1].splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["b1"]


def test_the_same_id_is_the_same_campaign_and_other_content_a_conflict(
    stack: Stack, tmp_path: Path
) -> None:
    file = table(tmp_path, fictional(2, start=600))
    command = ("send", file, "--yes", "--id", "again", "--text")

    first, second = run(stack, *command, "Bonjour"), run(stack, *command, "Bonjour")
    third = run(stack, *command, "Bonsoir")

    assert (first[0], second[0], third[0]) == (0, 0, 1)
    assert "exists with other content" in third[2]
    assert sent_to(stack).count("33639980600") == 1


def test_yes_approves_what_was_submitted_before_without_it(stack: Stack, tmp_path: Path) -> None:
    file = table(tmp_path, fictional(2, start=650))
    command = ("send", file, "--text", "Bonjour", "--id", "later")

    first, second = run(stack, *command), run(stack, *command, "--yes")

    assert (first[0], second[0]) == (4, 0)
    assert sent_to(stack).count("33639980650") == 1


def test_a_cancelled_campaign_cannot_be_approved(stack: Stack, tmp_path: Path) -> None:
    file = table(tmp_path, fictional(1, start=690))
    run(stack, "send", file, "--text", "Bonjour", "--id", "given-up")
    run(stack, "cancel", "given-up")

    code, _, error = run(stack, "approve", "given-up")

    assert (code, "does not wait for approval" in error) == (1, True)


def test_a_cancelled_campaign_fails_and_cannot_be_cancelled_late(
    stack: Stack, tmp_path: Path
) -> None:
    file = table(tmp_path, fictional(1, start=700))
    run(stack, "send", file, "--text", "Bonjour", "--id", "dropped")

    assert run(stack, "cancel", "dropped")[0] == 0
    assert run(stack, "status", "dropped", "--watch")[0] == 1
    assert run(stack, "cancel", "first")[0] == 1


def test_credits_are_known_and_can_be_asked_for(stack: Stack) -> None:
    code, output, _ = run(stack, "credits", "--check", "--json")

    document = json.loads(output)
    assert code == 0
    assert document["told"] == stack.sandbox.credits
    assert document["account"] == "default"


def test_the_doctor_finds_nothing_wrong_with_a_sound_system(stack: Stack) -> None:
    code, output, _ = run(stack, "doctor", "--json")

    assert code == 0
    assert {each["grade"] for each in json.loads(output)} == {"ok", "warning"}


def test_the_doctor_says_what_is_wrong_and_its_code_says_where(idle: Stack) -> None:
    idle.env["DISPATCHER_ACCOUNTS__DEFAULT__PASSWORD"] = "wrong"
    assert run(idle, "doctor")[0] == 6

    idle.redis.stop()
    code, output, _ = run(idle, "doctor")
    assert code == 5
    assert "-> start it, or correct DISPATCHER_REDIS_URL" in output


def test_a_store_that_does_not_answer_is_said_in_one_line(idle: Stack) -> None:
    idle.redis.stop()

    code, _, errors = run(idle, "list")

    assert code == 5
    says = "error: Redis did not answer (ConnectionError); DISPATCHER_REDIS_URL names 127.0.0.1:"
    assert errors == f"{says}{idle.redis.port}/0\n"


def test_missing_settings_are_named(idle: Stack, tmp_path: Path) -> None:
    for name in [name for name in idle.env if "ACCOUNTS" in name]:
        del idle.env[name]

    code, _, errors = run(idle, "send", table(tmp_path, fictional(1)), "--text", "Bonjour")

    assert code == 2
    assert "DISPATCHER_ACCOUNTS__DEFAULT__USERNAME" in errors


@pytest.mark.parametrize(
    "arguments",
    [
        ("send", "nowhere.csv", "--text", "Bonjour"),
        ("send", "--text", "Bonjour"),
        ("send", "-", "--list", "1", "--text", "Bonjour"),
        ("send", "--list", "1", "--text", "Bonjour", "--number-column", "tel"),
        ("quote", "--list", "1", "--text", "Bonjour", "--offline"),
        ("quote", "-", "--text", "Bonjour {a}", "--field", "a"),
        ("quote", "-", "--text", "Bonjour {a}", "--field", "b=nom"),
        ("quote", "-", "--text", "Bonjour {a}", "--field", "a=nom", "--field", "A=nom"),
        ("send", "-", "--text", "Bonjour", "--simulate-only", "--yes"),
        ("send", "-", "--text", "Bonjour", "--simulate-only", "--id", "x"),
        ("results",),
        ("demo", "--recipients", "1"),
    ],
)
def test_a_wrong_command_line_ends_with_two(idle: Stack, arguments: tuple[str, ...]) -> None:
    assert run(idle, *arguments)[0] == 2


def test_an_unknown_campaign_leaves_no_results_file(idle: Stack, tmp_path: Path) -> None:
    code, _, errors = run(idle, "results", "nobody", "--out", str(tmp_path / "results.csv"))

    assert (code, errors) == (1, "error: no campaign nobody on account default\n")
    assert not (tmp_path / "results.csv").exists()


def test_an_interrupted_wait_leaves_the_campaign_to_the_workers(
    idle: Stack, tmp_path: Path
) -> None:
    file = table(tmp_path, fictional(3))

    with start(idle, "send", file, "--text", "Bonjour", "--id", "patient", "--yes") as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "campaign patient is accepted\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)

    assert process.returncode == 130
    assert "Campaign patient stays: dispatcher status patient" in errors

    services = [
        idle.children.start(name, [warm.DISPATCHER, name], env=idle.env)
        for name in ("worker", "beat")
    ]
    eventually(lambda: len(sent_to(idle)) == 3)
    # Without a receiver nobody is told of receipts, so it never is over.
    assert run(idle, "status", "patient", "--watch", "--timeout", "1").code == 4
    for service in services:
        service.process.terminate()
        assert service.process.wait(60) == 0


def test_a_wait_that_takes_too_long_ends_with_four(idle: Stack, tmp_path: Path) -> None:
    file = table(tmp_path, fictional(3))

    code, output, _ = run(
        idle, "send", file, "--text", "Bonjour", "--id", "slow", "--timeout", "0.5"
    )

    assert code == 4
    assert "campaign slow is queued" in output


def test_results_may_be_cut_off_by_their_reader(stack: Stack) -> None:
    with start(stack, "results", "first") as results:
        assert results.stdout is not None
        results.stdout.readline()
        results.stdout.close()
        assert results.stderr is not None
        assert results.stderr.read() == ""
