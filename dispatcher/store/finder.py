"""Finds people in campaigns by their number."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from dispatcher.domain.packing import unpack
from dispatcher.store.connection import translated
from dispatcher.store.keys import Key
from dispatcher.store.replies import blob, text
from dispatcher.store.scripts import Scripts

_CAMPAIGNS_AT_ONCE = 200
_BATCHES_AT_ONCE = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where somebody stands.

    Attributes:
        number: E.164 digits as an integer.
        campaign: the campaign's id.
        n: number of the batch, from 0.
        place: in the batch, from 0.
    """

    number: int = field(repr=False)
    campaign: str
    n: int
    place: int


class Finder:
    """Looks through one account's campaigns; there is no index, so look for many at once.

    A million recipients take a fraction of a second.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._client = scripts.client
        self._keys = scripts.keys

    def everywhere(self, numbers: Collection[int]) -> Iterator[Place]:
        """Give every place of some numbers, those of the newest campaign first."""
        for campaign in self._newest_first():
            yield from self.within(campaign, numbers)

    def within(self, campaign: str, numbers: Collection[int]) -> Iterator[Place]:
        """Give the places of some numbers in one campaign, in its order."""
        wanted = frozenset(numbers)
        with translated():
            found = self._client.hmget(
                self._keys.of(Key.CAMPAIGN, campaign), ["batches", "erased_at"]
            )
        batches = 0 if found[1] else int(found[0] or 0)
        for first in range(0, batches, _BATCHES_AT_ONCE):
            fields = [str(n) for n in range(first, min(first + _BATCHES_AT_ONCE, batches))]
            with translated():
                page = self._client.hmget(self._keys.of(Key.RECIPIENTS, campaign), fields)
            for n, packed in enumerate(page, start=first):
                if packed is None:
                    continue
                kept = unpack(blob(packed)).numbers
                if wanted.isdisjoint(kept):
                    continue
                for place, number in enumerate(kept):
                    if number in wanted:
                        yield Place(number=number, campaign=campaign, n=n, place=place)

    def _newest_first(self) -> Iterator[str]:
        first = 0
        while True:
            with translated():
                names: Any = self._client.zrevrange(
                    self._keys.of(Key.CAMPAIGNS), first, first + _CAMPAIGNS_AT_ONCE - 1
                )
            yield from map(text, names)
            if len(names) < _CAMPAIGNS_AT_ONCE:
                return
            first += _CAMPAIGNS_AT_ONCE
