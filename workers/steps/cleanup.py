"""Removes the contacts of lists that were made for campaigns which are over."""

import time
from collections.abc import Callable
from contextlib import suppress

import structlog

from dispatcher.errors import ApiError, InputError, RequestRefusedError
from dispatcher.smsfactor import Dialect
from workers.resources import Account
from workers.steps.progress import Progress

_log = structlog.get_logger("workers.cleanup")


def clean_next(account: Account) -> Progress:
    """Empty lists of one campaign for a while; those of lost creations are found by name."""
    lease = account.settings.quote_lease
    claim = account.store.lists.claim_cleanup(lease_ms=int(lease * 1000))
    if claim is None:
        return Progress.NONE
    campaign, prefix = claim
    try:
        is_done = _clean(account, prefix, until=time.monotonic() + lease / 2)
    except ApiError as error:
        _log.warning("lists not emptied", campaign=campaign, error=type(error).__name__)
        return Progress.NONE
    account.store.lists.end_cleanup(campaign, is_done=is_done)
    if is_done:
        _log.info("lists emptied", campaign=campaign)
    return Progress.MADE


def _clean(account: Account, prefix: str, *, until: float) -> bool:
    """Empty lists until the time is up; tell whether nothing is left."""
    is_live = account.settings.dialect == Dialect.LIVE.value
    for found in account.api.lists():
        if not found.name.startswith(f"{prefix}-"):
            continue
        if is_live:
            _forgive(account.api.delete_list, found.id)
            continue
        # The document has no route to delete a list, only one for each contact.
        for contact in account.api.contacts(found.id):
            if time.monotonic() >= until:
                return False
            _forgive(account.api.remove_contact, contact.id)
    return True


def _forgive(remove: Callable[[str], None], name: str) -> None:
    """Remove something that may have been removed before."""
    with suppress(RequestRefusedError, InputError):
        remove(name)
