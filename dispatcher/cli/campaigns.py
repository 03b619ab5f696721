"""Commands about campaigns that exist: status, events, approve, list."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from dispatcher.cli.campaign_view import event_line, hint, status_document, status_table, summary
from dispatcher.cli.exit_codes import ExitCode, code_of_status
from dispatcher.cli.output import listing, say, stderr, stdout, write_json
from dispatcher.cli.progress import CampaignProgress
from dispatcher.cli.session import (
    AccountOption,
    CampaignId,
    JsonOption,
    TimeoutOption,
    opened_dispatcher,
    user_name,
)
from dispatcher.cli.watching import Watch, is_done
from dispatcher.domain.campaign import CampaignStatus
from dispatcher.producer import Dispatcher


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (status, events, approve):
        app.command()(command)
    app.command("list")(list_campaigns)


def status(
    campaign: CampaignId,
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on until it is over; the exit code tells how.")
    ] = False,
    timeout: TimeoutOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show where a campaign stands, and what to do.

    With --watch it follows the campaign until it is over or only a person can move it on;
    with --json as well, it writes one line for each change.

    Example: dispatcher status orders-2026-11-22 --watch
    """
    with opened_dispatcher() as dispatcher:
        if watch:
            found = _follow(dispatcher, campaign, account, Watch(timeout=timeout), as_json=as_json)
            code = code_of_status(found) if found.is_over else ExitCode.UNFINISHED
        else:
            found, code = dispatcher.status(campaign, account=account), ExitCode.OK
        lists = dispatcher.contact_lists(campaign, account=account)
    if not as_json:
        stdout().print(status_table(found, lists))
        if advice := hint(found, datetime.now(UTC)):
            say(advice)
    elif not watch:
        write_json(status_document(found) | {"contact_lists": lists})
    raise typer.Exit(code)


def events(
    campaign: CampaignId,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with those to come, until it is over.")
    ] = False,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what happened to a campaign, oldest first.

    Example: dispatcher events orders-2026-11-22 --follow
    """
    with opened_dispatcher() as dispatcher:
        for event in dispatcher.events(campaign, account=account, follow=follow):
            if as_json:
                write_json(event)
            else:
                typer.echo(event_line(event))


def approve(
    campaign: CampaignId,
    *,
    by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who allows it; left out: you.")
    ] = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a quoted campaign spend its credits.

    Before its quote it is approved in advance, whatever it costs.

    Example: dispatcher approve orders-2026-11-22
    """
    with opened_dispatcher() as dispatcher:
        dispatcher.approve(campaign, by=by or user_name(), account=account)
        _tell(dispatcher.status(campaign, account=account), as_json=as_json)


def list_campaigns(
    *,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many.")] = 20,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the newest campaigns, newest first.

    Example: dispatcher list -n 5
    """
    with opened_dispatcher() as dispatcher:
        found = dispatcher.campaigns(account=account, count=count)
    if as_json:
        write_json([status_document(each) for each in found])
        return
    rows = [(each.id, f"{each.created_at:%Y-%m-%d %H:%M}", summary(each)) for each in found]
    stdout().print(listing("", ("campaign", "created (UTC)", "state"), rows))


def _follow(
    dispatcher: Dispatcher, campaign: str, account: str | None, watch: Watch, *, as_json: bool
) -> CampaignStatus:
    shown: CampaignStatus | None = None
    with CampaignProgress(stderr()) as progress:
        for found in watch.until(is_done, lambda: dispatcher.status(campaign, account=account)):
            progress.update(found)
            if as_json and found != shown:
                write_json(status_document(found))
            shown = found
    return found


def _tell(found: CampaignStatus, *, as_json: bool) -> None:
    if as_json:
        write_json(status_document(found))
    else:
        typer.echo(f"campaign {found.id} is {summary(found)}")
        if advice := hint(found, datetime.now(UTC)):
            say(advice)
