"""Where words go: results to standard output, everything about them to standard error."""

import os
import sys
from collections.abc import Iterable, Sequence

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

# Rich folds at 80 columns what goes to no terminal; a long line is easier to search.
_WIDE = 200


def stdout() -> Console:
    """Give the console for what a command is asked for."""
    return _console(to_stderr=False)


def stderr() -> Console:
    """Give the console for progress, questions and errors."""
    return _console(to_stderr=True)


def is_live(console: Console) -> bool:
    """Tell whether lines that were written can be written over."""
    return console.is_terminal and not console.is_dumb_terminal


def write_json(value: object) -> None:
    """Write one JSON document on one line."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def say(words: str) -> None:
    """Tell the user something that is not the result, plainly."""
    stderr().print(escape(words))


def say_error(error: Exception) -> None:
    """Tell the user what went wrong, in one line."""
    stderr().print(f"[bold red]error[/]: {escape(str(error))}")


def pairs(title: str, rows: Iterable[tuple[str, str]]) -> Text:
    """Lay out names and values below each other."""
    found = list(rows)
    width = max(len(name) for name, _ in found)
    lines = [Text.assemble((f"{name:<{width}}", "bold"), "  ", value) for name, value in found]
    return Text("\n").join([Text(title, style="bold underline"), *lines])


def listing(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Make a table with a header."""
    table = Table(*header, title=title, title_justify="left", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def count(number: int, noun: str) -> str:
    """Write a number and its noun: `1 batch`, `2,000 batches`."""
    ending = "es" if noun.endswith(("ch", "s")) else "s"
    return f"{number:,} {noun}{'' if number == 1 else ending}"


def _console(*, to_stderr: bool) -> Console:
    stream = sys.stderr if to_stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _WIDE
    return Console(stderr=to_stderr, highlight=False, width=width)
