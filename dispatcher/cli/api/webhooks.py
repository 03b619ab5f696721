"""Where the API posts receipts and replies (live dialect)."""

from typing import Annotated

import typer

from dispatcher.cli.api.calling import ApiCall, api_command
from dispatcher.cli.api.secret import read_secret
from dispatcher.cli.output import listing
from dispatcher.smsfactor import WebhookType


def add_commands(group: typer.Typer) -> None:
    """Add `webhook`."""
    webhooks = typer.Typer(name="webhook", help=_HELP, no_args_is_help=True)
    webhooks.command("list")(show_all)
    webhooks.command()(create)
    webhooks.command()(delete)
    group.add_typer(webhooks)


@api_command(live=True)
def show_all(call: ApiCall) -> None:
    """Show the account's webhooks (live).

    Calls GET /webhook.

    Example: dispatcher api webhook list --dialect live
    """
    found = call.api.webhooks()
    rows = [(each.id, each.type, each.url) for each in found]
    call.show(found, listing("", ("webhook", "type", "URL"), rows))


@api_command(changes=True, live=True)
def create(
    call: ApiCall,
    kind: Annotated[
        WebhookType, typer.Argument(metavar="TYPE", help="DLR is receipts, MO replies.")
    ],
    url: Annotated[str, typer.Argument(metavar="URL", help="Where they are posted to.")],
    *,
    signed: Annotated[
        bool,
        typer.Option(
            "--signed", help="Ask for a signature, or read it from a line of standard input."
        ),
    ] = False,
) -> None:
    """Have events posted to a URL (live).

    Calls POST /webhook.

    Example: dispatcher api webhook create DLR https://HOST/webhooks/SECRET/dlr --dialect live
    """
    call.confirm(f"Have {kind.value} posted to {url}?")
    signature = read_secret("signature") if signed else None
    made = call.api.create_webhook(kind, url, signature=signature)
    call.show(made, f"webhook {made.id} is created")


@api_command(changes=True, live=True)
def delete(
    call: ApiCall,
    webhook: Annotated[str, typer.Argument(metavar="ID", help="Its id: webhook list")],
) -> None:
    """Remove a webhook (live).

    Calls DELETE /webhook/ID.

    Example: dispatcher api webhook delete 12 --dialect live
    """
    call.confirm(f"Remove webhook {webhook}? What it is told of is then lost.")
    call.api.delete_webhook(webhook)
    call.show({"deleted": webhook}, f"webhook {webhook} is removed")


_HELP = """Say where receipts and replies are posted.

Example: dispatcher api webhook list
"""
