"""Makes a campaign of each occurrence of a schedule, once, however many tickers do so at once.

What makes it once is one script. It creates the campaign of an occurrence and moves its schedule
past that occurrence, both or neither, and only while the schedule is as the ticker found it. So
there is no moment at which the one has happened and the other has not:

1. `claim` leases the schedule that has been due for longest and reads it. A ticker that dies
   from here on costs a lease. The lease only saves work; nothing relies on it.
2. What to do is computed from what was read: occurrences that are missed, and the first that
   runs. Recipients are read, or the frozen ones copied, to an upload. A ticker that dies leaves
   an upload, which expires.
3. One script takes the step. A ticker that dies after it has left nothing undone: the hint it
   owes, a tick gives.

Of several tickers in step 3, the first moves the schedule on and the others are told that they
are late, even days later, and whatever they had read in a file meanwhile. An edit, a pause or a
deletion moves the schedule on as well, so that a ticker that slept through one does nothing.

A campaign that a producer submits (`FromTask`) is asked for instead: the script of step 3 notes
that it is awaited, and the producer's task is published until the campaign exists or is too late.
Here the natural id makes it one. One that comes too late, noted as missed, is its producer's to
refuse: the `max_lateness` of the campaign does that.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from dispatcher.domain.campaign import Campaign, Recipient
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.domain.occurrences import Due, occurrence_id
from dispatcher.domain.schedules import (
    OVER,
    FromFile,
    FromTask,
    Handled,
    Outcome,
    Overlap,
    Schedule,
    moment_of,
)
from dispatcher.domain.template import parse_template
from dispatcher.domain.timing import Handover
from dispatcher.errors import (
    ConflictError,
    DispatcherError,
    InputError,
    StateError,
    StoreUnavailableError,
    UnknownCampaignError,
    UnknownScheduleError,
)
from dispatcher.intake import Taken
from dispatcher.preparing import Gathered
from dispatcher.store.schedules import Frozen, ScheduleRecord, Step, milliseconds
from dispatcher.store.submissions import Submission
from dispatcher.tables import open_table
from workers.milestones import Milestone
from workers.resources import Account
from workers.steps.progress import Progress

_log = structlog.get_logger("workers.schedules")

_TRY_AGAIN = timedelta(minutes=1)
_ASK_AGAIN = timedelta(minutes=2)
_LONGEST_REASON = 300


class _Decision(NamedTuple):
    """A step, and the campaign that is to be made with it, if one is."""

    step: Step
    submits: Campaign | None = None


def run_next(account: Account) -> Progress:
    """Handle what is due of one schedule, up to the first occurrence that runs."""
    lease_ms = int(account.settings.quote_lease * 1000)
    claim = account.store.schedules.claim(lease_ms=lease_ms)
    if claim is None:
        return _ask_next(account)
    now, record = claim
    status = record.status
    account.trace(Milestone.SCHEDULE_CLAIMED, status.id, 0)
    found = status.schedule.due(last=status.last, now=now, runs=status.runs)
    step, campaign = _decide(account, record, found)
    if campaign is None:
        account.store.schedules.advance(step)
        return Progress.MADE
    try:
        _submit(account, record, campaign, step)
    except StateError:
        _log.info("another ticker was first", schedule=status.id)
    except StoreUnavailableError:
        raise
    except (DispatcherError, OSError) as error:
        _put_off(account, record, found.run[0], now, str(error))
    return Progress.MADE


def occurrence_of(schedule: Schedule, moment: datetime) -> Campaign:
    """Give the campaign of an occurrence, but for recipients that are read elsewhere."""
    found = schedule.campaign
    return replace(
        found,
        id=occurrence_id(schedule.id or "", moment),
        # Past when it is submitted: sent at once, and told as what it was meant for.
        send_at=moment,
        handover=Handover.PROVIDER,
        max_lateness=schedule.lateness if found.max_lateness is None else found.max_lateness,
    )


def _decide(account: Account, record: ScheduleRecord, found: Due) -> _Decision:
    """Tell the next step of a schedule."""
    status = record.status
    missed = _missed(record, found)
    if not found.run:
        return _Decision(_step(record, found.last, history=missed))
    moment = found.run[0]
    if reason := _in_the_way(account, record):
        skipped = Handled.one(moment, Outcome.SKIPPED, reason)
        return _Decision(_step(record, moment, history=[*missed, skipped]))
    campaign = occurrence_id(status.id, moment)
    if isinstance(status.schedule.audience, FromTask):
        step = _step(record, moment, history=missed, campaign=campaign)
        return _Decision(replace(step, awaits=campaign))
    history = [*missed, Handled.one(moment, Outcome.RUN)]
    step = _step(record, moment, history=history, campaign=campaign)
    return _Decision(step, occurrence_of(status.schedule, moment))


def _missed(record: ScheduleRecord, found: Due) -> list[Handled]:
    missed, at = found.missed, record.error_at
    if missed is None:
        return []
    is_explained = record.status.error and at and missed.first <= at <= missed.last
    reason = record.status.error if is_explained else None
    return [Handled.missing(missed, reason or "no tick came in time")]


def _step(
    record: ScheduleRecord,
    last: datetime,
    *,
    history: list[Handled],
    campaign: str | None = None,
) -> Step:
    """Move on past an occurrence; with the campaign it became, if it ran."""
    status = record.status
    return Step.to(
        status.schedule,
        version=record.version,
        last=last,
        runs=status.runs + (campaign is not None),
        changes={} if campaign is None else {"previous": campaign},
        history=history,
    )


def _in_the_way(account: Account, record: ScheduleRecord) -> str | None:
    """Say what keeps an occurrence from running, if anything does."""
    previous = record.status.previous
    if record.status.schedule.overlap is Overlap.ALLOW or previous is None:
        return None
    try:
        state = account.store.campaigns.status(previous).state
    except UnknownCampaignError:
        is_awaited = account.store.schedules.is_awaited(previous)
        return f"{previous} is not submitted yet" if is_awaited else None
    return None if state in OVER else f"{previous} is {state.value}"


def _submit(account: Account, record: ScheduleRecord, campaign: Campaign, step: Step) -> None:
    """Make the campaign of an occurrence, and move its schedule on with it.

    Raises:
        StateError: the schedule was moved on by somebody else; nothing was made.
        InputError: the recipients cannot be taken in.
    """
    submission = _prepared(account, record, campaign)
    account.trace(Milestone.OCCURRENCE_PREPARED, submission.id, 0)
    try:
        is_new = account.store.campaigns.submit(submission, step=step.packed())
    except ConflictError:
        # It exists, of recipients that were read earlier.
        is_new = False
    account.trace(Milestone.OCCURRENCE_SUBMITTED, submission.id, 0)
    _log.info("occurrence submitted", campaign=submission.id, is_new=is_new)
    if is_new:
        waiting = submission.filling.batches if submission.filling else 1
        account.hints.move_on(account.name, submission.id, CampaignState.QUEUED, waiting=waiting)


def _prepared(account: Account, record: ScheduleRecord, campaign: Campaign) -> Submission:
    identity = campaign.id or ""
    if record.frozen is None:
        with _recipients(record.status.schedule) as recipients:
            found = replace(campaign, recipients=recipients)
            return account.preparation.prepare(found, identity, account.name, account.store)
    upload = account.store.schedules.copy_audience(record.status.id)
    try:
        gathered = _thawed(record.frozen, upload)
        return account.preparation.submission(campaign, identity, gathered)
    except InputError:
        account.store.campaigns.discard(upload)
        raise


def _thawed(frozen: Frozen, upload: str) -> Gathered:
    filling = replace(frozen.filling, upload=upload)
    return Gathered(taken=Taken(filling=filling, digest=frozen.digest), zones=frozen.zones)


@contextmanager
def _recipients(schedule: Schedule) -> Iterator[Iterable[Recipient]]:
    """Open the file an occurrence's recipients are in; lists are read later, by the quote."""
    source = schedule.audience
    if not isinstance(source, FromFile):
        yield ()
        return
    with open_table(
        source.path,
        number_column=source.number_column,
        id_column=source.id_column,
        sheet=source.sheet,
        with_fields=not parse_template(schedule.campaign.text).is_plain,
    ) as table:
        yield (Recipient(row.number, row.id, row.row, row.fields, row.problem) for row in table)


def _put_off(
    account: Account, record: ScheduleRecord, moment: datetime, now: datetime, reason: str
) -> None:
    """Try an occurrence again a little later, for as long as its lateness allows."""
    step = Step(
        schedule=record.status.id,
        version=record.version,
        look_at=now + _TRY_AGAIN,
        changes={"error": reason[:_LONGEST_REASON], "error_at": milliseconds(moment)},
    )
    account.store.schedules.advance(step)
    _log.warning("occurrence put off", schedule=record.status.id, at=moment.isoformat())


def _ask_next(account: Account) -> Progress:
    """Ask a producer for an occurrence, or note what came of asking."""
    schedules = account.store.schedules
    again_ms = int(_ASK_AGAIN / timedelta(milliseconds=1))
    claim = schedules.claim_awaited(again_ms=again_ms)
    if claim is None:
        return Progress.NONE
    now, campaign, exists = claim
    name, moment = moment_of(campaign)
    if exists:
        schedules.settle_awaited(campaign, name, Handled.one(moment, Outcome.RUN))
        return Progress.MADE
    reason = _ask(account, campaign, now)
    if reason:
        schedules.settle_awaited(campaign, name, Handled.one(moment, Outcome.MISSED, reason))
    return Progress.MADE


def _ask(account: Account, campaign: str, now: datetime) -> str | None:
    """Publish the producer's task; say why not, if it is not to be published any more."""
    name, moment = moment_of(campaign)
    try:
        schedule = account.store.schedules.read(name).status.schedule
    except UnknownScheduleError:
        return "the schedule was deleted"
    if not isinstance(schedule.audience, FromTask):
        return "the schedule no longer asks a producer"
    if now - moment > schedule.lateness:
        return f"no campaign came of {schedule.audience.task} in time"
    document = {
        "account": account.name,
        "schedule": name,
        "campaign": campaign,
        "time": moment.astimezone(schedule.recurrence.zone).isoformat(),
    }
    task, queue = schedule.audience.task, schedule.audience.queue
    account.hints.ask(task, queue, document, lifetime=_ASK_AGAIN.total_seconds())
    return None
