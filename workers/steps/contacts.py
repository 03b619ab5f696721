"""Reads the contacts of a campaign's lists, which makes them its recipients."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import structlog

from dispatcher.domain.campaign import BadRows, Recipient
from dispatcher.domain.given_lists import ContactNumbers, Held, go_as_they_are
from dispatcher.domain.routes import AsTheyCome, Render, Sorter
from dispatcher.domain.template import INFO_FIELDS
from dispatcher.domain.wording import Wording
from dispatcher.domain.zones import zones_of
from dispatcher.errors import InputError
from dispatcher.intake import Intake
from dispatcher.smsfactor import Contact
from dispatcher.store.batches import QuoteFailure
from dispatcher.store.claims import UnreadClaim
from workers.milestones import Milestone
from workers.resources import Account

_log = structlog.get_logger("workers.contacts")


def read_contacts(account: Account, claim: UnreadClaim) -> None:
    """Make the contacts that the lists hold now the campaign's recipients.

    Raises:
        ApiError: they cannot be read; nothing was kept.
        StoreError: Redis did not take them; reading again is safe.
    """
    contacts = contacts_of(account, claim.lists)
    account.trace(Milestone.CONTACTS_READ, claim.campaign, 0)
    plan = _plan(account, claim, contacts)
    if isinstance(plan, str):
        account.store.batches.fail_quote(claim, QuoteFailure.REJECT, why=plan)
        return
    wording = Wording(
        claim.message.text, replaces=claim.replaces, has_links=bool(claim.message.links)
    )
    preparation = account.preparation
    intake = Intake(
        account.store.campaigns,
        ContactNumbers(preparation.normalise),
        wording,
        sorter=plan.sorter,
        census=preparation.census_of(claim.message, account.name),
        bad_rows=BadRows.SKIP,
    )
    try:
        # Whoever is suppressed meanwhile stays in lists that go as they are.
        heeded = None if plan.is_given else account.store.suppressions
        taken = intake.take(map(_recipient, contacts), heeded)
    except InputError as error:
        account.store.batches.fail_quote(claim, QuoteFailure.REJECT, why=str(error))
        return
    filling, given = taken.filling, None
    if plan.is_given:
        filling, given = replace(filling, list_batches=1), contacts_digest(contacts)
    account.store.lists.fill(claim.campaign, filling, given=given)
    account.trace(Milestone.CONTACTS_KEPT, claim.campaign, 0)
    _log.info("contacts read", campaign=claim.campaign, recipients=taken.filling.recipients)


def contacts_of(account: Account, lists: Iterable[str]) -> list[Contact]:
    """Read the contacts of lists (document, GET /list/:id).

    Raises:
        ApiError: one cannot be read.
    """
    return [contact for list_id in lists for contact in account.api.contacts(list_id)]


def contacts_digest(contacts: Iterable[Contact]) -> str:
    """Give the same for the same contacts in any order."""
    lines = sorted("\0".join((contact.destination, *contact.infos)) for contact in contacts)
    return blake2b("\1".join(lines).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class _Plan:
    """How contacts are sent to: by their own lists, as `is_given` says, or rendered here."""

    sorter: Sorter
    is_given: bool


def _plan(account: Account, claim: UnreadClaim, contacts: Sequence[Contact]) -> _Plan | str:
    """Choose; a text says why nothing can be sent."""
    if not contacts:
        return "the lists are empty"
    wording = Wording(claim.message.text)
    template = wording.template
    wording.bind(INFO_FIELDS)
    values = [wording.values_of(_recipient(contact).fields) for contact in contacts]
    lacking = sum(not isinstance(found, tuple) for found in values)
    if lacking and not claim.skips_bad_rows:
        return (
            f"{lacking} contacts lack a field of the text: fill it in, give it a default, or skip "
            "them (which: dispatcher quote --list ID --errors FILE)"
        )
    held = [Held(contact.destination, contact.infos) for contact in contacts]
    numbers = ContactNumbers(account.preparation.normalise)
    may_go = (
        claim.render is not Render.HERE
        and _have_same_hours(account, claim, held, numbers)
        and not _has_suppressed(account, held, numbers)
    )
    if may_go and go_as_they_are(wording, held, numbers, replaces=claim.replaces):
        return _Plan(AsTheyCome(len(contacts)), is_given=True)
    sorter = account.preparation.sorter_for(claim.message, template, claim.render, account.name)
    return _Plan(sorter, is_given=False)


def _have_same_hours(
    account: Account, claim: UnreadClaim, held: Sequence[Held], numbers: ContactNumbers
) -> bool:
    """Tell whether everybody may be sent to in one POST: by one clock, if hours matter at all."""
    if account.preparation.hours_of(claim.message.pushtype) is None:
        return True
    read = [numbers(each.destination) for each in held]
    return len({zones_of((number,)) for number in read if isinstance(number, int)}) <= 1


def _has_suppressed(account: Account, held: Sequence[Held], numbers: ContactNumbers) -> bool:
    """Tell whether somebody on the lists is suppressed: they are then sent to by copies."""
    read = [number for each in held if isinstance(number := numbers(each.destination), int)]
    return bool(account.store.suppressions.among(read).numbers)


def _recipient(contact: Contact) -> Recipient:
    return Recipient(contact.destination, fields=dict(zip(INFO_FIELDS, contact.infos, strict=True)))
