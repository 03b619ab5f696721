import io
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog
from celery.beat import SchedulingError
from celery.worker.consumer import consumer
from kombu.exceptions import OperationalError

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


def _failed_tick(cause: Exception) -> SchedulingError:
    """Make what beat logs when a tick could not be published."""
    failed = SchedulingError(f"Couldn't apply scheduled task tick: {cause}")
    failed.__context__ = cause
    return failed


AWAY = OperationalError("Error 111 connecting to 127.0.0.1:6379. Connection refused.")


@pytest.mark.parametrize(
    ("logger", "template", "arguments", "then"),
    [
        (
            "celery.beat",
            "Message Error: %s\n%s",
            (_failed_tick(AWAY), ["  File ...", "  File ..."]),
            "Trying again with the next tick, in 1 s",
        ),
        (
            "celery.beat",
            "beat: Connection error: %s. Trying again in %s seconds...",
            (AWAY, 4.0),
            "Trying again in 4.0 s",
        ),
        (
            "celery.worker.pidbox",
            "Control command error: %r",
            (AWAY,),
            "A question such as Flower's stays unanswered",
        ),
        (
            "celery.worker.consumer.consumer",
            consumer.CONNECTION_ERROR,
            ("redis://user:**@127.0.0.1/1", AWAY, "Trying again in 2.00 seconds... (1/None)\n"),
            "Trying again in 2.00 seconds",
        ),
    ],
)
def test_a_broker_that_is_away_is_told_in_one_line_by_its_setting_and_address(
    logs: Logs, logger: str, template: str, arguments: tuple[object, ...], then: str
) -> None:
    logging.getLogger(logger).error(template, *arguments, exc_info=AWAY)

    [line] = logs().splitlines()
    assert "the broker did not answer (OperationalError)" in line
    assert "DISPATCHER_BROKER_URL names 127.0.0.1:6379/1. " + then in line
    assert "Traceback" not in line


def test_a_tick_that_fails_by_a_defect_keeps_its_traceback(logs: Logs) -> None:
    failed = _failed_tick(ValueError("of the right kind"))

    logging.getLogger("celery.beat").error("Message Error: %s\n%s", failed, [], exc_info=failed)

    assert "Message Error" in logs()
    assert "SchedulingError: Couldn't apply scheduled task tick: of the right kind" in logs()
    assert "did not answer" not in logs()
