"""`dispatcher doctor`: shows what the checks found, and what to do about it."""

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from dispatcher.cli.checks import examine_all
from dispatcher.cli.exit_codes import ExitCode
from dispatcher.cli.findings import Grade, Result
from dispatcher.cli.output import count, stdout, write_json
from dispatcher.cli.session import JsonOption
from dispatcher.settings import Settings

_STYLES = {Grade.FINE: "green", Grade.WARNING: "yellow", Grade.PROBLEM: "bold red"}


def add_commands(app: typer.Typer) -> None:
    """Add `doctor`."""
    app.command()(doctor)


def doctor(
    *,
    webhook_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where the API reaches the receiver: https://HOST."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check that campaigns can be sent safely.

    Looks at Redis, broker, credentials, webhook and clocks, at what holds sends up and what waits
    for a person, and says what to do. Sends nothing and changes nothing. Exits with 0 unless
    there is a problem; warnings are none.

    Example: dispatcher doctor --webhook-url https://hooks.example.com
    """
    results = examine_all(Settings.from_env(), webhook_url=webhook_url)
    found = list(results) if as_json else _shown(results, stdout())
    if as_json:
        write_json(found)
    raise typer.Exit(exit_code(found))


def exit_code(results: Iterable[Result]) -> ExitCode:
    """Give the code of the first problem."""
    return next((each.code for each in results if each.grade is Grade.PROBLEM), ExitCode.OK)


def _shown(results: Iterable[Result], console: Console) -> list[Result]:
    """Show each result as it is found, for some take seconds."""
    found = []
    for result in results:
        found.append(result)
        style = _STYLES[result.grade]
        mark = f"[{style}]{result.grade.value:<8}[/]"
        console.print(f"{mark} {escape(result.subject):<20} {escape(result.message)}")
        if result.fix:
            console.print(f"{'':<8} {'':<20} {escape('-> ' + result.fix)}")
    problems = sum(each.grade is Grade.PROBLEM for each in found)
    console.print(count(problems, "problem") if problems else "All is well enough to send.")
    return found
