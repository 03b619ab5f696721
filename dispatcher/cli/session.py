"""What commands share: the dispatcher of the environment, and options of the same meaning."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from dispatcher.producer import Dispatcher

CampaignId = Annotated[str, typer.Argument(metavar="ID", help="The campaign's id.")]
AccountOption = Annotated[
    str | None,
    typer.Option(
        "--account",
        metavar="NAME",
        help="Which account; left out: the account called default, or the only one.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON, for scripts.")]
YesOption = Annotated[
    bool, typer.Option("--yes", "-y", help="Spend without asking; else it asks first.")
]
WaitOption = Annotated[
    bool, typer.Option(help="Wait until the API has it all; else return once it is durable.")
]
TimeoutOption = Annotated[
    float | None,
    typer.Option(min=0, metavar="SECONDS", help="Stop waiting after this; the campaign goes on."),
]


@contextmanager
def opened_dispatcher() -> Iterator[Dispatcher]:
    """Open the dispatcher the environment describes, and close it afterwards.

    Raises:
        SettingsError: a setting is missing or wrong.
        StoreError: Redis does not answer, or would lose campaigns.
    """
    dispatcher = Dispatcher.from_env()
    try:
        yield dispatcher
    finally:
        dispatcher.close()


def user_name() -> str:
    """Name who runs the command, for the record of an approval."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
