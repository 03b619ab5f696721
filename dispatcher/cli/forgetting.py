"""Commands that erase people: forget, forgotten."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer

from dispatcher.cli.exit_codes import ExitCode
from dispatcher.cli.host_files import Kept, erase_from_files
from dispatcher.cli.output import count, listing, pairs, say, stdout, write_json
from dispatcher.cli.session import JsonOption, TimeoutOption, opened_dispatcher, user_name
from dispatcher.domain.erasure import Forgotten, LogState, Trace
from dispatcher.settings import Settings

_DEFAULT_TIMEOUT = 30.0
_TOLD_EVERY = 5000
_ACCOUNT_OF_KEY = re.compile(r"\{(.+?)\}")
_AGAIN = "Not everything is erased yet. Ask again with the same command."

_LOGS = {
    LogState.OFF: "Redis keeps none",
    LogState.REWRITTEN: "rewritten in the background now, without the number",
    LogState.LATER: "may hold the number until the rewrite after the one under way: ask again",
    LogState.REFUSED: "holds the number until its next rewrite, which Redis did not let us order",
}


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(forget)
    app.command()(forgotten)


def forget(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="Whose, in any usual form.")],
    *,
    by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who asks for it; left out: you.")
    ] = None,
    timeout: TimeoutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase one person everywhere, and prove it.

    Who was not sent to yet is not. What was sent keeps its fate and its cost, without the number.
    Files that this machine keeps for workers and receivers are looked through, too: run it on
    each. It may be repeated; the exit code is 4 while something is left to do.

    It does not keep anybody from being sent to later: see `dispatcher suppressions`.

    Example: dispatcher forget +33639980001
    """
    settings = Settings.from_env()
    with opened_dispatcher() as dispatcher:
        found = dispatcher.erasure.forget(
            number,
            by=by or user_name(),
            timeout=_DEFAULT_TIMEOUT if timeout is None else timeout,
            tell=_tell,
        )
        kept = erase_from_files(settings, dispatcher.erasure.person(number))
    if as_json:
        write_json({"is_complete": _is_complete(found, kept), "redis": found, "files": kept})
    else:
        stdout().print(pairs("Forgotten", _rows(found, kept)))
        for trace in found.proof.traces:
            say(f"still in {trace.key}: {count(trace.count, 'time')}")
        for advice in _strangers(found.proof.traces, settings):
            say(advice)
        for name in kept.left:
            say(f"still in the file {name}")
        for list_id in found.unreached:
            say(f"list {list_id} at the API could not be looked through")
    if not _is_complete(found, kept):
        say(_AGAIN)
        raise typer.Exit(ExitCode.UNFINISHED)


def forgotten(*, as_json: JsonOption = False) -> None:
    """List what `forget` erased.

    It tells when, how much and who asked for it, not whose it was.

    Example: dispatcher forgotten --json
    """
    with opened_dispatcher() as dispatcher:
        found = dispatcher.erasure.log()
    if as_json:
        write_json([_entry_document(entry) for entry in found])
        return
    header = ("when (UTC)", "asked by", "recipients", "entries", "contacts", "still found in")
    rows = [
        (
            f"{_when(entry):%Y-%m-%d %H:%M}",
            *(entry[name] for name in ("by", "recipients", "entries", "contacts", "traces")),
        )
        for entry in found
    ]
    stdout().print(listing("", header, rows))


def _when(entry: Mapping[str, str]) -> datetime:
    return datetime.fromtimestamp(int(entry["at"]) / 1000, UTC)


def _entry_document(entry: Mapping[str, str]) -> dict[str, object]:
    """Give an entry of the log with JSON's own types."""
    figures = {name: int(value) if value.isdecimal() else value for name, value in entry.items()}
    return {**figures, "at": _when(entry), "by": entry["by"]}


def _strangers(traces: Iterable[Trace], settings: Settings) -> Iterator[str]:
    """Name the accounts that hold somebody and are not configured here."""
    names = {found[1] for trace in traces if (found := _ACCOUNT_OF_KEY.search(trace.key))}
    for name in sorted(names - settings.accounts.keys()):
        yield (
            f"account {name} is not configured here: run this where it is, or set "
            f"DISPATCHER_ACCOUNTS__{name.upper()}__USERNAME and ...__PASSWORD"
        )


def _is_complete(found: Forgotten, kept: Kept) -> bool:
    return found.is_complete and not kept.left


def _rows(found: Forgotten, kept: Kept) -> list[tuple[str, str]]:
    where = len(found.proof.traces)
    proof = f"{count(found.proof.keys, 'key')} and {count(kept.files, 'file')} looked through: "
    return [
        ("recipients erased", f"{found.recipients:,}"),
        ("contacts removed at the API", f"{found.contacts:,}"),
        ("other entries erased", f"{found.entries + kept.erased:,}"),
        ("batches on their way", f"{found.waiting:,}"),
        ("append-only file", _LOGS[found.log]),
        ("proof", proof + ("nowhere" if not where + len(kept.left) else "found, see below")),
    ]


def _tell(what: str, so_far: int) -> None:
    if so_far and so_far % _TOLD_EVERY == 0:
        say(f"{so_far:,} {what} looked through")
