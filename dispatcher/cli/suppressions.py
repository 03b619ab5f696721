"""`dispatcher suppressions`: who must not be sent to."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from heapq import nlargest
from pathlib import Path
from typing import Annotated, Any

import typer

from dispatcher.cli.exit_codes import ExitCode
from dispatcher.cli.output import count, listing, say, stderr, stdout, write_json
from dispatcher.cli.problems_view import show_skipped, tell_problems
from dispatcher.cli.recipients_file import STDIN, Words, error_in_own_words, in_own_words
from dispatcher.cli.row_files import ErrorsFile, refuse_same_file
from dispatcher.cli.session import AccountOption, JsonOption, opened_dispatcher, user_name
from dispatcher.cli.suppression_files import (
    HEADER,
    NumberColumnOption,
    SheetOption,
    cells,
    document,
    opened_people,
    write_entries,
)
from dispatcher.domain.campaign import BadRows, Recipient
from dispatcher.domain.suppressions import SuppressionSource
from dispatcher.errors import InputError
from dispatcher.settings import Settings
from dispatcher.smsfactor import Dialect
from dispatcher.suppressing import Standing, Suppressed

_HELP = """Keep lists of who must not be sent to.

Each account has one. Whoever is on it is left out of campaigns when these are submitted, quoted,
and right before each send.

Example: dispatcher suppressions add '06 39 98 00 01' --reason 'asked by mail'
"""
_MEND = "The rows count the numbers as you gave them. Mend those, and give all of them again."
_MEND_OR_SKIP = "Mend them (--errors FILE lists all), or suppress the others: --bad-rows skip"

_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=_HELP)

Numbers = Annotated[list[str], typer.Argument(metavar="NUMBER...", help="In any usual form.")]
FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="As for `send`; - is standard input.")
]
ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="WORDS", help="Why, without personal data.")
]


def add_commands(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(_app, name="suppressions")


@_app.command()
def add(
    numbers: Numbers,
    *,
    reason: ReasonOption = "",
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Never send to these people again.

    Example: dispatcher suppressions add '06 39 98 00 01' +33639980002
    """
    with _told_problems(as_json=as_json), opened_dispatcher() as dispatcher:
        found = dispatcher.suppressions.add(numbers, reason=reason, by=user_name(), account=account)
    _tell_added(found, {}, as_json=as_json)


@_app.command()
def remove(  # noqa: PLR0913 - each is an option of the command
    numbers: Annotated[
        list[str] | None, typer.Argument(metavar="[NUMBER]...", help="In any usual form.")
    ] = None,
    *,
    reason: ReasonOption,
    file: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Everybody in this file, as for `import`."),
    ] = None,
    number_column: NumberColumnOption = None,
    sheet: SheetOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let people be sent to again; the reason stays on record.

    Nobody is taken off if a number is not valid. The API's own blacklist is told by the next
    `sync` with the live dialect; with v1 only its back office can.

    Example: dispatcher suppressions remove '06 39 98 00 01' --reason 'subscribed again'
    """
    if (file is None) == (not numbers):
        raise typer.BadParameter("give numbers, or --from FILE")
    with _told_problems(as_json=as_json), opened_dispatcher() as dispatcher:
        whom: Sequence[str | Recipient] = numbers or []
        if file is not None:
            with opened_people(file, number_column=number_column, sheet=sheet) as (people, _):
                whom = list(people)
        removed = dispatcher.suppressions.remove_all(
            whom, reason=reason, by=user_name(), account=account
        )
    if as_json:
        write_json({"removed": removed})
        return
    typer.echo(f"{count(removed, 'number')} taken off: they may be sent to again")
    if Settings.from_env().dialect == Dialect.V1.value:
        say("Whom the API's own blacklist has, it still refuses: only its back office ends that.")


@_app.command("list")
def list_suppressions(
    *,
    most: Annotated[
        int, typer.Option("--count", min=1, metavar="N", help="Show so many, newest first.")
    ] = 20,
    source: Annotated[
        SuppressionSource | None, typer.Option(help="Only those who came onto it this way.")
    ] = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who was put onto the list last.

    Example: dispatcher suppressions list --source reply --count 50
    """
    with opened_dispatcher() as dispatcher:
        total = dispatcher.suppressions.count(account=account)
        wanted = (
            entry
            for entry in dispatcher.suppressions.all(account=account)
            if source is None or entry.source is source
        )
        found = nlargest(most, wanted, key=lambda entry: entry.at)
    if as_json:
        write_json({"total": total, "entries": [document(entry) for entry in found]})
        return
    stdout().print(listing(f"{total:,} suppressed", HEADER, map(cells, found)))


@_app.command("import")
def import_file(  # noqa: PLR0913 - each is an option of the command
    file: FileArgument,
    *,
    reason: ReasonOption = "",
    number_column: NumberColumnOption = None,
    sheet: SheetOption = None,
    bad_rows: Annotated[
        BadRows, typer.Option(help="Refuse the file for numbers that are not valid, or skip them.")
    ] = BadRows.REJECT,
    errors: Annotated[
        Path | None,
        typer.Option(dir_okay=False, writable=True, help="Write every bad row to this CSV file."),
    ] = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put everybody in a file onto the list; importing it again changes nothing.

    What `export` wrote keeps its columns since, source and reason: how it is known that somebody
    must not be sent to.

    Example: dispatcher suppressions import stop-list.csv --reason 'list of the old tool'
    """
    refuse_same_file(file, errors)
    bad = ErrorsFile(errors)
    with (
        _told_problems(as_json=as_json, advice=_MEND_OR_SKIP),
        opened_dispatcher() as dispatcher,
        opened_people(file, number_column=number_column, sheet=sheet) as (people, words),
    ):
        # The file of bad rows is to be there when they are refused, too.
        with bad.opened():
            add = partial(dispatcher.suppressions.add, people, reason=reason, by=user_name())
            found = _or_error(
                lambda: add(
                    source=SuppressionSource.IMPORT,
                    bad_rows=bad_rows,
                    on_bad=lambda problem: bad.write(problem, words),
                    account=account,
                )
            )
        if isinstance(found, InputError):
            raise error_in_own_words(found, words)
        _tell_added(found, words, as_json=as_json)


@_app.command()
def export(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Left out, or -: standard output.")
    ] = None,
    *,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write everybody on the list as CSV, or as JSON lines, as `import` reads it again.

    People who were erased stay suppressed and have no number any more: they are counted only.

    Example: dispatcher suppressions export stop-list.csv
    """
    with opened_dispatcher() as dispatcher:
        path = None if file == STDIN else file
        write_entries(dispatcher.suppressions.all(account=account), path, as_json=as_json)


@_app.command()
def check(numbers: Numbers, *, account: AccountOption = None, as_json: JsonOption = False) -> None:
    """Tell whether people may be sent to, and why not.

    Example: dispatcher suppressions check '06 39 98 00 01'
    """
    with _told_problems(as_json=as_json), opened_dispatcher() as dispatcher:
        found = dispatcher.suppressions.check(numbers, account=account)
    if as_json:
        write_json([_standing_document(each) for each in found])
    else:
        header = ("number", "may be sent to", "since", "why")
        stdout().print(listing("", header, map(_standing_cells, found)))


@_app.command()
def sync(*, account: AccountOption = None, as_json: JsonOption = False) -> None:
    """Take in the API's blacklist now and, with the live dialect, tell it ours.

    Workers do so by themselves, every hour unless DISPATCHER_BLACKLIST_SYNC_EVERY says otherwise.

    Example: dispatcher suppressions sync
    """
    with opened_dispatcher() as dispatcher:
        found = dispatcher.suppressions.sync(account=account)
    if as_json:
        write_json(found)
        return
    typer.echo(
        f"{count(found.read, 'number')} on the API's blacklist, {found.added:,} new here; "
        f"told of {found.told:,}, took {found.freed:,} off it"
    )
    if found.left:
        say(f"{count(found.left, 'number')} of ours are not on it; they are not sent to either way")


@contextmanager
def _told_problems(*, as_json: bool, advice: str = _MEND) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        tell_problems(error, as_json=as_json, advice=advice)
        raise typer.Exit(ExitCode.BAD_INPUT) from None


def _or_error(add: Callable[[], Suppressed]) -> Suppressed | InputError:
    try:
        return add()
    except InputError as error:
        return error


def _tell_added(found: Suppressed, words: Words, *, as_json: bool) -> None:
    if as_json:
        told = {"rows": found.rows, "new": found.new, "known": found.known, "bad": found.skipped}
        write_json(told)
        return
    skipped = f", {count(found.skipped, 'bad row')} skipped" if found.skipped else ""
    typer.echo(f"{count(found.new, 'number')} suppressed, {found.known:,} were so already{skipped}")
    if found.skipped:
        problems = [in_own_words(problem, words) for problem in found.bad]
        show_skipped(problems, found.skipped, stderr())


def _standing_document(found: Standing) -> dict[str, Any]:
    return {
        "number": f"+{found.number}",
        "suppressed": None if found.suppression is None else document(found.suppression),
        "removed": found.lift,
    }


def _standing_cells(found: Standing) -> tuple[str, ...]:
    number = f"+{found.number}"
    if found.suppression is not None:
        entry = found.suppression
        why = ": ".join(filter(None, (entry.source.value, entry.reason)))
        return number, "no", entry.at.isoformat(), why
    if found.lift is not None:
        why = f"taken off by {found.lift.by}: {found.lift.reason}"
        return number, "yes", found.lift.at.isoformat(), why
    return number, "yes", "", ""
