"""Which occurrences of a schedule a tick has to run now.

Three ages of an occurrence whose time has come:

- up to `grace`, it is on time and runs, whatever the catch-up;
- up to `lateness`, it is late: nobody ticked when it was due, and the catch-up decides;
- beyond that, it is missed: what could not go out in time never goes out.

`CatchUp.LAST` runs the newest late one, and not even that when one is on time as well: after an
outage people get one message, not two at once.

A tick that gives the `last` of its answer to the next one handles each occurrence exactly once,
run or missed, however the ticks divide the time.
"""

import enum
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dispatcher.domain.recurrence import Recurrence

GRACE = timedelta(minutes=5)
"""How old an occurrence may be and still count as on time; below every sensible floor."""

RUNS_AT_ONCE = 100
"""Most occurrences that one tick runs; the next tick goes on where it stopped."""


class CatchUp(enum.Enum):
    """What to do about occurrences that are late."""

    NONE = "none"
    """They are missed."""

    LAST = "last"
    """The newest runs, unless one is on time; the others are missed."""

    ALL = "all"
    """All of them run, in order."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Occurrences that will not run; after a long outage too many to list.

    Attributes:
        count: how many.
        first: the oldest.
        last: the newest.
    """

    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """What a tick found.

    Attributes:
        run: occurrences to run now, in order, in UTC.
        missed: those that will not run.
        last: the newest occurrence handled so far; where the next tick goes on.
        next: the first occurrence after that; not later than now when more are due than one
            tick runs, and None when the schedule is over.
    """

    run: tuple[datetime, ...]
    missed: Missed | None
    last: datetime
    next: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What bounds the runs of a schedule.

    Attributes:
        catch_up: what to do about late occurrences.
        lateness: beyond this age, an occurrence does not run.
        grace: up to this age, and never beyond `lateness`, an occurrence is on time.
        ends: aware; no occurrence comes after it.
        most: how often it runs in all; missed occurrences do not count.
    """

    catch_up: CatchUp = CatchUp.LAST
    lateness: timedelta = timedelta(hours=1)
    grace: timedelta = GRACE
    ends: datetime | None = None
    most: int | None = None


def due(
    recurrence: Recurrence, terms: Terms, *, last: datetime, now: datetime, runs: int = 0
) -> Due:
    """Tell what has to run now.

    Args:
        recurrence: when the schedule runs.
        terms: what bounds it.
        last: the newest occurrence handled, run or missed; at first, when it was created.
        now: occurrences at this very moment are due.
        runs: how many occurrences have run so far.
    """
    left = None if terms.most is None else max(0, terms.most - runs)
    room = RUNS_AT_ONCE if left is None else min(RUNS_AT_ONCE, left)
    found = _Sorter(terms, now)
    until = now if terms.ends is None else min(now, terms.ends)
    for moment in recurrence.after(last, until=until):
        if len(found.run) == room:
            break
        found.take(moment)
        last = moment
    run = found.runs()
    over = left is not None and len(run) == left
    return Due(
        run=run,
        missed=found.missed,
        last=last.astimezone(UTC),
        next=None if over else next(recurrence.after(last, until=terms.ends), None),
    )


class _Sorter:
    """Sorts occurrences, oldest first, into those to run and those missed."""

    def __init__(self, terms: Terms, now: datetime) -> None:
        self._catch_up = terms.catch_up
        self._too_old = now - terms.lateness
        self._on_time = max(now - terms.grace, self._too_old)
        self._late: datetime | None = None
        self.run: list[datetime] = []
        self.missed: Missed | None = None

    def take(self, moment: datetime) -> None:
        if moment < self._too_old:
            self._miss(moment)
        elif moment >= self._on_time or self._catch_up is CatchUp.ALL:
            self.run.append(moment)
        elif self._catch_up is CatchUp.NONE:
            self._miss(moment)
        else:
            self._supersede(moment)

    def runs(self) -> tuple[datetime, ...]:
        """Close the sorting: what is on time comes before what is late."""
        if self.run:
            self._supersede(None)
        return tuple(self.run) if self._late is None else (self._late,)

    def _supersede(self, moment: datetime | None) -> None:
        if self._late is not None:
            self._miss(self._late)
        self._late = moment

    def _miss(self, moment: datetime) -> None:
        count, first = (self.missed.count, self.missed.first) if self.missed else (0, moment)
        self.missed = Missed(count + 1, first, moment)


def occurrence_id(schedule: str, moment: datetime) -> str:
    """Give the natural id of an occurrence, such as `newsletter@20261122T0730Z`."""
    if moment.utcoffset() is None:
        raise ValueError("the moment has no time zone")
    return f"{schedule}@{moment.astimezone(UTC):%Y%m%dT%H%MZ}"
