"""The command `dispatcher`."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from dispatcher.cli import (
    account,
    campaigns,
    demo,
    doctor,
    feed,
    forgetting,
    health,
    quote,
    recipients,
    replies,
    resend,
    schedules,
    send,
    services,
    steering,
    suppressions,
    unknown,
    webhooks,
)
from dispatcher.cli.api import group as api
from dispatcher.cli.exit_codes import ExitCode, code_of_error
from dispatcher.cli.output import say_error
from dispatcher.errors import DispatcherError

# Paragraphs: within one, the help would run the codes together.
_EXIT_CODES = "\n\n".join(f"{code.value}: {code.meaning}" for code in ExitCode)

app = typer.Typer(
    name="dispatcher",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog=f"Exit codes:\n\n{_EXIT_CODES}",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:  # noqa: FBT001 - typer calls it so
    if asked:
        typer.echo(version("sms-campaign-dispatcher"))
        raise typer.Exit


@app.callback()
def _dispatcher(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Queue, quote, send and follow SMS campaigns through the SMSFactor API.

    New here? `dispatcher demo` shows all of it on this machine, and needs nothing. Then set
    DISPATCHER_REDIS_URL, DISPATCHER_BROKER_URL, DISPATCHER_ACCOUNTS__DEFAULT__USERNAME and
    DISPATCHER_ACCOUNTS__DEFAULT__PASSWORD, and let `dispatcher doctor` check them.
    """


for group in (
    quote,
    send,
    campaigns,
    recipients,
    resend,
    steering,
    forgetting,
    schedules,
    suppressions,
    replies,
    unknown,
    feed,
    account,
    api,
    webhooks,
    services,
    health,
    doctor,
    demo,
):
    group.add_commands(app)


def main() -> None:
    """Run the command line; errors of ours end in one line and an exit code."""
    try:
        app()
    except DispatcherError as error:
        say_error(error)
        sys.exit(code_of_error(error))
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
