"""`dispatcher send`: from a file of recipients to a campaign that is out, or waits."""

import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.cli.campaign_options import CampaignOptions, with_recipients
from dispatcher.cli.errand import Errand, Manner
from dispatcher.cli.exit_codes import ExitCode
from dispatcher.cli.observing import write_bad_rows
from dispatcher.cli.output import say, stderr
from dispatcher.cli.problems_view import tell_problems
from dispatcher.cli.reading import Reading
from dispatcher.cli.recipients_file import RecipientsFile, error_in_own_words
from dispatcher.cli.row_files import refuse_same_file
from dispatcher.cli.session import (
    JsonOption,
    TimeoutOption,
    WaitOption,
    YesOption,
    opened_dispatcher,
    user_name,
)
from dispatcher.cli.shared_options import with_options
from dispatcher.cli.watching import Watch
from dispatcher.domain.campaign import Campaign
from dispatcher.errors import InputError, StateError
from dispatcher.producer import Dispatcher

_WAIT_SECONDS = 600.0


def add_commands(app: typer.Typer) -> None:
    """Add `send`."""
    app.command()(send)


@with_options(CampaignOptions)
def send(  # noqa: PLR0913 - each is an option of the command
    options: CampaignOptions,
    *,
    identity: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="The campaign's id; repeating it is safe."),
    ] = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Any text naming this campaign and no other."),
    ] = None,
    errors: Annotated[
        Path | None,
        typer.Option(dir_okay=False, writable=True, help="Write every bad row to this CSV file."),
    ] = None,
    simulate_only: Annotated[
        bool, typer.Option("--simulate-only", help="Print the quote, then drop the campaign.")
    ] = False,
    yes: YesOption = False,
    wait: WaitOption = True,
    timeout: TimeoutOption = _WAIT_SECONDS,
    as_json: JsonOption = False,
) -> None:
    """Quote a campaign, ask, and send it.

    Nothing is spent before you have seen the price and said yes. Without a terminal to ask at,
    it stays held until `dispatcher approve ID`; with --yes it is sent as soon as it is quoted.
    To see what each person would get, without queueing anything: dispatcher quote.

    Example: dispatcher send customers.csv --text 'Votre commande est prête.' --sender Boutique
    """
    _check(simulate_only=simulate_only, yes=yes, wait=wait, named=bool(identity or idempotency_key))
    refuse_same_file(options.file, errors)
    draft = replace(options.campaign(), id=identity, needs_approval=not yes)
    table = options.table()
    manner = Manner(
        simulate_only=simulate_only,
        wait=wait,
        as_json=as_json,
        may_ask=sys.stdin.isatty() and not (table and table.is_stdin) and not as_json,
        by=user_name(),
    )
    with opened_dispatcher() as dispatcher:
        try:
            campaign = _submit(dispatcher, draft, table, key=idempotency_key)
            if yes:
                _approve_earlier(dispatcher, campaign, account=draft.account, by=manner.by)
        except InputError as error:
            tell_problems(error, as_json=as_json)
            if errors is not None:
                write_bad_rows(dispatcher, draft, table, errors, known=error)
            raise typer.Exit(ExitCode.BAD_INPUT) from None
        if errors is not None:
            write_bad_rows(dispatcher, draft, table, errors)
        watch = Watch(timeout=timeout)
        errand = Errand(dispatcher, campaign, account=draft.account, manner=manner, watch=watch)
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
    dispatcher: Dispatcher, draft: Campaign, table: RecipientsFile | None, *, key: str | None
) -> str:
    with Reading(stderr()) as reading, with_recipients(draft, table, reading) as (campaign, words):
        try:
            return dispatcher.submit(campaign, idempotency_key=key)
        except InputError as error:
            raise error_in_own_words(error, words) from None
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
