"""Erases people from the store: everybody after a time, or one of them at once, everywhere."""

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import blake2b
from typing import Any

import msgspec
from redis.exceptions import ResponseError

from dispatcher.domain.erasure import Person, without
from dispatcher.domain.packing import pack, unpack
from dispatcher.errors import StoreFullError
from dispatcher.store.connection import translated
from dispatcher.store.families import STREAMS, Ends, People, ending, holding
from dispatcher.store.keys import Key
from dispatcher.store.proof import entries, keys_of
from dispatcher.store.replies import blob, text
from dispatcher.store.scripts import Script, Scripts
from dispatcher.store.suppressions import SuppressionList

_BATCHES_AT_ONCE = 64
_MOST_BATCHES = 2000
_LOGGED = 10_000
_DROPPED = b"dropped:"
_ERASED, _CHANGED = b"erased", b"changed"
_ATTEMPTS = 20
Skips = Callable[[str, int], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """For how long what is kept, each in ms.

    Attributes:
        people: recipients and texts, after their campaign is over.
        records: a campaign's totals, and that it was there.
        strangers: what was received and belongs to nobody we know.
    """

    people: int
    records: int
    strangers: int


@dataclass
class Count:
    """What was erased so far, and from how many batches somebody is erased later."""

    recipients: int = 0
    entries: int = 0
    waiting: int = 0


class Erasure:
    """Erases people from one account's keys; every call may be made again."""

    def __init__(self, scripts: Scripts, suppressions: SuppressionList) -> None:
        self._scripts = scripts
        self._suppressions = suppressions
        self._client = scripts.client
        self._keys = scripts.keys
        self._ways: Mapping[People, Callable[[Key, Person, Count], None]] = {
            People.IN_BATCHES: self._from_batches,
            People.IN_ENTRIES: self._from_entries,
            People.IN_BODIES: self._from_bodies,
            People.ON_LISTS: self._from_list,
            People.IN_REPLIES: self._from_replies,
        }

    def retain(self, terms: Terms) -> bool:
        """Erase what has been kept for long enough, some of it; tell whether there may be more."""
        ages = dict.fromkeys(ending(Ends.AS_PEOPLE), terms.people)
        ages |= dict.fromkeys(ending(Ends.AS_STRANGERS), terms.strangers)
        indexes = set(ending(Ends.WITH_RECORD)) - {Key.CAMPAIGN}
        families = {
            "content": [key.value for key in ending(Ends.WITH_PEOPLE)],
            "batches": [key.value for key in ending(Ends.WITH_BATCHES)],
            "indexes": [key.value for key in indexes],
            "streams": _flat({key: age for key, age in ages.items() if key in STREAMS}),
            "times": _flat({key: age for key, age in ages.items() if key not in STREAMS}),
        }
        done = self._scripts.run(
            Script.RETAIN,
            terms.people,
            terms.records,
            _MOST_BATCHES,
            msgspec.msgpack.encode(families),
        )
        return bool(done)

    def erase_schedule(self, schedule: str, version: str, definition: str) -> bool:
        """Erase the audience and text of a schedule; False when it has moved on."""
        return bool(self._scripts.run(Script.ERASE_SCHEDULE, schedule, version, definition))

    def remember(self, person: Person, at: datetime) -> None:
        """Keep, as a digest and for a while, that somebody is being erased."""
        score = int(at.timestamp() * 1000)
        with translated():
            self._client.zadd(self._keys.of(Key.FORGOTTEN), {self._digest(person.number): score})

    def forgotten(self, numbers: Sequence[int]) -> set[int]:
        """Give those of some numbers who were erased lately."""
        name = self._keys.of(Key.FORGOTTEN)
        with translated():
            if not numbers or not self._client.exists(name):
                return set()
            digests: Any = [self._digest(number) for number in numbers]
            found: Any = self._client.zmscore(name, digests)
        return {number for number, score in zip(numbers, found, strict=True) if score is not None}

    def count_late(self, campaign: str, receipts: int) -> None:
        """Count receipts about people who were erased; they change nothing."""
        name = self._keys.of(Key.CAMPAIGN, campaign)
        # A full server frees memory by having receipts merged, which this must not stop.
        with suppress(StoreFullError), translated():
            if self._client.exists(name):
                self._client.hincrby(name, "late_receipts", receipts)

    def erase(
        self,
        person: Person,
        *,
        but: Skips = lambda _campaign, _n: False,
        tell: Callable[[int], None] = lambda _: None,
    ) -> Count:
        """Erase somebody from every family; what is on its way is left for `erase_next`.

        Args:
            person: who.
            but: batches to leave as they are, by campaign and number.
            tell: told how many batches were looked through, now and then.
        """
        count = Count()
        # Uploads first: one that is submitted meanwhile is found again as a campaign.
        for people, way in self._ways.items():
            for key in holding(people):
                way(key, person, count)
        self._from_campaigns(person, count, but, tell)
        return count

    def erase_next(self) -> int:
        """Erase whoever waits for a batch to be settled; give how many batches still wait."""
        name = self._keys.of(Key.ERASURES)
        with translated():
            waiting: Any = self._client.zrange(name, 0, -1)
        return sum(self._finish(*text(member).rsplit("/", 1)) for member in waiting)

    def _finish(self, campaign: str, n: str) -> bool:
        """Erase from one batch; tell whether it is not settled yet."""
        packed = next((packed for _, packed in self._packed(campaign, [int(n)])), None)
        with translated():
            asked = blob(self._client.hget(self._keys.of(Key.BATCH, campaign, n), "forgetting"))
        places = [int(place) for place in asked.split()]
        if packed is not None and places:
            return self._run_erase(campaign, int(n), packed, places) != _ERASED
        # Its recipients were erased altogether.
        with translated():
            self._client.zrem(self._keys.of(Key.ERASURES), f"{campaign}/{n}")
        return False

    def log(self, what: Mapping[str, str | int]) -> None:
        """Keep what erasing somebody came to."""
        fields: Any = dict(what)
        with translated():
            self._client.xadd(self._keys.of(Key.ERASURE_LOG), fields, maxlen=_LOGGED)

    def logged(self) -> Iterator[dict[str, str]]:
        """Read what was kept so, oldest first."""
        for _, fields in entries(self._client, self._keys.of(Key.ERASURE_LOG)):
            yield {text(name): text(value) for name, value in fields.items()}

    def _from_campaigns(
        self, person: Person, count: Count, but: Skips, tell: Callable[[int], None]
    ) -> None:
        looked = 0
        for campaign in list(self._campaigns()):
            with translated():
                batches = int(
                    self._client.hget(self._keys.of(Key.CAMPAIGN, campaign), "batches") or 0
                )
            for first in range(0, batches, _BATCHES_AT_ONCE):
                numbers = range(first, min(first + _BATCHES_AT_ONCE, batches))
                for n, packed in self._packed(campaign, numbers):
                    if person.packed in packed and not but(campaign, n):
                        self._from_campaign(campaign, n, person, count)
                looked += len(numbers)
                tell(looked)
            self._from_dropped(Key.RECIPIENTS, campaign, person, count)

    def _campaigns(self) -> Iterator[str]:
        with translated():
            names: Any = self._client.zrevrange(self._keys.of(Key.CAMPAIGNS), 0, -1)
        return map(text, names)

    def _packed(self, campaign: str, numbers: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        with translated():
            found = self._client.hmget(
                self._keys.of(Key.RECIPIENTS, campaign), [str(n) for n in numbers]
            )
        return (
            (n, blob(packed))
            for n, packed in zip(numbers, found, strict=True)
            if packed is not None
        )

    def _from_campaign(self, campaign: str, n: int, person: Person, count: Count) -> None:
        for _ in range(_ATTEMPTS):
            packed = next((packed for _, packed in self._packed(campaign, [n])), b"")
            places = person.places(unpack(packed).numbers) if packed else []
            if not places:
                return
            answer = self._run_erase(campaign, n, packed, places)
            if answer == _ERASED:
                count.recipients += len(places)
                return
            if answer != _CHANGED:
                count.waiting += 1
                return

    def _run_erase(self, campaign: str, n: int, packed: bytes, places: Sequence[int]) -> bytes:
        return blob(
            self._scripts.run(
                Script.ERASE,
                campaign,
                n,
                _sha1(packed),
                pack(without(unpack(packed), places)),
                msgspec.msgpack.encode(list(places)),
            )
        )

    def _from_batches(self, key: Key, person: Person, count: Count) -> None:
        for name in keys_of(self._client, self._keys, key.value):
            self._from_dropped(key, name, person, count)
            with translated():
                fields: Any = self._client.hkeys(self._keys.of(key, name))
            for field in fields:
                if not field.startswith(_DROPPED):
                    count.recipients += self._swap(key, name, field, _blanker(person))

    def _from_dropped(self, key: Key, name: str, person: Person, count: Count) -> None:
        for chunk in range(1_000_000_000):
            field = _DROPPED + str(chunk).encode()
            with translated():
                if not self._client.hexists(self._keys.of(key, name), text(field)):
                    return
            count.entries += self._swap(key, name, field, _row_blanker(person))

    def _swap(
        self, key: Key, name: str, field: bytes, change: Callable[[bytes], tuple[int, bytes]]
    ) -> int:
        """Change a field of a hash; give how often somebody was in it."""
        for _ in range(_ATTEMPTS):
            with translated():
                kept = self._client.hget(self._keys.of(key, name), text(field))
            found, changed = change(blob(kept)) if kept is not None else (0, b"")
            if not found:
                return 0
            args = (key.value, name, text(field), _sha1(blob(kept)), changed)
            if self._scripts.run(Script.SWAP, *args):
                return found
        return 0

    def _from_entries(self, key: Key, person: Person, count: Count) -> None:
        is_one = not key.value.endswith(":")
        for part in [""] if is_one else keys_of(self._client, self._keys, key.value):
            name = self._keys.of(key, part)
            for entry, fields in entries(self._client, name):
                if any(person.is_in(blob(value)) for value in fields.values()):
                    with translated():
                        count.entries += int(self._client.xdel(name, entry))

    def _from_replies(self, key: Key, person: Person, count: Count) -> None:
        for reply in keys_of(self._client, self._keys, key.value):
            name = self._keys.of(key, reply)
            with translated():
                found = self._client.hgetall(name)
            if not any(person.is_in(blob(value)) for value in found.values()):
                continue
            with translated(), self._client.pipeline() as pipe:
                pipe.zrem(self._keys.of(Key.REPLIES), reply)
                pipe.zrem(self._keys.of(Key.REVIEW), reply)
                pipe.unlink(name)
                pipe.execute()
            count.entries += 1

    def _from_list(self, key: Key, person: Person, count: Count) -> None:
        del key
        listed = self._suppressions.look_up([person.number])[person.number]
        if listed is not None and listed.number:
            count.entries += self._suppressions.forget(person.number)

    def _from_bodies(self, key: Key, person: Person, count: Count) -> None:
        for ticket in keys_of(self._client, self._keys, key.value):
            name = self._keys.of(key, ticket)
            with translated():
                packs: Any = self._client.lrange(name, 0, -1)
            for index, packed in enumerate(packs):
                bodies = msgspec.msgpack.decode(packed, type=list[bytes])
                kept = [body for body in bodies if not person.is_in(body)]
                if len(kept) == len(bodies):
                    continue
                count.entries += len(bodies) - len(kept)
                # Gone meanwhile: its ticket is known, and they are merged.
                with translated(), suppress(ResponseError):
                    self._client.lset(name, index, msgspec.msgpack.encode(kept))  # type: ignore[arg-type]  # bytes are taken

    def _digest(self, number: int) -> bytes:
        return blake2b(b"%d" % number, key=self._digest_key, digest_size=16).digest()

    @cached_property
    def _digest_key(self) -> bytes:
        name = self._keys.of(Key.ACCOUNT)
        with translated():
            self._client.hsetnx(name, "forgotten_key", secrets.token_bytes(32))
            return blob(self._client.hget(name, "forgotten_key"))


def _blanker(person: Person) -> Callable[[bytes], tuple[int, bytes]]:
    def change(packed: bytes) -> tuple[int, bytes]:
        if person.packed not in packed:
            return 0, b""
        batch = unpack(packed)
        places = person.places(batch.numbers)
        return len(places), pack(without(batch, places))

    return change


def _row_blanker(person: Person) -> Callable[[bytes], tuple[int, bytes]]:
    def change(packed: bytes) -> tuple[int, bytes]:
        if not person.is_in(packed):
            return 0, b""
        rows = msgspec.msgpack.decode(packed)
        theirs = [any(person.is_in(str(part).encode()) for part in row) for row in rows]
        changed = [
            ["", None, row[2]] if is_theirs else row
            for row, is_theirs in zip(rows, theirs, strict=True)
        ]
        return sum(theirs), msgspec.msgpack.encode(changed)

    return change


def _sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def _flat(ages: Mapping[Key, int]) -> list[str | int]:
    return [part for key, age in ages.items() for part in (key.value, age)]
