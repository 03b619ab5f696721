"""Delivers events to the producers that ask to be called back."""

import uuid

import msgspec
import structlog

from dispatcher.callback_settings import CallbackSettings
from dispatcher.domain.signing import signed_headers
from dispatcher.store.callbacks import Delivery, Ending, Settlement
from workers.callbacks.pauses import pause_of, rest_of
from workers.callbacks.posting import Answer
from workers.resources import Account
from workers.steps.progress import Progress

_log = structlog.get_logger("workers.callbacks")

# For what Redis and the machine take beside the callback itself; resolving a name has no limit of
# ours, and whoever takes longer delivers twice, never out of turn.
_LEASE_MARGIN = 30.0
_GONE = 410
_USER_AGENT = "sms-campaign-dispatcher"


def deliver_next(account: Account, producer: str) -> Progress:
    """Deliver the next event of a producer that is due; at least once, one at a time.

    When this process is posting as many as it may, the next tick has somebody try again.
    """
    if not account.callback_room.acquire(blocking=False):
        return Progress.NONE
    try:
        return _deliver_next(account, producer)
    finally:
        account.callback_room.release()


def _deliver_next(account: Account, producer: str) -> Progress:
    settings = account.settings.callbacks.get(producer)
    if settings is None:
        return Progress.NONE
    found = account.store.callbacks.take(
        producer,
        token=uuid.uuid4().hex,
        endpoint=settings.endpoint,
        lease_ms=int((settings.timeout + _LEASE_MARGIN) * 1000),
        kinds=[kind.value for kind in settings.events],
    )
    if not isinstance(found, Delivery):
        return Progress.MADE if found else Progress.NONE
    answer = _post(account, found, settings)
    failures = account.store.callbacks.status(producer).failures + 1
    settlement = _judge(answer, found, failures=failures, most=settings.attempts)
    account.store.callbacks.settle(found, settlement, endpoint=settings.endpoint)
    if settlement.ending is Ending.DELIVERED:
        return Progress.MADE
    _log.warning(
        "callback failed",
        account=account.name,
        producer=producer,
        sequence=found.event.sequence,
        attempt=found.attempt,
        ending=settlement.ending.value,
        why=settlement.why,
    )
    return Progress.NONE


def _post(account: Account, delivery: Delivery, settings: CallbackSettings) -> Answer:
    body = msgspec.json.encode(delivery.event.document())
    headers = signed_headers(
        body,
        identity=delivery.event.id,
        seconds=int(account.now().timestamp()),
        secrets=[secret.get_secret_value() for secret in settings.secrets],
    )
    return account.poster.post(
        settings.url.get_secret_value(),
        body,
        {**headers, "content-type": "application/json", "user-agent": _USER_AGENT},
        timeout=settings.timeout,
        allow_private=settings.allow_private,
    )


def _judge(answer: Answer, delivery: Delivery, *, failures: int, most: int) -> Settlement:
    if answer.is_success:
        return Settlement(ending=Ending.DELIVERED)
    if answer.status == _GONE:
        return Settlement(ending=Ending.GONE, why="it answered 410: nothing more is delivered")
    return Settlement(
        ending=Ending.DEAD if delivery.attempt >= most else Ending.FAILED,
        pause_ms=int(max(pause_of(delivery.attempt), answer.retry_after) * 1000),
        rest_ms=int(max(rest_of(failures), answer.retry_after) * 1000),
        why=answer.why,
    )
