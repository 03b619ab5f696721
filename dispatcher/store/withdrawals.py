"""Batches the API has for later, and that are to be taken back."""

import enum
from dataclasses import dataclass

from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.store.replies import text
from dispatcher.store.scripts import Script, Scripts


@dataclass(frozen=True, kw_only=True, slots=True)
class WithdrawalClaim:
    """A batch to be taken back.

    Attributes:
        campaign: its campaign's id.
        n: number of the batch.
        ticket: what the API calls it.
        attempt: how often it was tried, this time included.
        spent: what the account had spent before the API was asked.
    """

    campaign: str
    n: int
    ticket: str
    attempt: int
    spent: int


class Withdrawal(enum.Enum):
    """How an attempt to take a batch back ended."""

    GONE = "gone"
    """The API confirmed it."""

    REFUSED = "refused"
    """Status -5: it has begun, is gone already, or is not known to the API."""

    LOST = "lost"
    """The answer was lost: it may have worked."""

    NOT_MADE = "not made"
    """The API was not reached."""


class Withdrawals:
    """The batches of one account that are being taken back."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def claim(self, *, lease_ms: int) -> WithdrawalClaim | None:
        """Take the next one; others may after `lease_ms`."""
        reply = self._scripts.run(Script.CLAIM_WITHDRAWAL, lease_ms)
        if not reply:
            return None
        campaign, n, ticket, attempt, spent = reply
        return WithdrawalClaim(
            campaign=text(campaign),
            n=n,
            ticket=text(ticket),
            attempt=attempt,
            spent=int(spent),
        )

    def record(
        self,
        claim: WithdrawalClaim,
        outcome: Withdrawal,
        *,
        credits_left: int | None = None,
        why: str = "",
        pause_ms: int = 0,
    ) -> tuple[BatchState, CampaignState]:
        """Record how an attempt ended; give the states that follow."""
        batch, campaign = self._scripts.run(
            Script.RECORD_WITHDRAWAL,
            claim.campaign,
            claim.n,
            outcome.value,
            pause_ms,
            why,
            "" if credits_left is None else credits_left,
            claim.spent,
            claim.ticket,
        )
        return BatchState(text(batch)), CampaignState(text(campaign))
