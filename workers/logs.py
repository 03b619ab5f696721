"""How worker processes log: an event's name and its context, never a number or a text."""

import logging
import sys

import structlog
from structlog.typing import Processor

from dispatcher.settings import Settings


def configure_logs(settings: Settings) -> None:
    """Send our events and the libraries' through one pipeline to standard error."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
            foreign_pre_chain=shared,
        )
    )
    handler.addFilter(_hide_message_bodies)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    # At DEBUG, Celery and kombu write whole messages.
    for library in ("celery", "kombu", "amqp", "redis", "urllib3"):
        logging.getLogger(library).setLevel(max(root.level, logging.INFO))
    # Two lines for every hint and every tick tell nobody anything; Flower shows them.
    for chatty in ("celery.worker.strategy", "celery.app.trace", "celery.beat"):
        logging.getLogger(chatty).setLevel(max(root.level, logging.WARNING))


def _hide_message_bodies(record: logging.LogRecord) -> bool:
    """Keep what Celery says of a message it cannot use, without the message.

    Such a message may be a campaign sent to a misspelt task name.
    """
    template = str(record.msg)
    if record.name.startswith("celery.worker.consumer") and "body" in template:
        record.msg, record.args = template.strip().split("\n", maxsplit=1)[0].split("%")[0], ()
        record.exc_info = None
    return True
