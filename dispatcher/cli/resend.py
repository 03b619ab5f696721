"""`dispatcher resend`: a new campaign of those who did not get another."""

import sys
from typing import Annotated

import typer

from dispatcher.cli.errand import Errand, Manner
from dispatcher.cli.exit_codes import ExitCode
from dispatcher.cli.output import count, say
from dispatcher.cli.problems_view import tell_problems
from dispatcher.cli.session import (
    AccountOption,
    CampaignId,
    JsonOption,
    TimeoutOption,
    WaitOption,
    YesOption,
    opened_dispatcher,
    user_name,
)
from dispatcher.cli.time_options import SendAtOption, TimezoneOption, time_arguments
from dispatcher.cli.watching import Watch
from dispatcher.domain.windows import WindowPolicy
from dispatcher.errors import InputError
from dispatcher.resending import Changes, Resend

_WAIT_SECONDS = 600.0


def add_commands(app: typer.Typer) -> None:
    """Add `resend`."""
    app.command()(resend)


def resend(  # noqa: PLR0913 - each is an option of the command
    campaign: CampaignId,
    *,
    only: Annotated[
        str,
        typer.Option(
            metavar="WORDS",
            help="Whom: states such as undelivered, refused, cancelled, expired, or reasons such "
            "as network_error, undelivered:expired; commas between them.",
        ),
    ],
    identity: Annotated[
        str | None,
        typer.Option(
            "--id",
            metavar="ID",
            help="The new campaign's id; left out: one that "
            "follows from ID and --only, so that repeating it is safe.",
        ),
    ] = None,
    sender: Annotated[str | None, typer.Option(help="Left out: as it was.")] = None,
    send_at: SendAtOption = None,
    timezone: TimezoneOption = None,
    yes: YesOption = False,
    wait: WaitOption = True,
    timeout: TimeoutOption = _WAIT_SECONDS,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send again to those who did not get a campaign.

    Each gets the text they would have got, under a new campaign. Nobody who got the message, or
    may get it, can be chosen; nobody gets two resends. As with `send`, nothing is spent before
    you have seen the price and said yes.

    Example: dispatcher resend orders-2026-11-22 --only undelivered,refused
    """
    time = time_arguments(
        send_at=send_at,
        timezone=timezone,
        handover=None,
        max_lateness=None,
        window_policy=WindowPolicy.HOLD,
    )
    changes = Changes(id=identity, sender=sender, send_at=time["send_at"], needs_approval=not yes)
    manner = Manner(
        wait=wait,
        as_json=as_json,
        may_ask=sys.stdin.isatty() and not as_json,
        by=user_name(),
    )
    with opened_dispatcher() as dispatcher:
        try:
            made = dispatcher.resend(campaign, only.split(","), changes=changes, account=account)
        except InputError as error:
            tell_problems(error, as_json=as_json)
            raise typer.Exit(ExitCode.BAD_INPUT) from None
        _tell(made)
        watch = Watch(timeout=timeout)
        errand = Errand(dispatcher, made.id, account=account, manner=manner, watch=watch)
        try:
            raise typer.Exit(errand.run())
        except (KeyboardInterrupt, typer.Abort):
            say(f"\nInterrupted. Campaign {made.id} stays: dispatcher status {made.id}")
            raise typer.Exit(ExitCode.INTERRUPTED) from None


def _tell(made: Resend) -> None:
    if made.is_new:
        say(f"campaign {made.id} sends to {count(made.recipients, 'recipient')} again")
    else:
        say(
            f"campaign {made.id} was made for them before, of "
            f"{count(made.recipients, 'recipient')}. For those since then, give another --id."
        )
    if made.passed_over:
        say(f"{count(made.passed_over, 'other')} are sent to by other campaigns already")
