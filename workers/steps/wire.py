"""What goes to the API for a batch, by either way."""

from dataclasses import replace

from dispatcher.domain.message import Message
from dispatcher.domain.wording import wire_text
from dispatcher.store.claims import QuoteClaim, SendClaim
from dispatcher.store.contact_lists import ListPhase
from dispatcher.store.unnamed import UnnamedClaim


def message_of(claim: QuoteClaim | SendClaim | UnnamedClaim) -> Message:
    """Give the message with the text of this batch."""
    text = wire_text(claim.message.text, claim.batch, is_given=is_given(claim))
    return replace(claim.message, text=text)


def lists_of(claim: QuoteClaim | SendClaim | UnnamedClaim) -> tuple[str, ...]:
    """Give the lists a batch goes to; none when it is sent directly."""
    if is_given(claim):
        return claim.lists
    return () if claim.progress is None or claim.progress.id is None else (claim.progress.id,)


def is_given(claim: QuoteClaim | SendClaim | UnnamedClaim) -> bool:
    """Tell whether a batch goes to lists of the producer's own."""
    return claim.progress is not None and claim.progress.phase is ListPhase.GIVEN
