"""What a send would cost, the short link's tag, and the cancelling of what waits at the API."""

from typing import Annotated

import typer

from dispatcher.cli.api.calling import ApiCall, api_command
from dispatcher.cli.api.contacts import destinations
from dispatcher.cli.output import count, pairs
from dispatcher.domain.message import Message, PushType
from dispatcher.smsfactor import SendReply

TextOption = Annotated[str, typer.Option("--text", help="The content of the SMS.")]
SenderOption = Annotated[
    str | None, typer.Option("--sender", help="Up to 11 letters and digits shown as the sender.")
]
PushTypeOption = Annotated[
    PushType, typer.Option("--pushtype", help="Marketing, `advertising`, gets a STOP mention.")
]
LinkOption = Annotated[
    list[str] | None,
    typer.Option("--link", metavar="URL", help="For a <-short-> tag of the text; once for each."),
]


def add_commands(group: typer.Typer) -> None:
    """Add `simulate`, `simulate-lists`, `cancel` and `link-tag`."""
    group.command()(simulate)
    group.command("simulate-lists")(simulate_lists)
    group.command()(cancel)
    group.command("link-tag")(link_tag)


@api_command()
def simulate(
    call: ApiCall,
    *,
    to: Annotated[list[str], typer.Option("--to", metavar="NUMBER", help="Once for each.")],
    text: TextOption,
    sender: SenderOption = None,
    pushtype: PushTypeOption = PushType.ALERT,
    link: LinkOption = None,
) -> None:
    """Ask what a send would cost.

    Calls POST /send/simulate.

    Example: dispatcher api simulate --to '06 39 98 00 01' --text 'Votre commande est prête.'
    """
    message = Message(text=text, sender=sender, pushtype=pushtype, links=tuple(link or ()))
    found = destinations(to, default_region=call.settings.default_region)
    _tell(call, call.api.simulate(message, found))


@api_command()
def simulate_lists(
    call: ApiCall,
    *,
    lists: Annotated[list[str], typer.Option("--list", metavar="ID", help="Once for each.")],
    text: TextOption,
    sender: SenderOption = None,
    pushtype: PushTypeOption = PushType.ALERT,
    link: LinkOption = None,
) -> None:
    """Ask what a send to lists would cost.

    Calls POST /send/lists/simulate.
    [info1] to [info4] in the text stand for the columns of each contact.

    Example: dispatcher api simulate-lists --list 25 --text 'Bonjour [info1]'
    """
    message = Message(text=text, sender=sender, pushtype=pushtype, links=tuple(link or ()))
    _tell(call, call.api.simulate_lists(message, lists))


@api_command(changes=True)
def cancel(
    call: ApiCall,
    ticket: Annotated[str, typer.Argument(metavar="TICKET", help="The API's id of it.")],
) -> None:
    """Cancel what was scheduled at the API and has not begun.

    Calls DELETE /send/ID.
    A campaign of ours is cancelled by `dispatcher cancel ID`.

    Example: dispatcher api cancel 6432
    """
    call.confirm(f"Cancel {ticket}, and have its credits back?")
    reply = call.api.cancel(ticket)
    balance = "" if reply.credits is None else f"; the balance is {count(reply.credits, 'credit')}"
    call.show(reply, f"{ticket} is cancelled{balance}")


@api_command()
def link_tag(
    call: ApiCall,
    pushtype: Annotated[PushType, typer.Argument(help="Kind of sending it is for.")],
) -> None:
    """Ask for the tag as long as a short link will be.

    Calls GET /link/short/PUSHTYPE/tag.

    Example: dispatcher api link-tag advertising
    """
    tag = call.api.link_tag(pushtype)
    call.show({"tag": tag}, tag)


def _tell(call: ApiCall, reply: SendReply) -> None:
    counters = {
        "cost": reply.cost,
        "balance": reply.credits,
        "recipients": reply.total,
        "would be sent": reply.sent,
        "blacklisted": reply.blacklisted,
        "duplicated": reply.duplicated,
        "invalid": reply.invalid,
        **reply.other,
    }
    rows = [
        (name, "not told" if number is None else f"{number:,}") for name, number in counters.items()
    ]
    call.show(reply, pairs("Simulation: nothing is sent", rows))
