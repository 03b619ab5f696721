"""`dispatcher unknown`: batches whose answer was lost."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from dispatcher.cli.output import count, listing, say, stdout, write_json
from dispatcher.cli.session import AccountOption, JsonOption, opened_dispatcher
from dispatcher.domain.unknowns import Decision, OnUnknown, UnknownBatch

_HELP = """See and settle batches whose answer was lost.

They may or may not have been sent. Evidence settles most of them by itself; the rest is for you.

Example: dispatcher unknown list
"""

_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=_HELP)

_ONE = "give --sent, --not-sent or --abandon, and only one of them"
_WHAT_THEN = (
    "To decide: dispatcher unknown resolve CAMPAIGN/BATCH --sent|--not-sent|--abandon --by NAME"
)


def add_commands(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(_app, name="unknown")


@_app.command("list")
def show(*, account: AccountOption = None, as_json: JsonOption = False) -> None:
    """List batches that may or may not have been sent, oldest first, with the evidence.

    Example: dispatcher unknown list --json
    """
    with opened_dispatcher() as dispatcher:
        found = dispatcher.unknowns.list(account=account)
    if as_json:
        write_json(found)
        return
    if not found:
        typer.echo("no outcome is unknown")
        return
    now = datetime.now(UTC)
    header = ("batch", "age", "people", "at stake", "evidence")
    stdout().print(listing("", header, [_row(each, now) for each in found]))
    say(_WHAT_THEN)


@_app.command()
def resolve(  # noqa: PLR0913 - each is an option of the command
    batch: Annotated[str, typer.Argument(metavar="CAMPAIGN/BATCH", help="As listed.")],
    *,
    by: Annotated[str, typer.Option(metavar="NAME", help="Who decides; kept with the decision.")],
    sent: Annotated[bool, typer.Option("--sent", help="The API has it.")] = False,
    not_sent: Annotated[
        bool, typer.Option("--not-sent", help="It does not: send it again.")
    ] = False,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Nobody will know: do not send it again.")
    ] = False,
    ticket: Annotated[
        str, typer.Option(metavar="ID", help="With --sent: the API's id of it, if known.")
    ] = "",
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide what became of a batch, when you know it from elsewhere, such as the back office.

    A wrong --not-sent makes people get the message twice; a wrong --sent loses it. Both count
    as your decision, with its credits, in the campaign's events.

    Example: dispatcher unknown resolve spring-sale/3 --sent --by 'Ada'
    """
    chosen = [
        verdict
        for verdict, is_meant in (
            (Decision.SENT, sent),
            (Decision.NOT_SENT, not_sent),
            (Decision.ABANDON, abandon),
        )
        if is_meant
    ]
    if len(chosen) != 1:
        raise typer.BadParameter(_ONE)
    with opened_dispatcher() as dispatcher:
        found = dispatcher.unknowns.resolve(batch, chosen[0], by=by, ticket=ticket, account=account)
    if as_json:
        write_json(found)
    else:
        typer.echo(f"batch {batch} is {found.batch.value}, its campaign {found.campaign.value}")


def _row(batch: UnknownBatch, now: datetime) -> tuple[str, str, str, str, str]:
    return (
        batch.name,
        _age(now - batch.since),
        f"{batch.recipients:,}",
        count(batch.quote, "credit"),
        "; ".join(_evidence(batch)),
    )


def _evidence(batch: UnknownBatch) -> list[str]:
    found = [batch.why] if batch.why else []
    found += [f"{source.value}: {seen.says}" for source, seen in batch.evidence.items()]
    if batch.is_proven_unsent:
        found.append("so it was not sent, and you decide")
    elif batch.policy is not OnUnknown.HOLD:
        found.append(f"its campaign says: {batch.policy.value}")
    return found


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds()) // 60
    if minutes < 60:  # noqa: PLR2004 - of an hour
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"
