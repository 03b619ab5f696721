"""The examples of the README and the manual, run word for word."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import Workbook

from dispatcher import Campaign, CampaignState, HoldReason
from tests.support.polling import eventually
from tests.support.stack import Stack

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text() + (ROOT / "dispatcher" / "README.md").read_text()
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def blocks(language: str) -> list[str]:
    return [code for tag, code in BLOCK.findall(README) if tag == language]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(
        tmp_path_factory.mktemp("readme"), sandbox_options=("--receipt-delay", "0")
    ) as stack:
        stack.start_worker()
        stack.start_beat()
        stack.start_web()
        yield stack


def run(command: list[str], stack: Stack, folder: Path | None = None, **extra: str) -> str:
    found = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **stack.env, **extra},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_the_python_example_sends_and_tells_each_fate(stack: Stack) -> None:
    code, *_ = blocks("python")

    printed = run([sys.executable, "-c", code], stack)

    assert printed.splitlines() == [
        "CampaignState.FINISHED",
        "order-17 delivered None",
        "None delivered None",
    ]


def test_the_merge_example_is_quoted_and_each_gets_their_own_text(stack: Stack) -> None:
    _, code, _ = blocks("python")

    printed = run([sys.executable, "-c", code + "print(campaign)"], stack)

    quoted, campaign = printed.splitlines()
    assert quoted == "2 2 Bonjour client, rendez-vous jeudi 14 h"
    assert stack.dispatcher.wait(campaign, timeout=120).state.value == "finished"
    texts = {
        message["destination"]: message.get("text", entry["text"])
        for entry in stack.sandbox.ledger()
        for message in entry["messages"]
    }
    assert texts["33639980003"] == "Bonjour Ada, rendez-vous mardi 9 h"
    assert texts["33639980004"] == "Bonjour client, rendez-vous jeudi 14 h"


def test_the_examples_of_time_are_planned_cancelled_and_run_again(stack: Stack) -> None:
    *_, code = blocks("python")

    planned, cancelled, first = run([sys.executable, "-c", code], stack).splitlines()

    assert "Departure(" in planned
    assert cancelled in ("cancelled", "cancelling")
    assert re.match(r"20\d\d-\d\d-\d\d 09:30:00", first)


def test_the_quote_of_a_spreadsheet_runs_as_written(stack: Stack, tmp_path: Path) -> None:
    (command,) = re.findall(r"^\$ (dispatcher quote .*)$", README, re.MULTILINE)
    book = Workbook()
    book.worksheets[0].append(["Mobile", "Prénom"])
    book.worksheets[0].append(["06 39 98 00 05", "Ada"])
    book.save(tmp_path / "customers.xlsx")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    printed = run(["bash", "-eu", "-c", command], stack, tmp_path, PATH=path)

    assert "Bonjour Ada" in printed
    assert (tmp_path / "bad.csv").read_text() == "row,column,reason,fix\n"
    assert (tmp_path / "good.csv").read_text() == "mobile,id,prenom\n+33639980005,,Ada\n"


def test_the_suppression_commands_run_as_written(stack: Stack, tmp_path: Path) -> None:
    commands = re.findall(r"^\$ (dispatcher suppressions .*)$", README, re.MULTILINE)
    (tmp_path / "stop-list.csv").write_text("mobile\n06 39 98 00 07\n")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    printed = run(["bash", "-eu", "-c", "\n".join(commands)], stack, tmp_path, PATH=path)

    assert len(commands) == 5
    assert "operator: asked by mail" in printed
    assert "they may be sent to again" in printed
    exported = (tmp_path / "stop-list-today.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in exported] == ["number", "+33639980007"]


def test_the_commands_about_replies_run_as_written(stack: Stack) -> None:
    commands = re.findall(r"^\$ (dispatcher replies \w+)$", README, re.MULTILINE)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    assert commands == ["dispatcher replies list", "dispatcher replies review"]
    for command in commands:
        assert "taken for" in run(["bash", "-eu", "-c", command], stack, PATH=path)


def test_the_first_person_of_the_examples_is_forgotten_as_written(
    stack: Stack, tmp_path: Path
) -> None:
    (command,) = re.findall(r"^\$ (dispatcher forget .*)$", README, re.MULTILINE)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    printed = run(["bash", "-eu", "-c", command], stack, tmp_path, PATH=path)

    assert printed.rstrip().endswith("nowhere")


def test_the_shell_example_queues_a_campaign_without_our_code(stack: Stack) -> None:
    (code,) = blocks("bash")

    printed = run(["bash", "-eu", "-c", code], stack, BROKER_PORT=str(stack.redis.port))

    # A worker may have begun already: any of a campaign's states will do.
    campaign = re.search(r'"result": {"id": "(\w+)", "state": "(\w+)"', printed)
    assert campaign, printed
    assert campaign[2] in {state.value for state in CampaignState}
    status = stack.dispatcher.wait(campaign[1], timeout=120)
    assert (status.state.value, status.rows) == ("finished", 2)


def test_a_lost_answer_is_listed_and_resolved_as_written(stack: Stack, tmp_path: Path) -> None:
    commands = re.findall(r"^\$ (dispatcher unknown .*)$", README, re.MULTILINE)
    stack.sandbox.control(
        "POST", "faults", {"faults": {"drop_before": 1}, "route": "POST /send", "count": 1}
    )
    lost = Campaign(text="Bonjour", recipients=["+33639980006"], id="spring-sale")
    stack.dispatcher.submit(lost)
    eventually(
        lambda: stack.dispatcher.status("spring-sale").hold is HoldReason.OUTCOME_UNKNOWN, within=60
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shown, decided = (
        run(["bash", "-eu", "-c", command.replace("/3", "/0")], stack, tmp_path, PATH=path)
        for command in commands
    )

    assert "spring-sale/0" in shown
    assert decided == "batch spring-sale/0 is accepted, its campaign sent\n"


def test_every_command_of_the_two_is_there() -> None:
    (commands, *_) = blocks("console")

    assert re.findall(r"\$ (\S+ \S+)", commands) == ["./deploy/dev demo", "./deploy/dev test"]


def test_the_examples_of_being_told_run_as_written(stack: Stack) -> None:
    commands = re.findall(r"^\$ (dispatcher (?:feed|callbacks) .*)$", README, re.MULTILINE)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    campaign = stack.dispatcher.submit(
        Campaign(text="Bonjour", recipients=["06 39 98 00 09"], producer="shop")
    )
    stack.dispatcher.wait(campaign, timeout=120)

    feed, callbacks = (run(["bash", "-eu", "-c", each], stack, PATH=path) for each in commands)

    events = [json.loads(line) for line in feed.splitlines()]
    assert [event["data"]["sequence"] for event in events] == [*range(1, len(events) + 1)]
    assert events[-1]["data"]["to"] == "finished"
    assert "shop" in callbacks


def test_the_commands_for_afterwards_run_as_written(stack: Stack, tmp_path: Path) -> None:
    (block,) = [code for code in blocks("console") if "dispatcher explain" in code]
    campaign = stack.dispatcher.submit(
        Campaign(text="Bonjour", recipients=["06 39 98 00 08", "06 39 98 90 11"])
    )
    assert stack.dispatcher.wait(campaign, timeout=120).state.value == "finished"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    told, failed, resent, checked = (
        # Without a terminal to ask at, what is sent again waits to be approved.
        run(["bash", "-c", f"{line} || [ $? = 4 ]"], stack, tmp_path, PATH=path)
        for line in re.sub(r"\bID\b", campaign, block).replace("$ ", "").splitlines()
    )

    assert "receipt: delivered" in told
    assert [line.split(",")[0] for line in failed.splitlines()] == ["number", "33639989011"]
    assert "held: approval; 1 waiting" in resent
    assert checked == f"campaign {campaign} adds up\n"
