"""The command about an account's money."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer

from dispatcher.cli.output import count, pairs, stdout, write_json
from dispatcher.cli.session import AccountOption, JsonOption
from dispatcher.domain.bookkeeping import SPENDER_HEEDED
from dispatcher.domain.unknowns import UnknownTally
from dispatcher.producer import Dispatcher
from dispatcher.settings import Settings
from dispatcher.smsfactor.opening import open_client
from dispatcher.store.ledger import Credits
from dispatcher.store.pacing import Pace


def add_commands(app: typer.Typer) -> None:
    """Add `credits`."""
    app.command("credits")(show_credits)


def show_credits(
    *,
    account: AccountOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Ask the API for the balance as well (GET /credits).")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what is known of an account's credits.

    Example: dispatcher credits --check
    """
    settings = Settings.from_env()
    name = account or settings.default_account
    dispatcher = Dispatcher.from_settings(settings)
    try:
        known = dispatcher.credits(account=name)
        unknown = dispatcher.unknowns.tally(account=name)
        pace = dispatcher.pace(account=name)
    finally:
        dispatcher.close()
    told = _ask(settings, name) if check else None
    if as_json:
        document = _document(known, unknown) | {"pace": pace, "account": name, "told": told}
        write_json(document)
    else:
        rows = _rows(known, told) + _lost_rows(unknown)
        if settings.account(name).dedicated and settings.dialect == "v1":
            rows.append(("lost answers", proof(unknown, now=datetime.now(UTC))))
        rows += pace_rows(pace, settings.account(name).rate)
        stdout().print(pairs(f"Credits of account {name}", rows))


def _ask(settings: Settings, account: str) -> int:
    with open_client(settings, account) as api:
        return api.credits()


def _document(known: Credits, unknown: UnknownTally) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(known)
    available = None if known.balance is None else known.available
    return document | {"available": available, "unknown": unknown}


def _lost_rows(unknown: UnknownTally) -> list[tuple[str, str]]:
    rows = []
    if unknown.oldest is not None:
        batches = count(unknown.count, "batch")
        since = f"{unknown.oldest:%Y-%m-%d %H:%M %Z}"
        rows.append(("outcome unknown", f"{batches}, {unknown.credits:,} of these, since {since}"))
    if unknown.breaker_since is not None:
        since = f"{unknown.breaker_since:%Y-%m-%d %H:%M:%S %Z}"
        why = f"too many answers were lost, at {since}; it is tried again by itself"
        rows.append(("nothing is sent", f"{why}, or by dispatcher start"))
    return rows


def proof(unknown: UnknownTally, *, now: datetime) -> str:
    """Say whether the balance of a dedicated account can tell what became of a lost answer."""
    spender = unknown.spender_at
    if spender is not None and now - spender < SPENDER_HEEDED:
        since = f"{spender:%Y-%m-%d %H:%M %Z}"
        return f"not settled by the balance, for somebody else spent from it, {since}"
    if not unknown.is_balanced:
        return "not settled by the balance yet: it is read half a minute after the first sends"
    return "settled by the balance"


def pace_rows(pace: Pace, budget: float | None) -> list[tuple[str, str]]:
    """Say how fast an account may send; nothing for one that nothing slows down."""
    rows = []
    if budget is not None:
        rows.append(("budget", f"{budget:g} segments a second"))
    if pace.rate and pace.effective and pace.effective < pace.rate:
        why = "the API had too many requests; it grows back within a minute"
        rows.append(("of it just now", f"{pace.effective:.3g} a second: {why}"))
    if pace.paused_ms:
        why = "the API asked for a pause"
        rows.append(("nothing is sent", f"for {pace.paused_ms / 1000:.0f} s more: {why}"))
    return rows


def _rows(known: Credits, told: int | None) -> list[tuple[str, str]]:
    rows = [("the API says", f"{told:,}")] if told is not None else []
    if known.balance is None:
        rows.append(("balance", "not known: no campaign has been quoted yet; try --check"))
    else:
        rows += [("balance", f"{known.balance:,}"), ("available", f"{known.available:,}")]
    rows += [("reserved", f"{known.reserved:,}"), ("spent so far", f"{known.spent:,}")]
    if known.parked:
        rows.append(("nothing is sent", f"{known.parked}; see dispatcher doctor"))
    return rows
