"""Finds the recipients of batches that were sent to lists, by ticket."""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import msgspec

from dispatcher.domain.packing import unpack
from dispatcher.store.connection import translated
from dispatcher.store.keys import Key
from dispatcher.store.replies import blob, text
from dispatcher.store.scripts import Script, Scripts


@dataclass(frozen=True, slots=True)
class Addressees:
    """Who got a batch: their numbers in rising order, and each one's sequence number."""

    numbers: "array[int]"
    sequences: "array[int]"

    def sequence_of(self, number: int) -> int | None:
        """Give the sequence number of a recipient; None when the batch was not sent to it."""
        place = bisect_left(self.numbers, number)
        is_there = place < len(self.numbers) and self.numbers[place] == number
        return self.sequences[place] if is_there else None


class Tickets:
    """The tickets of one account's list sends."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._client = scripts.client
        self._keys = scripts.keys

    def batches_of(self, tickets: Sequence[str]) -> dict[str, str]:
        """Give `campaign/batch` of each ticket that is known."""
        if not tickets:
            return {}
        with translated():
            found = self._client.hmget(self._keys.of(Key.TICKETS), list(tickets))
        return {
            ticket: text(name)
            for ticket, name in zip(tickets, found, strict=True)
            if name is not None
        }

    def addressees(self, batch: str) -> Addressees:
        """Load the recipients of `campaign/batch`."""
        campaign, _, n = batch.rpartition("/")
        with translated():
            packed = self._client.hget(self._keys.of(Key.RECIPIENTS, campaign), n)
        if packed is None:
            # Erased: nobody is known to have got it.
            return Addressees(array("Q"), array("Q"))
        first = self._scripts.run(Script.FIRST_SEQUENCE, campaign, n)
        pairs = sorted(zip(unpack(blob(packed)).numbers, count(int(first)), strict=False))
        return Addressees(
            array("Q", [number for number, _ in pairs]), array("Q", [place for _, place in pairs])
        )

    def keep_early(self, ticket: str, bodies: Sequence[bytes]) -> bool:
        """Keep receipts until their ticket is known; False when none is awaited."""
        packed = msgspec.msgpack.encode(list(bodies))
        return bool(self._scripts.run(Script.KEEP_EARLY, ticket, packed))
