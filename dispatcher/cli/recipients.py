"""Commands about recipients of campaigns that exist: results, explain, check."""

from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from dispatcher.checking import Check
from dispatcher.cli.exit_codes import ExitCode
from dispatcher.cli.output import pairs, say, stdout, write_json
from dispatcher.cli.results_file import opened_for_results, write_csv, write_json_lines
from dispatcher.cli.session import AccountOption, CampaignId, JsonOption, opened_dispatcher
from dispatcher.domain.explanation import Explanation
from dispatcher.domain.fates import RecipientState
from dispatcher.domain.selection import REASONS, Selection
from dispatcher.producer import Dispatcher


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (results, explain, check):
        app.command()(command)


def results(  # noqa: PLR0913 - each is an option of the command
    campaign: CampaignId,
    *,
    jsonl: Annotated[
        bool, typer.Option("--jsonl/--csv", help="One JSON document a line, or CSV.")
    ] = False,
    state: Annotated[
        list[RecipientState] | None, typer.Option(help="Only these; may be repeated.")
    ] = None,
    reason: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORD",
            help="Only for these, such as network_error, or 'duplicated row'; `status` lists them. "
            "May be repeated.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Only those sent or heard of since, such as 2026-11-24T09:30+01:00.",
        ),
    ] = None,
    own_id: Annotated[
        list[str] | None,
        typer.Option("--id", metavar="ID", help="Only those with your id; may be repeated."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False, writable=True, help="Write to this file, whole or not at all."
        ),
    ] = None,
    account: AccountOption = None,
) -> None:
    """Write what became of every row that came in, or of some.

    Example: dispatcher results orders-2026-11-22 --csv --state undelivered --out failed.csv
    """
    write = write_json_lines if jsonl else write_csv
    selection = Selection(
        states=frozenset(state or ()),
        reasons=frozenset(reason or ()),
        since=None if since is None else _moment(since),
        ids=frozenset(own_id or ()),
    )
    with opened_dispatcher() as dispatcher:
        _refuse_odd_reasons(dispatcher, campaign, selection.reasons, account)
        wanted = dispatcher.results(campaign, account=account, selection=selection)
        # Asked for before a file is made, so that an unknown id leaves none behind.
        head = list(islice(wanted, 1))
        with opened_for_results(out) as stream:
            write(chain(head, wanted), stream)


def explain(
    campaign: CampaignId,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="In any usual form.")],
    *,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell everything that happened to one recipient.

    Every step is told with its reason, every receipt as it came, and what is next.

    Example: dispatcher explain orders-2026-11-22 '06 39 98 00 01'
    """
    with opened_dispatcher() as dispatcher:
        found = dispatcher.explain(campaign, number, account=account)
    if as_json:
        write_json(found)
    else:
        stdout().print(_story(found), soft_wrap=True)


def check(
    campaign: CampaignId, *, account: AccountOption = None, as_json: JsonOption = False
) -> None:
    """Count a campaign's recipients anew and compare.

    Their number is compared with the campaign's counters and rows. With the live dialect, the
    API's own figures are compared as well, once no receipt is awaited any more. Workers do the
    same every ten minutes. The exit code is 1 when something does not add up.

    Example: dispatcher check orders-2026-11-22
    """
    with opened_dispatcher() as dispatcher:
        found = dispatcher.check(campaign, account=account)
    if as_json:
        write_json(found)
    else:
        _tell(found)
    raise typer.Exit(ExitCode.FAILED if found.findings else ExitCode.OK)


def _refuse_odd_reasons(
    dispatcher: Dispatcher, campaign: str, reasons: frozenset[str], account: str | None
) -> None:
    """Refuse words that are no reason: neither ever, nor the API's own for this campaign."""
    for word in sorted(reasons - REASONS):
        those = Selection(reasons=frozenset({word}))
        if next(dispatcher.results(campaign, account=account, selection=those), None) is None:
            known = sorted(dispatcher.status(campaign, account=account).reasons)
            choices = f"choose from {', '.join(known)}" if known else "it has none so far"
            raise typer.BadParameter(
                f"--reason {word!r} is no reason in campaign {campaign}: {choices}"
            )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise typer.BadParameter(
            f"--since {text!r} is not one moment: write it as in 2026-11-24T09:30+01:00"
        )
    return moment


def _story(found: Explanation) -> Text:
    rows = [("id", found.id)] if found.id else []
    rows += [("state", found.state.value)]
    rows += [("because", found.reason)] if found.reason else []
    rows += [("ticket", found.ticket)] if found.ticket else []
    rows += [("text", found.text)] if found.text else []
    rows += [("next", found.next)]
    head = pairs(f"{found.number} in campaign {found.campaign}", rows)
    steps = [
        f"{step.at:%Y-%m-%d %H:%M:%S %Z}  {step.what}" if step.at else f"{'':<23}  {step.what}"
        for step in found.steps
    ]
    return Text("\n").join([head, Text(), *map(Text, steps)])


def _tell(found: Check) -> None:
    for finding in found.findings:
        typer.echo(finding)
    if not found.findings:
        typer.echo(f"campaign {found.campaign} adds up")
    if not found.is_whole:
        say("Not all was counted: it moves too much just now, or its recipients were erased.")
    if found.why_not_asked:
        say(f"The API's figures were not compared: {found.why_not_asked}.")
    elif found.asked:
        say(f"Compared with the API's figures of {found.asked:,} batches.")
