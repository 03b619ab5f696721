"""Several tickers at once, any of which may stand still or die at any point of a step.

`TICKER_HISTORIES=150` tries so many histories instead of the few of the suite.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Semaphore, Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.domain.occurrences import CatchUp, occurrence_id
from dispatcher.domain.schedules import Outcome, Overlap, Schedule
from dispatcher.errors import StateError
from tests.support.timetable import START, Timetable, opened_timetable, paris, saying
from workers.milestones import Milestone
from workers.resources import Account
from workers.steps.schedules import run_next

EXAMPLES = int(os.environ.get("TICKER_HISTORIES", "50"))
TICKERS = 3
LEASE = timedelta(seconds=46)
FOREVER = timedelta(days=30)

minutes = st.tuples(st.just("wait"), st.integers(1, 40))
steps = st.tuples(st.just("step"), st.integers(0, TICKERS - 1))
deaths = st.tuples(st.just("die"), st.integers(0, TICKERS - 1))
orders = st.sampled_from([("pause", 0), ("resume", 0), ("edit", 0)])
preparations = st.integers(0, TICKERS - 1).map(lambda which: ("prepare", which))
bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class DeadError(BaseException):
    """Ends a step where a kill would end its process."""


class SteppedTicker:
    """A ticker that goes from one milestone to the next when it is told to."""

    def __init__(self, account: Account) -> None:
        self._account = replace(account, trace=self._stop)
        self._go, self._stopped = Semaphore(0), Semaphore(0)
        self._dies = self._is_closing = False
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run)
        self._thread.start()

    def step(self) -> None:
        """Go on to the next milestone, or begin anew."""
        self._go.release()
        assert self._stopped.acquire(timeout=30)
        assert self._error is None, self._error

    def die(self) -> None:
        """Stop where it is, for good."""
        self._dies = True
        self.step()
        self._dies = False

    def close(self) -> None:
        self._is_closing = self._dies = True
        self._go.release()
        self._go.release()
        self._thread.join(timeout=30)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        while self._go.acquire() and not self._is_closing:
            try:
                if not self._dies:
                    run_next(self._account)
            except DeadError:
                pass
            except Exception as error:  # noqa: BLE001 - told by the thread of the test
                self._error = error
            self._stopped.release()

    def _stop(self, _milestone: Milestone, _name: str, _n: int) -> None:
        self._stopped.release()
        self._go.acquire()
        if self._dies:
            raise DeadError


@contextmanager
def tickers(timetable: Timetable) -> Iterator[list[SteppedTicker]]:
    found = [SteppedTicker(timetable.account) for _ in range(TICKERS)]
    try:
        yield found
    finally:
        for ticker in found:
            ticker.close()


@pytest.fixture
def timetable(redis_url: str, tmp_path: Path) -> Iterator[Timetable]:
    with opened_timetable(redis_url, tmp_path / "journal") as found:
        yield found


def play(timetable: Timetable, schedule: Schedule, actions: list[tuple[str, int]]) -> None:
    """Have tickers do as they are told, then one do what is left, until nothing is due."""
    timetable.bench.reset()
    timetable.schedules.create(schedule)
    with tickers(timetable) as crowd:
        for action, which in actions:
            act(timetable, crowd, action, which)
        timetable.go_to(timetable.now + LEASE)
        timetable.tick()


def act(timetable: Timetable, crowd: list[SteppedTicker], action: str, which: int) -> None:
    match action:
        case "wait":
            timetable.go_to(timetable.now + timedelta(minutes=which))
        case "step":
            crowd[which].step()
        case "prepare":
            crowd[which].step()
            crowd[which].step()
        case "die":
            crowd[which].die()
        case "pause":
            pause(timetable, crowd)
        case "resume":
            timetable.schedules.resume("news")
        case "edit":
            found = timetable.schedules.show("news").schedule
            timetable.schedules.edit(saying(found, found.campaign.text + "!"))


def pause(timetable: Timetable, crowd: list[SteppedTicker]) -> None:
    """Pause, and look whether everybody notices, whatever they were about to do."""
    with suppress(StateError):
        timetable.schedules.pause("news")
    made = timetable.campaigns()
    for ticker in crowd:
        ticker.step()
    assert timetable.campaigns() == made


def occurrences(schedule: Schedule, timetable: Timetable) -> list[str]:
    found = schedule.recurrence.after(START, until=timetable.now)
    return [occurrence_id("news", moment) for moment in found]


@bounded
@given(st.lists(minutes | steps | deaths, max_size=30))
def test_however_tickers_interleave_and_die_each_occurrence_becomes_one_campaign(
    timetable: Timetable, actions: list[tuple[str, int]]
) -> None:
    schedule = paris("*/15 * * * *", overlap=Overlap.ALLOW, catch_up=CatchUp.ALL, lateness=FOREVER)

    play(timetable, schedule, actions)

    assert timetable.campaigns() == occurrences(schedule, timetable)
    assert timetable.history("news") == [("run", 1)] * min(100, len(timetable.campaigns()))


@bounded
@given(
    st.lists(minutes | steps | preparations | deaths | orders, max_size=30),
    st.sampled_from(CatchUp),
    st.sampled_from(Overlap),
    st.one_of(st.none(), st.integers(1, 5)),
)
def test_what_history_tells_is_what_happened_whoever_interferes(
    timetable: Timetable,
    actions: list[tuple[str, int]],
    catch_up: CatchUp,
    overlap: Overlap,
    most: int | None,
) -> None:
    schedule = paris("*/15 * * * *", overlap=overlap, catch_up=catch_up, most=most)

    play(timetable, schedule, actions)
    timetable.schedules.resume("news")

    shown = timetable.schedules.show("news")
    ran = [each.at for each in shown.history if each.outcome is Outcome.RUN]
    assert [occurrence_id("news", moment) for moment in ran[::-1]] == timetable.campaigns()
    assert shown.runs == len(ran)
    assert most is None or len(ran) <= most
    told = [each for handled in shown.history[::-1] for each in (handled.at, handled.last)]
    assert told == sorted(told)
    if most is None:
        handled = sum(each.count for each in shown.history)
        assert handled == len(occurrences(schedule, timetable))
