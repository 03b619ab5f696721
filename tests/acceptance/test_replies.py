"""Whoever answers STOP is never written to again: everything in processes of its own."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher import Campaign, Recipient
from tests.support.polling import eventually
from tests.support.shell import run
from tests.support.stack import Stack

ANSWERS_STOP = "33639989901"  # in its national form
ANSWERS_YES = "33639989911"
SILENT = "33639980007"


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path, sandbox_options=("--receipt-delay", "0")) as stack:
        stack.start_worker()
        stack.start_beat()
        stack.start_web()
        yield stack


def send(stack: Stack, name: str, *numbers: str) -> dict[str, str]:
    """Send a campaign; give each number's state and reason."""
    people = [Recipient(f"+{number}") for number in numbers]
    stack.dispatcher.submit(Campaign(text="Bonjour", recipients=people, id=name))
    assert stack.dispatcher.wait(name, timeout=60).state.value == "finished"
    return {
        result.number.lstrip("+"): f"{result.state.value} {result.reason or ''}".strip()
        for result in stack.dispatcher.results(name)
    }


def test_a_stop_is_heeded_by_the_next_campaign_and_replies_are_told(stack: Stack) -> None:
    first = send(stack, "first", ANSWERS_STOP, ANSWERS_YES, SILENT)
    assert set(first.values()) == {"delivered"}
    eventually(lambda: len(stack.dispatcher.replies.list()) == 2, within=60)

    second = send(stack, "second", ANSWERS_STOP, ANSWERS_YES, SILENT)

    assert second == {
        ANSWERS_STOP: "not sent suppressed",
        ANSWERS_YES: "delivered",
        SILENT: "delivered",
    }
    code, output, _ = run(stack, "replies", "list", "--campaign", "first", "--json")
    replies = {reply["number"]: reply for reply in json.loads(output)}
    assert code == 0
    assert {number: reply["intent"] for number, reply in replies.items()} == {
        ANSWERS_STOP: "stop",
        ANSWERS_YES: "other",
    }
    stack.sandbox.control(
        "POST", "replies", {"from": SILENT, "message": "Ne stoppez rien", "national": True}
    )
    (waiting,) = eventually(lambda: list(stack.dispatcher.replies.to_review()), within=60)
    assert waiting.campaign == "second"
    assert run(stack, "replies", "mark", waiting.id, "--stop", "--by", "ada")[0] == 0
    assert send(stack, "third", SILENT, ANSWERS_YES)[SILENT] == "not sent suppressed"
    assert "stoppez" not in stack.logs()
