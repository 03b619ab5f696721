"""Looks for one person in every key there is, which proves that they are erased."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from redis import Redis

from dispatcher.domain.erasure import Person, Proof, Trace
from dispatcher.store.connection import translated
from dispatcher.store.families import People, holding
from dispatcher.store.keys import Keys
from dispatcher.store.replies import blob, text

_KEYS_AT_ONCE = 1000
_ENTRIES_AT_ONCE = 200
_BYTES_AT_ONCE = 1 << 20
# A number that two pieces of a string share is in the second one, too.
_OVERLAP = 64
_BLANK = "(number)"


class Search:
    """A look at every key of a namespace, whatever its account, type and family."""

    def __init__(self, client: Redis, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._readers: Mapping[str, Callable[[bytes], Iterator[bytes]]] = {
            "string": self._string,
            "hash": self._hash,
            "list": self._list,
            "set": self._set,
            "zset": self._zset,
            "stream": self._stream,
        }

    def find(self, person: Person, *, tell: Callable[[int], None] = lambda _: None) -> Proof:
        """Look for somebody everywhere.

        Args:
            person: who.
            tell: told how many keys were looked at, now and then.

        Raises:
            StoreUnavailableError: Redis did not answer; look again.
        """
        passing = tuple(key.value for key in holding(People.IN_PASSING))
        traces: dict[str, Trace] = {}
        keys = size = 0
        for name in self._names():
            found = 0
            for piece in self._pieces(name):
                size += len(piece)
                found += person.is_in(piece)
            keys += 1
            if found:
                shown = _BLANK if person.is_in(name) else text(name)
                passes = text(name).endswith(tuple(f":{family}" for family in passing))
                traces[shown] = Trace(key=shown, count=found, passes=passes)
            if keys % _KEYS_AT_ONCE == 0:
                tell(keys)
        tell(keys)
        return Proof(at=datetime.now(UTC), keys=keys, size=size, traces=tuple(traces.values()))

    def _names(self) -> Iterator[bytes]:
        # SCAN may name a key twice while the table grows or shrinks.
        seen: set[bytes] = set()
        cursor = 0
        while True:
            with translated():
                cursor, names = self._client.scan(
                    cursor, match=f"{self._namespace}:*", count=_KEYS_AT_ONCE
                )
            for name in names:
                if (key := blob(name)) not in seen:
                    seen.add(key)
                    yield key
            if not cursor:
                return

    def _pieces(self, name: bytes) -> Iterator[bytes]:
        yield name
        with translated():
            kind = text(self._client.type(name))
        # One that is gone meanwhile has no type.
        if kind in self._readers:
            yield from self._readers[kind](name)

    def _string(self, name: bytes) -> Iterator[bytes]:
        start = 0
        while True:
            with translated():
                piece = blob(self._client.getrange(name, start, start + _BYTES_AT_ONCE - 1))
            yield piece
            if len(piece) < _BYTES_AT_ONCE:
                return
            start += _BYTES_AT_ONCE - _OVERLAP

    def _hash(self, name: bytes) -> Iterator[bytes]:
        cursor = 0
        while True:
            with translated():
                reply: Any = self._client.hscan(name, cursor, count=_ENTRIES_AT_ONCE)
            cursor, found = reply
            for field, value in found.items():
                yield blob(field)
                yield blob(value)
            if not cursor:
                return

    def _list(self, name: bytes) -> Iterator[bytes]:
        start = 0
        while True:
            with translated():
                found: Any = self._client.lrange(name, start, start + _ENTRIES_AT_ONCE - 1)
            yield from found
            if len(found) < _ENTRIES_AT_ONCE:
                return
            start += _ENTRIES_AT_ONCE

    def _set(self, name: bytes) -> Iterator[bytes]:
        with translated():
            yield from map(blob, self._client.sscan_iter(name, count=_ENTRIES_AT_ONCE))

    def _zset(self, name: bytes) -> Iterator[bytes]:
        with translated():
            for member, _ in self._client.zscan_iter(name, count=_ENTRIES_AT_ONCE):
                yield blob(member)

    def _stream(self, name: bytes) -> Iterator[bytes]:
        for _, fields in entries(self._client, text(name)):
            for field, value in fields.items():
                yield blob(field)
                yield blob(value)


def entries(client: Redis, name: str) -> Iterator[tuple[bytes, dict[Any, Any]]]:
    """Read a whole stream, some entries at a time."""
    after = "-"
    while True:
        with translated():
            found: Any = client.xrange(name, min=after, count=_ENTRIES_AT_ONCE)
        yield from found
        if len(found) < _ENTRIES_AT_ONCE:
            return
        after = f"({text(found[-1][0])}"


def keys_of(client: Redis, keys: Keys, family: str) -> Iterator[str]:
    """Name the keys of a family that has one for each id."""
    prefix = keys.prefix + family
    with translated():
        for name in client.scan_iter(match=f"{prefix}*", count=_KEYS_AT_ONCE):
            yield text(name).removeprefix(prefix)
