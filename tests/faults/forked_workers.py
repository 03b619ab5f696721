"""Forks workers that call the steps without Celery, and tells how they ended.

Reads orders, one JSON document a line, and answers each with the exit codes of its workers;
forking a process that has everything loaded makes hundreds of crashes affordable.
"""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from dispatcher.domain.lifecycle import CampaignState
from dispatcher.settings import Settings
from tests.faults.rig import Inbox, make_settings, store_on_test_clock
from tests.support.paced import under_a_budget
from tests.support.warm import WarmPopen
from workers.milestones import Milestone, Trace
from workers.resources import Resources, trace_to_log
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.send import send_next

ROOT = Path(__file__).parents[2]

_UNDER_WAY = (CampaignState.QUEUED, CampaignState.QUOTING, CampaignState.SENDING)
_MANY = 1000


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where workers find their Redis, their API and a folder."""

    redis_url: str
    api_url: str
    folder: str

    @classmethod
    def of(cls, settings: Settings) -> "Place":
        """Name what settings made by the rig have."""
        return cls(
            redis_url=settings.redis_url.get_secret_value(),
            api_url=settings.api_url,
            folder=str(settings.journal_dir.parent),
        )


class Crash(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A worker for each campaign, which kills itself as it passes the milestone.

    Attributes:
        rate: segments a second of the account's budget; None without one.
    """

    place: Place
    milestone: Milestone
    campaigns: Sequence[str]
    rate: float | None = None


class Race(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Workers that work on whatever there is, until so many campaigns are sent or held."""

    place: Place
    workers: int
    campaigns: int


class Nursery:
    """The forking process, as tests see it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def carry_out(self, order: Crash | Race) -> list[int]:
        """Wait until all workers of an order have ended; give their exit codes."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(msgspec.json.encode(order).decode(), file=self._process.stdin, flush=True)
        return msgspec.json.decode(self._process.stdout.readline(), type=list[int])


@contextmanager
def running_nursery() -> Iterator[Nursery]:
    """Run this module in a process of its own."""
    command = [sys.executable, "-m", "tests.faults.forked_workers"]
    with WarmPopen[str](
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        yield Nursery(process)


def main() -> None:
    """Carry out orders until there are no more."""
    for line in sys.stdin.buffer:
        order = msgspec.json.decode(line, type=Crash | Race)
        pids = [_fork(work) for work in _work_of(order)]
        exits = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
        print(msgspec.json.encode(exits).decode(), flush=True)


def _work_of(order: Crash | Race) -> list[Callable[[], None]]:
    if isinstance(order, Race):
        return [lambda seed=seed: _race(order, seed) for seed in range(order.workers)]  # type: ignore[misc]  # a lambda's default has no type
    return [lambda campaign=campaign: _crash(order, campaign) for campaign in order.campaigns]  # type: ignore[misc]  # as above


def _fork(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        # Standard output carries our answers.
        os.dup2(2, 1)
        work()
        os._exit(0)
    finally:
        os._exit(1)


def _crash(order: Crash, campaign: str) -> None:
    def crash(milestone: Milestone, _campaign: str, _n: int) -> None:
        if milestone is order.milestone:
            os.kill(os.getpid(), signal.SIGKILL)

    account = _open(order.place, crash).accounts[0]
    if order.rate is not None:
        account = under_a_budget(account, order.rate)
    for step in (quote_next, send_next):
        while step(account, campaign) is Progress.MADE:
            pass


def _race(order: Race, seed: int) -> None:
    dice = random.Random(seed)
    account = _open(order.place, trace_to_log).accounts[0]
    campaigns = account.store.campaigns
    under_way = [""]
    while under_way or len(campaigns.newest(_MANY)) < order.campaigns:
        known = campaigns.newest(_MANY)
        under_way = [name for name in known if campaigns.status(name).state in _UNDER_WAY]
        for campaign in dice.sample(under_way, len(under_way)):
            quote_next(account, campaign)
            send_next(account, campaign)


def _open(place: Place, trace: Trace) -> Resources:
    settings = make_settings(place.redis_url, place.api_url, Path(place.folder))
    return Resources(settings, Inbox(settings), trace=trace, open_store=store_on_test_clock)


if __name__ == "__main__":
    main()
