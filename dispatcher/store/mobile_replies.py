"""Replies: made durable as they come, linked to campaigns, and looked through by people."""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from dispatcher.domain.replies import PostedReply, Reached, Reply, Verdict
from dispatcher.domain.stop_words import Intent
from dispatcher.store.connection import translated
from dispatcher.store.keys import Key
from dispatcher.store.records import moment
from dispatcher.store.replies import Raw, blob, text, text_fields
from dispatcher.store.scripts import Script, Scripts

# A worker that links for longer is taken for dead.
_LEASE_MS = 30_000
_PAGE = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class PostedReplies:
    """Bodies that arrived together, by one webhook.

    Attributes:
        entry: what to confirm once they are kept.
        hook: the webhook's name.
        bodies: as they were posted.
    """

    entry: bytes
    hook: str
    bodies: Sequence[bytes]

    @property
    def received_at(self) -> datetime:
        """When Redis got them."""
        return moment(int(self.entry.split(b"-")[0]))


class MobileReplies:
    """The replies of one account."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._client = scripts.client
        self._keys = scripts.keys

    def append(self, hook: str, bodies: Sequence[bytes]) -> None:
        """Make bodies durable; they are linked later. It puts nobody on the suppression list."""
        packed = msgspec.msgpack.encode(list(bodies))
        with translated():
            self._client.xadd(self._keys.of(Key.POSTED_REPLIES), {b"bodies": packed, b"hook": hook})

    def take(self, *, count: int = 20) -> list[PostedReplies]:
        """Take the oldest entries, unless another worker has them."""
        lease = self._keys.of(Key.LINKING)
        with translated():
            if not self._client.xlen(self._keys.of(Key.POSTED_REPLIES)):
                return []
            if not self._client.set(lease, secrets.token_hex(4), nx=True, px=_LEASE_MS):
                return []
            entries: Any = self._client.xrange(self._keys.of(Key.POSTED_REPLIES), count=count)
        return [_posted(entry, fields) for entry, fields in entries]

    def confirm(self, entries: Iterable[bytes]) -> None:
        """Forget entries whose replies are kept or in quarantine, and let others take more."""
        with translated(), self._client.pipeline(transaction=False) as pipe:
            pipe.xdel(self._keys.of(Key.POSTED_REPLIES), *entries)
            pipe.unlink(self._keys.of(Key.LINKING))
            pipe.execute()

    def keep(self, identity: str, reply: PostedReply, *, reached: Reached | None) -> bool:
        """Keep a reply, and whom it is from; tell whether it is new."""
        written_at = int(reply.at.timestamp() * 1000)
        return bool(
            self._scripts.run(
                Script.KEEP_REPLY,
                identity,
                str(reply.number),
                reply.sender.encode(errors="replace"),
                reply.text.encode(errors="replace"),
                written_at,
                reply.intent.value,
                reached.campaign if reached else "",
                reached.place if reached else "",
            )
        )

    def judge(self, identity: str, verdict: Verdict, *, by: str) -> bool:
        """Write down what a person found in a reply; tell whether there is one of that id."""
        return bool(self._scripts.run(Script.JUDGE_REPLY, identity, verdict.value, by))

    def read(self, identity: str) -> Reply | None:
        """Give one reply; None when there is none of that id."""
        return next(self._read_all([identity]), None)

    def newest(self) -> Iterator[Reply]:
        """Give every reply, newest first."""
        return self._pages(Key.REPLIES)

    def to_review(self) -> Iterator[Reply]:
        """Give the replies a person has to read, newest first."""
        return self._pages(Key.REVIEW)

    def waiting(self) -> int:
        """Count the entries that are not linked yet."""
        with translated():
            return int(self._client.xlen(self._keys.of(Key.POSTED_REPLIES)))

    def erase(self, replies: Iterable[str]) -> None:
        """Forget replies, text and number and all."""
        for reply in replies:
            with translated(), self._client.pipeline() as pipe:
                pipe.unlink(self._keys.of(Key.REPLY, reply))
                pipe.zrem(self._keys.of(Key.REPLIES), reply)
                pipe.zrem(self._keys.of(Key.REVIEW), reply)
                pipe.execute()

    def erase_before(self, moment_ms: int, *, count: int = 1000) -> int:
        """Forget replies written before a moment, at most so many at once; give how many."""
        with translated():
            found: Any = self._client.zrangebyscore(
                self._keys.of(Key.REPLIES), "-inf", f"({moment_ms}", start=0, num=count
            )
        self.erase(map(text, found))
        return len(found)

    def erase_number(self, number: int) -> int:
        """Forget every reply of a number; give how many."""
        found = [reply.id for reply in self.newest() if reply.number == str(number)]
        self.erase(found)
        return len(found)

    def _pages(self, index: Key) -> Iterator[Reply]:
        first = 0
        while True:
            with translated():
                names: Any = self._client.zrevrange(self._keys.of(index), first, first + _PAGE - 1)
            yield from self._read_all([text(name) for name in names])
            if len(names) < _PAGE:
                return
            first += _PAGE

    def _read_all(self, replies: Sequence[str]) -> Iterator[Reply]:
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for reply in replies:
                pipe.hgetall(self._keys.of(Key.REPLY, reply))
                pipe.zscore(self._keys.of(Key.REVIEW), reply)
            found = pipe.execute()
        for reply, raw, in_review in zip(replies, found[::2], found[1::2], strict=True):
            if raw:
                yield _read(reply, text_fields(raw), needs_review=in_review is not None)


def _posted(entry: bytes, fields: dict[Raw, Raw]) -> PostedReplies:
    bodies = msgspec.msgpack.decode(blob(fields[b"bodies"]), type=list[bytes])
    return PostedReplies(entry=entry, hook=text(fields[b"hook"]), bodies=bodies)


def _read(identity: str, fields: dict[str, str], *, needs_review: bool) -> Reply:
    verdict, judged_at = fields.get("verdict"), fields.get("judged_at")
    return Reply(
        id=identity,
        number=fields["number"] if fields["number"] != "0" else None,
        sender=fields["sender"],
        text=fields["text"],
        at=moment(fields["at"]),
        intent=Intent(fields["intent"]),
        campaign=fields.get("campaign"),
        place=int(fields["place"]) if "place" in fields else None,
        needs_review=needs_review,
        verdict=Verdict(verdict) if verdict else None,
        by=fields.get("by"),
        judged_at=moment(judged_at) if judged_at else None,
    )
