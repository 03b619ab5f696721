"""Each line of a worker's log says which task, account and campaign it is of, and no more."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from dispatcher.queueing import Task
from dispatcher.settings import Settings
from workers.context import bind_task, unbind_task
from workers.logs import configure_worker_logs

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Log as a worker in a container does, and read the lines."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    configure_worker_logs(Settings.model_validate({"log_format": "json"}))
    [handler] = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    handler.setStream(written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    unbind_task()
    root.handlers = before
    root.setLevel(level)
    structlog.reset_defaults()


def begin(task: Task, *args: object) -> None:
    bind_task("4e1b", SimpleNamespace(name=task.value), args, kwargs={})


def test_a_line_of_a_send_says_all_of_it(lines: Lines) -> None:
    begin(Task.SEND, "shop", "spring-sale")

    structlog.get_logger("workers.send").warning("send failed", batch=3)
    logging.getLogger("urllib3").warning("of a library")

    mine, library = lines()
    assert mine["event"] == "send failed"
    for line in (mine, library):
        assert line["task"] == "campaigns.send"
        assert line["task_id"] == "4e1b"
        assert line["account"] == "shop"
        assert line["campaign"] == "spring-sale"
    assert (mine["batch"], mine["level"], mine["logger"]) == (3, "warning", "workers.send")


def test_what_a_line_says_itself_counts(lines: Lines) -> None:
    begin(Task.MERGE_RECEIPTS, "shop")

    structlog.get_logger("workers").warning("receipts parked", account="other")

    assert lines()[0]["account"] == "other"


def test_of_a_submit_nothing_that_came_in_is_shown(lines: Lines) -> None:
    begin(Task.SUBMIT, {"text": "Bonjour", "recipients": ["+33639980001"]})

    structlog.get_logger("workers").warning("refused")

    assert "Bonjour" not in str(lines())
    assert "39980001" not in str(lines())
    assert lines()[0]["task"] == "campaigns.submit"


def test_a_thread_forgets_a_task_that_is_over(lines: Lines) -> None:
    begin(Task.SEND, "shop", "spring-sale")
    unbind_task()

    structlog.get_logger("workers").warning("idle")

    assert set(lines()[0]) == {"event", "level", "logger", "timestamp"}


@pytest.mark.parametrize("task", [task for task in Task if task not in (Task.SUBMIT, Task.CANCEL)])
def test_of_every_other_task_it_is_known_what_its_arguments_are(lines: Lines, task: Task) -> None:
    of_all = {Task.TICK, Task.RETAIN}
    begin(task, "shop", "second")

    structlog.get_logger("workers").warning("here")

    assert ("account" in lines()[0]) is (task not in of_all)
