"""Compares an account's suppression list with the API's blacklist, and tells each of the other's.

The blacklist comes in with both dialects; only the live one can be told (contract section 9). Every
step may be repeated, and each run begins with what is different then, so one that is broken off
is gone on with by the next.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dispatcher.domain.given_lists import ContactNumbers
from dispatcher.domain.numbers import NumberProblem
from dispatcher.domain.suppressions import SuppressionSource
from dispatcher.errors import RequestRefusedError
from dispatcher.smsfactor import NewContact, SmsFactor
from dispatcher.store.suppressions import Addition, SuppressionList

_TOLD_AT_ONCE = 1000
_MOST_CALLS = 50
# Document, "Annexe liste des erreurs".
_NOT_FOUND = -5


@dataclass(frozen=True, kw_only=True, slots=True)
class Synced:
    """What a comparison of both lists came to.

    Attributes:
        read: people on the API's blacklist.
        added: those of them who are new on ours.
        told: people the API was told not to write to.
        freed: people taken off ours who were taken off the API's, too.
        left: people the API is still to be told of, by the next run or, with the `v1` dialect,
            by somebody in its back office.
    """

    read: int
    added: int
    told: int
    freed: int
    left: int


def synchronise(
    listed: SuppressionList,
    api: SmsFactor,
    normalise: Callable[[str], int | NumberProblem],
    *,
    is_live: bool,
    now: datetime,
) -> Synced:
    """Take in the API's blacklist and, where it can be told, tell it ours.

    Args:
        listed: the account's suppression list.
        api: its API.
        normalise: reads numbers in national form.
        is_live: whether the account speaks the live dialect.
        now: when.

    Raises:
        ApiError: a call did not succeed; what was done before stays.
        StoreError: Redis did not answer; as above.
    """
    # In this order: whoever is taken off after the blacklist was read waits for the next run.
    lifted = listed.pending_lifts()
    read = ContactNumbers(normalise)
    contacts = {
        number: contact.id
        for contact in api.blacklist()
        if isinstance(number := read(contact.destination), int)
    }
    on_it = len(contacts)
    digests = dict(zip(contacts, listed.digests_of(contacts), strict=True)) if lifted else {}
    listed.settle_lifts(lifted.difference(digests.values()))
    taken_off = {number: digest for number, digest in digests.items() if digest in lifted}
    freed = 0
    for number in list(taken_off)[:_MOST_CALLS] if is_live else ():
        _free(api, contacts.pop(number))
        listed.settle_lifts([taken_off[number]])
        freed += 1
    known = listed.among(list(contacts)).numbers if contacts else ()
    source = SuppressionSource.API_BLACKLIST
    new = [number for number in contacts if number not in known]
    added = listed.add(Addition(numbers=new, source=source, at=now))
    missing = [
        entry.number
        for entry in listed.entries()
        if entry.number and entry.number not in contacts and entry.source is not source
    ]
    told = _tell(api, missing) if is_live else 0
    return Synced(read=on_it, added=added, told=told, freed=freed, left=len(missing) - told)


def _free(api: SmsFactor, contact: str) -> None:
    """Take somebody off the blacklist, unless somebody else was faster."""
    try:
        api.remove_from_blacklist(contact)
    except RequestRefusedError as error:
        if error.status != _NOT_FOUND:
            raise


def _tell(api: SmsFactor, missing: list[int]) -> int:
    some = missing[: _TOLD_AT_ONCE * _MOST_CALLS]
    for start in range(0, len(some), _TOLD_AT_ONCE):
        part = some[start : start + _TOLD_AT_ONCE]
        api.add_to_blacklist([NewContact(str(number)) for number in part])
    return len(some)
