"""Campaigns that recur: what a schedule says, and what it is told back.

An edit takes effect for every occurrence after the last one handled. One that was due when the
schedule was edited, and that nobody had handled yet, follows the new definition.
"""

import enum
import re
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from dispatcher.domain.campaign import Campaign
from dispatcher.domain.checks import problems_of
from dispatcher.domain.lifecycle import TERMINAL, CampaignState
from dispatcher.domain.occurrences import CatchUp, Due, Missed, Terms, due
from dispatcher.domain.recurrence import FLOOR, Recurrence
from dispatcher.errors import InputError, Problem

PREVIEWED = 10
"""How many of its next runs are shown of a schedule."""

OVER = TERMINAL | {CampaignState.SENT}
"""States in which a campaign does not stand in the way of the next occurrence."""

# With the time behind it, it still makes the id of a campaign.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}", re.ASCII)
_TASK = re.compile(r"[^\s\x00-\x1f]{1,200}")
_SHORTEST = timedelta(minutes=1)


class Overlap(enum.Enum):
    """What to do when it is time and the campaign of the previous run is not over."""

    SKIP = "skip"
    """The occurrence is skipped; `sent` counts as over, receipts are not waited for."""

    ALLOW = "allow"
    """It runs all the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FromFile:
    """Recipients are read at each run, from a table on the disk of the workers.

    Attributes:
        path: absolute, as every worker sees it.
        number_column: name or place of the column of numbers, when its name does not tell.
        id_column: name or place of the column of the producer's ids.
        sheet: name or place of a workbook's sheet.
    """

    path: Path
    number_column: str | None = None
    id_column: str | None = None
    sheet: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FromTask:
    """At each run a Celery task of the producer's is asked to submit the campaign.

    It is published with the keyword arguments `account`, `schedule`, `campaign` and `time`, and
    again until there is a campaign of that id, so it may run twice. It submits the schedule's
    campaign with its recipients and that id:

        found = dispatcher.schedules.show(schedule, account=account).schedule.campaign
        dispatcher.submit(replace(found, id=campaign, recipients=...))

    Attributes:
        task: its name.
        queue: the queue that the producer's own worker consumes, on the dispatcher's broker.
    """

    task: str
    queue: str = "producers"


Audience = FromFile | FromTask


@dataclass(frozen=True, slots=True)
class Schedule:
    """A campaign that recurs; each occurrence becomes one campaign of its own.

    Attributes:
        cron: five fields; see `domain.cron` and, for clock changes, `domain.recurrence`.
        timezone: such as "Europe/Paris".
        campaign: what to send. Its recipients are taken in once, when the schedule is made; its
            lists are read at each run. Its id and `send_at` are the occurrences' own.
        id: the producer's own id of the schedule; made by us when None.
        audience: reads recipients at each run, when the campaign has neither them nor lists.
        catch_up: what to do about occurrences at which nobody ticked.
        lateness: how late an occurrence may still run; its campaign expires then, unless it
            has a `max_lateness` of its own.
        overlap: what to do when the previous run is not over.
        ends: aware; no occurrence comes after it.
        most: how often it runs in all; skipped and missed occurrences do not count.
    """

    cron: str
    timezone: str
    _: KW_ONLY
    campaign: Campaign
    id: str | None = None
    audience: Audience | None = None
    catch_up: CatchUp = CatchUp.LAST
    lateness: timedelta = timedelta(hours=1)
    overlap: Overlap = Overlap.SKIP
    ends: datetime | None = None
    most: int | None = None

    @property
    def recurrence(self) -> Recurrence:
        """When it runs; not judged again."""
        return Recurrence(cron=" ".join(self.cron.split()), timezone=self.timezone)

    @property
    def terms(self) -> Terms:
        """What bounds its runs."""
        return Terms(catch_up=self.catch_up, lateness=self.lateness, ends=self.ends, most=self.most)

    @property
    def has_recipients(self) -> bool:
        """Whether it brings recipients to be taken in."""
        return not isinstance(self.campaign.recipients, tuple) or bool(self.campaign.recipients)

    def due(self, *, last: datetime, now: datetime, runs: int) -> Due:
        """Tell what has to run now; see `occurrences.due`."""
        return due(self.recurrence, self.terms, last=last, now=now, runs=runs)

    def after(self, moment: datetime, *, runs: int) -> Iterator[datetime]:
        """Give the occurrences after a moment, in the schedule's own zone, while any are left."""
        left = None if self.most is None else max(0, self.most - runs)
        zone = self.recurrence.zone
        found = islice(self.recurrence.after(moment, until=self.ends), left)
        return (each.astimezone(zone) for each in found)

    def missed_between(self, last: datetime, now: datetime) -> Missed | None:
        """Tell what lay between two moments at which it did not run, the later one included."""
        until = now if self.ends is None else min(now, self.ends)
        found = list(self.recurrence.after(last, until=until))
        return Missed(len(found), found[0], found[-1]) if found else None


class ScheduleState(enum.Enum):
    """Where a schedule stands."""

    ACTIVE = "active"
    """It runs when it is time."""

    PAUSED = "paused"
    """It does not run until it is resumed; what it misses meanwhile is not caught up."""

    OVER = "over"
    """Its end has passed, or it ran as often as it may. An edit may revive it."""


class Outcome(enum.Enum):
    """What became of an occurrence."""

    RUN = "run"
    """Its campaign exists."""

    SKIPPED = "skipped"
    """The previous run was not over."""

    MISSED = "missed"
    """It could not run in time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Handled:
    """An occurrence that was handled, or several in a row that were missed.

    Attributes:
        at: its time, or that of the first.
        outcome: what became of it.
        reason: why, when it did not run.
        count: how many.
        last: the time of the last.
    """

    at: datetime
    outcome: Outcome
    reason: str = ""
    count: int = 1
    last: datetime

    @classmethod
    def one(cls, at: datetime, outcome: Outcome, reason: str = "") -> "Handled":
        """Tell of a single occurrence."""
        return cls(at=at, outcome=outcome, reason=reason, last=at)

    @classmethod
    def missing(cls, missed: Missed, reason: str) -> "Handled":
        """Tell of occurrences that were missed."""
        return cls(
            at=missed.first,
            outcome=Outcome.MISSED,
            reason=reason,
            count=missed.count,
            last=missed.last,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleStatus:
    """A schedule as it stands.

    Attributes:
        id: the schedule's id.
        account: whose credits it spends.
        schedule: what it says, without recipients.
        state: where it stands.
        recipients: how many were taken in; None when they are read at each run.
        runs: how often it has run.
        last: the newest occurrence handled; at first, when it was made.
        next: the next occurrence, in UTC; None when there is none.
        previous: the campaign of its last run.
        error: why the occurrence that is due cannot run; tried again until it is too late.
        created_at: when it became durable.
        changed_at: when anything of it last changed.
        history: the last 100 occurrences, newest first; empty in lists of schedules.
    """

    id: str
    account: str
    schedule: Schedule
    state: ScheduleState
    recipients: int | None
    runs: int
    last: datetime
    next: datetime | None
    previous: str | None
    error: str | None
    created_at: datetime
    changed_at: datetime
    history: tuple[Handled, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """A schedule that was made or edited.

    Attributes:
        id: the schedule's id.
        runs: its next runs, in its own zone.
    """

    id: str
    runs: tuple[datetime, ...]


def moment_of(occurrence: str) -> tuple[str, datetime]:
    """Split the natural id of an occurrence into schedule and moment; see `occurrence_id`."""
    schedule, _, time = occurrence.rpartition("@")
    return schedule, datetime.strptime(time, "%Y%m%dT%H%MZ").replace(tzinfo=UTC)


def check_schedule(
    schedule: Schedule, *, now: datetime, floor: timedelta = FLOOR, keeps_recipients: bool = False
) -> None:
    """Check everything but the recipients themselves.

    Args:
        schedule: what a producer wrote.
        now: aware.
        floor: how close two occurrences may come.
        keeps_recipients: it may come without any, as those taken in before stay.

    Raises:
        InputError: naming every field at fault.
    """
    problems = _type_problems(schedule) or [
        *_recurrence_problems(schedule, floor),
        *problems_of(schedule.campaign),
        *_campaign_problems(schedule),
        *_audience_problems(schedule, keeps_recipients=keeps_recipients),
        *_bound_problems(schedule, now),
    ]
    if not problems and next(schedule.after(now, runs=0), None) is None:
        problems = [_problem("ends", "no run comes before it", "let it end later")]
    if problems:
        raise InputError(problems)


def _type_problems(schedule: Schedule) -> list[Problem]:
    """Find values of a wrong type, which Python lets through."""
    allowed: dict[str, tuple[type, ...]] = {
        "cron": (str,),
        "timezone": (str,),
        "campaign": (Campaign,),
        "id": (str, type(None)),
        "audience": (FromFile, FromTask, type(None)),
        "catch_up": (CatchUp,),
        "lateness": (timedelta,),
        "overlap": (Overlap,),
        "ends": (datetime, type(None)),
        "most": (int, type(None)),
    }
    return [
        _problem(name, f"it is a {type(value).__name__}", f"give a {kinds[0].__name__}")
        for name, kinds in allowed.items()
        if not isinstance(value := getattr(schedule, name), kinds)
    ]


def _recurrence_problems(schedule: Schedule, floor: timedelta) -> tuple[Problem, ...]:
    try:
        Recurrence.parse(schedule.cron, schedule.timezone, floor=floor)
    except InputError as error:
        return error.problems
    return ()


def _campaign_problems(schedule: Schedule) -> list[Problem]:
    problems = []
    if schedule.id is not None and not _ID.fullmatch(schedule.id):
        fix = "use such characters, or leave it out"
        problems.append(_problem("id", "it is not 1 to 60 of A-Z a-z 0-9 _ . -", fix))
    if schedule.campaign.id is not None:
        fix = "name the schedule: each occurrence is named after it and its time"
        problems.append(_problem("campaign.id", "it would name every occurrence alike", fix))
    if schedule.campaign.send_at is not None:
        fix = "leave it out: the schedule says when"
        problems.append(_problem("campaign.send_at", "there is one", fix))
    return problems


def _audience_problems(schedule: Schedule, *, keeps_recipients: bool) -> list[Problem]:
    sources = (schedule.has_recipients, bool(schedule.campaign.lists), bool(schedule.audience))
    if sum(sources) > 1:
        fix = "give recipients, lists or an audience that is read at each run, and one of them"
        return [_problem("audience", "there are several", fix)]
    if not any(sources) and not keeps_recipients:
        fix = "give the campaign recipients or lists, or the schedule an audience"
        return [_problem("audience", "there is none", fix)]
    match schedule.audience:
        case FromFile(path=path) if not Path(path).is_absolute():
            fix = "write it in full, as the workers see it"
            return [_problem("audience.path", "it does not begin at the root", fix)]
        case FromTask(task=task, queue=queue) if not (_TASK.fullmatch(task) and queue.strip()):
            fix = "give the name of a Celery task, and the queue its worker consumes"
            return [_problem("audience.task", "task or queue has no name", fix)]
    return []


def _bound_problems(schedule: Schedule, now: datetime) -> list[Problem]:
    problems = []
    if schedule.lateness < _SHORTEST:
        problems.append(_problem("lateness", "it is under a minute", "allow a minute at least"))
    if schedule.most is not None and schedule.most < 1:
        problems.append(_problem("most", "it is below 1", "leave it out for no limit"))
    if schedule.ends is None:
        return problems
    if schedule.ends.utcoffset() is None:
        fix = "say whose clock is meant: tzinfo=ZoneInfo(...)"
        problems.append(_problem("ends", "it has no time zone", fix))
    elif schedule.ends <= now:
        problems.append(_problem("ends", "it is past", "give a later time, or none"))
    return problems


def _problem(field: str, message: str, fix: str) -> Problem:
    return Problem(field=field, message=message, fix=fix)
