"""Measures how soon alerts to five people go out while a million others are sent to.

    python -m tests.benchmarks.alerts --recipients 1000000 --alerts 50

Alerts are submitted one after the other, first without a budget, when the million takes every
thread there is, then with one that the million uses up. The clock of each runs from its submit
until the sandbox took its POST. The exit code tells whether everybody was sent to exactly once.
"""

import argparse
import itertools
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from dispatcher import Campaign
from dispatcher.domain.lifecycle import CampaignState
from tests.benchmarks.fleet import Fleet, fleet
from tests.benchmarks.oracle import problems_of
from tests.benchmarks.workload import TEXT, Workload
from tests.support.people import generated
from tests.support.polling import eventually

_PEOPLE = 5
_SEED = 21
_PATIENCE = 120.0
_SLOWEST = 500
"""Recipients a second that a machine must manage for the benchmark to go on."""


def main() -> int:
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    problems: list[str] = []
    settings = {"DISPATCHER_BATCH_SIZE": str(options.batch_size)}
    budgets = {"without a budget": settings}
    if options.rate:
        rate = {"DISPATCHER_ACCOUNTS__DEFAULT__RATE": str(options.rate)}
        budgets[f"with {options.rate:g} segments a second"] = rate
    for name, budget in budgets.items():
        with tempfile.TemporaryDirectory(prefix="alerts-benchmark-") as folder:
            problems += measure(options, name, budget, Path(folder))
    print("\n".join(problems) or "Correct: every recipient was sent to once")
    return 1 if problems else 0


def measure(
    options: argparse.Namespace, name: str, budget: Mapping[str, str], folder: Path
) -> Sequence[str]:
    """Submit alerts while a large campaign goes out, and print how long each took."""
    workload = Workload(recipients=options.recipients)
    people = _strangers(workload, options.alerts * _PEOPLE)
    latency, workers = options.latency, options.workers
    with fleet(folder, workers=workers, latency=latency, budget=budget) as ours:
        _say(f"{name}: submitting {options.recipients:,} recipients")
        large = ours.dispatcher.submit(Campaign(text=TEXT, recipients=workload.numbers()))
        within = _PATIENCE + options.recipients / _SLOWEST
        eventually(lambda: _has_begun(ours, large), within=within, every=0.05)
        submitted, alerts = _submit_alerts(ours, people)
        still_going = not _is_sent(ours, large)
        _say(f"{name}: the alerts are out; waiting for the rest of the large campaign")
        eventually(lambda: _is_sent(ours, large), within=within, every=0.2)
        statuses = [ours.dispatcher.status(each) for each in (large, *alerts)]
        posted = list(ours.oracle.posted())
    accepted = {post.messages[0].destination: post.accepted_seconds for post in posted}
    waits = sorted(accepted[number] - at for number, at in submitted.items())
    print(
        f"{name}: {len(waits)} alerts, p50 {_share(waits, 0.5):.3f} s, "
        f"p95 {_share(waits, 0.95):.3f} s, max {waits[-1]:.3f} s; the large campaign was "
        f"{'going out until the last' if still_going else 'OVER BEFORE THE LAST'}",
        flush=True,
    )
    return problems_of(
        posted,
        wanted=itertools.chain(workload.numbers(), people),
        posts=sum(status.batches for status in statuses),
        cost=sum(status.cost for status in statuses),
    )


def _submit_alerts(ours: Fleet, people: Sequence[str]) -> tuple[dict[str, float], list[str]]:
    """Submit an alert, wait until it was sent, and so on; give when, by its first number."""
    submitted: dict[str, float] = {}
    alerts = []
    for place in range(0, len(people), _PEOPLE):
        some = people[place : place + _PEOPLE]
        submitted[some[0]] = time.time()
        _say(f"alert {place // _PEOPLE + 1} of {len(people) // _PEOPLE}")
        alerts.append(ours.dispatcher.submit(Campaign(text=TEXT, recipients=some)))
        ours.dispatcher.wait(alerts[-1], _PATIENCE, until=CampaignState.SENT)
    return submitted, alerts


def _say(text: str) -> None:
    """Tell how far it is, apart from what is measured."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


def _strangers(workload: Workload, count: int) -> list[str]:
    """Give people who are not among those of the large campaign."""
    known = set(workload.numbers())
    others = (number for number in generated(len(known) + count, _SEED) if number not in known)
    return list(itertools.islice(others, count))


def _has_begun(ours: Fleet, campaign: str) -> bool:
    return ours.dispatcher.status(campaign).batch_states.get("accepted", 0) > 0


def _is_sent(ours: Fleet, campaign: str) -> bool:
    return ours.dispatcher.status(campaign).state is CampaignState.SENT


def _share(ordered: Sequence[float], share: float) -> float:
    """Give the figure that so much of the others is not above."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.alerts", description=__doc__)
    add = parser.add_argument
    add("--recipients", type=int, default=1_000_000, help="of the large campaign")
    add("--alerts", type=int, default=50, help="how many alerts follow each other")
    add("--batch-size", type=int, default=200, help="recipients of one POST without a budget")
    add("--rate", type=float, default=10_000, help="segments a second of the budget; 0 for none")
    add("--latency", type=float, default=0.25, help="seconds each call of the API takes")
    add("--workers", type=int, default=1, help="worker processes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
