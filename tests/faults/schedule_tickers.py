"""Lets a month pass for the schedules of one account while two tickers are killed at random.

    python -m tests.faults.schedule_tickers URL FOLDER HOURS

Each ticker is a process, forked from this one, that does what is due once an hour. It is killed
by its own alarm clock, set at random, or as it passes a milestone. Writes how many were killed.
"""

import os
import random
import signal
import sys
from dataclasses import replace
from pathlib import Path

from tests.support.polling import eventually
from tests.support.timetable import Timetable, opened_timetable
from workers.milestones import Milestone
from workers.steps.progress import Progress
from workers.steps.schedules import run_next

TICKERS = 2
TURNS = "test:turns"
HOUR_MS = 3_600_000
# Longer than a lease, so that what the killed had leased is taken up.
_AFTERWARDS = range(60)
_ALARMED = 0.3
_LONGEST_ALARM = 0.02
_DIES_AT_MILESTONE = 0.01


class Tickers:
    """As many processes as there have to be, whoever dies."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self._folder = url, folder
        self._pids: set[int] = set()
        self.killed = 0

    def replace_the_dead(self) -> None:
        """Bury who died, and fork others."""
        for pid in list(self._pids):
            if os.waitpid(pid, os.WNOHANG)[0]:
                self._pids.remove(pid)
                self.killed += 1
        while len(self._pids) < TICKERS:
            self._pids.add(self._fork())

    def end(self) -> None:
        """Kill who is left."""
        for pid in self._pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def _fork(self) -> int:
        pid = os.fork()
        if pid:
            return pid
        try:
            # Standard output carries our answer.
            os.dup2(2, 1)
            with opened_timetable(self._url, self._folder, joins=True) as timetable:
                _take_turns(timetable, random.Random(os.getpid()))
        finally:
            os._exit(1)


def _take_turns(timetable: Timetable, dice: random.Random) -> None:
    def trace(_milestone: Milestone, _name: str, _n: int) -> None:
        if dice.random() < _DIES_AT_MILESTONE:
            os.kill(os.getpid(), signal.SIGKILL)

    account = replace(timetable.account, trace=trace)
    while True:
        timetable.bench.client.blpop([TURNS], timeout=5)
        if dice.random() < _ALARMED:
            # Nobody handles it, so that it ends the process wherever it is.
            signal.setitimer(signal.ITIMER_REAL, dice.uniform(1e-4, _LONGEST_ALARM))
        while run_next(account) is Progress.MADE:
            pass
        signal.setitimer(signal.ITIMER_REAL, 0)


def main(url: str, folder: Path, hours: int) -> None:
    """Let the hours pass, one after the other."""
    with opened_timetable(url, folder, joins=True) as timetable:
        client, tickers = timetable.bench.client, Tickers(url, folder)

        def is_done() -> bool:
            tickers.replace_the_dead()
            return not client.llen(TURNS)

        for step in [HOUR_MS] * hours + [HOUR_MS // 60 for _ in _AFTERWARDS]:
            timetable.bench.advance(step)
            client.rpush(TURNS, *range(TICKERS))
            eventually(is_done, within=60, every=0.001)
        tickers.end()
    print(tickers.killed)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
