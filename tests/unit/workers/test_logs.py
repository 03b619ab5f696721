import io
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog
from celery.worker.consumer import consumer

from dispatcher.settings import Settings
from workers.logs import configure_worker_logs

SECRET = "33639980001 Bonjour"
CONSUMER = logging.getLogger("celery.worker.consumer.consumer")
Logs = Callable[[], str]


@pytest.fixture(params=["console", "json"])
def logs(request: pytest.FixtureRequest) -> Iterator[Logs]:
    """Configure the logs of a worker, and read what was written so far."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    configure_worker_logs(Settings.model_validate({"log_format": request.param}))
    [handler] = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    handler.setStream(written)
    yield written.getvalue
    root.handlers = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("template", "arguments"),
    [
        (consumer.UNKNOWN_FORMAT, (SECRET,)),
        (consumer.UNKNOWN_TASK_ERROR, ("'campaigns.sumbit'", SECRET, SECRET, SECRET)),
        (consumer.INVALID_TASK_ERROR, ("'task'", SECRET)),
        (consumer.MESSAGE_DECODE_ERROR, (ValueError(SECRET), "t", "e", SECRET, SECRET)),
    ],
)
def test_what_celery_says_of_a_message_it_cannot_use_leaves_the_message_out(
    logs: Logs, template: str, arguments: tuple[object, ...]
) -> None:
    fitting = arguments[: template.count("%") - template.count("%%")]

    CONSUMER.error(template, *fitting, exc_info=ValueError(SECRET))

    shown = logs()
    assert template.strip().split("%")[0].split("\n")[0].strip() in shown
    assert "33639980001" not in shown
    assert "Bonjour" not in shown


def test_other_records_of_celery_are_left_as_they_are(logs: Logs) -> None:
    CONSUMER.warning("Connected to %s", "the broker")

    assert "Connected to the broker" in logs()


def test_an_event_shows_its_name_and_its_context(logs: Logs) -> None:
    structlog.get_logger("workers.test").warning("quote failed", campaign="spring", batch=3)

    assert "quote failed" in logs()
    assert "spring" in logs()


def test_an_exception_is_shown_with_its_traceback(logs: Logs) -> None:
    error = ValueError("of the right kind")

    structlog.get_logger("workers.test").error("it broke", exc_info=error)

    assert "it broke" in logs()
    assert "ValueError: of the right kind" in logs()


def test_what_the_level_leaves_out_is_not_written(logs: Logs) -> None:
    structlog.get_logger("workers.test").debug("claimed")
    logging.getLogger("celery.app.trace").info("Task succeeded")

    assert logs() == ""
