"""How a campaign is told to people: its quote, its status, and what to do when it waits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from rich.text import Text

from dispatcher.cli.output import count, pairs
from dispatcher.cli.watching import is_read
from dispatcher.domain.campaign import CampaignStatus, Event
from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import CampaignState, HoldReason
from dispatcher.store.ledger import Credits


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """What a campaign costs, and what is left afterwards; `None` when not known yet."""

    campaign: str
    rows: int
    recipients: int
    dropped: dict[str, int]
    batches: int
    cost: int
    balance_before: int | None
    reserved_by_others: int
    balance_after: int | None

    @property
    def missing(self) -> int:
        """Credits that are missing to send it now; 0 when there are enough."""
        if self.balance_after is None:
            return 0
        return max(0, self.reserved_by_others - self.balance_after)


def quote_of(status: CampaignStatus, credits_known: Credits) -> Quote:
    """Make the quote of a campaign from its status and its account's credits."""
    states = status.recipient_states
    dropped = states.get(RecipientState.NOT_SENT, 0)
    own = _own_reservation(status)
    before = None if credits_known.balance is None else credits_known.balance + status.cost
    return Quote(
        campaign=status.id,
        rows=status.rows,
        recipients=status.rows - dropped,
        dropped=_why_dropped(status),
        batches=status.batches,
        cost=status.quote,
        balance_before=before,
        reserved_by_others=max(0, credits_known.reserved - own),
        balance_after=None if before is None else before - status.quote,
    )


def quote_table(quote: Quote) -> Text:
    """Show a quote."""
    rows = [("rows", f"{quote.rows:,}"), ("recipients", f"{quote.recipients:,}")]
    rows += [(f"  {reason}", f"{dropped:,} left out") for reason, dropped in quote.dropped.items()]
    rows += [
        ("batches", f"{quote.batches:,}"),
        ("cost", count(quote.cost, "credit")),
        ("balance before", _credits(quote.balance_before)),
        ("balance after", _credits(quote.balance_after)),
    ]
    if quote.reserved_by_others:
        rows.append(("reserved by others", count(quote.reserved_by_others, "credit")))
    if quote.missing:
        rows.append(("missing", f"{count(quote.missing, 'credit')}: it would wait for a top-up"))
    return pairs(f"Quote of campaign {quote.campaign}", rows)


def status_table(status: CampaignStatus, lists: Sequence[str] = ()) -> Text:
    """Show where a campaign stands, and the ids of the lists that were made for it."""
    rows = [*_status_rows(status), *_list_rows(lists)]
    return pairs(f"Campaign {status.id}", rows)


def summary(status: CampaignStatus) -> str:
    """Say in one line where a campaign stands."""
    if not is_read(status):
        return _state(status) if status.is_over else f"{_state(status)}; {_UNREAD}"
    states = ", ".join(f"{n:,} {state.value}" for state, n in _in_order(status))
    return f"{_state(status)}; {states}"


def hint(status: CampaignStatus, now: datetime) -> str:
    """Say what to do next about a campaign; empty when there is nothing to do."""
    account = f" --account {status.account}" if status.account != "default" else ""
    if status.state is CampaignState.QUEUED and now - status.changed_at > _SOON:
        return "No worker has taken it yet. Is one running? Start it: dispatcher worker"
    if status.state is CampaignState.REJECTED:
        return "Nothing was sent. Mend what the error says, and submit it under another id."
    if status.is_over and [state for state, _ in _in_order(status)] == [RecipientState.NOT_SENT]:
        why = ", ".join(f"{reason}: {number:,}" for reason, number in status.reasons.items())
        return f"Nobody was sent to: {why}"
    if status.hold is None:
        return "\n".join(f"Nothing is sent: {each.why}. {each.fix}" for each in status.blocked)
    return _HINTS[status.hold].format(
        id=status.id, account=account, name=status.account, missing=_missing(status)
    )


def status_document(status: CampaignStatus) -> dict[str, Any]:
    """Give a status for JSON, with what can be told from it."""
    document: dict[str, Any] = msgspec.to_builtins(status, str_keys=True)
    return document | {"is_over": status.is_over, "is_conserved": status.is_conserved}


def event_line(event: Event) -> str:
    """Tell one event in one line."""
    change = " -> ".join(part for part in (event.old, event.new) if part)
    detail = f" ({event.detail})" if event.detail else ""
    return f"{event.at:%Y-%m-%d %H:%M:%S %Z}  {event.what:<12} {change}{detail}"


_SOON = timedelta(seconds=5)
_MOST_LISTS = 10
_UNREAD = "the contacts of its lists are not read yet"
_HINTS = {
    HoldReason.CREDITS: (
        "It needs {missing} more. Top up account {name}: it goes on by itself, within a minute."
    ),
    HoldReason.CREDENTIALS: (
        "The API refuses the credentials of account {name}. Correct them and restart the "
        "workers: it goes on by itself. To test them: dispatcher doctor"
    ),
    HoldReason.APPROVAL: (
        "To send it: dispatcher approve {id}{account}\nTo drop it: dispatcher cancel {id}{account}"
    ),
    HoldReason.TIME: (
        "It is given to the API shortly before its time: dispatcher plan {id}{account}"
    ),
    HoldReason.WINDOW: (
        "Advertising may not go out at this hour, and goes on by itself.\n"
        "When: dispatcher plan {id}{account}"
    ),
    HoldReason.PAUSED: "To let it go on: dispatcher resume {id}{account}",
    HoldReason.OUTCOME_UNKNOWN: (
        "The API's answer to a batch was lost, so it may or may not have been sent, and is never "
        "sent again unless that is proven. A receipt settles it, or you do.\n"
        "What is known of it: dispatcher unknown list{account}\n"
        "Which recipients: dispatcher results {id}{account} --state unknown"
    ),
}


def _missing(status: CampaignStatus) -> str:
    if status.need is None or status.have is None:
        return "credits"
    return count(max(0, status.need - status.have), "credit")


def _status_rows(status: CampaignStatus) -> Iterator[tuple[str, str]]:
    yield "state", _state(status)
    yield "  since", f"{status.changed_at:%Y-%m-%d %H:%M:%S %Z}"
    yield "account", status.account
    yield "rows", f"{status.rows:,}"
    for state, number in _in_order(status):
        yield f"  {state.value}", f"{number:,}"
    for reason, number in sorted(status.reasons.items()):
        yield "  because", f"{reason}: {number:,}"
    if is_read(status):
        yield "batches", _batches(status)
        yield "estimate", f"{count(status.estimate, 'credit')} by our own count"
        yield "quote", _quoted(status)
    elif not status.is_over:
        yield "recipients", _UNREAD
    yield "cost", count(status.cost, "credit")
    if status.credits_returned:
        yield "returned", count(status.credits_returned, "credit")
    yield "receipts", f"{status.receipts:,}"
    if status.resend_of:
        yield "sends again", f"to some of campaign {status.resend_of}"
    if status.resends:
        yield "sent again", f"to some, by {', '.join(status.resends)}"
    yield from _trouble_rows(status)
    yield from _time_rows(status)


def _trouble_rows(status: CampaignStatus) -> Iterator[tuple[str, str]]:
    for shut in status.blocked:
        yield "nothing is sent", shut.why
    if status.need is not None and status.have is not None:
        yield "needs", f"{count(status.need, 'credit')}, {status.have:,} available"
    if status.replies:
        yield "replies", f"{status.replies:,}, of which {status.stops:,} STOP"
    if status.unnamed:
        yield "left out", f"{status.unnamed:,} by the API; who they are is being found out"
    for finding in status.findings:
        yield "adds up", f"no: {finding}"
    if status.alarms:
        yield "alarms", f"{status.alarms}: dispatcher events {status.id}"
    if status.error:
        yield "last error", status.error


def _time_rows(status: CampaignStatus) -> Iterator[tuple[str, str]]:
    if status.erased_at is not None:
        yield "recipients", f"erased on {status.erased_at:%Y-%m-%d}; these totals stay"
    if status.send_at is not None:
        yield "time", f"{status.send_at:%Y-%m-%d %H:%M:%S %Z}"
    yield "created", f"{status.created_at:%Y-%m-%d %H:%M:%S %Z}"


def _batches(status: CampaignStatus) -> str:
    states = ", ".join(f"{n:,} {state}" for state, n in sorted(status.batch_states.items()))
    return f"{states}; {status.list_batches:,} by lists" if status.list_batches else states


def _quoted(status: CampaignStatus) -> str:
    """Tell the price, and once it is whole, how far it is from our own count."""
    price = count(status.quote, "credit")
    if status.quoted < status.batches:
        return f"{price} ({status.quoted} of {status.batches} batches)"
    drift = status.quote - status.estimate
    if not drift:
        return f"{price}, as estimated"
    dropped = status.recipient_states.get(RecipientState.NOT_SENT, 0)
    left_out = status.recipients - (status.rows - dropped)
    without = f", without {count(left_out, 'recipient')} left out" if left_out else ""
    return f"{price}, drift {drift:+,}{without}"


def _list_rows(lists: Sequence[str]) -> Iterator[tuple[str, str]]:
    if lists:
        more = f" and {len(lists) - _MOST_LISTS:,} more" if len(lists) > _MOST_LISTS else ""
        yield "lists", ", ".join(lists[:_MOST_LISTS]) + more


def _state(status: CampaignStatus) -> str:
    return f"{status.state.value}: {status.hold.value}" if status.hold else status.state.value


def _in_order(status: CampaignStatus) -> list[tuple[RecipientState, int]]:
    states = status.recipient_states
    return [(state, states[state]) for state in RecipientState if states.get(state)]


def _why_dropped(status: CampaignStatus) -> dict[str, int]:
    known = (
        "invalid row",
        "duplicated row",
        "suppressed row",
        "suppressed",
        "blacklisted",
        "invalid",
        "duplicated",
    )
    return {reason: status.reasons[reason] for reason in known if reason in status.reasons}


def _own_reservation(status: CampaignStatus) -> int:
    """Give what of the account's reservation is this campaign's."""
    is_reserved = status.state in (CampaignState.SENDING, CampaignState.SENT)
    return status.quote - status.cost if is_reserved else 0


def _credits(number: int | None) -> str:
    return "not known" if number is None else count(number, "credit")
