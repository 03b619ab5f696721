"""Every receipt of one recipient, from the log of those that were merged."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from dispatcher.domain.fates import ReceiptCode, code_of
from dispatcher.store.connection import translated
from dispatcher.store.keys import Key
from dispatcher.store.records import moment
from dispatcher.store.replies import blob, text
from dispatcher.store.scripts import Scripts

_ENTRIES_AT_ONCE = 100
_FIELDS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class HeardReceipt:
    """A receipt as it was merged.

    Attributes:
        code: its status; see `domain.fates.ReceiptCode`.
        ticket: the API's id of the batch.
        at: when the API says it happened.
        heard_at: when it was merged.
    """

    code: int
    ticket: str
    at: datetime
    heard_at: datetime

    @property
    def word(self) -> str:
        """The code's name, or the code itself where nobody knows it."""
        known = self.code in ReceiptCode.__members__.values()
        return ReceiptCode(self.code).name.lower() if known else f"code {self.code}"


class Heard:
    """The log of one account: its newest million receipts, repetitions left out."""

    def __init__(self, scripts: Scripts) -> None:
        self._client = scripts.client
        self._log = scripts.keys.of(Key.HEARD)

    def of(self, sequence: int, *, since: datetime) -> list[HeardReceipt]:
        """Give the receipts of one recipient in the order they were merged.

        Args:
            sequence: number of the recipient on its account.
            since: when its campaign was made; nothing was heard before.
        """
        found: list[HeardReceipt] = []
        for fields in self._newest_first():
            heard_at = moment(text(fields[b"at"]))
            if heard_at < since:
                break
            if int(fields[b"low"]) <= sequence <= int(fields[b"high"]):
                found += reversed(list(_about(sequence, blob(fields[b"receipts"]), heard_at)))
        return found[::-1]

    def _newest_first(self) -> Iterator[dict[Any, Any]]:
        last = "+"
        while True:
            with translated():
                entries: Any = self._client.xrevrange(self._log, max=last, count=_ENTRIES_AT_ONCE)
            yield from (fields for _, fields in entries)
            if len(entries) < _ENTRIES_AT_ONCE:
                return
            last = f"({text(entries[-1][0])}"


def _about(sequence: int, packed: bytes, heard_at: datetime) -> Iterator[HeardReceipt]:
    flat = msgspec.msgpack.decode(packed)
    for start in range(0, len(flat), _FIELDS):
        if flat[start] == sequence:
            _, fate, seconds, ticket = flat[start : start + _FIELDS]
            code = code_of(fate)
            if code is not None:
                yield HeardReceipt(
                    code=code, ticket=ticket, at=moment(seconds * 1000), heard_at=heard_at
                )
