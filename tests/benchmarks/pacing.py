"""Measures how well an account's budget is kept and used, however many workers share it.

    python -m tests.benchmarks.pacing --workers 1 4 16

Prints for each number of worker processes the mean rate and the fullest second, as the sandbox saw
the POSTs arrive and as Redis granted them. With `--connecting 0 0.15 0.4` it does so once more for
connections, by TLS, that take up to so many seconds. The exit code tells whether every recipient
was sent to exactly once, never how well the rate was kept: that is for whoever reads it.
"""

import argparse
import itertools
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dispatcher import Campaign
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.store.connection import connect
from dispatcher.store.keys import Key, Keys
from tests.benchmarks.fleet import Fleet, fleet
from tests.benchmarks.oracle import problems_of
from tests.benchmarks.workload import TEXT, Workload
from tests.support.polling import eventually

_SLACK_SECONDS = 60
# By then, workers have learned how long a connection takes.
_SETTLED_SECONDS = 5
# Whatever once was late comes again in each of these, so that only whole ones tell a rate.
_WINDOW_SECONDS = 1.005
_MAY_BE_SECOND = 1.0


class Post(NamedTuple):
    """When so many segments went out, in seconds."""

    at: float
    segments: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """How a budget was kept.

    Attributes:
        seconds: from the first POST to the last.
        mean: segments a second in that time.
        settled: the same without the first seconds, in whole windows; 0 when there are none.
        clock: the most in a second of the clock.
        sliding: the most in any second.
    """

    seconds: float
    mean: float
    settled: float
    clock: int
    sliding: int


def main() -> int:
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    problems: list[str] = []
    print(f"budget: {options.rate:g} segments a second, API latency {options.latency:g} s")
    for workers, connecting in itertools.product(options.workers, options.connecting):
        with tempfile.TemporaryDirectory(prefix="pacing-benchmark-") as folder:
            problems += measure(options, workers, connecting, Path(folder))
    print("\n".join(problems) or "Correct: every recipient was sent to once")
    return 1 if problems else 0


def measure(
    options: argparse.Namespace, workers: int, connecting: float, folder: Path
) -> Sequence[str]:
    """Send one campaign under the budget, and print how that was kept."""
    workload = Workload(recipients=int(options.rate * options.seconds))
    budget = {"DISPATCHER_ACCOUNTS__DEFAULT__RATE": str(options.rate)}
    with fleet(
        folder, workers=workers, latency=options.latency, budget=budget, connecting=connecting
    ) as ours:
        campaign = ours.dispatcher.submit(Campaign(text=TEXT, recipients=workload.numbers()))
        within = options.seconds * 2 + _SLACK_SECONDS
        eventually(lambda: _is_sent(ours, campaign), within=within, every=0.2)
        status = ours.dispatcher.status(campaign)
        posted = list(ours.oracle.posted())
        granted = _granted(ours, campaign, status.batches)
    print(f"{workers} worker(s), connected within {connecting:g} s")
    arrived = [Post(each.accepted_seconds, len(each.messages)) for each in posted]
    _show("arrived", kept(arrived), options.rate)
    _show("granted", kept(granted), options.rate)
    return problems_of(posted, wanted=workload.numbers(), posts=status.batches, cost=status.cost)


def kept(posts: Sequence[Post]) -> Kept:
    """Say how a budget was kept by POSTs at these moments."""
    posts = sorted(posts)
    seconds = posts[-1].at - posts[0].at
    # The last one uses up the time after it.
    segments = sum(post.segments for post in posts[:-1])
    clock: Counter[int] = Counter()
    for post in posts:
        clock[int(post.at)] += post.segments
    fullest, inside, first = 0, 0, 0
    for post in posts:
        inside += post.segments
        while posts[first].at <= post.at - _MAY_BE_SECOND:
            inside -= posts[first].segments
            first += 1
        fullest = max(fullest, inside)
    return Kept(
        seconds=seconds,
        mean=segments / seconds if seconds else 0.0,
        settled=_settled(posts),
        clock=max(clock.values()),
        sliding=fullest,
    )


def _settled(posts: Sequence[Post]) -> float:
    since = posts[0].at + _SETTLED_SECONDS
    seconds = (posts[-1].at - since) // _WINDOW_SECONDS * _WINDOW_SECONDS
    if seconds <= 0:
        return 0.0
    return sum(post.segments for post in posts if since <= post.at < since + seconds) / seconds


def _is_sent(ours: Fleet, campaign: str) -> bool:
    return ours.dispatcher.status(campaign).state is CampaignState.SENT


def _granted(ours: Fleet, campaign: str, batches: int) -> list[Post]:
    """Read the slot of every batch."""
    keys = Keys("sms", "default")
    with connect(ours.server.url) as redis:
        fields = (
            redis.hmget(keys.of(Key.BATCH, campaign, n), ["slot", "weight"]) for n in range(batches)
        )
        return [Post(int(slot or 0) / 1000, int(weight or 0)) for slot, weight in fields]


def _show(what: str, found: Kept, rate: float) -> None:
    deviation, settled = ((mean / rate - 1) * 100 for mean in (found.mean, found.settled))
    print(
        f"    {what}: {found.seconds:6.2f} s, mean {found.mean:8.3f}/s "
        f"({deviation:+.2f} %, {settled:+.2f} % after {_SETTLED_SECONDS} s), "
        f"fullest clock second {found.clock}, fullest second {found.sliding}",
        flush=True,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.pacing", description=__doc__)
    add = parser.add_argument
    add("--workers", type=int, nargs="+", default=[1, 4, 16], help="worker processes, in turn")
    add("--rate", type=float, default=100, help="segments a second")
    add("--seconds", type=int, default=30, help="how long each campaign is to take")
    add("--connecting", type=float, nargs="+", default=[0], help="seconds to connect at most")
    add("--latency", type=float, default=0.05, help="seconds each call of the API takes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
