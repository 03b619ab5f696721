import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from dispatcher.store.batches import SendRecord
from dispatcher.store.claims import SendClaim


@dataclass
class Attempt:
    """One claim for sending, in the hands of a worker that may die or dawdle at any point."""

    claim: SendClaim
    operation: str
    answer: SendRecord | None = None


@dataclass
class Api:
    """The API as it really is: what it took, and the credits that are left."""

    credits: int = 7
    taken: dict[tuple[str, int], str] = field(default_factory=dict)
    tickets: Iterator[int] = field(default_factory=lambda: itertools.count(1001))

    def take(self, claim: SendClaim, cost: int) -> str:
        key = (claim.campaign, claim.n)
        assert key not in self.taken, "a batch was accepted twice"
        assert cost <= self.credits, "a reserved batch found too few credits"
        self.credits -= cost
        self.taken[key] = str(next(self.tickets))
        return self.taken[key]
