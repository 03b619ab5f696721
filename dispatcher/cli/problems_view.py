"""How bad input is told: to people as a table, to scripts as JSON."""

from collections.abc import Sequence

from rich.console import Console

from dispatcher.cli.output import count, listing, stderr, write_json
from dispatcher.cli.row_files import ERRORS_HEADER, problem_cells
from dispatcher.errors import InputError, Problem

_SHOWN = 20
_MEND_OR_SKIP = "Mend them (--errors FILE lists all), or send to the others: --bad-rows skip"
_NAMES = ("row", "field", "problem", "fix")


def tell_problems(error: InputError, *, as_json: bool, advice: str = _MEND_OR_SKIP) -> None:
    """Tell a script, or people, what is wrong, and what may be done about bad rows."""
    if as_json:
        write_problems_json(error)
    else:
        show_problems(error, stderr(), advice=advice)


def show_problems(error: InputError, console: Console, *, advice: str = _MEND_OR_SKIP) -> None:
    """Show the first problems and how many there are."""
    shown = error.problems[:_SHOWN]
    title = f"{count(error.total, 'problem')}; nothing was kept"
    console.print(listing(title, ERRORS_HEADER, map(problem_cells, shown)))
    if error.total > len(shown):
        console.print(f"and {error.total - len(shown):,} more")
    if any(problem.row is not None for problem in shown):
        console.print(advice)


def show_skipped(problems: Sequence[Problem], total: int, console: Console) -> None:
    """Show the first rows that were skipped, and how many more were.

    Args:
        problems: the first of them.
        total: how many there are in all.
        console: where to.
    """
    shown = problems[:_SHOWN]
    console.print(listing("skipped", ERRORS_HEADER, map(problem_cells, shown)))
    if total > len(shown):
        console.print(f"and {total - len(shown):,} more")


def write_problems_json(error: InputError) -> None:
    """Write the problems as one JSON document."""
    problems = [
        dict(zip(_NAMES, (each.row, *problem_cells(each)[1:]), strict=True))
        for each in error.problems
    ]
    write_json({"error": type(error).__name__, "total": error.total, "problems": problems})
