"""`dispatcher schedule`: campaigns that recur."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from dispatcher.cli.exit_codes import ExitCode
from dispatcher.cli.output import listing, say, stderr, stdout, write_json
from dispatcher.cli.problems_view import show_problems, write_problems_json
from dispatcher.cli.schedule_options import (
    BadRowsOption,
    CatchUpOption,
    CronOption,
    EndsOption,
    File,
    FileOption,
    LatenessOption,
    LinkOption,
    ListOption,
    MostOption,
    NumberOption,
    OnUnknownOption,
    OverlapOption,
    OwnIdOption,
    ProducerOption,
    PushtypeOption,
    QueueOption,
    ScheduleId,
    SenderOption,
    TaskOption,
    TextOption,
    ZoneOption,
)
from dispatcher.cli.schedule_view import (
    planned_document,
    planned_table,
    run_lines,
    schedule_document,
    schedule_table,
    summary_row,
)
from dispatcher.cli.session import AccountOption, JsonOption, opened_dispatcher
from dispatcher.domain.campaign import Campaign, Recipient
from dispatcher.domain.schedules import (
    PREVIEWED,
    Audience,
    FromFile,
    FromTask,
    Planned,
    Schedule,
    ScheduleStatus,
)
from dispatcher.errors import InputError
from dispatcher.tables import open_table

_HELP = """Let campaigns recur, at times a cron expression names.

Each occurrence is one campaign, whatever is killed or run twice.

Example: dispatcher schedule next weekly-news 5
"""

_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help=_HELP,
)


def add_commands(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(_app, name="schedule")


@_app.command()
def create(  # noqa: PLR0913 - each is an option of the command
    file: File = None,
    *,
    cron: CronOption = None,
    timezone: ZoneOption = None,
    text: TextOption = None,
    sender: SenderOption = None,
    pushtype: PushtypeOption = None,
    link: LinkOption = None,
    lists: ListOption = None,
    file_at_run: FileOption = None,
    task: TaskOption = None,
    queue: QueueOption = None,
    number_column: NumberOption = None,
    id_column: OwnIdOption = None,
    bad_rows: BadRowsOption = None,
    on_unknown: OnUnknownOption = None,
    producer: ProducerOption = None,
    catch_up: CatchUpOption = None,
    lateness: LatenessOption = None,
    overlap: OverlapOption = None,
    ends: EndsOption = None,
    most: MostOption = None,
    identity: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Its id; repeating it is safe.")
    ] = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a campaign recur, and show its next runs.

    Every run is a campaign of its own, named after the schedule and its time, such as
    news@20261122T0730Z: `dispatcher status`, `results` and `cancel` know it by that id.

    Example: dispatcher schedule create people.csv --cron '30 8 * * 1' --timezone Europe/Paris
    --text 'Bonjour' --id news
    """
    if cron is None or timezone is None or (text is None):
        raise typer.BadParameter("give --cron, --timezone and --text")
    source = _audience(file_at_run, task, queue, number_column, id_column)
    draft = Schedule(
        cron,
        timezone,
        campaign=Campaign(text=text, account=account),
        id=identity,
        audience=source,
    )
    wanted = _changed(
        draft,
        campaign=_given(
            sender=sender,
            pushtype=pushtype,
            links=link,
            lists=lists,
            bad_rows=bad_rows,
            on_unknown=on_unknown,
            producer=producer,
        ),
        bounds=_given(
            catch_up=catch_up, lateness=_minutes(lateness), overlap=overlap, ends=ends, most=most
        ),
    )
    with (
        _recipients(file, wanted, number_column, id_column) as found,
        opened_dispatcher() as opened,
    ):
        _plan(opened.schedules.create, found, as_json=as_json)


@_app.command()
def edit(  # noqa: PLR0913 - each is an option of the command
    schedule: ScheduleId,
    file: File = None,
    *,
    cron: CronOption = None,
    timezone: ZoneOption = None,
    text: TextOption = None,
    sender: SenderOption = None,
    pushtype: PushtypeOption = None,
    link: LinkOption = None,
    lists: ListOption = None,
    file_at_run: FileOption = None,
    task: TaskOption = None,
    queue: QueueOption = None,
    number_column: NumberOption = None,
    id_column: OwnIdOption = None,
    bad_rows: BadRowsOption = None,
    on_unknown: OnUnknownOption = None,
    producer: ProducerOption = None,
    catch_up: CatchUpOption = None,
    lateness: LatenessOption = None,
    overlap: OverlapOption = None,
    ends: EndsOption = None,
    most: MostOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a schedule: only what is given, from the next run on.

    Recipients that were taken in before stay, unless there is a FILE or another audience.

    Example: dispatcher schedule edit news --cron '0 9 * * 1' --text 'Bonsoir'
    """
    source = _audience(file_at_run, task, queue, number_column, id_column)
    with opened_dispatcher() as opened:
        draft = opened.schedules.show(schedule, account=account).schedule
        if file or lists or source:
            # Whom it went to before, it goes to no more.
            campaign = replace(draft.campaign, lists=())
            draft = replace(draft, audience=source, campaign=campaign)
        wanted = _changed(
            replace(draft, **_given(cron=cron, timezone=timezone)),
            campaign=_given(
                text=text,
                sender=sender,
                pushtype=pushtype,
                links=link,
                lists=lists,
                bad_rows=bad_rows,
                on_unknown=on_unknown,
                producer=producer,
            ),
            bounds=_given(
                catch_up=catch_up,
                lateness=_minutes(lateness),
                overlap=overlap,
                ends=ends,
                most=most,
            ),
        )
        with _recipients(file, wanted, number_column, id_column) as found:
            _plan(opened.schedules.edit, found, as_json=as_json)


@_app.command("list")
def list_schedules(*, account: AccountOption = None, as_json: JsonOption = False) -> None:
    """List the schedules of an account, oldest first.

    Example: dispatcher schedule list
    """
    with opened_dispatcher() as dispatcher:
        found = dispatcher.schedules.list(account=account)
    if as_json:
        write_json([schedule_document(each) for each in found])
        return
    header = ("schedule", "cron", "time zone", "state", "runs", "next run")
    stdout().print(listing("", header, [summary_row(each) for each in found]))


@_app.command()
def show(
    schedule: ScheduleId, *, account: AccountOption = None, as_json: JsonOption = False
) -> None:
    """Show a schedule, and what became of its last runs.

    Example: dispatcher schedule show news
    """
    with opened_dispatcher() as dispatcher:
        _tell(dispatcher.schedules.show(schedule, account=account), as_json=as_json)


@_app.command("next")
def next_runs(
    schedule: ScheduleId,
    count: Annotated[int, typer.Argument(metavar="N", min=1, max=1000, help="How many.")] = (
        PREVIEWED
    ),
    *,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the next runs of a schedule, in its time zone.

    Example: dispatcher schedule next news 3
    """
    with opened_dispatcher() as dispatcher:
        found = dispatcher.schedules.next(schedule, count, account=account)
    if as_json:
        write_json(found)
        return
    for line in run_lines(found):
        typer.echo(line)
    if not found:
        say("It does not run: see `dispatcher schedule show`.")


@_app.command()
def pause(
    schedule: ScheduleId, *, account: AccountOption = None, as_json: JsonOption = False
) -> None:
    """Let a schedule not run until it is resumed; campaigns that exist go on.

    Example: dispatcher schedule pause news
    """
    with opened_dispatcher() as dispatcher:
        _tell(dispatcher.schedules.pause(schedule, account=account), as_json=as_json)


@_app.command()
def resume(
    schedule: ScheduleId, *, account: AccountOption = None, as_json: JsonOption = False
) -> None:
    """Let a paused schedule run again; what it missed is not caught up.

    Example: dispatcher schedule resume news
    """
    with opened_dispatcher() as dispatcher:
        _tell(dispatcher.schedules.resume(schedule, account=account), as_json=as_json)


@_app.command()
def delete(
    schedule: ScheduleId, *, account: AccountOption = None, as_json: JsonOption = False
) -> None:
    """Forget a schedule; its campaigns stay.

    Example: dispatcher schedule delete news
    """
    with opened_dispatcher() as dispatcher:
        dispatcher.schedules.delete(schedule, account=account)
    if as_json:
        write_json({"id": schedule, "state": "deleted"})
    else:
        typer.echo(f"schedule {schedule} is deleted; its campaigns stay")


def _given(**options: Any) -> dict[str, Any]:  # noqa: ANN401 - options of many types
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in options.items()
        if value is not None
    }


def _minutes(count: int | None) -> timedelta | None:
    return None if count is None else timedelta(minutes=count)


def _audience(
    file: Path | None,
    task: str | None,
    queue: str | None,
    number_column: str | None,
    id_column: str | None,
) -> Audience | None:
    if file is not None and task is not None:
        raise typer.BadParameter("give --file-at-run or --task, not both")
    if queue is not None and task is None:
        raise typer.BadParameter("--queue says where --task is published: give both")
    if file is not None:
        return FromFile(path=file, number_column=number_column, id_column=id_column)
    return None if task is None else FromTask(task=task, **_given(queue=queue))


def _changed(schedule: Schedule, *, campaign: dict[str, Any], bounds: dict[str, Any]) -> Schedule:
    found = replace(schedule, campaign=replace(schedule.campaign, **campaign), **bounds)
    if found.ends is None or found.ends.tzinfo is not None:
        return found
    try:
        zone = found.recurrence.zone
    except (KeyError, ValueError, OSError):
        # The check of the whole schedule names what is wrong with its zone.
        return replace(found, ends=None)
    return replace(found, ends=found.ends.replace(tzinfo=zone))


@contextmanager
def _recipients(
    file: Path | None, schedule: Schedule, number_column: str | None, id_column: str | None
) -> Iterator[Schedule]:
    """Open the recipients of a schedule that brings some."""
    if file is None:
        yield schedule
        return
    with open_table(
        file, number_column=number_column, id_column=id_column, with_fields=True
    ) as table:
        rows = (Recipient(row.number, row.id, row.row, row.fields, row.problem) for row in table)
        yield replace(schedule, campaign=replace(schedule.campaign, recipients=rows))


def _plan(put: Callable[[Schedule], Planned], schedule: Schedule, *, as_json: bool) -> None:
    try:
        planned = put(schedule)
    except InputError as error:
        if as_json:
            write_problems_json(error)
        else:
            show_problems(error, stderr())
        raise typer.Exit(ExitCode.BAD_INPUT) from None
    if as_json:
        write_json(planned_document(planned))
    else:
        stdout().print(planned_table(planned, schedule))


def _tell(found: ScheduleStatus, *, as_json: bool) -> None:
    if as_json:
        write_json(schedule_document(found))
    else:
        stdout().print(schedule_table(found))
