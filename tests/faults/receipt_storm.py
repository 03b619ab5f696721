"""A flood of receipts, the processes that take them, and what must have come of them."""

import asyncio
import json
import random
import socket
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from dispatcher.cli.children import Child, Children
from dispatcher.domain.fates import RECEIPT_BASE, fate_of, rank
from dispatcher.domain.sequence import gsmsmsid
from dispatcher.embedded import EmbeddedRedis
from dispatcher.store.claims import SendClaim
from dispatcher.store.keys import Key
from tests.support.bench import FIRST_NUMBER, Bench

ROOT = Path(__file__).parents[2]
SECRET = "a-webhook-secret-of-storms"
BATCH = 500
_CONNECTIONS = 32
_T0 = 1_800_000_000
# The second one of a person is final.
_CODES = (2, 3, 3, 3, 12, 11)
_GARBAGE = (b"", b"{", b"\xff\xfe", b"null", b'{"status": 3}', b"<xml/>", b'{"status": 1000}')


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """One body to post, and whom it is about; None for garbage.

    Attributes:
        greatness: what decides between two receipts of one person: rank, time, fate byte.
    """

    body: bytes
    about: tuple[str, int] | None = None
    greatness: tuple[int, int, int] = (0, 0, 0)


@dataclass
class Posted:
    """What became of every parcel."""

    heard: Counter[int] = field(default_factory=Counter)
    kept: list[Parcel] = field(default_factory=list)
    unanswered: list[Parcel] = field(default_factory=list)


def receipts_of(bench: Bench, claims: Sequence[SendClaim]) -> Iterator[Parcel]:
    """Make two receipts for everybody in some batches: a first one, and a final one."""
    key = bench.account.ledger.receipt_key()
    dice = random.Random(7)
    for claim in claims:
        first = bench.record_field(claim.campaign, "first")
        for place in range(len(claim.batch.numbers)):
            position = claim.n * BATCH + place
            number = FIRST_NUMBER + position
            for code, at in ((1, dice.randint(0, 9)), (dice.choice(_CODES), dice.randint(0, 9))):
                fate = fate_of(code)
                assert fate is not None
                body = {
                    "date": datetime.fromtimestamp(_T0 + at, UTC).isoformat(),
                    "status": code,
                    "destination": str(number),
                    "message_id": gsmsmsid(key, first + position, number),
                    "campaign_id": ticket_of(claim),
                }
                yield Parcel(
                    body=json.dumps(body).encode(),
                    about=(claim.campaign, position),
                    greatness=(rank(fate), _T0 + at, fate),
                )


def ticket_of(claim: SendClaim) -> str:
    return f"{claim.campaign}-{claim.n}"


def garbage(count: int) -> list[Parcel]:
    """Make bodies that are no receipts, each another one."""
    return [Parcel(body=_GARBAGE[n % len(_GARBAGE)] + b" " * (n // 7 % 50)) for n in range(count)]


class Poster:
    """Posts parcels as the API may: once each, whatever the answer is, or whether there is one."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.posted = Posted()

    @property
    def done(self) -> int:
        """How many were posted so far."""
        return len(self.posted.kept) + len(self.posted.unanswered)

    def has_done(self, posts: float) -> bool:
        return self.done >= posts

    async def post(self, parcels: Sequence[Parcel], *, pace: float) -> None:
        """Post all of them, over many connections, at most `pace` a second."""
        source = iter(parcels)
        begun = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for _ in range(_CONNECTIONS):
                group.create_task(self._carry(source, begun, pace))

    async def _carry(self, source: Iterator[Parcel], begun: float, pace: float) -> None:
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        for parcel in source:
            early = begun + self.done / pace - asyncio.get_running_loop().time()
            if early > 0:
                await asyncio.sleep(early)
            streams = streams or await self._dial()
            status = 0
            with suppress(OSError, asyncio.IncompleteReadError):
                status = await _ask(*streams, parcel.body)
            if not status:
                streams[1].close()
                streams = None
            self.posted.heard[status] += 1
            kept = self.posted.kept if status == 200 else self.posted.unanswered
            kept.append(parcel)
        if streams:
            streams[1].close()

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while True:
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", self._port)
            await asyncio.sleep(0.02)


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> int:
    head = f"POST /webhooks/{SECRET}/dlr HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    return int(answer.split(b" ", 2)[1])


class Service:
    """A receiver and a consumer, always one of each, however often they are killed."""

    def __init__(self, folder: Path, server: EmbeddedRedis) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        self.spool = folder / "spool"
        self.kills: Counter[str] = Counter()
        self._children = Children(folder)
        self._running: dict[str, Child] = {}
        self._env = {
            "PYTHONPATH": str(ROOT),
            "DISPATCHER_REDIS_URL": server.url,
            "DISPATCHER_BROKER_URL": server.url.removesuffix("0") + "1",
            "DISPATCHER_ACCOUNTS__DEFAULT__TOKEN": "sandbox-token",
            "DISPATCHER_ACCOUNTS__DEFAULT__WEBHOOK_SECRET": SECRET,
            "DISPATCHER_SPOOL_DIR": str(self.spool),
            "DISPATCHER_JOURNAL_DIR": str(folder / "journal"),
        }

    def __enter__(self) -> Self:
        self._children.__enter__()
        for name in _PROCESSES:
            self._start(name)
        return self

    def __exit__(self, *reason: object) -> None:
        self._children.__exit__(None, None, None)

    def kill(self, name: str) -> None:
        """Kill one of the two, and start another in its place; returns once that one is ready."""
        child = self._running[name]
        child.process.kill()
        child.process.wait()
        self.kills[name] += 1
        self._start(name)

    def _start(self, name: str) -> None:
        words, ready = _PROCESSES[name]
        words = [word.format(port=self.port) for word in words]
        child = self._children.start(
            f"{name}{self.kills[name]}", [sys.executable, "-m", *words], env=self._env
        )
        child.announcement(ready)
        self._running[name] = child


_PROCESSES = {
    "receiver": (["dispatcher.web", "--port", "{port}"], "receiver listening"),
    "consumer": (["tests.faults.receipt_consumer"], "consumer ready"),
}


def losses(bench: Bench, posted: Posted) -> list[str]:
    """Say whose receipt got a 200 and is not in their fate, or whose fate nobody told."""
    surely, perhaps = _greatest(posted.kept), _greatest(posted.kept + posted.unanswered)
    told = defaultdict(set)
    for parcel in posted.kept + posted.unanswered:
        if parcel.about:
            told[parcel.about].add(parcel.greatness)
    found = []
    for campaign in sorted({campaign for campaign, _ in perhaps}):
        fates = bench.client.get(bench.keys.of(Key.FATES, campaign)) or b""
        times = bench.client.get(bench.keys.of(Key.TIMES, campaign)) or b""
        assert isinstance(fates, bytes)
        assert isinstance(times, bytes)
        for position in range(bench.status(campaign).recipients):
            fate = fates[position] if position < len(fates) else 0
            at = int.from_bytes(times[4 * position : 4 * position + 4], "big")
            who = campaign, position
            now = (rank(fate), at, fate) if fate >= RECEIPT_BASE else (0, 0, 0)
            if now < surely.get(who, (0, 0, 0)) or (any(now) and now not in told[who]):
                found.append(f"{campaign} {position}: {now}, {surely.get(who)} was answered")
    return found


def _greatest(parcels: Sequence[Parcel]) -> dict[tuple[str, int], tuple[int, int, int]]:
    greatest: dict[tuple[str, int], tuple[int, int, int]] = {}
    for parcel in parcels:
        if parcel.about:
            greatest[parcel.about] = max(greatest.get(parcel.about, (0, 0, 0)), parcel.greatness)
    return greatest
