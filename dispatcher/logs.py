"""How processes log: an event's name and its context, never a number, a text, a body or a path."""

import logging
import sys

import structlog
from structlog.typing import Processor

from dispatcher.json_lines import beneath
from dispatcher.settings import Settings

_log = structlog.get_logger("dispatcher.logs")


def configure_logs(settings: Settings) -> logging.Handler:
    """Send our events and the libraries' through one pipeline to standard error.

    Gives the handler at its end, which may be given filters.
    """
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
    finish: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        renderer,
    ]
    handler = logging.StreamHandler(beneath(sys.stderr))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processors=finish, foreign_pre_chain=shared)
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    return handler


def warn_of_strays(settings: Settings) -> None:
    """Tell, once a process, which variables do nothing."""
    for stray in settings.strays:
        _log.warning("unknown setting", found=stray.is_what, fix=stray.advice)
