"""Slows every worker down when the API has too many requests."""

import structlog

from dispatcher.smsfactor.watching import TOO_MANY, Call, Watch
from dispatcher.store.pacing import Pacing

_log = structlog.get_logger("workers.limits")


def heeding(account: str, pacing: Pacing, watch: Watch) -> Watch:
    """Give what is told of an account's calls: it heeds HTTP 429 before others are told.

    Args:
        account: its name.
        pacing: its pace, which all workers share.
        watch: who else is told of each call.
    """

    def heed(call: Call) -> None:
        if call.outcome == TOO_MANY:
            paused_ms = pacing.lower(retry_after_ms=int((call.retry_after or 0) * 1000))
            _log.warning("the API asks for a pause", account=account, paused_ms=paused_ms)
        watch(call)

    return heed
