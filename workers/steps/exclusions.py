"""Finds out whom the API would leave out of a batch, which its counters do not tell.

Simulating is free and keeps nothing (document, POST /send/simulate), so the blacklist is read
once, and anybody else left out is found by simulating halves.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dispatcher.domain.fates import Exclusion
from dispatcher.errors import OutcomeUnknownError
from dispatcher.smsfactor import Destination, SendReply

# Enough to single out some twenty recipients of a thousand; more is a broken list.
_MOST_PROBES = 250

Simulate = Callable[[Sequence[Destination]], SendReply]
ReadBlacklist = Callable[[], frozenset[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """What a batch costs, and whom the API would leave out of it.

    Attributes:
        cost: credits for those who are left.
        credits_left: the account's balance.
        exclusions: place among those asked about -> why it is left out.
    """

    cost: int
    credits_left: int | None
    exclusions: dict[int, Exclusion]


def quote(to: Sequence[Destination], simulate: Simulate, read_blacklist: ReadBlacklist) -> Quote:
    """Simulate a batch and name everybody the API leaves out.

    Raises:
        ApiError: a call did not succeed; nothing was sent, so quoting may be repeated.
    """
    reply = simulate(to)
    exclusions: dict[int, Exclusion] = {}
    if _missing(reply, len(to)):
        exclusions = find_exclusions(to, reply, simulate, read_blacklist)
    if reply.cost is None:
        raise OutcomeUnknownError("the simulation's reply does not tell the cost")
    return Quote(cost=reply.cost, credits_left=reply.credits, exclusions=exclusions)


def find_exclusions(
    to: Sequence[Destination], reply: SendReply, simulate: Simulate, read_blacklist: ReadBlacklist
) -> dict[int, Exclusion]:
    """Name those whom a reply about these destinations counts as left out."""
    found: dict[int, Exclusion] = {}
    if reply.blacklisted:
        blacklist = read_blacklist()
        found = {
            place: Exclusion.BLACKLISTED
            for place, destination in enumerate(to)
            if destination.value in blacklist
        }
        # A list read a moment later may name others, to whom the API did send.
        if len(found) != reply.blacklisted:
            found = {}
    missing = _missing(reply, len(to)) - len(found)
    if missing > 0:
        rest = [place for place in range(len(to)) if place not in found]
        found |= _Probe(to, simulate).search(rest)
    return found


class _Probe:
    """Simulates ever smaller parts until each one left out is alone."""

    def __init__(self, to: Sequence[Destination], simulate: Simulate) -> None:
        self._to = to
        self._simulate = simulate
        self._probes = 0

    def search(self, places: list[int]) -> dict[int, Exclusion]:
        if not places or self._probes >= _MOST_PROBES:
            return {}
        self._probes += 1
        reply = self._simulate([self._to[place] for place in places])
        missing = _missing(reply, len(places))
        if missing == 0:
            return {}
        if missing == len(places) and (reason := _only_reason(reply, missing)):
            return dict.fromkeys(places, reason)
        if len(places) == 1:
            return {places[0]: Exclusion.INVALID}
        half = len(places) // 2
        return self.search(places[:half]) | self.search(places[half:])


def _missing(reply: SendReply, asked: int) -> int:
    return 0 if reply.sent is None else max(asked - reply.sent, 0)


def _only_reason(reply: SendReply, missing: int) -> Exclusion | None:
    counters = {
        Exclusion.BLACKLISTED: reply.blacklisted,
        Exclusion.INVALID: reply.invalid,
        Exclusion.DUPLICATED: reply.duplicated,
    }
    for reason, count in counters.items():
        if count == missing:
            return reason
    return None
