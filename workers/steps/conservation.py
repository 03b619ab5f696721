"""Checks the books of one campaign after the other, as long as they run and once afterwards."""

import time
from collections.abc import Sequence

import structlog

from dispatcher.checking import check_books, compare_with_api, speaks_live
from dispatcher.errors import ApiError
from dispatcher.store.checks import CheckClaim
from workers.resources import Account
from workers.steps.progress import Progress

_log = structlog.get_logger("workers.conservation")

_BATCHES_AT_ONCE = 20
_API = "API: "


def check_next(account: Account) -> Progress:
    """Check the campaign that is due longest; what does not add up is an alarm."""
    claim = account.store.checks.claim()
    if claim is None:
        return Progress.NONE
    since = time.monotonic()
    status = account.store.campaigns.status(claim.campaign)
    findings, _ = check_books(account.store, claim.campaign)
    findings += [known for known in status.findings if known.startswith(_API)]
    asked = claim.asked
    if claim.is_done and speaks_live(account.settings) and asked < status.batches:
        told, asked = _ask(account, claim, status.batches)
        findings += told
    account.store.checks.record(
        claim.campaign,
        findings,
        asked=asked,
        has_more=claim.asked < asked < status.batches,
        took_ms=int((time.monotonic() - since) * 1000),
    )
    if findings:
        _log.error("books do not add up", campaign=claim.campaign, findings=len(findings))
    return Progress.MADE


def _ask(account: Account, claim: CheckClaim, batches: int) -> tuple[Sequence[str], int]:
    """Compare some batches with the API's figures; give up to which that was done."""
    last = min(claim.asked + _BATCHES_AT_ONCE, batches)
    try:
        told, _ = compare_with_api(
            account.store, account.api, claim.campaign, range(claim.asked, last)
        )
    except ApiError as error:
        name = type(error).__name__
        _log.warning("figures not compared", campaign=claim.campaign, error=name)
        return [], claim.asked
    return told, last
