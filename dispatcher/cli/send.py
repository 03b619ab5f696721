"""`dispatcher send`: from a file of recipients to a campaign that is out, or waits."""

import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.cli.errand import Errand, Manner
from dispatcher.cli.exit_codes import ExitCode
from dispatcher.cli.output import say, stderr
from dispatcher.cli.problems_view import show_problems, write_problems, write_problems_json
from dispatcher.cli.recipients_file import STDIN, RecipientsFile
from dispatcher.cli.session import (
    AccountOption,
    JsonOption,
    TimeoutOption,
    opened_dispatcher,
    user_name,
)
from dispatcher.cli.watching import Watch
from dispatcher.domain.campaign import BadRows, Campaign
from dispatcher.domain.message import PushType
from dispatcher.errors import InputError, StateError
from dispatcher.producer import Dispatcher

_WAIT_SECONDS = 600.0


def add_commands(app: typer.Typer) -> None:
    """Add `send`."""
    app.command()(send)


def _readable(file: Path) -> Path:
    if file != STDIN and not (file.is_file() and os.access(file, os.R_OK)):
        raise typer.BadParameter(f"{file} is not a file that can be read")
    return file


def send(  # noqa: PLR0913 - each is an option of the command
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv|-",
            help="Table of recipients: CSV with comma, semicolon, tab or bar; `-` is standard "
            "input.",
            callback=_readable,
        ),
    ],
    *,
    text: Annotated[str, typer.Option(help="The content of the SMS.")],
    sender: Annotated[
        str | None, typer.Option(help="Up to 11 letters and digits shown as the sender.")
    ] = None,
    pushtype: Annotated[
        PushType, typer.Option(help="Marketing is `advertising`: daytime only, with STOP.")
    ] = PushType.ALERT,
    link: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="For a <-short-> tag of the text; once for each."),
    ] = None,
    account: AccountOption = None,
    identity: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="The campaign's id; repeating it is safe."),
    ] = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Any text naming this campaign and no other."),
    ] = None,
    number_column: Annotated[
        str | None, typer.Option(metavar="NAME|N", help="Column of phone numbers, from 1.")
    ] = None,
    id_column: Annotated[
        str | None, typer.Option(metavar="NAME|N", help="Column of your own ids, from 1.")
    ] = None,
    bad_rows: Annotated[
        BadRows, typer.Option(help="Refuse the file for bad numbers, or skip those rows.")
    ] = BadRows.REJECT,
    errors: Annotated[
        Path | None,
        typer.Option(dir_okay=False, writable=True, help="Write every bad row to this CSV file."),
    ] = None,
    simulate_only: Annotated[
        bool, typer.Option("--simulate-only", help="Print the quote, then drop the campaign.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Spend without asking; else it asks first.")
    ] = False,
    wait: Annotated[
        bool, typer.Option(help="Wait until the API has it all; else return once it is durable.")
    ] = True,
    timeout: TimeoutOption = _WAIT_SECONDS,
    as_json: JsonOption = False,
) -> None:
    """Quote a campaign, ask, and send it.

    Nothing is spent before you have seen the price and said yes. Without a terminal to ask at,
    it stays held until `dispatcher approve ID`; with --yes it is sent as soon as it is quoted.

    Example: dispatcher send customers.csv --text 'Votre commande est prête.' --sender Boutique
    """
    _check(simulate_only=simulate_only, yes=yes, wait=wait, named=bool(identity or idempotency_key))
    table = RecipientsFile(path=file, number_column=number_column, id_column=id_column)
    draft = Campaign(
        recipients=(),
        text=text,
        sender=sender,
        pushtype=pushtype,
        links=tuple(link or ()),
        account=account,
        id=identity,
        bad_rows=bad_rows,
        needs_approval=not yes,
    )
    manner = Manner(
        simulate_only=simulate_only,
        wait=wait,
        as_json=as_json,
        may_ask=sys.stdin.isatty() and not table.is_stdin and not as_json,
        by=user_name(),
    )
    watch = Watch(timeout=timeout)
    with opened_dispatcher() as dispatcher:
        try:
            campaign = _submit(dispatcher, draft, table, key=idempotency_key)
            if yes:
                _approve_earlier(dispatcher, campaign, account=account, by=manner.by)
        except InputError as error:
            _tell(error, errors, as_json=as_json)
            raise typer.Exit(ExitCode.BAD_INPUT) from None
        errand = Errand(dispatcher, campaign, account=account, manner=manner, watch=watch)
        raise typer.Exit(_accompany(errand, campaign))


def _check(*, simulate_only: bool, yes: bool, wait: bool, named: bool) -> None:
    """Refuse options that contradict each other."""
    if simulate_only and (yes or not wait):
        raise typer.BadParameter(
            "--simulate-only neither spends nor leaves: without --yes, --no-wait"
        )
    if simulate_only and named:
        raise typer.BadParameter(
            "--simulate-only ends in a cancelled campaign, which would take the id or key"
        )


def _submit(
    dispatcher: Dispatcher, draft: Campaign, table: RecipientsFile, *, key: str | None
) -> str:
    try:
        with table.recipients(stderr()) as recipients:
            return dispatcher.submit(replace(draft, recipients=recipients), idempotency_key=key)
    except KeyboardInterrupt:
        say("Interrupted before the campaign was confirmed: see `dispatcher list`.")
        raise


def _approve_earlier(
    dispatcher: Dispatcher, campaign: str, *, account: str | None, by: str
) -> None:
    """Let a campaign spend that was submitted before, without --yes."""
    with suppress(StateError):
        dispatcher.approve(campaign, by=by, account=account)


def _accompany(errand: Errand, campaign: str) -> ExitCode:
    try:
        say(f"campaign {campaign} is accepted")
        return errand.run()
    except (KeyboardInterrupt, typer.Abort):
        say(f"\nInterrupted. Campaign {campaign} stays: dispatcher status {campaign}")
        return ExitCode.INTERRUPTED


def _tell(error: InputError, file: Path | None, *, as_json: bool) -> None:
    if as_json:
        write_problems_json(error)
    else:
        show_problems(error, stderr())
    if file is not None:
        write_problems(error, file)
