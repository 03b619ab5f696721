"""`dispatcher suppressions`: who must not be sent to."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from heapq import nlargest
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from dispatcher.cli.exit_codes import ExitCode
from dispatcher.cli.output import count, listing, say, stdout, write_json
from dispatcher.cli.problems_view import tell_problems
from dispatcher.cli.results_file import opened_for_results
from dispatcher.cli.session import AccountOption, JsonOption, opened_dispatcher, user_name
from dispatcher.domain.campaign import BadRows, Recipient
from dispatcher.domain.suppressions import Suppression, SuppressionSource
from dispatcher.errors import InputError
from dispatcher.suppressing import Standing, Suppressed
from dispatcher.tables import open_table

_HELP = """Keep lists of who must not be sent to.

Each account has one. Whoever is on it is left out of campaigns when these are submitted, quoted,
and right before each send.

Example: dispatcher suppressions add '06 39 98 00 01' --reason 'asked by mail'
"""
_MEND = "The rows count the numbers as you gave them. Mend those, and give all of them again."
_MEND_OR_SKIP = "Mend them, or suppress the others: --bad-rows skip"
_STDOUT = Path("-")
_HEADER = ("number", "since", "source", "reason", "by")

_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=_HELP)

Numbers = Annotated[list[str], typer.Argument(metavar="NUMBER...", help="In any usual form.")]
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
    _tell_added(found, as_json=as_json)


@_app.command()
def remove(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="In any usual form.")],
    *,
    reason: ReasonOption,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let somebody be sent to again; the reason stays on record.

    The API's own blacklist is told by the next `sync` with the live dialect; with v1 only its back
    office can.

    Example: dispatcher suppressions remove '06 39 98 00 01' --reason 'subscribed again'
    """
    with _told_problems(as_json=as_json), opened_dispatcher() as dispatcher:
        was_on_it = dispatcher.suppressions.remove(
            number, reason=reason, by=user_name(), account=account
        )
    if as_json:
        write_json({"removed": was_on_it})
    else:
        typer.echo("they may be sent to again" if was_on_it else "they were not on the list")


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
        write_json({"total": total, "entries": [_document(entry) for entry in found]})
        return
    stdout().print(listing(f"{total:,} suppressed", _HEADER, map(_cells, found)))


@_app.command("import")
def import_file(  # noqa: PLR0913 - each is an option of the command
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="As for `send`.")
    ],
    *,
    reason: ReasonOption = "",
    number_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Column of the numbers; left out: found.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook.")] = None,
    bad_rows: Annotated[
        BadRows, typer.Option(help="Refuse the file for numbers that are not valid, or skip them.")
    ] = BadRows.REJECT,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put everybody in a file onto the list; importing it again changes nothing.

    Example: dispatcher suppressions import stop-list.csv --reason 'list of the old tool'
    """
    with (
        _told_problems(as_json=as_json, advice=_MEND_OR_SKIP),
        open_table(file, number_column=number_column, sheet=sheet) as table,
        opened_dispatcher() as dispatcher,
    ):
        found = dispatcher.suppressions.add(
            (Recipient(row.number, row=row.row) for row in table),
            reason=reason,
            by=user_name(),
            source=SuppressionSource.IMPORT,
            bad_rows=bad_rows,
            account=account,
        )
    _tell_added(found, as_json=as_json)


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
    written = erased = 0
    path = None if file == _STDOUT else file
    with opened_dispatcher() as dispatcher, opened_for_results(path) as stream:
        table = csv.writer(stream, lineterminator="\n")
        if not as_json:
            table.writerow(_HEADER)
        for entry in dispatcher.suppressions.all(account=account):
            if entry.number is None:
                erased += 1
                continue
            written += 1
            if as_json:
                stream.write(msgspec.json.encode(_document(entry)).decode() + "\n")
            else:
                table.writerow(_cells(entry))
    if path is not None:
        say(f"{count(written, 'number')} written to {path}")
    if erased:
        say(f"{count(erased, 'erased number')} left out, suppressed all the same")


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


def _tell_added(found: Suppressed, *, as_json: bool) -> None:
    if as_json:
        write_json(
            {"rows": found.rows, "new": found.new, "known": found.known, "bad": len(found.bad)}
        )
        return
    skipped = f", {count(len(found.bad), 'bad row')} skipped" if found.bad else ""
    typer.echo(f"{count(found.new, 'number')} suppressed, {found.known:,} were so already{skipped}")


def _document(entry: Suppression) -> dict[str, Any]:
    return {
        "number": None if entry.number is None else f"+{entry.number}",
        "since": entry.at,
        "source": entry.source,
        "reason": entry.reason,
        "by": entry.by,
    }


def _cells(entry: Suppression) -> tuple[str, ...]:
    number = "(erased)" if entry.number is None else f"+{entry.number}"
    return number, entry.at.isoformat(), entry.source.value, entry.reason, entry.by


def _standing_document(found: Standing) -> dict[str, Any]:
    return {
        "number": f"+{found.number}",
        "suppressed": None if found.suppression is None else _document(found.suppression),
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
