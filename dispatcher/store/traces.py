"""Finds the trace that a campaign was submitted in, for those who trace."""

from collections.abc import Iterable
from typing import Any

from dispatcher.store.connection import translated
from dispatcher.store.keys import Key
from dispatcher.store.replies import text
from dispatcher.store.scripts import Scripts

_TRACE = "trace"
# Receipts that are merged at once are of few campaigns, mostly; each costs a question.
_MOST_ASKED = 50


class Traces:
    """The traces of one account's campaigns."""

    def __init__(self, scripts: Scripts) -> None:
        self._client = scripts.client
        self._keys = scripts.keys

    def of(self, campaign: str) -> str:
        """Give the `traceparent` a campaign was submitted with; "" for none."""
        with translated():
            found = self._client.hget(self._keys.of(Key.CAMPAIGN, campaign), _TRACE)
        return text(found or "")

    def of_recipients(self, sequences: Iterable[int]) -> dict[str, str]:
        """Give the traces of the campaigns of recipients, by campaign; of a sample of many."""
        asked = sorted(set(sequences))
        asked = asked[:: len(asked) // _MOST_ASKED + 1]
        ranges = self._keys.of(Key.RANGES)
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for sequence in asked:
                pipe.zrevrangebyscore(ranges, sequence, 0, start=0, num=1)
            found: Any = pipe.execute()
        campaigns = sorted({text(names[0]) for names in found if names})
        return {campaign: trace for campaign in campaigns if (trace := self.of(campaign))}
