"""Measures our dispatch beside a bare loop, a script and plain Celery, on one sandbox.

    python -m tests.benchmarks.dispatch --recipients 1000000

Everything runs on this machine and ends with this process. Recipients are made before any clock
starts: our dispatch reads them from a file, as the bare loop finds its bodies built. The exit
code tells whether every recipient was sent to exactly once, never how fast.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from dispatcher.domain.lifecycle import CampaignState
from tests.benchmarks.oracle import Oracle, problems_of
from tests.benchmarks.others import post_bare, post_by_tasks, post_singly
from tests.benchmarks.ours import Dispatched, dispatch
from tests.benchmarks.processes import running
from tests.benchmarks.report import Figures, rendered
from tests.benchmarks.workload import CREDITS, Workload

_READY = "sandbox listening on "


def main() -> int:
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    workload = Workload(recipients=options.recipients, batch_size=options.batch_size)
    sample = Workload(recipients=min(options.sample, options.recipients))
    print(
        f"{workload.recipients:,} recipients in {workload.batches:,} batches, a sample of "
        f"{sample.recipients:,} for c and d; {os.cpu_count()} cores, {options.workers} worker(s)\n",
        flush=True,
    )
    with tempfile.TemporaryDirectory(prefix="dispatch-benchmark-") as folder:
        figures = measure(workload, sample, Path(folder), workers=options.workers)
    print(rendered(figures))
    return 1 if figures.problems else 0


def measure(workload: Workload, sample: Workload, folder: Path, *, workers: int) -> Figures:
    """Run every way of sending, one after the other, each on the sandbox as it was at first."""
    balance = str(workload.recipients * CREDITS)
    with running("dispatcher.sandbox", "--port", "0", "--credits", balance) as sandbox:
        url = _url_of(sandbox)
        oracle = Oracle(url)
        bare = post_bare(url, workload, sandbox=sandbox.pid)
        oracle.reset()
        ours = dispatch(url, workload, folder / "ours", workers=workers, sandbox=sandbox.pid)
        problems = _problems(oracle, workload, ours)
        oracle.reset()
        singles = post_singly(url, sample)
        oracle.reset()
        tasks = post_by_tasks(url, sample, folder / "tasks")
    return Figures(
        recipients=workload.recipients,
        bare=bare,
        split=ours.outcome.split,
        usages=ours.usages,
        redis_bytes=ours.redis_bytes,
        singles=singles,
        tasks=tasks,
        problems=problems,
    )


def _url_of(sandbox: "subprocess.Popen[str]") -> str:
    line = sandbox.stdout.readline() if sandbox.stdout else ""
    if not line.startswith(_READY):
        sys.exit("the sandbox did not start")
    return line.removeprefix(_READY).strip()


def _problems(oracle: Oracle, workload: Workload, ours: Dispatched) -> tuple[str, ...]:
    outcome = ours.outcome
    if outcome.state is not CampaignState.SENT:
        return (f"the campaign ended {outcome.state.value}",)
    return problems_of(
        oracle.posted(), wanted=workload.numbers(), posts=outcome.batches, cost=outcome.cost
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.dispatch", description=__doc__)
    add = parser.add_argument
    add("--recipients", type=int, default=100_000, help="of the bare loop and our dispatch")
    add("--sample", type=int, default=2000, help="recipients of the two slow ways")
    add("--batch-size", type=int, default=1000, help="recipients of one POST")
    add("--workers", type=int, default=os.cpu_count(), help="worker processes of our dispatch")
    return parser


if __name__ == "__main__":
    sys.exit(main())
