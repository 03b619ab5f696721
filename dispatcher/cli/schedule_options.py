"""The options that creating and editing a schedule have in common."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.domain.campaign import BadRows
from dispatcher.domain.message import PushType
from dispatcher.domain.occurrences import CatchUp
from dispatcher.domain.schedules import Overlap
from dispatcher.domain.unknowns import OnUnknown

ScheduleId = Annotated[str, typer.Argument(metavar="ID", help="The schedule's id.")]
File = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]",
        exists=True,
        dir_okay=False,
        help="Table of recipients, read now and kept for every run.",
    ),
]
CronOption = Annotated[
    str | None,
    typer.Option("--cron", help="Minute, hour, day of month, month, day of week: '30 8 * * 1-5'."),
]
ZoneOption = Annotated[
    str | None, typer.Option("--timezone", "--zone", metavar="NAME", help="As in Europe/Paris.")
]
TextOption = Annotated[str | None, typer.Option(help="The content of the SMS.")]
SenderOption = Annotated[
    str | None, typer.Option(help="Up to 11 letters and digits shown as the sender.")
]
PushtypeOption = Annotated[
    PushType | None, typer.Option(help="Marketing is `advertising`: daytime only, with STOP.")
]
LinkOption = Annotated[
    list[str] | None,
    typer.Option(metavar="URL", help="For a <-short-> tag of the text; once for each."),
]
ListOption = Annotated[
    list[str] | None,
    typer.Option("--list", metavar="ID", help="List of the account, read at each run."),
]
FileOption = Annotated[
    Path | None,
    typer.Option("--file-at-run", metavar="PATH", help="Table on the workers' disk, read then."),
]
TaskOption = Annotated[
    str | None, typer.Option("--task", metavar="NAME", help="Your Celery task, asked at each run.")
]
QueueOption = Annotated[
    str | None, typer.Option("--queue", metavar="NAME", help="Where your worker takes it from.")
]
NumberOption = Annotated[
    str | None, typer.Option(metavar="NAME|N", help="Column of phone numbers, from 1.")
]
OwnIdOption = Annotated[
    str | None, typer.Option(metavar="NAME|N", help="Column of your own ids, from 1.")
]
BadRowsOption = Annotated[
    BadRows | None, typer.Option(help="Refuse the table for bad numbers, or skip those rows.")
]
ProducerOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Whose campaigns they are: see `dispatcher feed`."),
]
OnUnknownOption = Annotated[
    OnUnknown | None, typer.Option(help="When an answer is lost: see `dispatcher send --help`.")
]
CatchUpOption = Annotated[
    CatchUp | None, typer.Option(help="Of runs that came too late: none, the last, or all.")
]
LatenessOption = Annotated[
    int | None, typer.Option(metavar="MINUTES", help="How late a run may still go out.")
]
OverlapOption = Annotated[
    Overlap | None, typer.Option(help="While the previous run is not over: skip, or allow.")
]
EndsOption = Annotated[
    datetime | None, typer.Option(help="No run after this, on the clock of its time zone.")
]
MostOption = Annotated[int | None, typer.Option(help="How often it runs in all.")]
