"""`dispatcher api`: every call of the SMSFactor API, from a shell."""

import typer

from dispatcher.cli.api import account, blacklist, campaigns, lists, sending, webhooks


def add_commands(app: typer.Typer) -> None:
    """Add the group `api`."""
    group = typer.Typer(name="api", help=_HELP, no_args_is_help=True)
    for part in (account, sending, lists, blacklist, campaigns, webhooks):
        part.add_commands(group)
    app.add_typer(group)


_HELP = """Ask the SMSFactor API itself, one call a command.

Sending is left to campaigns, which are safe to repeat: dispatcher send. What changes
something asks first, or wants --yes where nobody can be asked. Calls marked live work for
accounts of the live dialect only.

Example: dispatcher api credits
"""
