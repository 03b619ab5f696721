"""Measures how fast receipts are taken and merged, and what a million of them take.

    python -m tests.benchmarks.receipts

The receiver is measured beside the same server without work, in short rounds that take turns,
because other work on the machine changes all figures at once; what is shown are medians. A
quiet machine is wanted all the same. The exit code tells whether everything was merged as it
should be, never how fast.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.merging import Merged, merge_all
from tests.benchmarks.receiving import (
    NO_WORK,
    RECEIVER,
    Arena,
    Rounds,
    redis_benchmark,
)

_AIMS = {f"{RECEIVER}, always": 0.6, f"{RECEIVER}, everysec": 0.8}
_MEBIBYTE = 1 << 20
_MILLION = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a run measured.

    Attributes:
        full: at full speed, by target.
        half: each at half of that.
        closing: with a connection for each request.
        tool: the XADDs a second of `redis-benchmark`, by sync; None when it is not on PATH.
        backlog: stream entries that waited when a burst ended during which a worker merged.
        caught_up: seconds until none waited.
    """

    full: Mapping[str, Rounds]
    half: Mapping[str, Rounds]
    closing: Mapping[str, Rounds]
    tool: Mapping[str, float | None]
    backlog: int
    caught_up: float
    merged: Merged


def main() -> int:
    options = _parser().parse_args()
    print(
        f"{options.connections} connections, {options.rounds} rounds of {options.seconds:g} s each "
        f"in turn; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n",
        flush=True,
    )
    with tempfile.TemporaryDirectory(prefix="receipts-benchmark-") as folder:
        figures = measure(Path(folder), options)
    print("\n".join(rendered(figures)))
    return 1 if figures.merged.problem else 0


def measure(folder: Path, options: argparse.Namespace) -> Figures:
    """Measure the receiver, then merging by itself."""
    with ExitStack() as stack:
        arena = Arena(stack, folder, seconds=options.seconds, connections=options.connections)
        full = arena.compare({**arena.receivers, **arena.bare}, options.rounds)
        rates = {name: rounds.per_second / 2 for name, rounds in full.items()}
        few = max(1, options.rounds // 2)
        half = arena.compare(arena.receivers, few, rates=rates)
        closing = arena.compare(arena.receivers, few, keeps_alive=False)
        tool = {mode: redis_benchmark(server) for mode, server in arena.servers.items()}
        always = f"{RECEIVER}, always"
        backlog, caught_up = arena.keep_up(arena.receivers[always], rates[always])
    return Figures(
        full=full,
        half=half,
        closing=closing,
        tool=tool,
        backlog=backlog,
        caught_up=caught_up,
        merged=merge_all(folder / "merging", options.recipients),
    )


def rendered(figures: Figures) -> Iterator[str]:
    """Lay the figures out for people."""
    yield (
        f"{'at full speed':<32}{'a second':>10}{'lowest':>9}{'highest':>9}{'us CPU':>8}{'ratio':>7}"
    )
    base = figures.full[NO_WORK].per_second
    for name, rounds in figures.full.items():
        low, high = rounds.spread
        aim = f"  (aim {_AIMS[name]:g})" if name in _AIMS else ""
        yield (
            f"  {name:<30}{rounds.per_second:>10,.0f}{low:>9,.0f}{high:>9,.0f}"
            f"{1e6 * rounds.each:>8.1f}{rounds.per_second / base:>7.2f}{aim}"
        )
    for mode, speed in figures.tool.items():
        shown = f"{speed:>10,.0f}" if speed else f"{'cannot be run':>16}"
        yield f"  {f'redis-benchmark XADD, {mode}':<30}{shown}"
    yield ""
    yield f"{'at half of it':<32}{'a second':>10}{'p50 ms':>9}{'p99 ms':>9}   (aim: p99 below 50)"
    for name, rounds in figures.half.items():
        p50, p99 = rounds.delay("median"), rounds.delay("p99")
        yield f"  {name:<30}{rounds.per_second:>10,.0f}{p50:>9.1f}{p99:>9.1f}"
    yield ""
    yield f"{'a connection for each':<32}{'a second':>10}{'p50 ms':>9}{'p99 ms':>9}{'ratio':>8}"
    closing = figures.closing[NO_WORK].per_second
    for name, rounds in figures.closing.items():
        p50, p99 = rounds.delay("median"), rounds.delay("p99")
        ratio = rounds.per_second / closing
        yield f"  {name:<30}{rounds.per_second:>10,.0f}{p50:>9.1f}{p99:>9.1f}{ratio:>8.2f}"
    yield ""
    yield from _merging(figures)
    answers = (figures.full, figures.half, figures.closing)
    bad = sum(a.bad for found in answers for rounds in found.values() for a in rounds.answers)
    yield f"{bad:,} answers were not good ones"
    wrong = figures.merged.problem
    yield f"WRONG: {wrong}" if wrong else "Correct: every receipt was merged."


def _merging(figures: Figures) -> Iterator[str]:
    merged = figures.merged
    yield (
        f"A worker merging meanwhile, at half speed: {figures.backlog:,} entries waited at the "
        f"end, none {figures.caught_up:.2f} s later"
    )
    busy = (merged.ours + merged.server) / merged.recipients
    yield (
        f"Merging by itself: {merged.per_second:,.0f} receipts/s of wall time, "
        f"{1 / busy:,.0f} a second of processor time "
        f"({1e6 * merged.ours / merged.recipients:.1f} us worker, "
        f"{1e6 * merged.server / merged.recipients:.1f} us Redis; aim 100,000); "
        f"a script call takes {merged.call:.1f} ms"
    )
    each = merged.redis_bytes / merged.recipients
    yield (
        f"Redis memory of {merged.recipients:,} recipients with number, id and receipt: "
        f"{merged.redis_bytes / _MEBIBYTE:.1f} MiB, "
        f"{each * _MILLION / _MEBIBYTE:.1f} MiB a million (aim below 100)"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.receipts", description=__doc__)
    add = parser.add_argument
    add("--rounds", type=int, default=7, help="at full speed; half as many of the others")
    add("--seconds", type=float, default=2.0, help="of each target in each round")
    add("--connections", type=int, default=128, help="that post at the same time")
    add("--recipients", type=int, default=_MILLION, help="whose receipts are merged")
    return parser


if __name__ == "__main__":
    sys.exit(main())
