"""How a suppression list is written in Redis.

People are known by a keyed digest of their number, so that somebody who was erased is still told
from everybody else, by those who hold the key.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any, TypeAlias

import msgspec
from redis import Redis

from dispatcher.domain.suppressions import Lift, Suppression, SuppressionSource
from dispatcher.store.connection import translated
from dispatcher.store.keys import Key, Keys
from dispatcher.store.records import moment
from dispatcher.store.secrets import read_secret

_DIGEST_SIZE = 16
_READ_AT_ONCE = 1000

Stored: TypeAlias = tuple[int, int, str, str, str]
"""Number (0 once erased), since when in ms, source, reason and who."""

_RECORDS: msgspec.msgpack.Decoder[Stored] = msgspec.msgpack.Decoder(Stored)
_LIFTS = msgspec.msgpack.Decoder(tuple[int, str, str, int])


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What changed on a list up to some version.

    Attributes:
        version: the last change heeded.
        stored: digest -> record as it is now, None for those no longer on the list.
    """

    version: int
    stored: Mapping[bytes, Stored | None] = field(repr=False)


def digests_of(key: bytes, numbers: Iterable[int]) -> list[bytes]:
    """Give what a list knows numbers by: a MAC of their digits (keyed BLAKE2b)."""
    keyed = blake2b(key=key, digest_size=_DIGEST_SIZE)
    found = []
    for number in numbers:
        one = keyed.copy()
        one.update(b"%d" % number)
        found.append(one.digest())
    return found


def read_suppression(digest: bytes, stored: Stored) -> Suppression:
    """Turn a record into the domain's words."""
    number, at, source, reason, by = stored
    return Suppression(
        number=number or None,
        digest=digest.hex(),
        at=moment(at),
        source=SuppressionSource(source),
        reason=reason,
        by=by,
    )


def read_lift(raw: bytes) -> Lift:
    """Turn what is kept of somebody taken off a list into the domain's words."""
    at, by, reason, pending = _LIFTS.decode(raw)
    return Lift(at=moment(at), by=by, reason=reason, is_pending=bool(pending))


class SuppressionRecords:
    """Reads the list of one account."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    @cached_property
    def key(self) -> bytes:
        """The secret of this account's digests, made on first use."""
        return read_secret(self._client, self._keys, Key.SUPPRESSION_KEY)

    def version(self) -> int:
        """Give the number of changes the list has seen."""
        with translated():
            return int(self._client.hget(self._keys.of(Key.ACCOUNT), "suppression_version") or 0)

    def count(self) -> int:
        """Count the people on the list."""
        with translated():
            return int(self._client.hlen(self._keys.of(Key.SUPPRESSIONS)))

    def of(self, digests: Sequence[bytes]) -> list[Stored | None]:
        """Give the record of each digest, None for those not on the list."""
        found = self._read(Key.SUPPRESSIONS, digests)
        return [_RECORDS.decode(raw) if raw else None for raw in found]

    def lifts_of(self, digests: Sequence[bytes]) -> list[Lift | None]:
        """Give, of those not on the list, who was taken off it."""
        return [read_lift(raw) if raw else None for raw in self._read(Key.LIFTED, digests)]

    def all(self) -> Iterator[tuple[bytes, Stored]]:
        """Give every digest with its record, some perhaps twice, as a scan of Redis does."""
        for digest, raw in self._scan(Key.SUPPRESSIONS):
            yield digest, _RECORDS.decode(raw)

    def lifts(self) -> Iterator[tuple[bytes, Lift]]:
        """Give everybody who was taken off the list, some perhaps twice."""
        for digest, raw in self._scan(Key.LIFTED):
            yield digest, read_lift(raw)

    def changes(self, since: int) -> Changes | None:
        """Give whose entries changed since a version; None when the log does not reach back."""
        with translated():
            log: Any = self._client.xrange(
                self._keys.of(Key.SUPPRESSION_LOG), min=f"{since + 1}-0", count=_READ_AT_ONCE
            )
        if not log or _version_of(log[0]) != since + 1:
            return None
        told = b"".join(fields[b"digests"] for _, fields in log)
        starts = range(0, len(told), _DIGEST_SIZE)
        digests = list({told[start : start + _DIGEST_SIZE] for start in starts})
        stored = dict(zip(digests, self.of(digests), strict=True))
        return Changes(version=_version_of(log[-1]), stored=stored)

    def _read(self, key: Key, digests: Sequence[bytes]) -> Iterator[bytes | None]:
        for start in range(0, len(digests), _READ_AT_ONCE):
            some: Any = digests[start : start + _READ_AT_ONCE]
            with translated():
                found: Any = self._client.hmget(self._keys.of(key), some)
            yield from found

    def _scan(self, key: Key) -> Iterator[tuple[bytes, bytes]]:
        cursor = 0
        while True:
            with translated():
                reply: Any = self._client.hscan(self._keys.of(key), cursor, count=_READ_AT_ONCE)
            cursor, some = reply
            yield from some.items()
            if not cursor:
                return


def _version_of(entry: tuple[bytes, object]) -> int:
    return int(entry[0].split(b"-")[0])
