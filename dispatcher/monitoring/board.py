"""The board: one page for operators, whole in itself: figures and ids, and nothing of people."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from importlib import resources

from dispatcher.broker import BrokerVitals
from dispatcher.domain.lifecycle import CampaignState, HoldReason
from dispatcher.domain.vitals import AccountVitals, Line, Lost, ServerVitals
from dispatcher.monitoring.concerns import Concern, Weight, age, concerns_of, concerns_of_account
from dispatcher.monitoring.endpoint import HTML, Page
from dispatcher.monitoring.state import View

_REFRESH_SECONDS = 10
_MEBIBYTE = 1 << 20
_DONE = 100
_WHOLE_FROM = 10


def board_page(view: View, *, now: datetime | None = None) -> Page:
    """Show a view to people."""
    shown_at = (now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M:%S UTC")
    style = (resources.files("dispatcher.monitoring") / "board.css").read_text()
    general = list(concerns_of(view))
    accounts = "".join(_account(each) for each in view.accounts)
    body = (
        f"<header><h1>SMS dispatcher</h1>{_pills(view)}<time>{shown_at}</time></header>"
        f"<main>{_concerns(general)}{accounts}{_queues(view.broker)}{_server(view.server)}</main>"
    )
    return Page(
        kind=HTML,
        body=(
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="color-scheme" content="light dark">'
            f'<meta http-equiv="refresh" content="{_REFRESH_SECONDS}">'
            f"<title>{_title(view, general)}</title><style>{style}</style></head>"
            f"<body>{body}</body></html>\n"
        ),
    )


def _title(view: View, general: Sequence[Concern]) -> str:
    everything = [*general, *(each for one in view.accounts for each in concerns_of_account(one))]
    grave = sum(each.weight is Weight.GRAVE for each in everything)
    return f"({grave}) SMS dispatcher" if grave else "SMS dispatcher"


def _pills(view: View) -> str:
    parts = (("Redis", view.server is not None), ("Broker", view.broker is not None))
    return "".join(
        f'<span class="pill {"good" if fine else "bad"}">{name} {"up" if fine else "away"}</span>'
        for name, fine in parts
    )


def _concerns(found: Sequence[Concern], *, is_fine: str = "") -> str:
    if not found:
        return f'<p class="fine">{is_fine}</p>' if is_fine else ""
    rows = "".join(
        f'<li class="{each.weight.value}"><span>{escape(each.says)}</span>'
        + (f"<code>{escape(each.command)}</code>" if each.command else "")
        + "</li>"
        for each in found
    )
    return f'<ul class="concerns">{rows}</ul>'


def _account(found: AccountVitals) -> str:
    concerns = list(concerns_of_account(found))
    ticked = "never" if found.ticked is None else f"{age(found.ticked)} ago"
    return (
        f"<section><h2>{escape(found.account)}<small>last tick {ticked}</small></h2>"
        f"{_concerns(concerns, is_fine='Everything moves.')}"
        f'<div class="tiles">{"".join(_tiles(found))}</div>'
        f"{_states(found)}{_lost(found.lost, found.account)}{_newest(found.newest)}</section>"
    )


def _tiles(found: AccountVitals) -> Iterable[str]:
    money = found.money
    balance = "?" if money.balance is None else f"{money.balance:,}"
    told = f"told {age(money.balance_age)} ago" if money.balance_age is not None else "not told yet"
    yield _tile("Balance", balance, told)
    yield _tile("Reserved", f"{money.reserved:,}", f"{money.exposed:,} exposed")
    lost = f"{found.unknown.count:,} unknown"
    lost += f", oldest {age(found.unknown.oldest)}" if found.unknown.count else ""
    yield _tile("At stake", f"{money.at_stake:,}", lost, is_bad=found.unknown.count > 0)
    yield _tile("Spent", f"{money.spent:,}", "credits, ever")
    more = f"{found.in_flight:,} in POSTs under way"
    more += f", {found.paced:,} kept waiting" if found.paced else ""
    yield _tile("Batches due", f"{found.waiting:,}", more)
    lag = max((each.oldest or 0 for each in found.overdue.values()), default=0)
    yield _tile("Due lag", age(lag), f"{found.renudges:,} nudged again, ever")
    if found.rate.budget:
        paused = f", paused {age(found.rate.paused)}" if found.rate.paused else ""
        more = f"of {_rate(found.rate.budget)} segments a second{paused}"
        yield _tile("Rate", f"{_rate(found.rate.effective or 0)}/s", more)
    waits = found.receipts
    yield _tile("Receipts waiting", f"{waits.count:,}", f"oldest {age(waits.oldest)}")
    yield _tile("Callbacks", f"{found.callbacks:,}", f"{found.dead:,} given up")


def _rate(value: float) -> str:
    """Write what may be less than one."""
    return f"{value:,.0f}" if value >= _WHOLE_FROM else f"{value:.2g}"


def _tile(name: str, value: str, more: str, *, is_bad: bool = False) -> str:
    mark = ' class="bad"' if is_bad else ""
    figure = f"<b>{escape(name)}</b><strong>{escape(value)}</strong><i>{escape(more)}</i>"
    return f"<div{mark}>{figure}</div>"


def _states(found: AccountVitals) -> str:
    rows = [
        (
            f"held: {place.value}" if isinstance(place, HoldReason) else place.value,
            waiting.count,
            age(waiting.oldest),
        )
        for place, waiting in found.standing.items()
        if waiting.count
    ]
    rows += [
        (state.value, found.over[state], "") for state in CampaignState if found.over.get(state)
    ]
    chips = "".join(
        f"<li><b>{count:,}</b> {escape(name)}{f'<i>oldest {oldest}</i>' if oldest else ''}</li>"
        for name, count, oldest in rows
    )
    return f'<h3>Campaigns</h3><ul class="chips">{chips or "<li>none yet</li>"}</ul>'


def _lost(lost: Sequence[Lost], account: str) -> str:
    if not lost:
        return ""
    rows = "".join(
        f'<li class="plain"><span>{escape(each.name)}<i>{each.quote:,} credits, {age(each.age)}</i>'
        f"</span><span><code>dispatcher unknown resolve {escape(each.name)} "
        f"--account {escape(account)} --by YOU --sent</code> <i>or --not-sent</i></span></li>"
        for each in lost
    )
    return f'<h3>Lost answers, if no evidence settles them</h3><ul class="concerns">{rows}</ul>'


def _newest(lines: Sequence[Line]) -> str:
    rows = [
        (
            each.id,
            f"held: {each.hold.value}" if each.hold else each.state.value,
            f"{each.recipients:,}",
            f"{each.settled * _DONE // each.batches if each.batches else 0} %",
            f"{each.cost:,}",
            f"{each.alarms:,}" if each.alarms else "",
            age(each.age),
        )
        for each in lines
    ]
    head = ("campaign", "state", "#recipients", "#settled", "#cost", "#alarms", "changed")
    return "<h3>Newest campaigns</h3>" + _table(head, rows) if rows else ""


def _queues(broker: BrokerVitals | None) -> str:
    if broker is None:
        return ""
    rows = [(queue.value, f"{count:,}") for queue, count in broker.queues.items()]
    if broker.unacked is not None:
        rows.append(("taken, not acknowledged", f"{broker.unacked:,}"))
    return f"<section><h2>Queues</h2>{_table(('queue', '#messages'), rows)}</section>"


def _server(server: ServerVitals | None) -> str:
    if server is None:
        return ""
    used = f"{server.used_memory / _MEBIBYTE:,.0f} MiB"
    limit = f"of {server.max_memory / _MEBIBYTE:,.0f} MiB" if server.max_memory else "no limit"
    tiles = (
        _tile("Memory", used, limit)
        + _tile(
            "Append-only file",
            "fine" if server.is_log_fine else "not written",
            "",
            is_bad=not server.is_log_fine,
        )
        + _tile("Replicas", f"{server.replicas}", "connected")
    )
    return f'<section><h2>Redis</h2><div class="tiles">{tiles}</div></section>'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table; `#` before a column's name makes it one of figures."""
    marks = ["figure" if name.startswith("#") else "" for name in head]
    titles = "".join(
        f'<th class="{mark}">{escape(name.lstrip("#"))}</th>'
        for name, mark in zip(head, marks, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="{mark}">{escape(value)}</td>'
            for value, mark in zip(row, marks, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    whole = f"<thead><tr>{titles}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide"><table>{whole}</table></div>'
