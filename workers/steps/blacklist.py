"""Compares the suppression list with the API's blacklist, once in a while."""

from datetime import timedelta

import structlog

from dispatcher.blacklist_sync import synchronise
from dispatcher.errors import ApiError
from dispatcher.smsfactor import Dialect
from workers.resources import Account
from workers.steps.progress import Progress

_log = structlog.get_logger("workers.blacklist")


def sync_next(account: Account) -> Progress:
    """Compare both lists, unless that was begun of late; what fails is tried the next time."""
    listed = account.store.suppressions
    interval_ms = sync_interval_ms(account)
    if not interval_ms or not listed.begin_sync(interval_ms=interval_ms):
        return Progress.NONE
    try:
        synced = synchronise(
            listed,
            account.api,
            account.preparation.normalise,
            is_live=account.settings.dialect == Dialect.LIVE.value,
            now=account.now(),
        )
    except ApiError as error:
        _log.warning("blacklist not compared", account=account.name, error=type(error).__name__)
    else:
        _log.info(
            "blacklist compared",
            account=account.name,
            added=synced.added,
            told=synced.told,
            freed=synced.freed,
            left=synced.left,
        )
    return Progress.NONE


def sync_interval_ms(account: Account) -> int:
    """Give how seldom both lists are compared, in ms; 0 for never."""
    return int(account.settings.blacklist_sync_every / timedelta(milliseconds=1))
