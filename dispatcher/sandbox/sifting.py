"""Who of the recipients a send names is really sent to."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from dispatcher.sandbox.bodies import Gsm
from dispatcher.sandbox.ledger import Counts
from dispatcher.sandbox.numbers import is_plain_block, read_number


@dataclass(frozen=True, kw_only=True, slots=True)
class Sifted:
    """The recipients that are left, and why the others are not.

    Attributes:
        kept: for each destination, its place among the recipients that were named.
    """

    destinations: list[str]
    kept: Sequence[int]
    counts: Counts


def sift(recipients: list[Gsm], blacklist: Mapping[str, object]) -> Sifted:
    """Drop the invalid, the duplicated and the blacklisted, in this order, counting each.

    Usually there is nothing to drop, which is found out without looking at each one.
    """
    values = [recipient.value for recipient in recipients]
    total = len(values)
    texts = [value for value in values if type(value) is str]
    if (
        len(texts) == total
        and len(set(texts)) == total
        and blacklist.keys().isdisjoint(texts)
        and is_plain_block(texts)
    ):
        counts = Counts(total=total, sent=total)
        return Sifted(destinations=texts, kept=range(total), counts=counts)
    return _sift_each(values, blacklist)


def _sift_each(values: list[str | int | None], blacklist: Container[str]) -> Sifted:
    kept: dict[str, int] = {}
    seen: set[str] = set()
    invalid = duplicated = blacklisted = 0
    for index, value in enumerate(values):
        number = None if value is None else read_number(value)
        if number is None:
            invalid += 1
        elif number in seen:
            duplicated += 1
        elif number in blacklist:
            blacklisted += 1
        else:
            kept[number] = index
        if number is not None:
            seen.add(number)
    counts = Counts(
        total=len(values),
        sent=len(kept),
        blacklisted=blacklisted,
        duplicated=duplicated,
        invalid=invalid,
    )
    return Sifted(destinations=list(kept), kept=list(kept.values()), counts=counts)
