"""`dispatcher feed` and `dispatcher callbacks`: what producers are told."""

from typing import Annotated

import typer

from dispatcher.cli.output import listing, say, stdout, write_json
from dispatcher.cli.session import AccountOption, JsonOption, opened_dispatcher
from dispatcher.domain.feed import DEFAULT_PRODUCER, FeedEvent
from dispatcher.store.callbacks import CallbackStatus

_HELP = """Look after the callbacks to producers.

Workers post events to the addresses of DISPATCHER_CALLBACKS__PRODUCER__URL.

Example: dispatcher callbacks list
"""

_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=_HELP)

ProducerName = Annotated[
    str, typer.Argument(metavar="PRODUCER", help="As campaigns name their producer.")
]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(feed)
    app.add_typer(_app, name="callbacks")


def feed(
    producer: ProducerName = DEFAULT_PRODUCER,
    *,
    after: Annotated[
        int, typer.Option(min=0, metavar="N", help="Number of the last event already seen.")
    ] = 0,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with those to come.")
    ] = False,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a producer is told of its campaigns, oldest first.

    Events are numbered without gaps; old ones are forgotten, which is said.

    Example: dispatcher feed shop --after 120 --follow --json
    """
    with opened_dispatcher() as dispatcher:
        seen = after
        for event in dispatcher.feed(producer, after=after, follow=follow, account=account):
            if event.sequence > seen + 1:
                say(f"Events {seen + 1} to {event.sequence - 1} are not kept any more.")
            seen = event.sequence
            if as_json:
                write_json(event.document())
            else:
                typer.echo(_line(event))


@_app.command("list")
def list_callbacks(*, account: AccountOption = None, as_json: JsonOption = False) -> None:
    """Show how far the callbacks to each producer have come.

    Example: dispatcher callbacks list
    """
    with opened_dispatcher() as dispatcher:
        found = dispatcher.callbacks.list(account=account)
    if as_json:
        write_json(found)
        return
    header = ("producer", "newest", "seen to", "put off", "dead", "lost", "state")
    stdout().print(listing("", header, [_row(each) for each in found]))


@_app.command()
def dead(
    producer: ProducerName, *, account: AccountOption = None, as_json: JsonOption = False
) -> None:
    """List the events that were given up; `replay` delivers them again.

    Example: dispatcher callbacks dead shop
    """
    with opened_dispatcher() as dispatcher:
        found = dispatcher.callbacks.dead(producer, account=account)
    for letter in found:
        if as_json:
            about = {"why": letter.why, "attempts": letter.attempts, "died_at": letter.died_at}
            write_json({**about, "event": letter.event.document()})
        else:
            tried = f"{letter.attempts} attempts, {letter.died_at:%Y-%m-%d %H:%M:%S %Z}"
            typer.echo(f"{_line(letter.event)}  [{letter.why}; {tried}]")


@_app.command()
def replay(
    producer: ProducerName,
    numbers: Annotated[
        list[int] | None,
        typer.Argument(metavar="[N]...", help="Which dead letters; left out: all of them."),
    ] = None,
    *,
    after: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Deliver everything after this number again."),
    ] = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deliver events again, at once; an endpoint that answered 410 is called again.

    Example: dispatcher callbacks replay shop 117 118
    """
    with opened_dispatcher() as dispatcher:
        was_gone = dispatcher.callbacks.status(producer, account=account).is_gone
        count = dispatcher.callbacks.replay(producer, numbers or (), after=after, account=account)
    if as_json:
        found = {"producer": producer, "dead_letters": count, "after": after, "resumed": was_gone}
        write_json(found)
    else:
        everything = "" if after is None else f", and everything after {after}"
        typer.echo(f"dead letters to be delivered again: {count}{everything}")
        if was_gone:
            say("The endpoint had answered 410; delivery to it is resumed where it ended.")


def _line(event: FeedEvent) -> str:
    told = event.document()["data"]
    left_out = ("account", "producer", "sequence", "campaign", "recipients")
    words = " ".join(f"{name}={value}" for name, value in told.items() if name not in left_out)
    at = f"{event.at:%Y-%m-%d %H:%M:%S %Z}"
    return f"{event.sequence}  {at}  {event.kind.value:<8}  {event.campaign}  {words}"


def _row(status: CallbackStatus) -> tuple[str, ...]:
    figures = (status.last, status.seen, status.put_off, status.dead, status.lost)
    return (status.producer, *map(str, figures), _state(status))


def _state(status: CallbackStatus) -> str:
    if status.is_gone:
        return f"ended: {status.why}"
    if status.why is not None:
        following = f", next at {status.next_at:%H:%M:%S %Z}" if status.next_at else ""
        return f"failing ({status.failures}): {status.why}{following}"
    return "delivering" if status.delivered else "nothing delivered"
