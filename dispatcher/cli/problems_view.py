"""How bad input is told: to people as a table, to spreadsheets as CSV, to scripts as JSON."""

import csv
from pathlib import Path

from rich.console import Console

from dispatcher.cli.output import count, listing, say, write_json
from dispatcher.errors import InputError, Problem

_SHOWN = 20
_HEADER = ("row", "field", "problem", "fix")


def show_problems(error: InputError, console: Console) -> None:
    """Show the first problems and how many there are."""
    shown = error.problems[:_SHOWN]
    title = f"{count(error.total, 'problem')}; nothing was kept"
    console.print(listing(title, _HEADER, map(_cells, shown)))
    if error.total > len(shown):
        console.print(f"and {error.total - len(shown):,} more")


def write_problems(error: InputError, path: Path) -> None:
    """Write the problems to a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(_HEADER)
        table.writerows(map(_cells, error.problems))
    listed = len(error.problems)
    rest = "" if listed == error.total else f" of {error.total:,}: mend these first"
    say(f"{count(listed, 'problem')}{rest} written to {path}")


def write_problems_json(error: InputError) -> None:
    """Write the problems as one JSON document."""
    problems = [
        dict(zip(_HEADER, (each.row, *_cells(each)[1:]), strict=True)) for each in error.problems
    ]
    write_json({"error": type(error).__name__, "total": error.total, "problems": problems})


def _cells(problem: Problem) -> tuple[str, str, str, str]:
    row = "" if problem.row is None else str(problem.row)
    return row, problem.field, problem.message, problem.fix
