"""Watches the balance: asks the API for it, seldom, and releases campaigns held for it."""

import structlog

from dispatcher.errors import ApiError
from workers.resources import Account
from workers.steps.progress import Progress

_log = structlog.get_logger("workers.credits")


def check_credits(account: Account) -> Progress:
    """Ask for the balance, unless that was done of late, and release what it covers."""
    interval_ms = int(account.settings.credit_check_every * 1000)
    spent = account.store.ledger.begin_check(interval_ms=interval_ms)
    if spent is None:
        return Progress.NONE
    for campaign in _observe(account, spent):
        next_up = account.store.ledger.resume(campaign)
        account.hints.move_on(account.name, campaign, next_up.state, waiting=next_up.waiting)
    return Progress.NONE


def refresh_balance(account: Account) -> None:
    """Take the balance as it is after the API refused a send for lack of credits."""
    spent = account.store.ledger.begin_check(interval_ms=0, at_once=True)
    _observe(account, spent or 0)


def _observe(account: Account, spent_before: int) -> list[str]:
    try:
        balance = account.api.credits()
    except ApiError as error:
        _log.warning("balance not known", account=account.name, error=type(error).__name__)
        return []
    return account.store.ledger.observe(balance, spent_before=spent_before)
