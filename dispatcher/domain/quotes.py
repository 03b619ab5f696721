"""What a campaign would say and cost, told before anything is kept or spent."""

from collections.abc import Mapping
from dataclasses import dataclass

from dispatcher.domain.census import TextSummary
from dispatcher.domain.damage import Damage


@dataclass(frozen=True, kw_only=True, slots=True)
class Simulation:
    """What the API said of the recipients it was asked about (POST /send/simulate).

    Attributes:
        people: recipients asked about.
        cost: credits for those of them it would send to.
        drift: `cost` less what we count for the same people; 0 when we count as the API does.
        left_out: those it would not send to: its counter's name to how many.
        credits: the account's balance; None when it did not say.
        error: why some could not be asked about; None when all were.
    """

    people: int
    cost: int
    drift: int
    left_out: Mapping[str, int]
    credits: int | None
    error: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignQuote:
    """What a campaign would say and cost.

    Attributes:
        rows: rows that came in.
        recipients: those of them kept.
        duplicated: rows whose number came before.
        suppressed: rows of people who are suppressed.
        bad_rows: what is wrong with the others: `field: message` to how many rows.
        damages: what had happened to numbers that were understood all the same.
        direct_batches: POSTs of one text to all their recipients.
        list_batches: POSTs to lists whose contacts the API merges into the text.
        text: what the rendered texts take: segments, characters, samples.
        replacements: characters of the text that look-alikes would replace or did, and those.
        simulation: the API's own word; None when it was not asked.
    """

    rows: int
    recipients: int
    duplicated: int
    suppressed: int = 0
    bad_rows: Mapping[str, int]
    damages: Mapping[Damage, int]
    direct_batches: int
    list_batches: int
    text: TextSummary
    replacements: tuple[tuple[str, str], ...]
    simulation: Simulation | None

    @property
    def estimate(self) -> int:
        """Credits by our own count: the segments of all recipients."""
        return self.text.segments
