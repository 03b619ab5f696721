"""A process's own copy of a suppression list, kept up to date by the list's version.

People are looked up by the million, and most lists are small: a copy answers in microseconds,
and a list that did not change costs nothing at all.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock

from pyroaring import BitMap64

from dispatcher.store.suppression_records import Stored, SuppressionRecords, digests_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Who of some people is on the list; its repr does not tell whom.

    Attributes:
        version: of the list that was looked at, or an earlier one.
        numbers: those of them on it.
    """

    version: int
    numbers: Collection[int] = field(repr=False)


class Mirror:
    """Tells who of many people is on a list; threads may share it."""

    def __init__(self, records: SuppressionRecords) -> None:
        self._records = records
        self._lock = Lock()
        self._version: int | None = None
        self._numbers = BitMap64()
        self._erased: set[bytes] = set()
        self._lifted: set[bytes] = set()
        self._asked = 0

    def among(self, numbers: Sequence[int], *, version: int | None) -> Found:
        """Tell who of some people is on the list, no older than a version; None for now.

        Raises:
            StoreUnavailableError: Redis did not answer.
        """
        with self._lock:
            if self._version is None and (found := self._ask(numbers)):
                return found
            if self._version is None or version is None or version > self._version:
                self._catch_up()
            return Found(version=self._version or 0, numbers=self._among(numbers))

    def _ask(self, numbers: Sequence[int]) -> Found | None:
        """Ask Redis about a few people, until a copy of the list would have cost less."""
        version, count = self._records.version(), self._records.count()
        self._asked += len(numbers)
        if not count:
            return Found(version=version, numbers=())
        if self._asked >= count:
            return None
        stored = self._records.of(digests_of(self._records.key, numbers))
        on_it = [number for number, one in zip(numbers, stored, strict=True) if one]
        return Found(version=version, numbers=on_it)

    def _catch_up(self) -> None:
        current = self._records.version()
        # A lower one is that of a server which forgot some changes.
        if self._version is None or current < self._version:
            self._load()
            return
        while self._version < current:
            changes = self._records.changes(self._version)
            if changes is None:
                self._load()
                return
            self._take(changes.stored.items())
            self._version = changes.version

    def _load(self) -> None:
        self._version = None
        self._numbers, self._erased, self._lifted = BitMap64(), set(), set()
        version = self._records.version()
        self._take(self._records.all())
        self._version = version

    def _take(self, stored: Iterable[tuple[bytes, Stored | None]]) -> None:
        for digest, record in stored:
            if record is None:
                self._lifted.add(digest)
                self._erased.discard(digest)
                continue
            self._lifted.discard(digest)
            if record[0]:
                self._numbers.add(record[0])
            else:
                self._erased.add(digest)

    def _among(self, numbers: Sequence[int]) -> Collection[int]:
        on_it = set(self._numbers & BitMap64(numbers)) if self._numbers else set()
        if on_it and self._lifted:
            pairs = zip(list(on_it), digests_of(self._records.key, on_it), strict=True)
            on_it -= {number for number, digest in pairs if digest in self._lifted}
        if self._erased:
            pairs = zip(numbers, digests_of(self._records.key, numbers), strict=True)
            on_it |= {number for number, digest in pairs if digest in self._erased}
        return on_it
