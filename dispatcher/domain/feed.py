"""What producers are told: one numbered stream of events for each, read or called back."""

import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dispatcher.domain.fates import RecipientState

DEFAULT_PRODUCER = "default"
"""Whose campaigns those are that name no producer."""

_PRODUCER = re.compile(r"[a-z0-9_-]{1,32}", re.ASCII)


def is_producer(name: str) -> bool:
    """Tell whether a producer may be called so; the name becomes part of keys."""
    return _PRODUCER.fullmatch(name) is not None


class EventKind(enum.Enum):
    """What an event is about; a callback's `type`."""

    CAMPAIGN = "campaign"
    """A campaign moved: `from`, `to`, and `reason` if there is one."""

    HOLD = "hold"
    """A campaign waits: as above, `to` is `held` and `reason` says what for."""

    BATCH = "batch"
    """A batch moved: `batch`, `from`, `to`, `reason`. Those that were never claimed end with
    their campaign, without an event of their own."""

    RECEIPTS = "receipts"
    """Receipts changed what is known of `count` recipients."""

    REPLY = "reply"
    """Somebody answered, or a person judged an answer: `reply`, under which `Dispatcher.replies`
    gives the rest, `intent`, what it is taken for, the person's `verdict`, and who answered:
    their `place`, as of receipts, and the producer's own `id`, if it gave one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipientNews:
    """What a receipt changed of one recipient.

    Attributes:
        place: among the recipients kept, from 0, in the order of the results.
        id: the producer's own id; None if it gave none, or when it is erased already.
        state: what the recipient is now.
        receipt: name of the receipt's code, or the code when it is not documented.
        at: when the API says it happened.
    """

    place: int
    id: str | None
    state: RecipientState
    receipt: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedEvent:
    """Something a producer is told; it never holds a phone number (`results` does).

    Attributes:
        account: whose stream it is in; each account counts for itself.
        producer: whom it is told.
        sequence: number in the stream, from 1 on without gaps.
        id: its name, the same each time it is delivered.
        at: when it happened.
        kind: what it is about.
        campaign: the campaign's id, "" if it is about none.
        data: more of it; see `EventKind`.
        recipients: who is concerned, of receipts.
    """

    account: str
    producer: str
    sequence: int
    id: str
    at: datetime
    kind: EventKind
    campaign: str
    data: Mapping[str, Any]
    recipients: Sequence[RecipientNews] = ()

    def document(self) -> dict[str, Any]:
        """Write it as it is called back and shown: JSON's types only."""
        told: dict[str, Any] = {
            "account": self.account,
            "producer": self.producer,
            "sequence": self.sequence,
            **({"campaign": self.campaign} if self.campaign else {}),
            **self.data,
        }
        if self.recipients:
            told["recipients"] = [_recipient_document(each) for each in self.recipients]
        return {"type": self.kind.value, "timestamp": self.at.isoformat(), "data": told}


@dataclass(frozen=True, kw_only=True, slots=True)
class Extent:
    """How far a producer's stream reaches.

    Attributes:
        first: number of the oldest event that is kept; whoever has read only up to one before
            that has missed some. One above `last` when none is kept.
        last: number of the newest event; 0 before the first.
    """

    first: int
    last: int


def _recipient_document(news: RecipientNews) -> dict[str, Any]:
    return {
        "place": news.place,
        "id": news.id,
        "state": news.state.value,
        "receipt": news.receipt,
        "at": news.at.isoformat(),
    }
