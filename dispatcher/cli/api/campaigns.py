"""What the API itself tells of campaigns (live dialect)."""

from datetime import datetime
from typing import Annotated

import typer

from dispatcher.cli.api.calling import ApiCall, api_command
from dispatcher.cli.output import count, listing, pairs
from dispatcher.smsfactor import CampaignRecord
from dispatcher.smsfactor.dialect import PARIS

_DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


def add_commands(group: typer.Typer) -> None:
    """Add `campaigns` and `campaign`."""
    group.command("campaigns")(show_page)
    group.command("campaign")(show)


@api_command(live=True)
def show_page(
    call: ApiCall,
    *,
    start: Annotated[int, typer.Option(min=0, help="How many of the newest to skip.")] = 0,
    length: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many.")] = 20,
    since: Annotated[datetime | None, typer.Option(formats=_DAYS, help="In Paris time.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=_DAYS, help="In Paris time.")] = None,
) -> None:
    """Show campaigns, newest first (live).

    Calls GET /campaigns.

    Example: dispatcher api campaigns --since 2026-11-01 --dialect live
    """
    page = call.api.campaigns(
        start=start, length=length, since=_in_paris(since), until=_in_paris(until)
    )
    of = "" if page.displayed is None else f" of {page.displayed:,}"
    title = f"{count(len(page.campaigns), 'campaign')}{of}"
    header = ("ticket", "date", "status", "sender", "cost", "total", "delivered")
    call.show(page, listing(title, header, map(_cells, page.campaigns)))


@api_command(live=True)
def show(
    call: ApiCall,
    ticket: Annotated[str, typer.Argument(metavar="TICKET", help="The API's id of it.")],
) -> None:
    """Show one campaign (live).

    Calls GET /campaign/ID.

    Example: dispatcher api campaign 6432 --dialect live
    """
    found = call.api.campaign(ticket)
    rows = [
        ("status", found.status),
        ("created", _moment(found.created)),
        ("date", _moment(found.date)),
        ("sender", found.sender),
        ("text", found.text),
        *((name, f"{number:,}") for name, number in found.counters.items()),
    ]
    call.show(found, pairs(f"Campaign {found.id}", rows))


def _in_paris(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=PARIS)


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def _cells(record: CampaignRecord) -> tuple[str, ...]:
    counted = [str(record.counters.get(name, "")) for name in ("cost", "total", "delivered")]
    return (record.id, _moment(record.date), record.status, record.sender, *counted)
