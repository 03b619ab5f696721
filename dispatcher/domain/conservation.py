"""Whether a campaign's books add up: its rows, its counters, its recipients, the API's figures."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dispatcher.domain.fates import RecipientState

_COUNTERS = ("b:", "f:", "batches:")
_FAILURES = ("error", "expired", "network_error")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recount:
    """A campaign's recipients, counted one by one.

    Attributes:
        books: the fields of its record.
        counted: what its counters should be, by their names; None when it moves too much for
            all of it to be counted at one moment.
        wrong: batches whose own count is wrong, in words.
    """

    books: Mapping[str, str]
    counted: Mapping[str, int] | None
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What one batch comes to, as we know it.

    Attributes:
        n: its number.
        ticket: the API's id of it.
        size: recipients it had, `people` those that it was sent to.
        people: see `size`.
        states: what receipts say of these.
        cost: credits debited for it.
    """

    n: int
    ticket: str
    size: int
    people: int
    states: Mapping[RecipientState, int]
    cost: int


def gaps_in(recount: Recount) -> Iterator[str]:
    """Say what of a campaign's books does not add up."""
    books = recount.books
    counters = {name: int(value) for name, value in books.items() if name.startswith(_COUNTERS)}
    kept = int(books["recipients"])
    dropped = sum(int(books.get(name, 0)) for name in ("invalid", "duplicated", "suppressed"))
    if kept + dropped != int(books["rows"]):
        yield f"{books['rows']} rows came in, and {kept} kept and {dropped} dropped are others"
    yield from _sum_gap("recipients", kept, counters, ("b:", "f:"))
    yield from _sum_gap("batches", int(books["batches"]), counters, ("batches:",))
    yield from recount.wrong
    for name in sorted(counters.keys() | (recount.counted or {}).keys()):
        if recount.counted is not None:
            stands, found = counters.get(name, 0), recount.counted.get(name, 0)
            if stands != found:
                yield f"counter {name} is {stands}, and recounted {found}"


def gaps_at_the_api(sent: Sent, figures: Mapping[str, int]) -> Iterator[str]:
    """Say where the API's figures of a batch contradict ours (contract, section 9).

    Which receipts it counts as which failure is not documented, so only failures that we did
    not hear of are a gap; whether `total` counts those it left out is not either.
    """
    total = figures.get("total")
    if total is not None and not sent.people <= total <= sent.size:
        yield f"API: batch {sent.n} went to {sent.people} of {sent.size}, and it counts {total}"
    delivered = sent.states.get(RecipientState.DELIVERED, 0)
    if figures.get("delivered", delivered) != delivered:
        theirs = figures["delivered"]
        yield f"API: batch {sent.n} has {delivered} receipts of delivery, and it counts {theirs}"
    failed = sum(figures.get(name, 0) for name in _FAILURES)
    known = sent.states.get(RecipientState.UNDELIVERED, 0)
    if failed > known:
        yield f"API: batch {sent.n} has {known} receipts of failure, and it counts {failed}"
    if figures.get("cost", sent.cost) != sent.cost:
        yield f"API: batch {sent.n} cost {sent.cost}, and it says {figures['cost']}"


def _sum_gap(
    what: str, expected: int, counters: Mapping[str, int], families: tuple[str, ...]
) -> Iterator[str]:
    found = sum(count for name, count in counters.items() if name.startswith(families))
    if found != expected:
        yield f"there are {expected} {what}, and counters add up to {found}"
