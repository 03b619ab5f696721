"""Commands that hold campaigns back or let them go on: cancel, pause, resume, stop, start, plan."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from dispatcher.cli.campaign_view import hint, status_document, summary
from dispatcher.cli.output import count, listing, say, stdout, write_json
from dispatcher.cli.session import (
    AccountOption,
    CampaignId,
    JsonOption,
    opened_dispatcher,
    user_name,
)
from dispatcher.domain.campaign import CampaignStatus, Cancellation
from dispatcher.planning import Departure
from dispatcher.settings import Settings

_ALL_OR_ONE = "give --all, --account NAME or --campaign ID, and only one of them"


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (cancel, pause, resume, stop, start, plan):
        app.command()(command)


def cancel(
    campaign: CampaignId, *, account: AccountOption = None, as_json: JsonOption = False
) -> None:
    """Cancel what of a campaign is not sent yet.

    What waits here is stopped at once; what the API has for later is taken back, with its
    credits. What was sent is sent: when that is all of it, nothing is changed and the exit code
    is 1. Asking again is safe, and tells how far it has come.

    Example: dispatcher cancel orders-2026-11-22
    """
    with opened_dispatcher() as dispatcher:
        found = dispatcher.cancel(campaign, account=account)
    if as_json:
        write_json(found)
        return
    typer.echo(f"campaign {campaign} is {found.state.value}")
    stdout().print(listing("", ("", "batches"), list(_rows(found))))
    if found.verifying:
        say("Some are on their way: ask again in a moment, with the same command.")


def pause(
    campaign: CampaignId, *, account: AccountOption = None, as_json: JsonOption = False
) -> None:
    """Let nothing more of a campaign be sent until it is resumed.

    What the API has for later is taken back, and given to it again on resuming.

    Example: dispatcher pause orders-2026-11-22
    """
    with opened_dispatcher() as dispatcher:
        _tell(dispatcher.pause(campaign, account=account), as_json=as_json)


def resume(
    campaign: CampaignId, *, account: AccountOption = None, as_json: JsonOption = False
) -> None:
    """Let a paused campaign go on where it stood.

    Example: dispatcher resume orders-2026-11-22
    """
    with opened_dispatcher() as dispatcher:
        _tell(dispatcher.resume(campaign, account=account), as_json=as_json)


def stop(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Every account.")] = False,
    account: Annotated[str | None, typer.Option(metavar="NAME", help="Only this account.")] = None,
    campaign: Annotated[
        str | None, typer.Option(metavar="ID", help="Only this one, as `pause` does.")
    ] = None,
) -> None:
    """Stop sending in every worker at once, until `start`.

    What was posted is posted, and what the API has for later stays there: see `cancel` and
    `pause` for single campaigns.

    Example: dispatcher stop --all
    """
    _only_one(everything, account, campaign)
    with opened_dispatcher() as dispatcher:
        if campaign is not None:
            dispatcher.pause(campaign)
            typer.echo(f"campaign {campaign} is paused: dispatcher resume {campaign}")
            return
        names = dispatcher.stop(by=user_name(), account=account)
    which = "--all" if account is None else f"--account {account}"
    typer.echo(f"stopped: {', '.join(names)}. To go on: dispatcher start {which}")


def start(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Every account.")] = False,
    account: AccountOption = None,
) -> None:
    """Let accounts send again that were stopped.

    It also ends the wait after too many lost answers.

    Example: dispatcher start
    """
    if everything and account is not None:
        raise typer.BadParameter("give --all or --account NAME, not both")
    one = None if everything else account or Settings.from_env().default_account
    with opened_dispatcher() as dispatcher:
        names = dispatcher.start(account=one)
    typer.echo(f"released: {', '.join(names)}" if names else "nothing was stopped")


def plan(
    campaign: CampaignId, *, account: AccountOption = None, as_json: JsonOption = False
) -> None:
    """Show when the rest of a campaign goes out, and why it waits.

    Example: dispatcher plan spring-sale
    """
    with opened_dispatcher() as dispatcher:
        found = dispatcher.plan(campaign, account=account)
        rate = dispatcher.pace(account=account).effective
    if as_json:
        write_json(found)
    elif not found:
        typer.echo("nothing of it is left to go out")
    else:
        header = ("when", "batches", "recipients", "waits for")
        stdout().print(listing(f"Plan of campaign {campaign}", header, _departures(found)))
        if rate:
            say(_least_time(sum(each.recipients for each in found), rate))


def _least_time(recipients: int, rate: float) -> str:
    seconds = -(-recipients // rate)
    return (
        f"at the account's {rate:g} segments a second, {recipients:,} recipients take at least "
        f"{timedelta(seconds=seconds)}"
    )


def _rows(found: Cancellation) -> Sequence[tuple[str, str]]:
    rows = [
        ("stopped here", found.stopped),
        ("taken back", found.taken_back),
        ("too late", found.too_late),
        ("still being verified", found.verifying),
        ("not known; receipts will tell", found.doubtful),
    ]
    shown = [(name, f"{number:,}") for name, number in rows if number]
    if found.taken_back:
        shown.append(("returned", count(found.credits_returned, "credit")))
    return shown


def _departures(found: Sequence[Departure]) -> list[tuple[str, str, str, str]]:
    return [
        (
            f"{each.at.astimezone():%a %Y-%m-%d %H:%M %z}" if each.at else "not known",
            f"{each.batches:,}",
            f"{each.recipients:,}",
            each.why or "its turn",
        )
        for each in found
    ]


def _only_one(*choices: object) -> None:
    if sum(map(bool, choices)) != 1:
        raise typer.BadParameter(_ALL_OR_ONE)


def _tell(found: CampaignStatus, *, as_json: bool) -> None:
    if as_json:
        write_json(status_document(found))
    else:
        typer.echo(f"campaign {found.id} is {summary(found)}")
        if advice := hint(found, datetime.now(UTC)):
            say(advice)
