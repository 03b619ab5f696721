"""Lists of contacts and the blacklist."""

from collections.abc import Iterable

from dispatcher.sandbox.accounts import Account, Contact, ContactList
from dispatcher.sandbox.bodies import Gsm, GsmBlock, ListRoot
from dispatcher.sandbox.calls import Call
from dispatcher.sandbox.clock import api_date
from dispatcher.sandbox.engine import Engine
from dispatcher.sandbox.events import ContactsAdded, ContactsRemoved, ListCreated
from dispatcher.sandbox.numbers import read_number
from dispatcher.sandbox.replies import Record, Reply
from dispatcher.sandbox.statuses import RefusedError, Status


def create_or_extend(engine: Engine, call: Call) -> Reply:
    """Answer POST /list: a new list, or with `listId` more contacts for one."""
    wanted = call.body.list
    given = named_contacts(wanted)
    valid = [(number, gsm) for gsm in given if (number := _number(gsm))]
    target = _target(engine, call.account, wanted)
    known = {contact.destination for contact in target.contacts}
    ids = engine.world.new_ids(len(valid))
    contacts = [
        Contact(id_, number, gsm.infos, engine.world.clock.now())
        for id_, (number, gsm) in zip(ids, valid, strict=True)
    ]
    engine.world.commit(ContactsAdded(call.account.username, target.id, contacts))
    counters: Record = {}
    if engine.is_live:
        fresh = {contact.destination for contact in contacts} - known
        counters = {"invalid": len(given) - len(valid), "duplicates": len(contacts) - len(fresh)}
    return Reply(fields={"contacts": len(contacts), **counters, "id": target.id})


def show_all(engine: Engine, call: Call) -> Reply:
    """Answer GET /lists."""
    del engine
    lists: list[Record] = [
        {"id": one.id, "name": one.name, "date": api_date(one.date)}
        for one in call.account.lists.values()
    ]
    return Reply(fields={"lists": lists})


def show_one(engine: Engine, call: Call) -> Reply:
    """Answer GET /list/:id."""
    del engine
    return Reply(fields={"list": contact_records(find_list(call.account, call.id).contacts)})


def deduplicate(engine: Engine, call: Call) -> Reply:
    """Answer PUT /list/deduplicate/:id: of each number, the first contact stays."""
    target = find_list(call.account, call.id)
    seen: set[str] = set()
    removed: list[str] = []
    for contact in target.contacts:
        if contact.destination in seen:
            removed.append(contact.id)
        seen.add(contact.destination)
    engine.world.commit(ContactsRemoved(call.account.username, target.id, removed))
    return Reply(fields={"removed": len(removed)})


def remove_contact(engine: Engine, call: Call) -> Reply:
    """Answer DELETE /list/contact/:id; the id is the contact's."""
    for one in call.account.lists.values():
        if any(contact.id == call.id for contact in one.contacts):
            engine.world.commit(ContactsRemoved(call.account.username, one.id, [call.id]))
            return Reply()
    raise RefusedError(Status.BAD_RECIPIENTS, "Contact inconnu")


def show_blacklist(engine: Engine, call: Call) -> Reply:
    """Answer GET /blacklist; the live dialect adds dates and totals."""
    contacts = list(call.account.blacklist.values())
    records = contact_records(contacts)
    if not engine.is_live:
        return Reply(fields={"list": records})
    dated: list[Record] = [
        {**record, "date": api_date(contact.date)}
        for record, contact in zip(records, contacts, strict=True)
    ]
    total = len(dated)
    return Reply(fields={"list": dated, "totalRecords": total, "totalDisplayRecords": total})


def named_contacts(wanted: ListRoot | None) -> list[Gsm]:
    """Give the contacts of a request that needs some.

    Raises:
        RefusedError: -7 without a root object, -5 without contacts.
    """
    if wanted is None:
        raise RefusedError(Status.BAD_DATA, "La liste est absente")
    given = wanted.contacts.all if isinstance(wanted.contacts, GsmBlock) else []
    if all(gsm.value is None for gsm in given):
        raise RefusedError(Status.BAD_RECIPIENTS, "Aucun contact n'a été transmis")
    return given


def find_list(account: Account, id_: str) -> ContactList:
    """Give one of the account's lists.

    Raises:
        RefusedError: -5.
    """
    found = account.lists.get(id_)
    if found is None:
        raise RefusedError(Status.BAD_RECIPIENTS, "Liste inconnue")
    return found


def contact_records(contacts: Iterable[Contact]) -> list[Record]:
    """Write contacts as the lists and the blacklist show them."""
    return [
        {
            "id": contact.id,
            "destination": contact.destination,
            **{f"info{place}": info for place, info in enumerate(contact.infos, start=1)},
        }
        for contact in contacts
    ]


def _target(engine: Engine, account: Account, wanted: ListRoot | None) -> ContactList:
    """Give the list contacts are meant for, a new one unless it is named by id."""
    list_id = "" if wanted is None or wanted.list_id is None else str(wanted.list_id).strip()
    if list_id:
        return find_list(account, list_id)
    now = engine.world.clock.now()
    name = str(wanted.name or "").strip() if wanted else ""
    (id_,) = engine.world.new_ids(1)
    engine.world.commit(ListCreated(account.username, id_, name or api_date(now), now))
    return account.lists[id_]


def _number(gsm: Gsm) -> str | None:
    return None if gsm.value is None else read_number(gsm.value)
