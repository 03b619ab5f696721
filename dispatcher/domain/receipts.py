"""Reads what the API's receipt webhook posts."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from dispatcher.domain.fates import Receipt, fate_of
from dispatcher.domain.sequence import read_gsmsmsid
from dispatcher.errors import DispatcherError

# The live dialect writes wall-clock times without an offset (contract section 9).
_VENDOR_ZONE = ZoneInfo("Europe/Paris")


class _Body(msgspec.Struct):
    """A receipt on the wire (document, "Webhook : Obtenir les accusés de réception")."""

    status: int
    destination: str | int
    campaign_id: str | int
    message_id: str | int | None = None
    date: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class UnaddressedReceipt:
    """A receipt without an id of ours, as those of list sends are (contract, section 6).

    Attributes:
        ticket: the API's campaign id, which tells the batch if it is ours.
        number: E.164 digits as an integer, which tell the recipient.
        code: the receipt's status.
        at: when the API says it happened.
    """

    ticket: str
    number: int = field(repr=False)
    code: int
    at: datetime

    def addressed(self, sequence: int) -> Receipt:
        """Give the receipt of the recipient it turned out to be about."""
        return Receipt(sequence=sequence, code=self.code, ticket=self.ticket, at=self.at)


class ForeignReceiptError(DispatcherError):
    """A readable receipt about no phone number."""


class BrokenReceiptError(DispatcherError):
    """Not a receipt at all."""


# Many receipts have the same second.
_MOMENTS_KEPT = 4096
_FIRST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
_LAST_MOMENT = datetime(2100, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"\d{1,15}", re.ASCII)
_decoder = msgspec.json.Decoder(_Body, strict=False)


def read_receipt(body: bytes, key: bytes, *, received_at: datetime) -> Receipt | UnaddressedReceipt:
    """Read a receipt, and tell whether its id is one we made for its destination.

    Raises:
        ForeignReceiptError: it is about no phone number.
        BrokenReceiptError: it is not a receipt.
    """
    try:
        found = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BrokenReceiptError from error
    if fate_of(found.status) is None:
        raise BrokenReceiptError
    destination = str(found.destination).lstrip("+")
    if not _NUMBER.fullmatch(destination):
        raise ForeignReceiptError
    number, ticket = int(destination), str(found.campaign_id)
    at = vendor_moment(found.date, received_at)
    sequence = read_gsmsmsid(key, str(found.message_id or ""), number)
    if sequence is None:
        return UnaddressedReceipt(ticket=ticket, number=number, code=found.status, at=at)
    return Receipt(sequence=sequence, code=found.status, ticket=ticket, at=at)


def vendor_moment(text: str | None, received_at: datetime) -> datetime:
    """Read a webhook's date; one that cannot be read, or is impossible, is when it came."""
    at = _moment(text)
    return received_at if at is None else at


@lru_cache(maxsize=_MOMENTS_KEPT)
def _moment(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=_VENDOR_ZONE)
    if not _FIRST_MOMENT < at <= _LAST_MOMENT:
        return None
    return at.astimezone(UTC)
