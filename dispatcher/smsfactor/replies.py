from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from dispatcher.smsfactor.dialect import read_date
from dispatcher.smsfactor.fields import Fields, integer, text, verbatim
from dispatcher.smsfactor.refusals import MODERATED

_ENVELOPE = frozenset(["status", "message", "details", "ticket"])
_NAMED = frozenset(
    ["cost", "credits", "total", "sent", "blacklisted", "duplicated", "invalid"],
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SendReply:
    """What the API made of a send or a simulation (document, POST /send, "Réponse").

    Any counter is None when the reply was too broken to hold it; the ticket alone proves
    that the campaign was taken.

    Attributes:
        status: 1, or -8 when the campaign is taken but under moderation.
        message: the API's word for it.
        ticket: the API's id of the campaign; None for a simulation, and possible with -8.
        cost: credits debited, or what they would be.
        credits: the balance after it.
        total: recipients given.
        sent: recipients left after duplicates, invalid numbers and the blacklist.
        other: counters the document does not name, such as `npai` (contract section 9).
    """

    status: int
    message: str
    ticket: str | None
    cost: int | None
    credits: int | None
    total: int | None
    sent: int | None
    blacklisted: int | None
    duplicated: int | None
    invalid: int | None
    other: Mapping[str, int] = field(default_factory=dict)

    @property
    def moderated(self) -> bool:
        """Whether a person will look at it first; it must not be sent again."""
        return self.status == MODERATED

    @classmethod
    def read(cls, fields: Fields, ticket: str | None) -> Self:
        """Read a reply's fields; one without a status is as good as its ticket."""
        status = integer(fields.get("status"))
        return cls(
            status=1 if status is None else status,
            message=text(fields.get("message")),
            ticket=ticket,
            cost=_counter(fields, "cost"),
            credits=integer(fields.get("credits")),
            total=_counter(fields, "total"),
            sent=_counter(fields, "sent"),
            blacklisted=_counter(fields, "blacklisted"),
            duplicated=_counter(fields, "duplicated"),
            invalid=_counter(fields, "invalid"),
            other=other_counters(fields),
        )


def _counter(fields: Fields, name: str) -> int | None:
    """Read a number that cannot be negative; a negative one is as good as unreadable."""
    value = integer(fields.get(name))
    return value if value is not None and value >= 0 else None


def other_counters(
    fields: Mapping[str, object], *, named: AbstractSet[str] = _NAMED
) -> Mapping[str, int]:
    """Give the numbers of a reply that no documented field names."""
    counters = {name: integer(value) for name, value in fields.items()}
    return {
        name: count
        for name, count in counters.items()
        if count is not None and name not in named and name not in _ENVELOPE
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Contact:
    """A contact of a list or of the blacklist; its repr shows the id only.

    Attributes:
        id: the contact's own id, which `DELETE /list/contact/:id` wants.
        destination: the number, digits without `+`.
        infos: `info1` to `info4`, "" where empty.
    """

    id: str
    destination: str = field(repr=False)
    infos: tuple[str, str, str, str] = field(default=("", "", "", ""), repr=False)

    @classmethod
    def read(cls, row: Mapping[str, object]) -> Self:
        """Read one `list` entry."""
        return cls(
            id=text(row.get("id")),
            destination=text(row.get("destination")),
            infos=(
                verbatim(row.get("info1")),
                verbatim(row.get("info2")),
                verbatim(row.get("info3")),
                verbatim(row.get("info4")),
            ),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelReply:
    """A scheduled campaign was cancelled (document, DELETE /send/:id).

    Attributes:
        message: the API's word for it.
        credits: the balance after the refund; None when the reply does not say.
    """

    message: str
    credits: int | None

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read a reply's fields."""
        return cls(message=text(fields.get("message")), credits=integer(fields.get("credits")))


@dataclass(frozen=True, kw_only=True, slots=True)
class ContactList:
    """A list of contacts, without them (document, GET /lists).

    Attributes:
        date: when it was created; None when the reply's date cannot be read.
    """

    id: str
    name: str
    date: datetime | None

    @classmethod
    def read(cls, row: Mapping[str, object]) -> Self:
        """Read one `lists` entry."""
        return cls(
            id=text(row.get("id")),
            name=text(row.get("name")),
            date=read_date(text(row.get("date"))),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ListReply:
    """Contacts were put into a list (document, POST /list).

    Attributes:
        id: the list's id.
        contacts: how many were added, duplicates included.
        other: counters of the live dialect, such as `invalid` and `duplicates`.
    """

    id: str
    contacts: int
    other: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignRecord:
    """What the API knows of one campaign (contract section 9); its repr hides the text.

    Attributes:
        id: its ticket.
        created: when it was given to the API; None when unreadable.
        date: when it was or will be sent; None when unreadable.
        status: in the API's own words.
        counters: `cost`, `total`, `delivered` and whatever else is counted.
    """

    id: str
    sender: str
    text: str = field(repr=False)
    created: datetime | None
    date: datetime | None
    status: str
    counters: Mapping[str, int]

    @classmethod
    def read(cls, row: Mapping[str, object]) -> Self:
        """Read one entry of `campaigns` or `campaign`."""
        return cls(
            id=text(row.get("id")),
            sender=text(row.get("sender")),
            text=text(row.get("text")),
            created=read_date(text(row.get("creation_date"))),
            date=read_date(text(row.get("date"))),
            status=text(row.get("status")),
            counters=other_counters(row, named={"id", "sender", "text"}),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignPage:
    """Some of an account's campaigns (contract section 9, GET /campaigns).

    Attributes:
        total: how many there are; None when the reply does not say.
        displayed: how many match what was asked for; None when the reply does not say.
    """

    campaigns: Sequence[CampaignRecord]
    total: int | None
    displayed: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """Events of one kind, posted to one URL (contract section 9).

    Attributes:
        type: `DLR`, `MO`, `STOP`, `CLICKER`, `BALANCE_ALERT`, or a newer word.
    """

    id: str
    type: str
    url: str = field(repr=False)

    @classmethod
    def read(cls, row: Mapping[str, object]) -> Self:
        """Read a `webhook`; its id stands under either name."""
        return cls(
            id=text(row.get("webhook_id")) or text(row.get("id")),
            type=text(row.get("type")),
            url=text(row.get("url")),
        )
