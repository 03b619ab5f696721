"""Uploads a batch as a list of contacts at the API, a call at a time, and makes sure of it.

Every call may be repeated: a list whose creation got no answer is found again by its name, which
no other has, and contacts that came twice are removed again (document, PUT
/list/deduplicate/:id). Nothing is sent before the list holds exactly the batch.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from dispatcher.domain.fates import Exclusion
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.domain.packing import Batch
from dispatcher.errors import InputError, Problem, RequestRefusedError
from dispatcher.smsfactor import Contact, NewContact
from dispatcher.store.claims import QuoteClaim
from dispatcher.store.contact_lists import ListPhase, ListProgress
from workers.milestones import Milestone
from workers.resources import Account

_NO_INFOS = ("", "", "", "")
# Document, "Annexe liste des erreurs".
_BAD_RECIPIENTS = -5
_CREATING = ListProgress(phase=ListPhase.CREATING)


def is_uploaded(claim: QuoteClaim) -> bool:
    """Tell whether nothing is left to upload, as for batches that are sent directly."""
    if claim.batch.infos is None or not any(claim.batch.numbers):
        return True
    return claim.progress is not None and claim.progress.phase is ListPhase.COMPLETE


def upload_next(account: Account, claim: QuoteClaim) -> None:
    """Make the next call of an upload and record it.

    Raises:
        ApiError: it did not succeed; the same call is made again.
    """
    if claim.progress is None:
        if account.store.lists.advance(claim.campaign, claim.n, None, _CREATING):
            account.trace(Milestone.LIST_ANNOUNCED, claim.campaign, claim.n)
            _create(account, claim)
    elif claim.progress.phase is ListPhase.CREATING:
        _find_or_create(account, claim)
    else:
        _add(account, claim, claim.progress)


def verify(
    account: Account, claim: QuoteClaim, without: Collection[int] = ()
) -> dict[int, Exclusion]:
    """Make a list hold exactly its batch; name those whom the API does not take into it.

    Args:
        account: whose list it is.
        claim: the batch.
        without: places of those who are suppressed, and so are not to be in it.

    Raises:
        ApiError: a call did not succeed; verifying again is safe.
        InputError: the list holds something else, or changed what it was given.
    """
    list_id = _id_of(claim)
    account.api.deduplicate(list_id)
    account.trace(Milestone.DEDUPLICATED, claim.campaign, claim.n)
    held = _held(account, claim.batch, list_id)
    missing = [place for place in missing_from(claim.batch, held) if place not in without]
    if missing:
        _expect_quoting(account, claim)
        _put_back(account, list_id, _contacts(claim.batch, missing))
        account.trace(Milestone.CONTACTS_ADDED, claim.campaign, claim.n)
        account.api.deduplicate(list_id)
        held = _held(account, claim.batch, list_id)
        missing = [place for place in missing_from(claim.batch, held) if place not in without]
    numbers = {str(claim.batch.numbers[place]) for place in without}
    for contact in held:
        if contact.destination.removeprefix("+") in numbers:
            account.api.remove_contact(contact.id)
    return dict.fromkeys(missing, Exclusion.INVALID)


def _held(account: Account, batch: Batch, list_id: str) -> Sequence[Contact]:
    """Read who is in a list, after taking those out who were forgotten since they were added."""
    held = list(account.api.contacts(list_id))
    gone = forgotten_in(batch, held)
    for contact in gone:
        account.api.remove_contact(contact.id)
    return [contact for contact in held if contact not in gone] if gone else held


def forgotten_in(batch: Batch, held: Sequence[Contact]) -> list[Contact]:
    """Give the contacts of a batch's own list that are nobody's any more.

    Where somebody was erased from the batch, a contact that is not of the batch is theirs.
    """
    if all(batch.numbers):
        return []
    known = set(map(str, batch.numbers))
    return [contact for contact in held if contact.destination.removeprefix("+") not in known]


def _expect_quoting(account: Account, claim: QuoteClaim) -> None:
    """Keep a worker that was held up from filling a list again that was emptied meanwhile."""
    if account.store.campaigns.status(claim.campaign).state is not CampaignState.QUOTING:
        raise _spoilt("is no longer needed")


def _put_back(account: Account, list_id: str, contacts: Sequence[NewContact]) -> None:
    """Add contacts that are missing; where none of them is valid, the API may refuse to."""
    try:
        account.api.add_contacts(list_id, contacts)
    except RequestRefusedError as error:
        if error.status != _BAD_RECIPIENTS:
            raise


def missing_from(batch: Batch, held: Sequence[Contact]) -> list[int]:
    """List the places of those of a batch who are not among the contacts of its list.

    Raises:
        InputError: somebody is who is not of the batch, or with other values.
    """
    wanted = {
        contact.destination: contact for contact in _contacts(batch, range(len(batch.numbers)))
    }
    for contact in held:
        known = wanted.get(contact.destination.removeprefix("+"))
        if known is None:
            raise _spoilt("holds contacts that are not of the campaign")
        if known.infos != contact.infos:
            raise _spoilt("holds other values than were uploaded")
    there = {contact.destination.removeprefix("+") for contact in held}
    numbers = enumerate(batch.numbers)
    return [place for place, number in numbers if number and str(number) not in there]


def _find_or_create(account: Account, claim: QuoteClaim) -> None:
    """Go on where the answer to a creation was lost: what was added then counts for nothing."""
    named = [found.id for found in account.api.lists() if found.name == claim.list_name]
    if named:
        _advance(account, claim, _CREATING, _Uploaded(named[0], 0))
    else:
        _create(account, claim)


def _create(account: Account, claim: QuoteClaim) -> None:
    places = _next_places(account, claim, _first_known(claim.batch))
    reply = account.api.create_list(_contacts(claim.batch, places), name=claim.list_name)
    account.trace(Milestone.LIST_CREATED, claim.campaign, claim.n)
    _advance(account, claim, _CREATING, _Uploaded(reply.id, places.stop))


def _add(account: Account, claim: QuoteClaim, progress: ListProgress) -> None:
    places = _next_places(account, claim, progress.added)
    if contacts := _contacts(claim.batch, places):
        account.api.add_contacts(_id_of(claim), contacts)
    account.trace(Milestone.CONTACTS_ADDED, claim.campaign, claim.n)
    _advance(account, claim, progress, _Uploaded(_id_of(claim), places.stop))


@dataclass(frozen=True, slots=True)
class _Uploaded:
    """What is in a list so far: its id, and how many contacts from the first one on."""

    id: str
    added: int


def _advance(
    account: Account, claim: QuoteClaim, before: ListProgress, uploaded: _Uploaded
) -> None:
    is_complete = uploaded.added == len(claim.batch.numbers)
    phase = ListPhase.COMPLETE if is_complete else ListPhase.ADDING
    after = ListProgress(phase=phase, id=uploaded.id, added=uploaded.added)
    account.store.lists.advance(claim.campaign, claim.n, before, after)
    account.trace(Milestone.UPLOAD_RECORDED, claim.campaign, claim.n)


def _id_of(claim: QuoteClaim) -> str:
    return (claim.progress.id if claim.progress else None) or ""


def _first_known(batch: Batch) -> int:
    """Give the place of the first who was not forgotten: a list is not made of nobody."""
    return next(place for place, number in enumerate(batch.numbers) if number)


def _next_places(account: Account, claim: QuoteClaim, added: int) -> range:
    """Give the places of those whom the next POST /list takes."""
    return range(added, min(added + account.settings.batch_size, len(claim.batch.numbers)))


def _contacts(batch: Batch, places: Sequence[int]) -> list[NewContact]:
    columns = batch.infos or ()
    return [
        NewContact(str(batch.numbers[place]), _four([column[place] for column in columns]))
        for place in places
        if batch.numbers[place]
    ]


def _four(infos: Sequence[str]) -> tuple[str, str, str, str]:
    first, second, third, fourth, *_ = (*infos, *_NO_INFOS)
    return first, second, third, fourth


def _spoilt(what: str) -> InputError:
    fix = "submit again, and keep others out of the lists made for campaigns, or use render=here"
    return InputError([Problem(field="list", message=f"the list at the API {what}", fix=fix)])
