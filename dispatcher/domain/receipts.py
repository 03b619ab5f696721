"""Reads what the API's receipt webhook posts."""

import re
from datetime import UTC, datetime
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


class ForeignReceiptError(DispatcherError):
    """A readable receipt that does not carry an id of ours."""


class BrokenReceiptError(DispatcherError):
    """Not a receipt at all."""


_NUMBER = re.compile(r"\d{1,15}", re.ASCII)
_decoder = msgspec.json.Decoder(_Body, strict=False)


def read_receipt(body: bytes, key: bytes, *, received_at: datetime) -> Receipt:
    """Read a receipt and check that its id is one we made for its destination.

    Raises:
        ForeignReceiptError: it is not about a message of ours.
        BrokenReceiptError: it is not a receipt.
    """
    try:
        found = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BrokenReceiptError from error
    if fate_of(found.status) is None:
        raise BrokenReceiptError
    destination = str(found.destination).lstrip("+")
    if found.message_id is None or not _NUMBER.fullmatch(destination):
        raise ForeignReceiptError
    sequence = read_gsmsmsid(key, str(found.message_id), int(destination))
    if sequence is None:
        raise ForeignReceiptError
    at = _moment(found.date, received_at)
    return Receipt(sequence=sequence, code=found.status, ticket=str(found.campaign_id), at=at)


def _moment(text: str | None, received_at: datetime) -> datetime:
    """Read a receipt's date; one that cannot be read, or is impossible, is when it came."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return received_at
    if at.tzinfo is None:
        at = at.replace(tzinfo=_VENDOR_ZONE)
    plausible = datetime(2000, 1, 1, tzinfo=UTC) < at <= datetime(2100, 1, 1, tzinfo=UTC)
    return at if plausible else received_at
