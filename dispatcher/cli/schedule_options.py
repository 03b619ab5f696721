"""The options that creating and editing a schedule have in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from dispatcher.domain.campaign import BadRows, Recipient
from dispatcher.domain.message import PushType
from dispatcher.domain.occurrences import CatchUp
from dispatcher.domain.schedules import Audience, FromFile, FromTask, Overlap, Schedule
from dispatcher.domain.unknowns import OnUnknown
from dispatcher.tables import open_table

ScheduleId = Annotated[str, typer.Argument(metavar="ID", help="The schedule's id.")]


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleOptions:
    """The options that say what goes to whom, and when; None for what is not given."""

    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            exists=True,
            dir_okay=False,
            help="Table of recipients, read now and kept for every run.",
        ),
    ] = None
    cron: Annotated[
        str | None,
        typer.Option(
            "--cron", help="Minute, hour, day of month, month, day of week: '30 8 * * 1-5'."
        ),
    ] = None
    timezone: Annotated[
        str | None, typer.Option("--timezone", "--zone", metavar="NAME", help="As in Europe/Paris.")
    ] = None
    text: Annotated[str | None, typer.Option(help="The content of the SMS.")] = None
    sender: Annotated[
        str | None, typer.Option(help="Up to 11 letters and digits shown as the sender.")
    ] = None
    pushtype: Annotated[
        PushType | None, typer.Option(help="Marketing is `advertising`: daytime only, with STOP.")
    ] = None
    link: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="For a <-short-> tag of the text; once for each."),
    ] = None
    lists: Annotated[
        list[str] | None,
        typer.Option("--list", metavar="ID", help="List of the account, read at each run."),
    ] = None
    file_at_run: Annotated[
        Path | None,
        typer.Option(
            "--file-at-run", metavar="PATH", help="Table on the workers' disk, read then."
        ),
    ] = None
    task: Annotated[
        str | None,
        typer.Option("--task", metavar="NAME", help="Your Celery task, asked at each run."),
    ] = None
    queue: Annotated[
        str | None, typer.Option("--queue", metavar="NAME", help="Where your worker takes it from.")
    ] = None
    number_column: Annotated[
        str | None, typer.Option(metavar="NAME|N", help="Column of phone numbers, from 1.")
    ] = None
    id_column: Annotated[
        str | None, typer.Option(metavar="NAME|N", help="Column of your own ids, from 1.")
    ] = None
    bad_rows: Annotated[
        BadRows | None, typer.Option(help="Refuse the table for bad numbers, or skip those rows.")
    ] = None
    on_unknown: Annotated[
        OnUnknown | None, typer.Option(help="When an answer is lost: see `dispatcher send --help`.")
    ] = None
    producer: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Whose campaigns they are: see `dispatcher feed`."),
    ] = None
    catch_up: Annotated[
        CatchUp | None, typer.Option(help="Of runs that came too late: none, the last, or all.")
    ] = None
    lateness: Annotated[
        int | None, typer.Option(metavar="MINUTES", help="How late a run may still go out.")
    ] = None
    overlap: Annotated[
        Overlap | None, typer.Option(help="While the previous run is not over: skip, or allow.")
    ] = None
    ends: Annotated[
        datetime | None, typer.Option(help="No run after this, on the clock of its time zone.")
    ] = None
    most: Annotated[int | None, typer.Option(help="How often it runs in all.")] = None

    def audience(self) -> Audience | None:
        """Say who is asked at each run whom it goes to; None if nobody is.

        Raises:
            BadParameter: two are named, or a queue without its task.
        """
        if self.file_at_run is not None and self.task is not None:
            raise typer.BadParameter("give --file-at-run or --task, not both")
        if self.queue is not None and self.task is None:
            raise typer.BadParameter("--queue says where --task is published: give both")
        if self.file_at_run is not None:
            return FromFile(
                path=self.file_at_run,
                number_column=self.number_column,
                id_column=self.id_column,
            )
        return None if self.task is None else FromTask(task=self.task, **_given(queue=self.queue))

    def changed(self, schedule: Schedule) -> Schedule:
        """Change a schedule by what is given, its recipients apart."""
        campaign = _given(
            text=self.text,
            sender=self.sender,
            pushtype=self.pushtype,
            links=self.link,
            lists=self.lists,
            bad_rows=self.bad_rows,
            on_unknown=self.on_unknown,
            producer=self.producer,
        )
        bounds = _given(
            cron=self.cron,
            timezone=self.timezone,
            catch_up=self.catch_up,
            lateness=None if self.lateness is None else timedelta(minutes=self.lateness),
            overlap=self.overlap,
            ends=self.ends,
            most=self.most,
        )
        found = replace(schedule, campaign=replace(schedule.campaign, **campaign), **bounds)
        return _in_its_zone(found)

    @contextmanager
    def with_recipients(self, schedule: Schedule) -> Iterator[Schedule]:
        """Give a schedule the recipients of the file, if there is one."""
        if self.file is None:
            yield schedule
            return
        with open_table(
            self.file,
            number_column=self.number_column,
            id_column=self.id_column,
            with_fields=True,
        ) as table:
            rows = (
                Recipient(row.number, row.id, row.row, row.fields, row.problem) for row in table
            )
            yield replace(schedule, campaign=replace(schedule.campaign, recipients=rows))


def _given(**options: Any) -> dict[str, Any]:  # noqa: ANN401 - options of many types
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in options.items()
        if value is not None
    }


def _in_its_zone(schedule: Schedule) -> Schedule:
    """Put the end of a schedule on the clock of its zone."""
    if schedule.ends is None or schedule.ends.tzinfo is not None:
        return schedule
    try:
        zone = schedule.recurrence.zone
    except (KeyError, ValueError, OSError):
        # The check of the whole schedule names what is wrong with its zone.
        return replace(schedule, ends=None)
    return replace(schedule, ends=schedule.ends.replace(tzinfo=zone))
