"""How a schedule is told to people."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from rich.text import Text

from dispatcher.cli.output import count, pairs
from dispatcher.domain.schedules import (
    FromFile,
    FromTask,
    Handled,
    Planned,
    Schedule,
    ScheduleState,
    ScheduleStatus,
)

_SHOWN = 10


def planned_table(planned: Planned, schedule: Schedule) -> Text:
    """Show when a schedule will run."""
    lines = run_lines(planned.runs)
    rows = [("next run", lines[0])] if lines else [("next run", "none")]
    rows += [("", line) for line in lines[1:]]
    return pairs(f"Schedule {planned.id}: {schedule.cron} in {schedule.timezone}", rows)


def planned_document(planned: Planned) -> dict[str, Any]:
    """Give a schedule that was made, for JSON."""
    return {"id": planned.id, "runs": [run.isoformat() for run in planned.runs]}


def run_lines(runs: Sequence[datetime]) -> list[str]:
    """Write moments in their own zone, with its offset from UTC."""
    return [_moment(run) for run in runs]


def summary_row(status: ScheduleStatus) -> tuple[str, ...]:
    """Tell a schedule in one line of a table."""
    return (
        status.id,
        status.schedule.cron,
        status.schedule.timezone,
        status.state.value,
        f"{status.runs:,}",
        _next_run(status),
    )


def schedule_table(status: ScheduleStatus) -> Text:
    """Show where a schedule stands."""
    return pairs(f"Schedule {status.id}", _rows(status))


def schedule_document(status: ScheduleStatus) -> dict[str, Any]:
    """Give a schedule for JSON."""
    document: dict[str, Any] = msgspec.to_builtins(status, enc_hook=str)
    return document


def _rows(status: ScheduleStatus) -> Iterator[tuple[str, str]]:
    schedule = status.schedule
    yield "state", status.state.value
    yield "account", status.account
    yield "runs", f"{schedule.cron} in {schedule.timezone}"
    yield "to", _audience(status)
    yield "next run", _next_run(status)
    yield "bounds", ", ".join(_bounds(schedule))
    yield "ran", count(status.runs, "time")
    if status.previous:
        yield "last campaign", status.previous
    if status.error:
        yield "cannot run", status.error
    for handled in status.history[:_SHOWN]:
        yield "  " + handled.outcome.value, _handled(handled, status)


def _audience(status: ScheduleStatus) -> str:
    if status.recipients is not None:
        return count(status.recipients, "recipient")
    match status.schedule.audience:
        case FromFile(path=path):
            return f"the table {path}, read at each run"
        case FromTask(task=task, queue=queue):
            return f"whom the task {task} on queue {queue} submits"
        case _:
            return f"lists {', '.join(status.schedule.campaign.lists)}, read at each run"


def _bounds(schedule: Schedule) -> Iterator[str]:
    minutes = schedule.lateness.total_seconds() / 60
    yield f"catch-up {schedule.catch_up.value}"
    yield f"at most {minutes:g} minutes late"
    yield f"overlap {schedule.overlap.value}"
    if schedule.ends is not None:
        yield f"ends {_moment(schedule.ends.astimezone(schedule.recurrence.zone))}"
    if schedule.most is not None:
        yield f"{count(schedule.most, 'run')} in all"


def _next_run(status: ScheduleStatus) -> str:
    if status.next is None:
        return "when it is resumed" if status.state is ScheduleState.PAUSED else "none"
    return _moment(status.next.astimezone(status.schedule.recurrence.zone))


def _handled(handled: Handled, status: ScheduleStatus) -> str:
    zone = status.schedule.recurrence.zone
    words = _moment(handled.at.astimezone(zone))
    if handled.count > 1:
        words += f" to {_moment(handled.last.astimezone(zone))}, {handled.count:,} in all"
    return f"{words}: {handled.reason}" if handled.reason else words


def _moment(moment: datetime) -> str:
    return f"{moment:%a} {moment.isoformat(' ', 'minutes')}"
