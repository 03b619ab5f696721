"""`dispatcher schedule`: campaigns that recur."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

import typer

from dispatcher.cli.exit_codes import ExitCode
from dispatcher.cli.output import listing, say, stderr, stdout, write_json
from dispatcher.cli.problems_view import show_problems, write_problems_json
from dispatcher.cli.schedule_options import ScheduleId, ScheduleOptions
from dispatcher.cli.schedule_view import (
    planned_document,
    planned_table,
    run_lines,
    schedule_document,
    schedule_table,
    summary_row,
)
from dispatcher.cli.session import AccountOption, JsonOption, opened_dispatcher
from dispatcher.cli.shared_options import with_options
from dispatcher.domain.campaign import Campaign
from dispatcher.domain.schedules import (
    PREVIEWED,
    Planned,
    Schedule,
    ScheduleStatus,
)
from dispatcher.errors import InputError

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
@with_options(ScheduleOptions)
def create(
    options: ScheduleOptions,
    *,
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
    if options.cron is None or options.timezone is None or options.text is None:
        raise typer.BadParameter("give --cron, --timezone and --text")
    draft = Schedule(
        options.cron,
        options.timezone,
        campaign=Campaign(text=options.text, account=account),
        id=identity,
        audience=options.audience(),
    )
    with (
        options.with_recipients(options.changed(draft)) as found,
        opened_dispatcher() as opened,
    ):
        _plan(opened.schedules.create, found, as_json=as_json)


@_app.command()
@with_options(ScheduleOptions)
def edit(
    options: ScheduleOptions,
    schedule: ScheduleId,
    *,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a schedule: only what is given, from the next run on.

    Recipients that were taken in before stay, unless there is a FILE or another audience.

    Example: dispatcher schedule edit news --cron '0 9 * * 1' --text 'Bonsoir'
    """
    source = options.audience()
    with opened_dispatcher() as opened:
        draft = opened.schedules.show(schedule, account=account).schedule
        if options.file or options.lists or source:
            # Whom it went to before, it goes to no more.
            campaign = replace(draft.campaign, lists=())
            draft = replace(draft, audience=source, campaign=campaign)
        with options.with_recipients(options.changed(draft)) as found:
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
