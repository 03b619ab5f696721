"""Those who must not be written to."""

from typing import Annotated

import typer

from dispatcher.cli.api.calling import ApiCall, api_command
from dispatcher.cli.api.contacts import contacts_table, destinations
from dispatcher.cli.output import count
from dispatcher.smsfactor import NewContact


def add_commands(group: typer.Typer) -> None:
    """Add `blacklist`."""
    blacklist = typer.Typer(name="blacklist", invoke_without_command=True)
    blacklist.callback()(show)
    blacklist.command()(add)
    blacklist.command()(remove)
    group.add_typer(blacklist)


@api_command()
def show(call: ApiCall, context: typer.Context) -> None:
    """Show everyone who must not be written to.

    Calls GET /blacklist.

    Example: dispatcher api blacklist --json
    """
    if context.invoked_subcommand is None:
        found = call.api.blacklist()
        call.show(found, contacts_table("Blacklist", found))


@api_command(changes=True, live=True)
def add(call: ApiCall, numbers: Annotated[list[str], typer.Argument(metavar="NUMBER...")]) -> None:
    """Never write to these numbers again (live).

    Calls POST /blacklist.

    Example: dispatcher api blacklist add '06 39 98 00 01' --dialect live
    """
    found = destinations(numbers, default_region=call.settings.default_region)
    call.confirm(f"Never write to {count(len(found), 'number')} again?")
    added = call.api.add_to_blacklist([NewContact(each.value) for each in found])
    told = "the numbers are" if added is None else f"{count(added, 'new number')}"
    call.show({"added": added}, f"{told} on the blacklist")


@api_command(changes=True, live=True)
def remove(
    call: ApiCall,
    contact: Annotated[str, typer.Argument(metavar="ID", help="The contact's own id.")],
) -> None:
    """Allow a contact to be written to again (live).

    Calls DELETE /blacklist/contact/ID.

    Example: dispatcher api blacklist remove 4711 --dialect live
    """
    call.confirm(f"Allow contact {contact} to be written to again?")
    call.api.remove_from_blacklist(contact)
    call.show({"removed": contact}, f"contact {contact} is off the blacklist")
