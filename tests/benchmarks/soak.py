"""Looks for memory that grows, and keys that stay, under a mixed load of some minutes.

    python -m tests.benchmarks.soak --minutes 10

Campaigns go directly, by lists, later and from foreign producers, some are cancelled, receipts come
back; a monitor is scraped all the while. Prints what each process has to itself, and by how much
that grew in the second half of the time. The exit code tells whether every campaign ended well and
nothing is left in Redis that no rule ends; growth is for whoever reads it to judge.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil
import redis

from dispatcher.domain.lifecycle import CampaignState
from dispatcher.store.families import FAMILIES, Ends
from dispatcher.store.keys import Key
from tests.faults.rolling import Load, under
from tests.faults.storm import let_time_pass
from tests.support.foreign import ForeignProducer
from tests.support.polling import eventually
from tests.support.stack import Stack

_CREDITS = 100_000_000
_MEBIBYTE = 1024 * 1024
_MONITOR_READY = r"monitor listening on (\S+)"
_ENV = {
    "DISPATCHER_BATCH_SIZE": "50",
    "DISPATCHER_LIST_SIZE": "50",
    "DISPATCHER_CONCURRENCY": "8",
    "DISPATCHER_HANDOVER_LEAD": "PT2S",
}
_SANDBOX = ("--latency", "0.05", "--receipt-delay", "0.3")
_REST_SECONDS = 180
_WELL = frozenset({CampaignState.FINISHED, CampaignState.CANCELLED})
# Of these, something is left of campaigns that are over until their people, or records, are erased.
_LATER = frozenset(
    {
        Ends.NEVER,
        Ends.LISTED,
        Ends.WITH_PEOPLE,
        Ends.WITH_BATCHES,
        Ends.WITH_RECORD,
        Ends.WITH_REPLIES,
        Ends.AS_STRANGERS,
        Ends.AS_PEOPLE,
    }
)
# What waits for the end of a moment, and streams that are read and empty.
_MAY_STAY = frozenset({Key.ENDED, Key.SLOTS, Key.TICKETS, Key.CLEANUP})

Samples = Mapping[str, Sequence[int]]


def main() -> int:
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        problems = soak(Path(folder), minutes=options.minutes, pause=options.pause)
    print(
        "\n".join(f"WRONG: {each}" for each in problems) or "Correct: all ended, nothing is left."
    )
    return 1 if problems else 0


def soak(folder: Path, *, minutes: float, pause: float) -> list[str]:
    """Keep a load up, print what memory did, and list what is not as it should be."""
    with (
        Stack(folder, credits=_CREDITS, sandbox_options=_SANDBOX, env=_ENV) as stack,
        ForeignProducer(stack.env["DISPATCHER_BROKER_URL"]) as foreign,
    ):
        pids, board = _started(stack)
        load = Load(stack=stack, foreign=foreign, dice=random.Random(1), pause=pause)
        with under(load):
            samples = _watched(pids, board, minutes=minutes)
        eventually(lambda: _is_over(stack, load), within=_REST_SECONDS, every=1.0)
        print(_rendered(samples, len(load.confirmed), minutes))
        with redis.Redis(port=stack.redis.port) as client:
            print(f"Redis: {client.info('memory')['used_memory'] / _MEBIBYTE:.1f} MiB")
            left = list(_left_over(client))
        ends = Counter(stack.dispatcher.status(name).state for name in load.confirmed)
    return left + [
        f"{n} campaigns are {state.value}" for state, n in ends.items() if state not in _WELL
    ]


def _started(stack: Stack) -> tuple[dict[str, int], str]:
    """Start one process of each kind; give their ids, and the address of the monitor."""
    worker, beat = stack.start_worker()[0], stack.start_beat()
    stack.start_web()
    assert stack.web is not None
    reader = stack._sign_in("monitor", "monitor")
    monitor = stack._start("monitor", "-m", "dispatcher", "monitor", "--port", "0", **reader)
    children = {"worker": worker, "beat": beat, "web": stack.web, "monitor": monitor}
    pids = {name: child.process.pid for name, child in children.items()}
    return pids, monitor.announcement(_MONITOR_READY)


def _watched(pids: Mapping[str, int], board: str, *, minutes: float) -> Samples:
    """Note every few seconds what each process has to itself."""
    samples: defaultdict[str, list[int]] = defaultdict(list)
    until = time.monotonic() + 60 * minutes
    while time.monotonic() < until:
        for page in ("/metrics", "/depth"):
            with urllib.request.urlopen(board + page, timeout=30) as answer:  # noqa: S310 - our own
                answer.read()
        for name, pid in pids.items():
            samples[name].append(psutil.Process(pid).memory_full_info().uss)
        let_time_pass(2)
    return samples


def _rendered(samples: Samples, campaigns: int, minutes: float) -> str:
    """Lay out what each process had in the middle and at the end, each the mean of a tenth."""
    lines = [
        f"{campaigns:,} campaigns in {minutes:g} minutes",
        f"{'process':<10}{'half-way MiB':>14}{'at the end':>12}{'more per 1,000 campaigns':>26}",
    ]
    for name, found in samples.items():
        tenth = max(1, len(found) // 10)
        half = _mean(found[len(found) // 2 :][:tenth])
        end = _mean(found[-tenth:])
        each = (end - half) / (campaigns / 2) * 1000
        lines.append(f"{name:<10}{half:>14.2f}{end:>12.2f}{each:>26.2f}")
    return "\n".join(lines)


def _mean(found: Sequence[int]) -> float:
    return sum(found) / len(found) / _MEBIBYTE


def _is_over(stack: Stack, load: Load) -> bool:
    return (
        not stack.sandbox.control("GET", "receipts")["waiting"]
        and not stack.dispatcher._open(None).receipts.waiting()
        and all(stack.dispatcher.status(name).is_over for name in load.confirmed)
    )


def _left_over(client: "redis.Redis") -> Iterator[str]:
    """Find keys of no family, keys without a lifetime, and what is left of what is over."""
    prefix = "sms:{default}:"
    families = sorted(FAMILIES, key=lambda key: len(key.value), reverse=True)
    for raw in client.scan_iter(count=1000):
        name = raw.decode()
        rest = name.removeprefix(prefix)
        key = next((key for key in families if _is_of(rest, key)), None)
        if not name.startswith(prefix) or key is None:
            yield f"{name} is of no family"
        elif FAMILIES[key].ends is Ends.BY_LIFETIME:
            if client.ttl(name) < 0:
                yield f"{name} has no lifetime"
        elif client.type(name) == b"stream" and not client.xlen(name):
            continue
        elif FAMILIES[key].ends not in _LATER and key not in _MAY_STAY:
            yield f"{name} is left, of {key.name}"


def _is_of(rest: str, key: Key) -> bool:
    return rest.startswith(key.value) if key.value.endswith(":") else rest == key.value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.soak", description=__doc__)
    add = parser.add_argument
    add("--minutes", type=float, default=10, help="how long the load lasts")
    add("--pause", type=float, default=0.1, help="seconds between two campaigns")
    return parser


if __name__ == "__main__":
    sys.exit(main())
