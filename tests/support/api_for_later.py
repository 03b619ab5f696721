"""The API as it really is, for campaigns with a time: what it took, fired and gave back."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from dispatcher.store.batches import Outcome, SendRecord
from dispatcher.store.claims import SendClaim
from dispatcher.store.withdrawals import Withdrawal, WithdrawalClaim

NOT_TAKEN = {
    "refused": Outcome.REFUSED,
    "unreachable": Outcome.NOT_SENT,
    "no credits": Outcome.NO_CREDITS,
    "lost before": Outcome.UNKNOWN,
}
"""Ways in which a POST fails, and what a worker makes of each."""
WAYS = ("answered", "answered", "answered", "lost after", *NOT_TAKEN)
WITHDRAWAL_WAYS = ("answered", "answered", "lost before", "lost after", "not made")


@dataclass
class Taken:
    """One accepted POST."""

    campaign: str
    n: int
    cost: int
    due: datetime | None
    was_sent: bool = False
    was_cancelled: bool = False


@dataclass
class ApiForLater:
    """Takes batches, sends each at its time, and gives back those whose time has not come."""

    credits: int
    taken: dict[str, Taken] = field(default_factory=dict)
    _tickets: Iterator[int] = field(default_factory=lambda: itertools.count(1001))

    def take(self, claim: SendClaim, cost: int, now: datetime) -> str:
        """Accept a POST; what another has taken and not given back must not come again."""
        twins = [
            taken
            for taken in self.taken.values()
            if (taken.campaign, taken.n) == (claim.campaign, claim.n) and not taken.was_cancelled
        ]
        assert not twins, "a batch was accepted twice"
        assert cost <= self.credits, "a reserved batch found too few credits"
        self.credits -= cost
        ticket = str(next(self._tickets))
        self.taken[ticket] = Taken(claim.campaign, claim.n, cost, claim.delay)
        self.fire(now)
        return ticket

    def fire(self, now: datetime) -> None:
        """Send everything whose time has come."""
        for taken in self.taken.values():
            if not taken.was_cancelled and (taken.due is None or taken.due <= now):
                taken.was_sent = True

    def delete(self, ticket: str) -> bool:
        """Give a batch back, its credits returned; False stands for status -5."""
        taken = self.taken[ticket]
        if taken.was_sent or taken.was_cancelled:
            return False
        taken.was_cancelled = True
        self.credits += taken.cost
        return True

    def of(self, campaign: str, n: int) -> list[Taken]:
        """Give every POST of a batch that was accepted."""
        return [
            taken for taken in self.taken.values() if (taken.campaign, taken.n) == (campaign, n)
        ]


@dataclass
class Attempt:
    """One claim for sending, in the hands of a worker that may die or dawdle at any point."""

    claim: SendClaim
    answer: SendRecord | None = None
    may_post: bool = False


@dataclass
class Retrieval:
    """One claim for taking a batch back, and what came of asking the API."""

    claim: WithdrawalClaim
    outcome: Withdrawal | None = None
    credits_left: int | None = None
