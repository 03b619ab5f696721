"""How far the callbacks to producers have come, and those that were given up."""

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from dispatcher.domain.feed import FeedEvent
from dispatcher.store.connection import translated
from dispatcher.store.keys import Key
from dispatcher.store.outbox import Outbox, raw_fields
from dispatcher.store.records import moment
from dispatcher.store.replies import text, text_fields
from dispatcher.store.scripts import Script, Scripts

# No campaign's id begins so.
_REPLAYS = "*"
_DEAD_AT_ONCE = 1000


class Ending(enum.Enum):
    """How an attempt to deliver an event ended."""

    DELIVERED = "delivered"
    FAILED = "failed"
    DEAD = "dead"
    """It failed, and is not tried again by itself."""

    GONE = "gone"
    """The endpoint wants nothing any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """An event that is this worker's to deliver, until its lease ends.

    Attributes:
        event: what to deliver.
        token: who took it.
        attempt: how often it was taken, from 1.
    """

    event: FeedEvent
    token: str
    attempt: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """How an attempt ended, and what follows.

    Attributes:
        ending: how.
        pause_ms: until the event is tried again.
        rest_ms: until anything of the producer is.
        why: it failed; never with the address, which may hold secrets.
    """

    ending: Ending
    pause_ms: int = 0
    rest_ms: int = 0
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallbackStatus:
    """How the callbacks to a producer stand.

    Attributes:
        producer: whom they go to.
        last: number of the newest event.
        seen: number up to which all was delivered, given up or put off.
        put_off: campaigns of which an event is on its way or tried again later.
        dead: events that were given up.
        delivered: attempts that were answered with success, ever.
        lost: events that were no longer kept when their turn came.
        failures: failed attempts since the last success.
        next_at: before which nothing is tried; None for no pause.
        is_gone: whether the endpoint answered 410, after which nothing is tried.
        why: the last attempt failed; None when it did not.
        delivered_at: of the last success.
    """

    producer: str
    last: int
    seen: int
    put_off: int
    dead: int
    delivered: int
    lost: int
    failures: int
    next_at: datetime | None
    is_gone: bool
    why: str | None
    delivered_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """An event that was given up.

    Attributes:
        entry: names it among the dead letters.
        event: what it said.
        why: the last attempt failed.
        attempts: how often it was tried.
        died_at: when it was given up.
    """

    entry: str
    event: FeedEvent
    why: str
    attempts: int
    died_at: datetime


class Callbacks:
    """The callbacks of one account."""

    def __init__(self, scripts: Scripts, outbox: Outbox) -> None:
        self._scripts = scripts
        self._client = scripts.client
        self._keys = scripts.keys
        self._outbox = outbox

    def due(self, endpoints: Mapping[str, str]) -> list[str]:
        """Name the producers of whom something is to be delivered now.

        Args:
            endpoints: a short name of each producer's endpoint, which changes with it.
        """
        pairs = [part for pair in endpoints.items() for part in pair]
        return [name.decode() for name in self._scripts.run(Script.DUE_CALLBACKS, *pairs)]

    def take(
        self, producer: str, *, token: str, endpoint: str, lease_ms: int, kinds: Collection[str]
    ) -> Delivery | bool:
        """Take the next event to deliver; else tell whether more is to be looked through.

        Args:
            producer: whose.
            token: of this attempt: the same one gets the same event again.
            endpoint: as for `due`.
            lease_ms: after which another worker may deliver the event.
            kinds: which are wanted; none for all.
        """
        what, *rest = self._scripts.run(
            Script.TAKE_CALLBACK,
            producer,
            token,
            lease_ms,
            endpoint,
            msgspec.msgpack.encode(sorted(kinds)),
            _REPLAYS,
        )
        if what != b"taken":
            return bool(what == b"more")
        _, sequence, attempt, fields, born = rest
        event = self._outbox.event(producer, int(sequence), raw_fields(fields), born=text(born))
        return Delivery(event=event, token=token, attempt=int(attempt))

    def settle(self, delivery: Delivery, found: Settlement, *, endpoint: str) -> bool:
        """Record how an attempt ended; tell whether it was still this worker's to say."""
        return bool(
            self._scripts.run(
                Script.SETTLE_CALLBACK,
                delivery.event.producer,
                delivery.token,
                found.ending.value,
                found.pause_ms,
                found.rest_ms,
                found.why,
                endpoint,
                _REPLAYS,
            )
        )

    def status(self, producer: str) -> CallbackStatus:
        """Tell how the callbacks to a producer stand."""
        with translated(), self._client.pipeline(transaction=False) as pipe:
            pipe.hgetall(self._keys.of(Key.PRODUCER, producer))
            pipe.zcard(self._keys.of(Key.LANES, producer))
            pipe.xlen(self._keys.of(Key.DEAD, producer))
            raw, lanes, dead = pipe.execute()
        fields = text_fields(raw)
        count = {name: int(fields.get(name, 0)) for name in _COUNTS}
        return CallbackStatus(
            producer=producer,
            last=count["sequence"],
            seen=count["cursor"],
            put_off=int(lanes),
            dead=int(dead),
            delivered=count["delivered"],
            lost=count["lost"],
            failures=count["failures"],
            next_at=moment(fields["next_at"]) if "next_at" in fields else None,
            is_gone="gone" in fields,
            why=fields.get("why"),
            delivered_at=moment(fields["delivered_at"]) if "delivered_at" in fields else None,
        )

    def dead(self, producer: str) -> list[DeadLetter]:
        """List the events that were given up, in the order in which they were."""
        letters: list[DeadLetter] = []
        start = "-"
        while True:
            with translated():
                found: Any = self._client.xrange(
                    self._keys.of(Key.DEAD, producer), start, "+", count=_DEAD_AT_ONCE
                )
                born = self._client.hget(self._keys.of(Key.PRODUCER, producer), "born")
            letters += [self._letter(producer, each, text(born or "")) for each in found]
            if len(found) < _DEAD_AT_ONCE:
                return letters
            start = f"({letters[-1].entry}"

    def replay(self, producer: str, letters: Sequence[str], *, after: int | None = None) -> int:
        """Deliver dead letters again, and with `after` all events that come after a number.

        A pause and a 410 are over with that. Gives how many dead letters will be delivered.
        """
        behind = "" if after is None else after
        return int(self._scripts.run(Script.REPLAY_CALLBACKS, producer, _REPLAYS, behind, *letters))

    def _letter(self, producer: str, found: tuple[bytes, Any], born: str) -> DeadLetter:
        entry, raw = found
        fields = raw_fields(raw)
        return DeadLetter(
            entry=entry.decode(),
            event=self._outbox.event(producer, int(fields[b"sequence"]), fields, born=born),
            why=fields[b"why"].decode(),
            attempts=int(fields[b"attempts"]),
            died_at=moment(fields[b"died_at"].decode()),
        )


_COUNTS = ("sequence", "cursor", "delivered", "lost", "failures")
