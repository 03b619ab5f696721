"""What goes wrong in the kill loop, and who keeps the service running meanwhile."""

import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis

from dispatcher import Campaign
from dispatcher.errors import StoreUnavailableError
from tests.support.people import generated
from tests.support.polling import eventually
from tests.support.stack import Stack
from tests.support.warm import WarmPopen
from workers.milestones import Milestone

ROOT = Path(__file__).parents[2]

SEND_FAULTS = {
    "drop_before": 0.03,
    "drop_after": 0.05,
    "http_before:502": 0.02,
    "http_after:502": 0.03,
    "status_after:-99": 0.03,
    "status_before:-3": 0.02,
    "slow_after:3": 0.02,
}
QUOTE_FAULTS = {
    "drop_before": 0.05,
    "http_before:502": 0.08,
    "slow_before:3": 0.03,
    "status_before:-3": 0.04,
}
"""Shares of calls; a fifth of either."""


class Nursery:
    """Keeps some workers running, whatever they die of."""

    def __init__(self, stack: Stack, *, workers: int) -> None:
        self._process = WarmPopen[str](
            [sys.executable, "-m", "tests.faults.worker_nursery", str(stack.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **stack.env},
        )
        self.killed: list[int] = []
        self.exits = 0
        self._pids = [self._start() for _ in range(workers)]

    def kill(self, place: int) -> None:
        """Kill one worker, and start another in its place."""
        pid = self._pids[place]
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.killed.append(pid)
        self._pids[place] = self._start()

    def replace_the_dead(self) -> None:
        """Start a worker for each that ended by itself."""
        for place, pid in enumerate(self._pids):
            if not Path(f"/proc/{pid}").exists():
                self.exits += 1
                self._pids[place] = self._start()

    def close(self) -> None:
        """End all workers."""
        self._process.communicate()

    def _start(self) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print("start", file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())


@dataclass(kw_only=True)
class Submissions:
    """A producer that goes on whatever happens: it repeats a submit that failed."""

    stack: Stack
    sizes: Sequence[int]
    pause: float
    confirmed: dict[str, int] = field(default_factory=dict)

    def run(self) -> None:
        """Submit every campaign, each to people of its own."""
        people = generated(sum(self.sizes))
        for place, size in enumerate(self.sizes):
            recipients = list(itertools.islice(people, size))
            campaign = Campaign(recipients=recipients, text="Bonjour")
            self.confirmed[self._submit(campaign, f"campaign {place}")] = size
            let_time_pass(self.pause)

    def _submit(self, campaign: Campaign, key: str) -> str:
        while True:
            with contextlib.suppress(StoreUnavailableError):
                return self.stack.dispatcher.submit(campaign, idempotency_key=key)


@contextmanager
def submitting(submissions: Submissions) -> Iterator[None]:
    """Submit in the background; wait for the last one at the end."""
    thread = threading.Thread(target=submissions.run)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def sizes(count: int, dice: random.Random) -> list[int]:
    """Draw sizes of campaigns: single messages, some batches, and a few of many."""
    ranges = ((1, 1), (2, 100), (101, 400), (2000, 2500))
    drawn = dice.choices(ranges, weights=(25, 45, 28, 2), k=count)
    return [dice.randint(*bounds) for bounds in drawn]


def rage(stack: Stack, nursery: Nursery, dice: random.Random, *, kills: int) -> None:
    """Kill workers at random; flush the broker once, and kill Redis twice, in between."""
    for place in range(kills):
        let_time_pass(dice.uniform(0.4, 1.6))
        nursery.replace_the_dead()
        nursery.kill(dice.randrange(2))
        if place in (kills // 4, 3 * kills // 4):
            stack.redis.kill()
            let_time_pass(0.3)
            stack.redis.start()
        elif place == kills // 2:
            with redis.Redis(port=stack.redis.port, db=1) as broker:
                broker.flushdb()


def plan_faults(stack: Stack, seed: int) -> None:
    """Let a fifth of all quotes and sends go wrong."""
    for route, faults in (("POST /send", SEND_FAULTS), ("POST /send/simulate", QUOTE_FAULTS)):
        order = {"faults": faults, "route": route, "seed": seed}
        stack.sandbox.control("POST", "faults", order)


def calm(stack: Stack) -> Counter[str]:
    """Let nothing go wrong any more; tell what did."""
    injected = stack.sandbox.control("GET", "faults")["injected"]
    stack.sandbox.control("DELETE", "faults")
    return Counter(injected)


def hit_in_flight(stack: Stack, killed: Sequence[int], lost: set[tuple[str, str]]) -> Counter[int]:
    """Count, per killed worker, the sends that it was carrying.

    `lost` are the batches that left `sending` without a word of the worker that had them.
    """
    carriers: dict[tuple[str, str], int] = {}
    for line in (stack.directory / "milestones").read_text().splitlines():
        pid, milestone, campaign, n = line.split()
        if milestone == Milestone.CLAIMED.name:
            carriers[campaign, n] = int(pid)
    return Counter(pid for batch, pid in carriers.items() if batch in lost and pid in killed)


def let_time_pass(seconds: float) -> None:
    """Let wall-clock time go by: the faults of a storm come at their own pace."""
    with contextlib.suppress(AssertionError):
        eventually(lambda: False, within=seconds)
