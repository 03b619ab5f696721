"""Looks, between the claim of a batch and its one POST, for what must keep it back."""

from collections.abc import Sequence

from dispatcher.domain.fates import FOLLOWS_BATCH, Exclusion
from dispatcher.errors import (
    ApiError,
    CredentialsRefusedError,
    InputError,
    RequestRefusedError,
)
from dispatcher.smsfactor import Contact
from dispatcher.store.batches import Outcome, SendRecord
from dispatcher.store.claims import SendClaim
from workers.resources import Account
from workers.steps.contacts import contacts_digest, contacts_of
from workers.steps.hours import out_of_hours
from workers.steps.lists import forgotten_in, missing_from
from workers.steps.outcomes import outcome_of
from workers.steps.wire import is_given, lists_of

_UNTIDY = "contacts that are not meant could not be removed from its list"
_CHANGED = "the lists changed after they were quoted, so nothing was sent: submit again"


def obstacle(account: Account, claim: SendClaim) -> SendRecord | None:
    """Say why a batch must not be posted after all; None when it may."""
    if early := out_of_hours(account, claim):
        return early
    lists = lists_of(claim)
    if not lists:
        return None
    try:
        held = contacts_of(account, lists)
    except ApiError as error:
        return _unreadable(claim, error)
    if not _are_as_quoted(claim, held):
        waits = not is_given(claim) and _are_being_forgotten(account, claim, held)
        return outcome_of(claim, Outcome.NOT_SENT if waits else Outcome.REFUSED, why=_CHANGED)
    if not is_given(claim) and not _is_tidied(account, claim, held):
        return outcome_of(claim, Outcome.NOT_SENT, why=_UNTIDY)
    # Reading and tidying may have taken until they ended.
    return out_of_hours(account, claim)


def _are_as_quoted(claim: SendClaim, held: Sequence[Contact]) -> bool:
    """Tell whether lists hold whom they held when they were quoted, with the same values."""
    if is_given(claim):
        # Who was forgotten since cannot be left out of lists that are not ours.
        if claim.progress is None or Exclusion.FORGOTTEN in claim.fates:
            return False
        return contacts_digest(held) == claim.progress.id
    gone = forgotten_in(claim.batch, held)
    try:
        missing = missing_from(claim.batch, [each for each in held if each not in gone])
    except InputError:
        return False
    return all(claim.fates[place] != FOLLOWS_BATCH for place in missing)


def _are_being_forgotten(account: Account, claim: SendClaim, held: Sequence[Contact]) -> bool:
    """Tell whether only people are missing who are being erased: they leave the list first."""
    try:
        missing = missing_from(claim.batch, held)
    except InputError:
        return False
    numbers = [claim.batch.numbers[n] for n in missing if claim.fates[n] == FOLLOWS_BATCH]
    return account.store.erasure.forgotten(numbers) >= set(numbers)


def _is_tidied(account: Account, claim: SendClaim, held: Sequence[Contact]) -> bool:
    """Remove who is in a list twice or is left out; tell whether it holds just the batch now.

    Contacts come twice by an upload that was held up on its way; those left out at the quote, such
    as blacklisted ones, might no longer be when it is sent.
    """
    places = {str(number): place for place, number in enumerate(claim.batch.numbers)}
    seen: set[str] = set()
    try:
        for contact in held:
            number = contact.destination.removeprefix("+")
            is_left_out = number not in places or claim.fates[places[number]] != FOLLOWS_BATCH
            if number in seen or is_left_out:
                account.api.remove_contact(contact.id)
            seen.add(number)
    except (ApiError, InputError):
        return False
    return True


def _unreadable(claim: SendClaim, error: ApiError) -> SendRecord:
    """Say what it means that lists cannot be read; nothing was sent, whatever it is."""
    why = f"the lists cannot be read: {error}"
    match error:
        case CredentialsRefusedError():
            return outcome_of(claim, Outcome.NO_CREDENTIALS, code=str(error.status), why=why)
        case RequestRefusedError():
            return outcome_of(claim, Outcome.REFUSED, code=str(error.status), why=why)
        case _:
            return outcome_of(claim, Outcome.NOT_SENT, why=why)
