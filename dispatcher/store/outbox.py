"""The streams of what producers are told.

An entry's id is its number in the stream, `<sequence>-0`. Its fields: `kind` (see `EventKind`),
`at` (ms), `campaign`, `data` (JSON), and for receipts `receipts`: nine bytes for each, big-endian:
place among the campaign's recipients (4), the API's code (1), seconds since 1970 (4). Whoever
reads the stream itself, such as with XREADGROUP, may ask `Outbox.read` what the places mean.
"""

import struct
import uuid
from bisect import bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Any

import msgspec

from dispatcher.domain.fates import RECEIPT_BASE, ReceiptCode
from dispatcher.domain.feed import EventKind, Extent, FeedEvent, RecipientNews
from dispatcher.domain.packing import unpack
from dispatcher.store.connection import translated
from dispatcher.store.keys import Key
from dispatcher.store.records import explain_fate, moment
from dispatcher.store.replies import Raw, blob, entries_of, text
from dispatcher.store.scripts import Script, Scripts

_CHUNK = 100
# As of `Events`: below the connection's read timeout.
_BLOCK_MS = 2000
_RECEIPT = struct.Struct(">IBI")
_BATCHES_KEPT = 64
_BATCHES_AT_ONCE = 32

Fields = Mapping[bytes, bytes]


class Outbox:
    """What the producers of one account's campaigns are told. Threads may share one."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._client = scripts.client
        self._keys = scripts.keys
        self._ids = _OwnIds(scripts)

    def tell(
        self,
        producer: str,
        kind: EventKind,
        payload: Mapping[str, Any],
        *,
        campaign: str = "",
        token: str | None = None,
    ) -> bool:
        """Tell a producer something, durably in its place among the rest.

        Args:
            producer: whom.
            kind: what it is about.
            payload: JSON's types, and never a phone number.
            campaign: the campaign it is about, which orders its callbacks.
            token: names this event; what was told within the last hour is not told again.

        Returns:
            Whether it is new.
        """
        data = msgspec.json.encode(payload)
        name = token or uuid.uuid4().hex
        return bool(self._scripts.run(Script.TELL, producer, kind.value, campaign, data, name))

    def extent(self, producer: str) -> Extent:
        """Tell how far a producer's stream reaches."""
        with translated(), self._client.pipeline() as pipe:
            pipe.hget(self._keys.of(Key.PRODUCER, producer), "sequence")
            pipe.xrange(self._keys.of(Key.OUTBOX, producer), count=1)
            last, oldest = pipe.execute()
        end = int(last or 0)
        return Extent(first=_sequence_of(oldest[0][0]) if oldest else end + 1, last=end)

    def producers(self) -> list[str]:
        """List those who were told anything, ever."""
        with translated():
            found: Any = self._client.zrange(self._keys.of(Key.OUTBOX_LOOKS), 0, -1)
        return sorted(map(text, found))

    def read(self, producer: str, *, after: int = 0, block: bool = False) -> list[FeedEvent]:
        """Read what comes after a number; with `block`, wait up to two seconds for more."""
        name = self._keys.of(Key.OUTBOX, producer)
        with translated():
            found = self._client.xread(
                {name: f"{after}-0"}, count=_CHUNK, block=_BLOCK_MS if block else None
            )
            born = self._client.hget(self._keys.of(Key.PRODUCER, producer), "born")
        return [
            self.event(producer, _sequence_of(entry), raw_fields(fields), born=text(born or ""))
            for entry, fields in entries_of(found)
        ]

    def event(self, producer: str, sequence: int, fields: Fields, *, born: str) -> FeedEvent:
        """Read one entry, and whom its receipts are about.

        Args:
            producer: whose stream it is in.
            sequence: its number there.
            fields: as they are kept.
            born: when the stream began: another one counts from 1 again.
        """
        account, campaign = self._keys.account_name, fields[b"campaign"].decode()
        data: dict[str, Any] = msgspec.json.decode(fields[b"data"])
        if isinstance(place := data.get("place"), int):
            data |= {"id": self._ids.of(campaign, [place]).get(place)}
        return FeedEvent(
            account=account,
            producer=producer,
            sequence=sequence,
            id=f"{account}:{producer}:{born}:{sequence}",
            at=moment(fields[b"at"].decode()),
            kind=EventKind(fields[b"kind"].decode()),
            campaign=campaign,
            data={name: value for name, value in data.items() if value != ""},
            recipients=self._recipients(campaign, fields.get(b"receipts", b"")),
        )

    def _recipients(self, campaign: str, packed: bytes) -> Sequence[RecipientNews]:
        receipts = list(_RECEIPT.iter_unpack(packed))
        ids = self._ids.of(campaign, {place for place, _, _ in receipts})
        return [_news(place, code, seconds, ids.get(place)) for place, code, seconds in receipts]


class _OwnIds:
    """The producers' own ids of recipients, by campaign and place; a few batches are kept."""

    def __init__(self, scripts: Scripts) -> None:
        self._client = scripts.client
        self._keys = scripts.keys
        self._kept: OrderedDict[tuple[str, int], Sequence[str]] = OrderedDict()
        self._lock = Lock()

    def of(self, campaign: str, places: Iterable[int]) -> dict[int, str]:
        """Give the ids of some recipients, by place; not of those without one."""
        wanted: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for place, (n, within) in self._locate(campaign, sorted(places)).items():
            wanted[n].append((place, within))
        numbers = list(wanted)
        found: dict[int, str] = {}
        for first in range(0, len(numbers), _BATCHES_AT_ONCE):
            for n, ids in self._batches(campaign, numbers[first : first + _BATCHES_AT_ONCE]):
                found |= {place: ids[within] for place, within in wanted[n] if within < len(ids)}
        return {place: own_id for place, own_id in found.items() if own_id}

    def _locate(self, campaign: str, places: Sequence[int]) -> dict[int, tuple[int, int]]:
        if not places:
            return {}
        with translated(), self._client.pipeline(transaction=False) as pipe:
            pipe.hget(self._keys.of(Key.CAMPAIGN, campaign), "batch_size")
            pipe.get(self._keys.of(Key.STARTS, campaign))
            raw_size, starts = pipe.execute()
        if size := int(raw_size or 0):
            return {place: divmod(place, size) for place in places}
        begins = [start for (start,) in struct.iter_unpack(">I", blob(starts))]
        numbers = {place: bisect_right(begins, place) - 1 for place in places}
        return {place: (n, place - begins[n]) for place, n in numbers.items() if n >= 0}

    def _batches(
        self, campaign: str, numbers: Sequence[int]
    ) -> Iterable[tuple[int, Sequence[str]]]:
        with self._lock:
            known = {n: self._kept[campaign, n] for n in numbers if (campaign, n) in self._kept}
        if missing := [n for n in numbers if n not in known]:
            with translated():
                packed = self._client.hmget(
                    self._keys.of(Key.RECIPIENTS, campaign), [str(n) for n in missing]
                )
            read = {
                n: unpack(blob(raw)).ids or () if raw else ()
                for n, raw in zip(missing, packed, strict=True)
            }
            known |= read
            self._keep(campaign, read)
        return known.items()

    def _keep(self, campaign: str, read: Mapping[int, Sequence[str]]) -> None:
        with self._lock:
            for n, ids in read.items():
                self._kept[campaign, n] = ids
            while len(self._kept) > _BATCHES_KEPT:
                self._kept.popitem(last=False)


def raw_fields(fields: Mapping[Raw, Raw] | Sequence[Raw]) -> Fields:
    """Give an entry's fields as bytes, from a mapping or from names and values in turn."""
    if isinstance(fields, Mapping):
        return {blob(name): blob(value) for name, value in fields.items()}
    return {blob(name): blob(value) for name, value in zip(fields[::2], fields[1::2], strict=True)}


def _sequence_of(entry: Raw) -> int:
    return int(text(entry).split("-")[0])


def _news(place: int, code: int, seconds: int, own_id: str | None) -> RecipientNews:
    state, word = explain_fate(RECEIPT_BASE + code)
    known = code in ReceiptCode.__members__.values()
    return RecipientNews(
        place=place,
        id=own_id,
        state=state,
        receipt=word if known else str(code),
        at=moment(seconds * 1000),
    )
