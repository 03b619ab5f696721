"""Batches whose answer was lost: what is known of them, and what may settle them."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


class OnUnknown(enum.Enum):
    """What a campaign wants done about a batch whose answer was lost.

    A proof that it was sent settles the batch whatever is chosen here.
    """

    HOLD = "hold"
    """A person decides, however clear the evidence that it was not sent."""

    RESEND = "resend"
    """It is sent again, but only once it is proven that it was not."""

    ASSUME_SENT = "assume-sent"
    """Without proof of either, it counts as sent when receipts are awaited no longer."""


class Decision(enum.Enum):
    """What evidence, or a person, says of such a batch."""

    SENT = "sent"
    """The API has it."""

    NOT_SENT = "not sent"
    """The API does not have it; a person who says so wants it sent again."""

    ABANDON = "abandon"
    """Nobody will find out, and it is not to be sent again. Only a person says so."""

    ABSENT = "absent"
    """Not found where it should be by now; once is not enough."""

    OPEN = "open"
    """Looked at, and not decided."""


class Source(enum.Enum):
    """Where evidence comes from."""

    EARLY_RECEIPTS = "early receipts"
    """Receipts of a ticket nobody knows, for the people of a batch sent to a list."""

    LISTING = "listing"
    """The API's own list of campaigns (live dialect, GET /campaigns)."""

    CREDITS = "credits"
    """What the balance of a dedicated account lost (GET /credits)."""

    OPERATOR = "operator"
    """A person, by name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one look came to.

    Attributes:
        campaign: the campaign's id.
        n: number of the batch.
        attempt: the claim it is about; it says nothing of another.
        verdict: see `Decision`.
        source: where it comes from.
        says: in words, without personal data; for an operator, their name.
        ticket: the API's id of the batch, when that is known.
        cost: credits debited, when the API told.
    """

    campaign: str
    n: int
    attempt: int
    verdict: Decision
    source: Source
    says: str
    ticket: str = ""
    cost: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What evidence of one kind last said; see `Finding`."""

    at: datetime
    says: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UnknownBatch:
    """A batch that may or may not have been sent.

    Attributes:
        campaign: the campaign's id.
        n: number of the batch.
        attempt: which claim of it this is about.
        claimed_at: before its POST, if that was made at all.
        since: when it became unknown; by then its POST was over.
        due_at: when the API was asked to send it; None for at once.
        recipients: whom nothing is known of.
        quote: credits at stake.
        policy: what its campaign wants done.
        why: how the answer was lost.
        is_cut: people were taken out after its quote, so that it costs less than that.
        is_traceless: the worker vanished; else the answer was lost.
        is_proven_unsent: evidence says so, and a person has to decide.
        absent_since: since when it is not found where it should be; None when it may be there.
        evidence: the last word of each source that was asked.
    """

    campaign: str
    n: int
    attempt: int
    claimed_at: datetime
    since: datetime
    due_at: datetime | None
    recipients: int
    quote: int
    policy: OnUnknown
    why: str
    is_cut: bool = False
    is_traceless: bool = False
    is_proven_unsent: bool = False
    absent_since: datetime | None = None
    evidence: Mapping[Source, Seen] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its campaign and number, as commands take them."""
        return f"{self.campaign}/{self.n}"

    def finding(
        self,
        verdict: Decision,
        source: Source,
        says: str,
        *,
        ticket: str = "",
        cost: int | None = None,
    ) -> Finding:
        """Say what a look at this batch came to."""
        return Finding(
            campaign=self.campaign,
            n=self.n,
            attempt=self.attempt,
            verdict=verdict,
            source=source,
            says=says,
            ticket=ticket,
            cost=cost,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class UnknownTally:
    """The unknown batches of an account in figures, for metrics.

    Attributes:
        count: how many there are.
        oldest: when the first became unknown; None when there is none.
        credits: their quotes together.
        breaker_since: when too many lost answers stopped the account; None while it sends.
        is_balanced: whether the books of a dedicated account balanced after a send, without which
            its balance proves nothing.
        spender_at: when they last did not, for somebody else spends from it; None for never.
    """

    count: int
    oldest: datetime | None
    credits: int
    breaker_since: datetime | None
    is_balanced: bool
    spender_at: datetime | None
