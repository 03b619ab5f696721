"""What became of each recipient, as one byte, and how receipts change it.

Receipts arrive late, repeated and in any order. A fate is therefore the greatest of all
that was heard, by (rank, time, code): merging is commutative, associative and idempotent.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dispatcher.domain.lifecycle import BatchState


class ReceiptCode(enum.IntEnum):
    """Status of a receipt (document, "Liste des accusés de réception"; 6, 7, 9 are live's)."""

    NOT_SENT = 0
    SENT = 1
    NOT_DELIVERED = 2
    DELIVERED = 3
    NOT_ALLOWED = 4
    INVALID_DESTINATION = 5
    INVALID_SENDER = 6
    ROUTE_NOT_AVAILABLE = 7
    REJECTED = 9
    NETWORK_ERROR = 11
    EXPIRED = 12


FOLLOWS_BATCH = 0
"""Fate byte of a recipient of whom nothing is known beyond the state of the batch."""

_RECEIPT_BASE = 10
_RECEIPT_CODES = 100


class Exclusion(enum.IntEnum):
    """Fate byte of a recipient who is left out: the API would not send to them, or must not."""

    BLACKLISTED = 200
    INVALID = 201
    DUPLICATED = 202
    SUPPRESSED = 203
    FORGOTTEN = 204
    """Not the quote's: the person was erased before the batch was sent."""
    REACHED = 205
    """Not the quote's: got the message, or may have, by the campaign that this one sends again."""


_UNKNOWN_CODE_RANK = 1
_RANKS: Mapping[int | None, int] = {
    ReceiptCode.NOT_SENT: 1,
    ReceiptCode.SENT: 2,
    ReceiptCode.NETWORK_ERROR: 3,
    ReceiptCode.NOT_DELIVERED: 4,
    ReceiptCode.NOT_ALLOWED: 4,
    ReceiptCode.INVALID_DESTINATION: 4,
    ReceiptCode.INVALID_SENDER: 4,
    ReceiptCode.ROUTE_NOT_AVAILABLE: 4,
    ReceiptCode.REJECTED: 4,
    ReceiptCode.EXPIRED: 4,
    # A handset confirmed it, which no later failure can undo.
    ReceiptCode.DELIVERED: 5,
}
_FINAL_RANK = 3


def fate_of(code: int) -> int | None:
    """Give the fate byte of a receipt's code; None for a code too large to keep."""
    return _RECEIPT_BASE + code if 0 <= code < _RECEIPT_CODES else None


def code_of(fate: int) -> int | None:
    """Give the receipt code a fate byte stands for; None when it is not a receipt's."""
    is_receipt = _RECEIPT_BASE <= fate < _RECEIPT_BASE + _RECEIPT_CODES
    return fate - _RECEIPT_BASE if is_receipt else None


def rank(fate: int) -> int:
    """Give the place of a receipt's fate byte in the order; unknown codes rank lowest."""
    return _RANKS.get(code_of(fate), _UNKNOWN_CODE_RANK)


def is_final(fate: int) -> bool:
    """Tell whether no further receipt needs to be awaited."""
    return code_of(fate) is None or rank(fate) >= _FINAL_RANK


RANKS = tuple(rank(_RECEIPT_BASE + code) for code in range(_RECEIPT_CODES))
"""Rank of each receipt code, 0 to 99, for the script that merges."""

CHARGED = tuple(
    _RECEIPT_BASE + code
    for code in (
        ReceiptCode.SENT,
        ReceiptCode.NOT_DELIVERED,
        ReceiptCode.DELIVERED,
        ReceiptCode.EXPIRED,
    )
)
"""Fate bytes of whom the API sent to, and debited (`cost` of POST /send is by recipients taken)."""

RECEIPT_BASE = _RECEIPT_BASE
"""What is added to a receipt's code to make its fate byte."""

AWAITED_COUNTERS = (
    f"b:{BatchState.ACCEPTED.value}",
    f"b:{BatchState.DOUBTFUL.value}",
    *(
        f"f:{fate}"
        for fate in range(_RECEIPT_BASE, _RECEIPT_BASE + _RECEIPT_CODES)
        if not is_final(fate)
    ),
)
"""Counters of a campaign's record that hold recipients who were sent to and may still change."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """One delivery receipt, as the API's webhook told it (document, "Webhook : DLR").

    Attributes:
        sequence: number of the recipient on its account, read from our `gsmsmsid`.
        code: the receipt's status.
        ticket: the API's campaign id.
        at: when the API says it happened.
    """

    sequence: int
    code: int
    ticket: str
    at: datetime


class RecipientState(enum.Enum):
    """What a producer is told about one recipient."""

    WAITING = "waiting"
    """Not sent yet."""

    SENDING = "sending"
    """In a POST that has not been answered."""

    SCHEDULED = "scheduled"
    """The API has it and sends it at its time."""

    SENT = "sent"
    """Accepted by the API; no final receipt came."""

    DELIVERED = "delivered"
    """The handset has it."""

    UNDELIVERED = "undelivered"
    """The network gave up; the reason says why."""

    REFUSED = "refused"
    """The API refused the batch; not sent."""

    UNKNOWN = "unknown"
    """The answer was lost: may have been sent."""

    CANCELLED = "cancelled"
    """Cancelled before it was sent."""

    EXPIRED = "expired"
    """It could not be sent in time, so it was not."""

    NOT_SENT = "not sent"
    """Dropped before sending: invalid, duplicated, blacklisted or suppressed."""
