"""Every accepted campaign, in order, packed: about 30 bytes a message with ids of ten."""

import enum
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from dispatcher.sandbox.clock import webhook_date


class CampaignState(enum.Enum):
    """Where a campaign is."""

    SCHEDULED = "scheduled"
    """Accepted with a `delay` that has not come."""

    SENT = "sent"
    """Gone out; it cannot be cancelled any more."""

    CANCELLED = "cancelled"
    """Taken back by DELETE /send/:id, its cost refunded."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the recipients a send named."""

    total: int = 0
    sent: int = 0
    blacklisted: int = 0
    duplicated: int = 0
    invalid: int = 0


class Message(NamedTuple):
    """One message of a campaign; `text` only if it is not the campaign's."""

    gsmsmsid: str | None
    destination: str
    text: str | None
    segments: int


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """What was accepted under one ticket; nothing of it ever changes.

    Attributes:
        accepted_at: seconds since 1970.
        start_at: when it goes out; `accepted_at` unless it was given a `delay`.
        text: as submitted; `sent_text` as recipients without a text of their own get it.
        packed_destinations: numbers, one a line.
        packed_ids: the `gsmsmsid`s as a MessagePack array; empty if there are none.
        segments: of every message, or of each when the texts differ.
        texts: of each message when they differ.
    """

    ticket: int
    account: str
    accepted_at: float
    start_at: float
    text: str
    sent_text: str
    sender: str
    pushtype: str
    cost: int
    counts: Counts
    packed_destinations: str
    packed_ids: bytes = b""
    segments: int | list[int] = 1
    texts: list[str] | None = None
    lists: list[str] = []
    state: CampaignState = CampaignState.SENT

    @property
    def destinations(self) -> list[str]:
        """The numbers that are sent to."""
        return self.packed_destinations.split("\n") if self.packed_destinations else []

    @property
    def gsmsmsids(self) -> Sequence[str | int | None]:
        """The sender's id of each message."""
        if not self.packed_ids:
            return [None] * self.counts.sent
        return msgspec.msgpack.decode(self.packed_ids, type=list[str | int | None])

    def messages(self) -> Iterator[Message]:
        """Give the messages one by one."""
        segments = self.segments if isinstance(self.segments, list) else None
        each = zip(self.destinations, self.gsmsmsids, strict=True)
        for index, (destination, gsmsmsid) in enumerate(each):
            yield Message(
                gsmsmsid=None if gsmsmsid is None else str(gsmsmsid),
                destination=destination,
                text=self.texts[index] if self.texts else None,
                segments=segments[index] if segments else int(self.segments),  # type: ignore[arg-type]
            )


_NO_RECEIPT = 255


class Entry:
    """A campaign and what happened to it since.

    Attributes:
        answered: the whole reply that carries the ticket was handed to the connection.
        receipts_out: every receipt of it has been handed to the webhooks.
    """

    __slots__ = ("_first", "_later", "answered", "campaign", "receipts_out", "state")

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign
        self.state = campaign.state
        self.answered = False
        self.receipts_out = False
        self._first = bytearray()
        self._later: dict[int, list[int]] = {}

    def note_receipt(self, index: int, code: int) -> None:
        """Remember that a receipt of a message was posted."""
        if not self._first:
            self._first = bytearray([_NO_RECEIPT]) * self.campaign.counts.sent
        if self._first[index] == _NO_RECEIPT:
            self._first[index] = code
        else:
            self._later.setdefault(index, []).append(code)

    def settle_receipts(self, first: bytes, later: dict[int, list[int]]) -> None:
        """Remember all receipts at once: they are out."""
        self.receipts_out = True
        self._first = bytearray(first)
        self._later = later

    def posted_receipts(self) -> tuple[bytes, dict[int, list[int]]]:
        """Give what `settle_receipts` takes."""
        return bytes(self._first), self._later

    def receipts_of(self, index: int) -> list[int]:
        """Give the codes posted for a message, in the order they were posted."""
        if not self._first or self._first[index] == _NO_RECEIPT:
            return []
        return [self._first[index], *self._later.get(index, ())]

    def last_codes(self) -> Counter[int]:
        """Count messages by the last receipt posted for them."""
        counts = Counter(self._first)
        for index, codes in self._later.items():
            counts[self._first[index]] -= 1
            counts[codes[-1]] += 1
        del counts[_NO_RECEIPT]
        return counts

    def as_record(self, *, with_messages: bool = True) -> dict[str, object]:
        """Give the entry as the ledger route shows it."""
        campaign = self.campaign
        record: dict[str, object] = {
            "ticket": str(campaign.ticket),
            "account": campaign.account,
            "accepted_at": webhook_date(campaign.accepted_at),
            "accepted_seconds": campaign.accepted_at,
            "text": campaign.text,
            "sender": campaign.sender,
            "pushtype": campaign.pushtype,
            "delay": _delay(campaign),
            "state": self.state.value,
            "cost": campaign.cost,
            "answered": self.answered,
        }
        if campaign.sent_text != campaign.text:
            record["sent_text"] = campaign.sent_text
        if campaign.lists:
            record["lists"] = campaign.lists
        if with_messages:
            record["messages"] = [
                _message_record(message, self.receipts_of(index))
                for index, message in enumerate(campaign.messages())
            ]
        return record


class Ledger:
    """The campaigns in the order of their tickets, which rise by one."""

    def __init__(self, first_ticket: int) -> None:
        self._first_ticket = first_ticket
        self._entries: list[Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    @property
    def next_ticket(self) -> int:
        """The ticket the next campaign will have."""
        return self._first_ticket + len(self._entries)

    def append(self, campaign: Campaign) -> Entry:
        """Enter an accepted campaign."""
        if campaign.ticket != self.next_ticket:
            raise ValueError(f"ticket {campaign.ticket} does not follow the last one")
        entry = Entry(campaign)
        self._entries.append(entry)
        return entry

    def find(self, ticket: int) -> Entry | None:
        """Give the entry of a ticket, None if it was never given out."""
        index = ticket - self._first_ticket
        return self._entries[index] if 0 <= index < len(self._entries) else None

    def after(self, ticket: int) -> Iterator[Entry]:
        """Give the entries later than a ticket."""
        for index in range(max(0, ticket - self._first_ticket + 1), len(self._entries)):
            yield self._entries[index]


def _delay(campaign: Campaign) -> str | None:
    """Give the `delay` a campaign was accepted with, None for an immediate one."""
    if campaign.start_at == campaign.accepted_at:
        return None
    return webhook_date(campaign.start_at)


def _message_record(message: Message, receipts: list[int]) -> dict[str, object]:
    record: dict[str, object] = {
        "gsmsmsid": message.gsmsmsid,
        "destination": message.destination,
        "segments": message.segments,
        "receipts": receipts,
    }
    if message.text is not None:
        record["text"] = message.text
    return record
