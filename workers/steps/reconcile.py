"""Settles batches whose answer was lost by evidence, and tries an account again after too many."""

from datetime import timedelta

import structlog

from dispatcher.domain.unknowns import Decision
from dispatcher.errors import ApiError
from dispatcher.settings import Settings
from dispatcher.store.unknowns import Precautions
from workers.resources import Account
from workers.steps.audit import audit
from workers.steps.early import name_by_receipts
from workers.steps.listings import look_in_listing
from workers.steps.progress import Progress

_log = structlog.get_logger("workers.reconcile")

_LEASE_MS = 60_000
_SOON_MS = 5_000
_LATER_MS = 60_000
_MUCH_LATER_MS = 600_000
_YOUNG = timedelta(minutes=15)
_OLD = timedelta(hours=1)


def precautions_of(settings: Settings, account: str) -> Precautions:
    """Give what the settings say of lost answers on an account.

    Where the API lists its campaigns, that is better evidence than what the balance lost.
    """
    return Precautions(
        dedicated=settings.account(account).dedicated and settings.dialect == "v1",
        most=settings.breaker_unknowns,
        span_ms=int(settings.breaker_span * 1000),
        cool_down_ms=int(settings.breaker_cool_down * 1000),
    )


def reconcile(account: Account) -> Progress:
    """Look once at all the evidence there is about batches without an answer."""
    unknowns = account.store.unknowns
    if not unknowns.take_turn(lease_ms=_LEASE_MS):
        return Progress.NONE
    precautions = precautions_of(account.settings, account.name)
    _try_again(account, precautions)
    now = unknowns.now()
    batches = unknowns.newest()
    findings = name_by_receipts(account, batches)
    if account.settings.dialect == "live":
        found = {(finding.campaign, finding.n) for finding in findings}
        findings += [
            finding
            for finding in look_in_listing(account, batches, now)
            if (finding.campaign, finding.n) not in found
        ]
    if findings:
        for finding, word in zip(findings, unknowns.settle(findings), strict=True):
            if finding.verdict in (Decision.SENT, Decision.NOT_SENT):
                _log.info(
                    "evidence",
                    campaign=finding.campaign,
                    batch=finding.n,
                    verdict=finding.verdict.value,
                    source=finding.source.value,
                    came_to=word,
                )
    if precautions.dedicated:
        audit(account)
    unknowns.end_turn(pause_ms=_pause_ms(account, is_dedicated=precautions.dedicated))
    return Progress.NONE


def _try_again(account: Account, precautions: Precautions) -> None:
    """Let one batch through an open circuit breaker once the API answers again."""
    opened = account.store.unknowns.tally().breaker_since
    cool_down = timedelta(milliseconds=precautions.cool_down_ms)
    if opened is None or account.store.unknowns.now() < opened + cool_down:
        return
    try:
        account.api.credits()
    except ApiError as error:
        _log.warning("still no answers", account=account.name, error=type(error).__name__)
        return
    if account.store.unknowns.arm_probe(cool_down_ms=precautions.cool_down_ms):
        _log.warning("one batch may try the API again", account=account.name)


def _pause_ms(account: Account, *, is_dedicated: bool) -> int:
    """Tell when to look again: evidence of what is long ago hardly ever changes."""
    batches = account.store.unknowns.newest(1)
    is_shut = account.store.unknowns.tally().breaker_since is not None
    if is_shut or is_dedicated:
        return _SOON_MS
    age = account.store.unknowns.now() - batches[0].since if batches else _OLD
    if age < _YOUNG:
        return _SOON_MS
    return _LATER_MS if age < _OLD else _MUCH_LATER_MS
