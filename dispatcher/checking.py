"""Checks the books of a campaign: rows, counters and recipients, and the API's own figures."""

from dataclasses import dataclass
from datetime import datetime

from dispatcher.domain.conservation import gaps_at_the_api, gaps_in
from dispatcher.errors import RequestRefusedError
from dispatcher.settings import Settings
from dispatcher.smsfactor import Dialect, SmsFactor
from dispatcher.smsfactor.opening import open_client
from dispatcher.store.account import AccountStore


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """What a check found.

    Attributes:
        campaign: the campaign's id.
        findings: what does not add up; nothing when all does.
        is_whole: whether everything was counted at one moment; not while much is moving, nor of a
            campaign whose recipients were erased.
        asked: how many batches were compared with the API's figures.
        why_not_asked: why it was not asked, when it was not.
    """

    campaign: str
    findings: tuple[str, ...]
    is_whole: bool
    asked: int = 0
    why_not_asked: str | None = None


def check(
    store: AccountStore, settings: Settings, account: str, campaign: str, *, now: datetime
) -> Check:
    """Check a campaign, all of its batches at once.

    Raises:
        ApiError: the API did not tell its figures.
        UnknownCampaignError: there is none of that id.
    """
    findings, is_whole = check_books(store, campaign)
    status = store.campaigns.status(campaign)
    until = status.changed_at + settings.receipt_wait if status.is_over else None
    why_not = _why_not_asked(settings, until, now)
    if why_not:
        return Check(
            campaign=campaign,
            findings=tuple(findings),
            is_whole=is_whole,
            why_not_asked=why_not,
        )
    with open_client(settings, account) as api:
        told, asked = compare_with_api(store, api, campaign, range(status.batches))
    return Check(campaign=campaign, findings=(*findings, *told), is_whole=is_whole, asked=asked)


def check_books(store: AccountStore, campaign: str) -> tuple[list[str], bool]:
    """Compare rows, counters and recipients; tell whether all was counted at one moment."""
    recount = store.checks.recount(campaign)
    return list(dict.fromkeys(gaps_in(recount))), recount.counted is not None


def compare_with_api(
    store: AccountStore, api: SmsFactor, campaign: str, batches: range
) -> tuple[list[str], int]:
    """Compare batches with the API's figures (contract, section 9: GET /campaign/:id).

    Gives what contradicts ours, and how many batches were compared.

    Raises:
        ApiError: the API did not tell; the same may be asked again.
    """
    findings: list[str] = []
    asked = 0
    for n in batches:
        sent = store.checks.sent(campaign, n)
        if sent is None:
            continue
        asked += 1
        try:
            findings += gaps_at_the_api(sent, api.campaign(sent.ticket).counters)
        except RequestRefusedError:
            findings.append(f"API: it does not know the ticket of batch {n}")
    return findings, asked


def speaks_live(settings: Settings) -> bool:
    """Tell whether the API can be asked for its figures, which the document has no route for."""
    return settings.dialect == Dialect.LIVE.value


def _why_not_asked(settings: Settings, until: datetime | None, now: datetime) -> str | None:
    if not speaks_live(settings):
        return "only the live dialect can be asked for its figures"
    if until is None:
        return "it is not over"
    if now < until:
        return f"receipts may still come until {until:%Y-%m-%d %H:%M:%S %Z}"
    return None
