"""Tells rows of people who are suppressed from the others."""

from collections.abc import Sequence
from functools import cached_property

from dispatcher.domain.routes import Kept
from dispatcher.store.suppressions import SuppressionList

NOBODY = Kept((), ())
"""No rows at all."""


class Heed:
    """Looks at the suppression list as it is when the first rows come, for all rows of a campaign.

    What changes later is heeded when the campaign is quoted and when it is sent.
    """

    def __init__(self, suppressions: SuppressionList) -> None:
        self._suppressions = suppressions

    @cached_property
    def version(self) -> int:
        """The version of the list that is looked at; 0 when nobody ever was on it."""
        return self._suppressions.version()

    def split(self, kept: Kept) -> tuple[Kept, Kept]:
        """Give those who may be sent to, and those who are suppressed.

        Raises:
            StoreUnavailableError: Redis did not answer.
        """
        if not self.version or not kept.numbers:
            return kept, NOBODY
        found = self._suppressions.among(kept.numbers, version=self.version).numbers
        if not found:
            return kept, NOBODY
        on_it = [number in found for number in kept.numbers]
        places = range(len(on_it))
        return (
            _at(kept, [place for place in places if not on_it[place]]),
            _at(kept, [place for place in places if on_it[place]]),
        )


def first_of(kept: Kept) -> tuple[Kept, Kept]:
    """Split the first row off the others."""
    return _at(kept, [0]), _at(kept, range(1, len(kept.numbers)))


def _at(kept: Kept, places: Sequence[int]) -> Kept:
    return Kept(
        [kept.numbers[place] for place in places],
        [kept.ids[place] for place in places],
        [kept.values[place] for place in places] if kept.values else [],
        [kept.texts[place] for place in places] if kept.texts else [],
    )
