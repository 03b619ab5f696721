"""What became of one recipient, step by step."""

from dataclasses import dataclass, field
from datetime import datetime

from dispatcher.domain.fates import RecipientState


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """Something that happened to one recipient, or to all of the campaign.

    Attributes:
        at: when; None where that is not kept.
        what: one line, without number or text.
    """

    at: datetime | None
    what: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """The whole story of one recipient.

    Attributes:
        campaign: the campaign's id.
        number: E.164 digits, or what came in when that was not a number.
        id: the producer's own id.
        state: what became of it.
        reason: why, when it was not delivered.
        batch: number of its batch, from 0; None for a row that was dropped.
        place: among the recipients kept, as events call it; None as above.
        ticket: the API's id of that batch.
        text: what it was or will be sent; None where only the API merges it.
        steps: what happened, oldest first.
        next: what is awaited, or who has to do what.
    """

    campaign: str
    number: str = field(repr=False)
    id: str | None
    state: RecipientState
    reason: str | None
    batch: int | None
    place: int | None = None
    ticket: str | None
    text: str | None = field(repr=False)
    steps: tuple[Step, ...]
    next: str
