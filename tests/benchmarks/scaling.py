"""Measures how throughput grows with worker processes, at an API that takes its time.

    python -m tests.benchmarks.scaling --workers 1 2 4 8

Every run sends the same campaigns through a sandbox, a durable Redis, beat and so many workers.
Each worker has few threads, so that waiting for the API is what takes time; `of what waiting
allows` compares with threads that did nothing but wait, and the processor columns show where the
machine ends instead of the design. The exit code tells whether every recipient was sent to exactly
once, never how fast.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import psutil

from dispatcher import Campaign
from dispatcher.domain.lifecycle import CampaignState
from tests.benchmarks.fleet import Fleet, fleet
from tests.benchmarks.oracle import problems_of
from tests.benchmarks.workload import TEXT, Workload
from tests.support.polling import eventually

_CALLS_A_BATCH = 2
"""A simulation and a send."""
_SLACK_SECONDS = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What every run sends: so many campaigns of so many batches of so many recipients."""

    campaigns: int
    batches: int
    batch_size: int

    @property
    def recipients(self) -> int:
        return self.campaigns * self.batches * self.batch_size

    @property
    def posts(self) -> int:
        return self.campaigns * self.batches

    def numbers(self) -> Iterator[str]:
        return Workload(recipients=self.recipients).numbers()


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """How one number of workers did.

    Attributes:
        workers: how many.
        seconds: from the first submission to the last ticket.
        ours: processors that the processes of this run kept busy.
        all: those that anything on this machine did.
    """

    workers: int
    seconds: float
    ours: float
    all: float


class Processors:
    """How much of the machine is used from now on."""

    def __init__(self) -> None:
        self._began, self._ours, self._all = time.perf_counter(), _of_ours(), _of_all()

    def used(self, seconds: float) -> tuple[float, float]:
        """Give the processors kept busy by our processes, and by all, in these seconds."""
        return (_of_ours() - self._ours) / seconds, (_of_all() - self._all) / seconds


def main() -> int:
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    load = Load(campaigns=options.campaigns, batches=options.batches, batch_size=options.batch_size)
    print(
        f"{load.campaigns:,} campaigns, {load.posts:,} POSTs, {load.recipients:,} recipients; API "
        f"latency {1000 * options.latency:.0f} ms, {options.threads} threads a worker, "
        f"{os.cpu_count()} processors\n\n{_HEAD}",
        flush=True,
    )
    problems: list[str] = []
    first: Run | None = None
    for workers in options.workers:
        with tempfile.TemporaryDirectory(prefix="scaling-benchmark-") as folder:
            run, wrong = measure(load, workers, options, Path(folder))
        first = first or run
        print(rendered(run, first, load, options), flush=True)
        problems += [f"WRONG with {workers} worker(s): {what}" for what in wrong]
    print("\n" + ("\n".join(problems) or _CORRECT))
    return 1 if problems else 0


def measure(
    load: Load, workers: int, options: argparse.Namespace, folder: Path
) -> tuple[Run, Sequence[str]]:
    """Send the load with so many workers, and look who was sent to."""
    few = {
        "DISPATCHER_CONCURRENCY": str(options.threads),
        "DISPATCHER_BATCH_SIZE": str(load.batch_size),
    }
    with fleet(folder, workers=workers, latency=options.latency, budget=few) as ours:
        processors, began = Processors(), time.perf_counter()
        names = _submit(ours, load)
        slowest = _SLACK_SECONDS + 4 * _waiting(load, workers, options)
        eventually(_Sending(ours, names).is_over, within=slowest, every=0.05)
        seconds = time.perf_counter() - began
        of_ours, of_all = processors.used(seconds)
        cost = sum(ours.dispatcher.status(name).cost for name in names)
        wrong = problems_of(
            ours.oracle.posted(), wanted=load.numbers(), posts=load.posts, cost=cost
        )
    return Run(workers=workers, seconds=seconds, ours=of_ours, all=of_all), wrong


def rendered(run: Run, first: Run, load: Load, options: argparse.Namespace) -> str:
    """Lay out one line of the table."""
    ratio = (first.seconds * first.workers) / (run.seconds * run.workers)
    allowed = _waiting(load, run.workers, options) / run.seconds
    return (
        f"{run.workers:>7}{run.seconds:>9.2f}{load.recipients / run.seconds:>14,.0f}"
        f"{load.posts / run.seconds:>9.1f}{ratio:>17.2f}{allowed:>17.2f}"
        f"{run.ours:>10.2f}{run.all:>7.2f}"
    )


_HEAD = (
    f"{'workers':>7}{'seconds':>9}{'recipients/s':>14}{'POSTs/s':>9}{'ratio to linear':>17}"
    f"{'of what waiting':>17}{'processors':>17}\n{'':>56}{'allows':>17}{'ours':>10}{'all':>7}"
)
_CORRECT = "Correct: every recipient was sent to once, for the cost on record."


def _waiting(load: Load, workers: int, options: argparse.Namespace) -> float:
    """Give the seconds it takes when nothing but waiting for the API takes time."""
    calls = load.posts * _CALLS_A_BATCH
    return float(calls * options.latency / (workers * options.threads))


def _submit(ours: Fleet, load: Load) -> list[str]:
    numbers = load.numbers()
    each = load.batches * load.batch_size
    return [
        ours.dispatcher.submit(Campaign(text=TEXT, recipients=list(islice(numbers, each))))
        for _ in range(load.campaigns)
    ]


class _Sending:
    """Campaigns that are not sent yet; each is asked about until it is, and then no more."""

    def __init__(self, ours: Fleet, names: Sequence[str]) -> None:
        self._ours = ours
        self._left = list(reversed(names))

    def is_over(self) -> bool:
        while self._left:
            if self._ours.dispatcher.status(self._left[-1]).state is not CampaignState.SENT:
                return False
            self._left.pop()
        return True


def _of_ours() -> float:
    me = psutil.Process()
    total = 0.0
    for process in (me, *me.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _of_all() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.scaling", description=__doc__)
    add = parser.add_argument
    add("--workers", type=int, nargs="+", default=[1, 2, 4, 8], help="processes, in turn")
    add("--threads", type=int, default=2, help="of each worker")
    add("--campaigns", type=int, default=200)
    add("--batches", type=int, default=3, help="of each campaign")
    add("--batch-size", type=int, default=50, help="recipients of one POST")
    add("--latency", type=float, default=0.1, help="seconds each call of the API takes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
