"""What worker processes keep out of their logs, beyond what all processes do."""

import logging
import warnings

from celery.exceptions import CPendingDeprecationWarning

from dispatcher.logs import configure_logs
from dispatcher.queueing import is_broker_error, why_broker_is_away
from dispatcher.settings import Settings

# At DEBUG they write whole messages.
_LIBRARIES = ("amqp", "celery", "kombu", "redis", "urllib3")
# Two lines for every hint and every tick tell nobody anything; Flower shows them.
_CHATTY = ("celery.app.trace", "celery.beat", "celery.worker.strategy")
# How Celery's words begin, and what beat does then.
_OF_CONSUMER = "consumer: Cannot connect to"
_OF_BEAT = "beat: Connection error"
_OF_TICK = "Message Error"
_OF_ANSWER = "Control command error"
_NO_ANSWER = "A question such as Flower's stays unanswered"
_NEXT_TICK = "Trying again with the next tick, in 1 s"


def configure_worker_logs(settings: Settings) -> None:
    """Log our events, and of the libraries what is neither content nor noise."""
    handler = configure_logs(settings)
    handler.addFilter(_hide_message_bodies)
    handler.addFilter(_BrokerAway(settings).shorten)
    level = logging.getLogger().level
    for library in _LIBRARIES:
        logging.getLogger(library).setLevel(max(level, logging.INFO))
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
    # What its next version will do is ours to read, not an operator's.
    warnings.simplefilter("ignore", CPendingDeprecationWarning)


class _BrokerAway:
    """Says in one line what Celery says by tracebacks while the broker is away."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def shorten(self, record: logging.LogRecord) -> bool:
        """Rewrite a record about the broker; leave all others as they are."""
        arguments = record.args if isinstance(record.args, tuple) else ()
        match arguments:
            case (str(), BaseException() as error, str(then)) if _begins(record, _OF_CONSUMER):
                self._rewrite(record, error, then.split("...")[0].strip())
            case (BaseException() as error, then) if _begins(record, _OF_BEAT):
                self._rewrite(record, error, f"Trying again in {then} s")
            case (BaseException() as error, _) if _begins(record, _OF_TICK):
                if cause := _broker_error(error):
                    self._rewrite(record, cause, _NEXT_TICK)
            case (BaseException() as error,) if _begins(record, _OF_ANSWER):
                if cause := _broker_error(error):
                    self._rewrite(record, cause, _NO_ANSWER)
        return True

    def _rewrite(self, record: logging.LogRecord, error: BaseException, then: str) -> None:
        record.msg = f"{why_broker_is_away(self._settings, error)}. {then}"
        record.args, record.exc_info, record.exc_text = (), None, None


def _begins(record: logging.LogRecord, words: str) -> bool:
    return record.name.startswith("celery.") and str(record.msg).lstrip().startswith(words)


def _broker_error(error: BaseException) -> BaseException | None:
    """Give what a failed tick failed of, if that is the broker and no defect."""
    cause: BaseException | None = error
    while cause is not None and not is_broker_error(cause):
        cause = cause.__cause__ or cause.__context__
    return cause


def _hide_message_bodies(record: logging.LogRecord) -> bool:
    """Keep what Celery says of a message it cannot use, without the message.

    Such a message may be a campaign sent to a misspelt task name.
    """
    template = str(record.msg)
    if record.name.startswith("celery.worker.consumer") and "body" in template:
        record.msg, record.args = template.strip().split("\n", maxsplit=1)[0].split("%")[0], ()
        record.exc_info = None
    return True
