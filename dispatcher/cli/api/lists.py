"""Lists of contacts."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.cli.api.calling import ApiCall, api_command
from dispatcher.cli.api.contacts import contacts_table, read_contacts
from dispatcher.cli.output import count, listing, pairs, say
from dispatcher.errors import DispatcherError
from dispatcher.smsfactor import ListReply, NewContact

ListId = Annotated[str, typer.Argument(metavar="ID", help="The list's id: dispatcher api list all")]
ContactId = Annotated[
    str, typer.Argument(metavar="ID", help="The contact's own id, as its list shows it.")
]
ContactsFile = Annotated[
    Path,
    typer.Argument(metavar="FILE|-", help="Table with a column of numbers; - is standard input."),
]
NumberColumn = Annotated[
    str | None, typer.Option(metavar="NAME|N", help="Column of phone numbers, from 1.")
]
InfoColumns = Annotated[
    list[str] | None,
    typer.Option(
        "--info",
        metavar="COLUMN",
        help="Column for [info1], the next for [info2]…; left out: columns of these names.",
    ),
]


def add_commands(group: typer.Typer) -> None:
    """Add `list`, `contact` and `blacklist`."""
    lists = typer.Typer(name="list", help=_LISTS, no_args_is_help=True)
    for command in (create, add, show, deduplicate, delete):
        lists.command()(command)
    lists.command("all")(show_all)
    contact = typer.Typer(name="contact", help=_CONTACT, no_args_is_help=True)
    # Without a command of its own, typer would take the group for one.
    contact.callback()(lambda: None)
    contact.command("delete")(delete_contact)
    group.add_typer(lists)
    group.add_typer(contact)


@api_command(changes=True)
def create(
    call: ApiCall,
    file: ContactsFile,
    *,
    name: Annotated[str | None, typer.Option(help="Left out: its date of creation.")] = None,
    number_column: NumberColumn = None,
    info: InfoColumns = None,
) -> None:
    """Create a list of the contacts of a table.

    Calls POST /list.

    Example: dispatcher api list create customers.csv --name Lyon --info 'first name'
    """
    contacts = _read(call, file, number_column, info)
    call.confirm(f"Create a list of {count(len(contacts), 'contact')}?")
    _put(call, contacts, name=name)


@api_command(changes=True)
def add(
    call: ApiCall,
    list_id: ListId,
    file: ContactsFile,
    *,
    number_column: NumberColumn = None,
    info: InfoColumns = None,
) -> None:
    """Add the contacts of a table to a list; duplicates are kept.

    Calls POST /list, `listId`.

    Example: dispatcher api list add 25 more.csv
    """
    contacts = _read(call, file, number_column, info)
    call.confirm(f"Add {count(len(contacts), 'contact')} to list {list_id}?")
    _put(call, contacts, list_id=list_id)


@api_command()
def show_all(call: ApiCall) -> None:
    """Show the account's lists, without their contacts.

    Calls GET /lists.

    Example: dispatcher api list all --json
    """
    found = call.api.lists()
    rows = [(one.id, one.name, f"{one.date:%Y-%m-%d %H:%M}" if one.date else "") for one in found]
    call.show(found, listing("", ("list", "name", "created"), rows))


@api_command()
def show(call: ApiCall, list_id: ListId) -> None:
    """Show the contacts of a list.

    Calls GET /list/ID.

    Example: dispatcher api list show 25
    """
    found = call.api.contacts(list_id)
    call.show(found, contacts_table(f"List {list_id}", found))


@api_command(changes=True)
def deduplicate(call: ApiCall, list_id: ListId) -> None:
    """Remove the duplicates of a list.

    Calls PUT /list/deduplicate/ID.

    Example: dispatcher api list deduplicate 25
    """
    call.confirm(f"Remove the duplicates of list {list_id}?")
    removed = call.api.deduplicate(list_id)
    call.show({"removed": removed}, f"{count(removed, 'contact')} removed from list {list_id}")


@api_command(changes=True, live=True)
def delete(call: ApiCall, list_id: ListId) -> None:
    """Delete a list and its contacts (live).

    Calls DELETE /list/ID.

    Example: dispatcher api list delete 25 --dialect live
    """
    call.confirm(f"Delete list {list_id} and its contacts?")
    call.api.delete_list(list_id)
    call.show({"deleted": list_id}, f"list {list_id} is deleted")


@api_command(changes=True)
def delete_contact(call: ApiCall, contact_id: ContactId) -> None:
    """Remove a contact from its list.

    Calls DELETE /list/contact/ID.

    Example: dispatcher api contact delete 4711
    """
    call.confirm(f"Remove contact {contact_id} from its list?")
    call.api.remove_contact(contact_id)
    call.show({"deleted": contact_id}, f"contact {contact_id} is removed")


def _read(
    call: ApiCall, file: Path, number_column: str | None, info: Sequence[str] | None
) -> list[NewContact]:
    return read_contacts(
        file,
        default_region=call.settings.default_region,
        number_column=number_column,
        info_columns=info or (),
    )


def _put(
    call: ApiCall,
    contacts: Sequence[NewContact],
    *,
    list_id: str | None = None,
    name: str | None = None,
) -> None:
    """Put contacts into a list in steps, for how many one call takes is not documented."""
    step, done = call.settings.batch_size, 0
    other: Counter[str] = Counter()
    try:
        for start in range(0, len(contacts), step):
            part = contacts[start : start + step]
            reply = (
                call.api.create_list(part, name=name)
                if list_id is None
                else call.api.add_contacts(list_id, part)
            )
            list_id, done = reply.id, done + reply.contacts
            other.update(reply.other)
    except DispatcherError:
        if list_id is not None and done:
            say(f"list {list_id} has got the first {count(done, 'contact')}")
        raise
    whole = ListReply(id=list_id or "", contacts=done, other=other)
    rows = [("contacts added", f"{done:,}"), *((name, f"{n:,}") for name, n in other.items())]
    call.show(whole, pairs(f"List {list_id}", rows))


_LISTS = """Make and look at lists of contacts.

Example: dispatcher api list all
"""
_CONTACT = """Change single contacts of lists.

Example: dispatcher api contact delete 4711
"""
