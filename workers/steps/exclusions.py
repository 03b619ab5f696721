"""Finds out whom the API would leave out of a batch, which its counters do not tell.

Simulating is free and keeps nothing (document, POST /send/simulate), so the blacklist is read
once, and anybody else left out is found by simulating halves.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from dispatcher.domain.fates import Exclusion
from dispatcher.domain.message import Message
from dispatcher.errors import ApiError, OutcomeUnknownError
from dispatcher.smsfactor import Destination, SendReply
from workers.resources import Account

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


def quote(
    to: Sequence[Destination],
    simulate_all: Simulate,
    simulate: Simulate,
    read_blacklist: ReadBlacklist,
) -> Quote:
    """Simulate a batch and name everybody the API leaves out.

    Args:
        to: the batch.
        simulate_all: simulates it the way it will be sent.
        simulate: simulates some of it, directly.
        read_blacklist: gives the numbers the API does not send to.

    Raises:
        ApiError: a call did not succeed; nothing was sent, so quoting may be repeated.
    """
    reply = simulate_all(to)
    exclusions: dict[int, Exclusion] = {}
    if reply.sent is not None and reply.sent > len(to):
        # A list may still be settling; it is verified again before it is quoted.
        raise OutcomeUnknownError("the API would send to more people than it was asked about")
    if _missing(reply, len(to)):
        exclusions = find_exclusions(to, reply, simulate, read_blacklist)
    if reply.cost is None:
        raise OutcomeUnknownError("the simulation's reply does not tell the cost")
    return Quote(cost=reply.cost, credits_left=reply.credits, exclusions=exclusions)


def directly(account: Account, message: Message) -> Simulate:
    """Give what simulates a message to any number of people by POST /send/simulate."""
    size = account.settings.batch_size

    def simulate(to: Sequence[Destination]) -> SendReply:
        parts = [to[start : start + size] for start in range(0, len(to), size)]
        return _total([account.api.simulate(message, part) for part in parts])

    return simulate


def _total(replies: Sequence[SendReply]) -> SendReply:
    """Give the one reply that several about parts of a batch come to."""
    if len(replies) == 1:
        return replies[0]
    return replace(
        replies[-1],
        cost=_sum(reply.cost for reply in replies),
        total=_sum(reply.total for reply in replies),
        sent=_sum(reply.sent for reply in replies),
        blacklisted=_sum(reply.blacklisted for reply in replies),
        duplicated=_sum(reply.duplicated for reply in replies),
        invalid=_sum(reply.invalid for reply in replies),
    )


def _sum(counters: Iterable[int | None]) -> int | None:
    """Add counters up; one that is missing leaves the sum unknown."""
    known = list(counters)
    return None if None in known else sum(counter or 0 for counter in known)


def find_exclusions(
    to: Sequence[Destination], reply: SendReply, simulate: Simulate, read_blacklist: ReadBlacklist
) -> dict[int, Exclusion]:
    """Name those whom a reply about these destinations counts as left out."""
    found = _on_blacklist(to, reply, read_blacklist)
    if _missing(reply, len(to)) > len(found):
        rest = [place for place in range(len(to)) if place not in found]
        left_out = Counter(_left_out(reply, len(to)))
        left_out[Exclusion.BLACKLISTED] -= len(found)
        found |= _Search(to, simulate).among(rest, left_out)
    return found


def _on_blacklist(
    to: Sequence[Destination], reply: SendReply, read_blacklist: ReadBlacklist
) -> dict[int, Exclusion]:
    if not reply.blacklisted:
        return {}
    try:
        blacklist = read_blacklist()
    except ApiError:
        return {}
    found = [place for place, someone in enumerate(to) if someone.value in blacklist]
    # A list read a moment later may name others, to whom the API did send.
    return dict.fromkeys(found, Exclusion.BLACKLISTED) if len(found) == reply.blacklisted else {}


class _Search:
    """Halves a batch until each part is left out for one reason, or not at all.

    What the left half does not account for is in the right one, so only one is simulated.
    """

    def __init__(self, to: Sequence[Destination], simulate: Simulate) -> None:
        self._to = to
        self._simulate = simulate

    def among(
        self, places: Sequence[int], left_out: Mapping[Exclusion, int]
    ) -> dict[int, Exclusion]:
        """Name those left out among some places, given how many are for each reason."""
        reasons = [reason for reason, count in left_out.items() if count > 0]
        if not reasons:
            return {}
        if len(places) == 1 or left_out[reasons[0]] >= len(places):
            return dict.fromkeys(places, reasons[0])
        half = len(places) // 2
        reply = self._simulate([self._to[place] for place in places[:half]])
        first = _left_out(reply, half)
        second = {reason: left_out[reason] - first.get(reason, 0) for reason in left_out}
        return self.among(places[:half], first) | self.among(places[half:], second)


def _left_out(reply: SendReply, asked: int) -> dict[Exclusion, int]:
    """Count those a reply left out, by reason; what no counter explains is called invalid."""
    blacklisted, duplicated = reply.blacklisted or 0, reply.duplicated or 0
    return {
        Exclusion.BLACKLISTED: blacklisted,
        Exclusion.DUPLICATED: duplicated,
        Exclusion.INVALID: max(_missing(reply, asked) - blacklisted - duplicated, 0),
    }


def _missing(reply: SendReply, asked: int) -> int:
    return 0 if reply.sent is None else max(asked - reply.sent, 0)
