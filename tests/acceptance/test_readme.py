"""The examples of the README, run word for word."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stack import Stack

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def blocks(language: str) -> list[str]:
    return [code for tag, code in BLOCK.findall(README.read_text()) if tag == language]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(
        tmp_path_factory.mktemp("readme"), sandbox_options=("--receipt-delay", "0")
    ) as stack:
        stack.start_worker()
        stack.start_beat()
        stack.start_web()
        yield stack


def run(command: list[str], stack: Stack, **extra: str) -> str:
    found = subprocess.run(
        command,
        env={**os.environ, **stack.env, **extra},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_the_python_example_sends_and_tells_each_fate(stack: Stack) -> None:
    (code,) = blocks("python")

    printed = run([sys.executable, "-c", code], stack)

    assert printed.splitlines() == [
        "CampaignState.FINISHED",
        "order-17 delivered None",
        "None delivered None",
    ]


def test_the_shell_example_queues_a_campaign_without_our_code(stack: Stack) -> None:
    (code,) = blocks("bash")

    printed = run(["bash", "-eu", "-c", code], stack, BROKER_PORT=str(stack.redis.port))

    campaign = re.search(r'"result": {"id": "(\w+)", "state": "queued"}', printed)
    assert campaign, printed
    status = stack.dispatcher.wait(campaign[1], timeout=30)
    assert (status.state.value, status.rows) == ("finished", 2)


def test_every_command_of_the_two_is_there() -> None:
    (commands, *_) = blocks("console")

    assert re.findall(r"\$ (\S+ \S+)", commands) == ["./deploy/dev demo", "./deploy/dev test"]
