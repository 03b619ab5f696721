"""The suppression list of one account: who must not be sent to."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec

from dispatcher.domain.suppressions import Lift, Suppression, SuppressionSource
from dispatcher.errors import StoreUnavailableError
from dispatcher.store.durability import Barrier
from dispatcher.store.scripts import Script, Scripts, standalone_source
from dispatcher.store.suppression_mirror import Found, Mirror
from dispatcher.store.suppression_records import (
    SuppressionRecords,
    digests_of,
    read_suppression,
)

# One entry of the log names them all, and its stream is to stay small.
_CHANGED_AT_ONCE = 500
_UNLESS_LIFTED = "unless lifted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Addition:
    """People to be put onto the list; its repr does not tell whom.

    Attributes:
        numbers: E.164 digits as integers.
        source: how they came onto the list.
        at: since when.
        reason: why, in words without personal data.
        by: who put them there; "" for nobody in particular.
    """

    numbers: Collection[int] = field(repr=False)
    source: SuppressionSource
    at: datetime
    reason: str = ""
    by: str = ""


def suppress_source() -> str:
    """Give the script that puts people onto a list, whole, for EVAL by any connection."""
    return standalone_source(Script.SUPPRESS)


def suppress_arguments(key: bytes, addition: Addition) -> tuple[str | int | bytes, ...]:
    """Give that script's arguments, behind its one key: the name of the account's hash.

    Args:
        key: the account's secret; see `Key.SUPPRESSION_KEY`.
        addition: whom to add; some hundred at once.
    """
    return (
        addition.source.value,
        addition.reason,
        addition.by,
        int(addition.at.timestamp() * 1000),
        _UNLESS_LIFTED if addition.source is SuppressionSource.API_BLACKLIST else "",
        b"".join(digests_of(key, addition.numbers)),
        msgspec.msgpack.encode(list(addition.numbers)),
    )


class SuppressionList:
    """Who must not be sent to on one account; threads may share it."""

    def __init__(self, scripts: Scripts, barrier: Barrier) -> None:
        self._scripts = scripts
        self._barrier = barrier
        self._records = SuppressionRecords(scripts.client, scripts.keys)
        self._mirror = Mirror(self._records)

    @property
    def key(self) -> bytes:
        """The secret of this account's digests, made on first use."""
        return self._records.key

    def add(self, addition: Addition) -> int:
        """Put people onto the list, durably; give how many are new.

        Those on it stay as they are. Whom somebody took off on purpose the API's blacklist does
        not bring back, as long as it may be that it never heard of it; everything else does.

        Raises:
            StoreUnavailableError: Redis did not confirm all of them; adding again is safe.
        """
        new = 0
        numbers = iter(addition.numbers)
        while some := list(islice(numbers, _CHANGED_AT_ONCE)):
            arguments = suppress_arguments(self.key, replace(addition, numbers=some))
            new += self._run(Script.SUPPRESS, *arguments)[0]
        return new

    def remove(self, number: int, *, reason: str, by: str) -> bool:
        """Take somebody off the list, for the record with who and why; False if not on it.

        Raises:
            StoreUnavailableError: Redis did not confirm it; removing again is safe.
        """
        return bool(self.remove_all([number], reason=reason, by=by))

    def remove_all(self, numbers: Iterable[int], *, reason: str, by: str) -> int:
        """Take many off the list, as `remove` does; give how many were on it."""
        gone = 0
        rest = iter(numbers)
        while some := list(islice(rest, _CHANGED_AT_ONCE)):
            gone += self._run(Script.LIFT, b"".join(self.digests_of(some)), reason, by)
        return gone

    def forget(self, number: int) -> bool:
        """Erase a number from the list, where its digest stays; False if not on it."""
        return bool(self._run(Script.FORGET_SUPPRESSED, self._digest(number)))

    def contains(self, numbers: Collection[int]) -> set[int]:
        """Give those of some numbers that are on the list."""
        return {number for number, entry in self.look_up(numbers).items() if entry}

    def look_up(self, numbers: Collection[int]) -> Mapping[int, Suppression | None]:
        """Give the entry of each of some numbers; None for those not on the list."""
        digests = digests_of(self.key, numbers)
        found = zip(numbers, digests, self._records.of(digests), strict=True)
        return {
            number: read_suppression(digest, stored) if stored else None
            for number, digest, stored in found
        }

    def lifts(self, numbers: Collection[int]) -> Mapping[int, Lift]:
        """Tell which of some numbers were taken off the list and are not on it again."""
        found = self._records.lifts_of(digests_of(self.key, numbers))
        return {number: lift for number, lift in zip(numbers, found, strict=True) if lift}

    def settle_lifts(self, of: Collection[bytes]) -> None:
        """Note that the API's blacklist no longer has people who were taken off, by digest."""
        if of:
            self._scripts.run(Script.SETTLE_LIFTS, b"".join(of))

    def pending_lifts(self) -> set[bytes]:
        """Give the digests of those taken off whom the API's blacklist may still have."""
        return {digest for digest, lift in self._records.lifts() if lift.is_pending}

    def digests_of(self, numbers: Collection[int]) -> list[bytes]:
        """Give what the list knows numbers by."""
        return digests_of(self.key, numbers)

    def entries(self) -> Iterator[Suppression]:
        """Give everybody on the list, in no order."""
        seen: set[bytes] = set()
        for digest, stored in self._records.all():
            if digest not in seen:
                seen.add(digest)
                yield read_suppression(digest, stored)

    def count(self) -> int:
        """Count the people on the list."""
        return self._records.count()

    def version(self) -> int:
        """Give the number of changes the list has seen."""
        return self._records.version()

    def among(self, numbers: Sequence[int], *, version: int | None = None) -> Found:
        """Tell who of many is on the list, as it was at some version or is later.

        Args:
            numbers: E.164 digits as integers.
            version: nothing older will do; None for the list as it is now.

        Raises:
            StoreUnavailableError: Redis did not answer.
        """
        return self._mirror.among(numbers, version=version)

    def begin_sync(self, *, interval_ms: int) -> bool:
        """Ask to be the one who compares the list with the API's blacklist."""
        return bool(self._scripts.run(Script.BEGIN_SYNC, interval_ms, ""))

    def is_sync_due(self, *, interval_ms: int) -> bool:
        """Tell whether somebody should."""
        return bool(self._scripts.run(Script.BEGIN_SYNC, interval_ms, "look"))

    def _digest(self, number: int) -> bytes:
        return digests_of(self.key, (number,))[0]

    def _run(self, script: Script, *args: str | bytes | float) -> Any:  # noqa: ANN401 - each script has its own reply
        reply, durable = self._scripts.run_durably(script, *args, barrier=self._barrier)
        if not durable:
            raise StoreUnavailableError("Redis did not confirm the change of the suppression list")
        return reply
