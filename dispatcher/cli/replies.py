"""`dispatcher replies`: what people answered, and what of it a person has to read."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import typer

from dispatcher.cli.output import count as counted
from dispatcher.cli.output import listing, pairs, say, stdout, write_json
from dispatcher.cli.session import AccountOption, JsonOption, opened_dispatcher, user_name
from dispatcher.domain.replies import Reply, Verdict
from dispatcher.producer import Dispatcher

_HELP = """Show what people answered.

Who answers STOP, or one of many words for it, is never written to again: see
`dispatcher suppressions`. What merely mentions it waits here for a person.

Example: dispatcher replies review
"""

_STAYS = (
    "Its number stays suppressed. Let them be sent to again: "
    "dispatcher suppressions remove NUMBER --reason WORDS"
)

_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=_HELP)


def add_commands(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(_app, name="replies")


@_app.command("list")
def list_replies(
    *,
    campaign: Annotated[
        str | None, typer.Option(metavar="ID", help="Only what answers this campaign.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 20,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the newest replies, newest first.

    A reply belongs to the campaign that last reached its number before it was written.

    Example: dispatcher replies list --campaign orders-2026-11-22
    """
    with opened_dispatcher() as dispatcher:
        found = dispatcher.replies.list(account=account, campaign=campaign, count=count)
        waiting = sum(1 for _ in dispatcher.replies.to_review(account=account))
    _show(list(found), as_json=as_json)
    if waiting and not as_json:
        wait = "waits" if waiting == 1 else "wait"
        say(f"{counted(waiting, 'reply')} {wait} to be read: dispatcher replies review")


@_app.command()
def show(
    reply: Annotated[str, typer.Argument(metavar="ID", help="The reply's id, as events tell it.")],
    *,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one reply whole.

    Example: dispatcher replies show 3f9c2e71a8b04d5566aa
    """
    with opened_dispatcher() as dispatcher:
        found = dispatcher.replies.get(reply, account=account)
    if as_json:
        write_json(_document(found))
    else:
        rows = [(name, value) for name, value in _pairs(found) if value]
        stdout().print(pairs(f"Reply {found.id}", rows))


@_app.command()
def review(*, account: AccountOption = None, as_json: JsonOption = False) -> None:
    """List the replies that mention stopping without saying just that.

    Their senders are written to until somebody judges: `dispatcher replies mark`.

    Example: dispatcher replies review
    """
    with opened_dispatcher() as dispatcher:
        found = list(dispatcher.replies.to_review(account=account))
    _show(found, as_json=as_json)
    if found and not as_json:
        say("Judge each: dispatcher replies mark ID --stop, or --harmless")


@_app.command()
def mark(
    reply: Annotated[str, typer.Argument(metavar="ID", help="The reply's id: replies review.")],
    *,
    is_stop: Annotated[
        bool | None,
        typer.Option("--stop/--harmless", help="Never write to them again, or go on."),
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who says so; left out: who runs this.")
    ] = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a reply means.

    Example: dispatcher replies mark 3f9c2e71a8b04d5566aa --stop --by ada
    """
    if is_stop is None:
        raise typer.BadParameter("give --stop or --harmless")
    verdict = Verdict.STOP if is_stop else Verdict.HARMLESS
    with opened_dispatcher() as dispatcher:
        found = dispatcher.replies.judge(reply, verdict, by=by or user_name(), account=account)
        stays = verdict is Verdict.HARMLESS and _is_suppressed(dispatcher, found, account)
    if as_json:
        write_json(_document(found))
    elif verdict is Verdict.STOP and found.number is None:
        typer.echo(f"reply {found.id} is a STOP, but its sender is no number to be suppressed")
    elif verdict is Verdict.STOP:
        typer.echo(f"reply {found.id} is a STOP: its number is never written to again")
    else:
        typer.echo(f"reply {found.id} is harmless")
    if stays:
        say(_STAYS)


def _is_suppressed(dispatcher: Dispatcher, reply: Reply, account: str | None) -> bool:
    if reply.number is None:
        return False
    (standing,) = dispatcher.suppressions.check([f"+{reply.number}"], account=account)
    return standing.suppression is not None


def _show(found: list[Reply], *, as_json: bool) -> None:
    if as_json:
        write_json([_document(reply) for reply in found])
        return
    header = ("reply", "written", "number", "campaign", "taken for", "text")
    stdout().print(listing("", header, [_row(reply) for reply in found]))


def _row(reply: Reply) -> tuple[str, ...]:
    return (
        reply.id,
        f"{reply.at.astimezone():%Y-%m-%d %H:%M %z}",
        reply.number or _harmless(reply.sender),
        reply.campaign or "",
        _taken_for(reply),
        _harmless(reply.text),
    )


def _pairs(reply: Reply) -> Iterator[tuple[str, str]]:
    yield "written", f"{reply.at.astimezone():%Y-%m-%d %H:%M:%S %z}"
    yield "number", reply.number or _harmless(reply.sender)
    yield "campaign", reply.campaign or "none that reached this number before"
    yield "place", "" if reply.place is None else f"{reply.place}, as `results` tells"
    yield "taken for", _taken_for(reply)
    yield "text", _harmless(reply.text)


def _taken_for(reply: Reply) -> str:
    if reply.verdict is not None:
        return f"{reply.verdict.value} ({reply.by})"
    return reply.intent.value + (", to be read" if reply.needs_review else "")


def _harmless(words: str) -> str:
    """Leave out what would steer the terminal: anybody may have written it."""
    shown = "".join(sign if sign.isprintable() else " " for sign in words)
    return " ".join(shown.split())


def _document(reply: Reply) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(reply)
    return document
