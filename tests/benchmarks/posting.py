"""Asks a server over and over, from a process of its own, and measures its answers.

    python -m tests.benchmarks.posting < plan    # a msgpack `Plan`; prints a JSON `Answered`

It speaks no protocol: it sends a question and takes whatever has a given mark in it for the
answer. So one and the same client measures HTTP servers and Redis.
"""

import asyncio
import itertools
import sys
import time
from collections import deque
from collections.abc import Sequence
from typing import cast

import msgspec
import uvloop

_TICK = 0.002
_PATIENCE = 20.0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask, and how.

    Attributes:
        questions: each a whole request; asked in turn, over and over.
        good: how an answer begins that counts.
        mark: what the end of each answer has in it.
        connections: how many ask at the same time.
        seconds: how long to ask.
        rate: questions a second, whatever the answers take; 0 asks again after each answer.
        keeps_alive: False opens a connection for each question.
    """

    host: str
    port: int
    questions: Sequence[bytes]
    good: bytes
    mark: bytes
    connections: int
    seconds: float
    rate: float = 0.0
    keeps_alive: bool = True


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a plan.

    Attributes:
        count: how many good answers there were.
        bad: how many others, or none.
        seconds: from the first question to the last answer.
        median: of the milliseconds from when a question was due to its answer.
        p99: of the same.
    """

    count: int
    bad: int
    seconds: float
    median: float
    p99: float

    @property
    def per_second(self) -> float:
        return self.count / self.seconds


class Asker:
    """Works a plan off."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._questions = itertools.cycle(plan.questions)
        self._delays: list[float] = []
        self._bad = 0
        self._busy = 0
        self._closing = False
        self._over = asyncio.Event()
        self._idle: list[_Line] = []
        self._due: deque[float] = deque()

    async def run(self) -> Answered:
        """Ask until the time is over and the last question is answered."""
        lines = [await self._dial() for _ in range(self.plan.connections)]
        started = time.perf_counter()
        if self.plan.rate:
            self._idle = lines
            await self._ask_at_rate(started)
        else:
            for line in lines:
                self._ask(line, time.perf_counter())
            await asyncio.sleep(self.plan.seconds)
        self._closing = True
        if self._busy:
            async with asyncio.timeout(_PATIENCE):
                await self._over.wait()
        return self._summary(time.perf_counter() - started)

    def answered(self, line: "_Line", *, good: bool) -> None:
        """Take note of an answer, and ask the next question if it is time."""
        self._busy -= 1
        if good:
            self._delays.append(time.perf_counter() - line.due)
        else:
            self._bad += 1
        if self._closing:
            if not self._busy:
                self._over.set()
            return
        if not self.plan.keeps_alive:
            # A task of its own: whoever answered is about to close this connection, as asked.
            line.redial = asyncio.ensure_future(self._ask_anew())
        elif self._due:
            self._ask(line, self._due.popleft())
        elif self.plan.rate:
            self._idle.append(line)
        else:
            self._ask(line, time.perf_counter())

    async def _ask_anew(self) -> None:
        due = time.perf_counter()
        self._ask(await self._dial(), due)

    async def _dial(self) -> "_Line":
        loop = asyncio.get_running_loop()
        plan = self.plan
        _, line = await loop.create_connection(lambda: _Line(self), plan.host, plan.port)
        return line

    async def _ask_at_rate(self, started: float) -> None:
        asked, total = 0, int(self.plan.rate * self.plan.seconds)
        while asked < total:
            now = time.perf_counter()
            while asked < total and (due := started + asked / self.plan.rate) <= now:
                asked += 1
                if self._idle:
                    self._ask(self._idle.pop(), due)
                else:
                    self._due.append(due)
            await asyncio.sleep(_TICK)

    def _ask(self, line: "_Line", due: float) -> None:
        self._busy += 1
        line.ask(next(self._questions), due)

    def _summary(self, seconds: float) -> Answered:
        delays = sorted(self._delays) or [float("nan")]
        return Answered(
            count=len(self._delays),
            bad=self._bad,
            seconds=seconds,
            median=1000 * delays[len(delays) // 2],
            p99=1000 * delays[len(delays) * 99 // 100],
        )


class _Line(asyncio.Protocol):
    """A connection, with at most one question that is not answered."""

    due = 0.0
    redial: "asyncio.Future[None] | None" = None

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._good = asker.plan.good
        self._mark = asker.plan.mark
        self._heard = b""
        self._asking = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's own are of no class of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, question: bytes, due: float) -> None:
        """Send a question that was due at a time of `perf_counter`."""
        self.due = due
        self._asking = True
        self._transport.write(question)

    def data_received(self, data: bytes) -> None:
        heard = self._heard + data if self._heard else data
        if self._mark not in heard:
            self._heard = heard
            return
        self._heard = b""
        self._asking = False
        self._asker.answered(self, good=heard.startswith(self._good))

    def connection_lost(self, _: Exception | None) -> None:
        if self._asking:
            self._asking = False
            self._asker.answered(self, good=False)


def main() -> None:
    plan = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Plan)
    answered = uvloop.run(Asker(plan).run())
    sys.stdout.write(msgspec.json.encode(answered).decode())


if __name__ == "__main__":
    main()
