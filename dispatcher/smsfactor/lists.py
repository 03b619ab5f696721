from collections.abc import Sequence
from typing import NamedTuple

from dispatcher.smsfactor.bodies import ContactGsm, ContactGsms, ListBody
from dispatcher.smsfactor.caller import Caller, in_path, needed_integer, needed_rows, needed_text
from dispatcher.smsfactor.replies import Contact, ContactList, ListReply, other_counters

_SHORTEST_PRIVATE = 3


class NewContact(NamedTuple):
    """A contact to put into a list; its repr shows nothing of it.

    Attributes:
        destination: the international number, digits without `+`.
        infos: what replaces `[info1]` to `[info4]` in a text.
    """

    destination: str
    infos: tuple[str, str, str, str] = ("", "", "", "")

    def __repr__(self) -> str:
        """Keep number and names out of logs and tracebacks."""
        return "NewContact(***)"


class Lists(Caller):
    """The routes about lists of contacts, and the blacklist."""

    def create_list(self, contacts: Sequence[NewContact], *, name: str | None = None) -> ListReply:
        """Create a list (document, POST /list); without a name it gets its creation date."""
        return self._post_list(ListBody(contacts=contact_gsms(contacts), name=name or None))

    def add_contacts(self, list_id: str, contacts: Sequence[NewContact]) -> ListReply:
        """Add contacts to a list (document, POST /list with `listId`); duplicates are kept."""
        return self._post_list(ListBody(contacts=contact_gsms(contacts), listId=list_id))

    def lists(self) -> list[ContactList]:
        """Give the account's lists, without their contacts (document, GET /lists)."""
        reading = self._read("/lists", listing=True)
        return [ContactList.read(row) for row in needed_rows(reading, "lists")]

    def contacts(self, list_id: str) -> list[Contact]:
        """Give the contacts of a list (document, GET /list/:id)."""
        return self._contacts(f"/list/{in_path('list_id', list_id)}")

    def deduplicate(self, list_id: str) -> int:
        """Remove duplicates from a list; give how many (document, PUT /list/deduplicate/:id)."""
        path = f"/list/deduplicate/{in_path('list_id', list_id)}"
        return needed_integer(self._change("PUT", path), "removed")

    def remove_contact(self, contact_id: str) -> None:
        """Remove a contact from its list, by its own id (document, DELETE /list/contact/:id)."""
        self._change("DELETE", f"/list/contact/{in_path('contact_id', contact_id)}")

    def blacklist(self) -> list[Contact]:
        """Give everyone who must not be written to (document, GET /blacklist)."""
        return self._contacts("/blacklist")

    def _contacts(self, path: str) -> list[Contact]:
        reading = self._read(path, listing=True)
        return [Contact.read(row) for row in needed_rows(reading, "list")]

    def _post_list(self, body: ListBody) -> ListReply:
        reading = self._change("POST", "/list", ("list", body), private=_private(body))
        return ListReply(
            id=needed_text(reading, "id"),
            contacts=needed_integer(reading, "contacts"),
            other=other_counters(reading.fields, named={"id", "contacts"}),
        )


def _private(body: ListBody) -> tuple[str, ...]:
    """Give what a refusal must not quote; shorter values would blot out half of its words."""
    values = {
        info
        for each in body.contacts.gsm
        for info in (each.info1, each.info2, each.info3, each.info4)
        if len(info) >= _SHORTEST_PRIVATE
    }
    # The longest first, for one may be part of another.
    return tuple(sorted(values, key=len, reverse=True))


def contact_gsms(contacts: Sequence[NewContact]) -> ContactGsms:
    """Write contacts as the document's `contacts`."""
    return ContactGsms([ContactGsm(number, *infos) for number, infos in contacts])
