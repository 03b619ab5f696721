"""Keeps recipients whose clocks differ in batches of their own, so that none waits for others."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from dispatcher.domain.packing import Batch
from dispatcher.domain.routes import Kept, Sorter
from dispatcher.domain.zones import Zone, zones_of


class ByZone:
    """Sorts recipients by the zones they may be in, and each of these kinds by a sorter.

    Attributes:
        zones: every kind seen so far.
    """

    def __init__(self, make: Callable[[], Sorter]) -> None:
        self._sorters: defaultdict[frozenset[Zone], Sorter] = defaultdict(make)

    @property
    def zones(self) -> Sequence[frozenset[Zone]]:
        """Every kind of recipients seen so far, by their zones."""
        return tuple(self._sorters)

    def add(self, kept: Kept) -> Iterator[Batch]:
        """Take some in; give the batches that are full."""
        places: defaultdict[frozenset[Zone], list[int]] = defaultdict(list)
        for place, number in enumerate(kept.numbers):
            places[zones_of((number,))].append(place)
        for zones, some in places.items():
            part = kept if len(some) == len(kept.numbers) else _part(kept, some)
            yield from self._sorters[zones].add(part)

    def end(self) -> Iterator[Batch]:
        """Give the batches that are left."""
        for sorter in self._sorters.values():
            yield from sorter.end()


def _part(kept: Kept, places: Sequence[int]) -> Kept:
    return Kept(
        [kept.numbers[place] for place in places],
        [kept.ids[place] for place in places],
        [kept.values[place] for place in places] if kept.values else (),
        [kept.texts[place] for place in places] if kept.texts else (),
    )
