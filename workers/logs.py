"""What worker processes keep out of their logs, beyond what all processes do."""

import logging

from dispatcher.logs import configure_logs
from dispatcher.settings import Settings

# At DEBUG they write whole messages.
_LIBRARIES = ("amqp", "celery", "kombu", "redis", "urllib3")
# Two lines for every hint and every tick tell nobody anything; Flower shows them.
_CHATTY = ("celery.app.trace", "celery.beat", "celery.worker.strategy")


def configure_worker_logs(settings: Settings) -> None:
    """Log our events, and of the libraries what is neither content nor noise."""
    configure_logs(settings).addFilter(_hide_message_bodies)
    level = logging.getLogger().level
    for library in _LIBRARIES:
        logging.getLogger(library).setLevel(max(level, logging.INFO))
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))


def _hide_message_bodies(record: logging.LogRecord) -> bool:
    """Keep what Celery says of a message it cannot use, without the message.

    Such a message may be a campaign sent to a misspelt task name.
    """
    template = str(record.msg)
    if record.name.startswith("celery.worker.consumer") and "body" in template:
        record.msg, record.args = template.strip().split("\n", maxsplit=1)[0].split("%")[0], ()
        record.exc_info = None
    return True
