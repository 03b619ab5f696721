"""Receipts: made durable as they come, merged in batches, parked when they are not ours."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from typing import Any

import msgspec

from dispatcher.domain.fates import Receipt, fate_of
from dispatcher.errors import StoreFullError
from dispatcher.store.connection import translated
from dispatcher.store.keys import Key
from dispatcher.store.quarantine import Quarantine
from dispatcher.store.replies import blob, entries_of
from dispatcher.store.scripts import Script, Scripts

_GROUP = "merge"
# One name for all: what matters is how long an entry waits, and names are never forgotten.
_CONSUMER = "worker"
_BODIES = b"bodies"
_PARKED_MAX = 100_000
# Nobody else is served while a script runs: some ten milliseconds.
_MERGED_AT_ONCE = 5000
# A merging worker that has not confirmed by then is taken for dead.
_ABANDONED_AFTER_MS = 30_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """Bodies that arrived together.

    Attributes:
        entry: what to confirm once they are merged.
        bodies: as they were posted to the webhook.
    """

    entry: bytes
    bodies: Sequence[bytes]


class Receipts:
    """The receipts of one account."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._client = scripts.client
        self._stream = scripts.keys.of(Key.RECEIPTS)
        self._parked = scripts.keys.of(Key.PARKED)
        self._quarantine = Quarantine(scripts)

    def append(self, bodies: Sequence[bytes]) -> None:
        """Make bodies durable; they are merged later.

        Raises:
            StoreUnavailableError: Redis did not confirm; they may or may not be kept, and
                keeping them twice does no harm.
        """
        with translated():
            self._client.xadd(self._stream, {_BODIES: msgspec.msgpack.encode(bodies)})

    def take(self, *, count: int = 200) -> list[Received]:
        """Take entries nobody has merged yet, those a dead worker took first."""
        with translated():
            if not self._client.exists(self._stream):
                return []
            self._make_group()
            _, entries, *_ = self._client.xautoclaim(
                self._stream, _GROUP, _CONSUMER, _ABANDONED_AFTER_MS, count=count
            )
            if not entries:
                found = self._client.xreadgroup(_GROUP, _CONSUMER, {self._stream: ">"}, count=count)
                entries = entries_of(found)
        return [
            Received(entry=entry, bodies=msgspec.msgpack.decode(fields[_BODIES], type=list[bytes]))
            for entry, fields in entries
        ]

    def merge(self, receipts: Iterable[Receipt]) -> set[int]:
        """Merge authentic receipts; give the sequence numbers that belong to no campaign.

        Order and repetition do not matter. Codes above 99 must not be passed.
        """
        strangers: set[int] = set()
        in_order = iter(sorted(receipts, key=attrgetter("sequence")))
        while some := list(islice(in_order, _MERGED_AT_ONCE)):
            flat: list[int | str] = []
            for receipt in some:
                fate = fate_of(receipt.code)
                if fate is not None:
                    flat += receipt.sequence, fate, int(receipt.at.timestamp()), receipt.ticket
            if flat:
                packed = msgspec.msgpack.encode(flat)
                strangers.update(self._scripts.run(Script.MERGE_RECEIPTS, packed))
        return strangers

    def confirm(self, entries: Sequence[bytes]) -> None:
        """Forget entries that were merged, parked or put in quarantine."""
        if entries:
            with translated(), self._client.pipeline(transaction=False) as pipe:
                pipe.xack(self._stream, _GROUP, *entries)
                pipe.xdel(self._stream, *entries)
                pipe.execute()

    def park(self, bodies: Sequence[bytes]) -> None:
        """Keep receipts that match nothing of ours, unless Redis is full."""
        self._keep(self._parked, bodies, _PARKED_MAX)

    def quarantine(self, bodies: Sequence[bytes]) -> None:
        """Keep bodies that are no receipts, unless Redis is full."""
        self._quarantine.add("dlr", bodies)

    def waiting(self) -> int:
        """Count the entries that are not merged yet."""
        with translated():
            return int(self._client.xlen(self._stream))

    def _keep(self, stream: str, bodies: Sequence[bytes], newest: int) -> None:
        # A full server frees memory by having receipts merged, which this must not stop.
        with suppress(StoreFullError), translated(), self._client.pipeline() as pipe:
            for body in bodies:
                pipe.xadd(stream, {b"body": body}, maxlen=newest, approximate=True)
            pipe.execute()

    def _make_group(self) -> None:
        groups: Any = self._client.xinfo_groups(self._stream)
        if not any(blob(group["name"]) == _GROUP.encode() for group in groups):
            # By a script, which may do it on a full server: merging is what frees memory.
            self._scripts.run(Script.MAKE_GROUP, _GROUP)
