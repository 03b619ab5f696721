"""Finds the tickets of list batches whose answer was lost, by receipts that came before it.

Receipts of list sends carry no id of ours, only a ticket and a number.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from dispatcher.domain.fates import ReceiptCode
from dispatcher.domain.receipts import (
    BrokenReceiptError,
    ForeignReceiptError,
    UnaddressedReceipt,
    read_receipt,
)
from dispatcher.domain.unknowns import Decision, Finding, Source, UnknownBatch
from workers.resources import Account

# Somebody else's campaign may reach one or two of a batch's people, but hardly half of them and
# nobody else.
_FEW = 3
_CLOCKS_DIFFER = timedelta(minutes=2)


def name_by_receipts(account: Account, batches: Sequence[UnknownBatch]) -> list[Finding]:
    """Say which batches were sent, and under which ticket.

    A ticket counts only when all its receipts are for people of one single batch that is without
    an answer, and when these are enough of that batch, none of them too early.
    """
    unknowns = account.store.unknowns
    by_name = {batch.name: batch for batch in batches}
    unanswered = unknowns.unanswered_lists()
    if not unanswered & by_name.keys():
        return []
    heard = {ticket: _receipts(account, ticket) for ticket in unknowns.early_tickets()}
    suspects = _suspects(account, unanswered, heard)
    return [
        by_name[name].finding(
            Decision.SENT,
            Source.EARLY_RECEIPTS,
            f"receipts of {ticket} are for its people and nobody else",
            ticket=ticket,
        )
        for name, tickets in suspects.items()
        if name in by_name and len(tickets) == 1
        for ticket in tickets
        if _are_enough(by_name[name], heard[ticket])
    ]


def _suspects(
    account: Account, unanswered: set[str], heard: dict[str, list[UnaddressedReceipt]]
) -> dict[str, list[str]]:
    """Give the tickets that fit one batch alone, by that batch."""
    fitting: dict[str, list[str]] = {ticket: [] for ticket in heard}
    for name in unanswered:
        addressees = account.addressees(name)
        for ticket, receipts in heard.items():
            numbers = {receipt.number for receipt in receipts}
            if numbers and all(addressees.sequence_of(number) is not None for number in numbers):
                fitting[ticket].append(name)
    found: dict[str, list[str]] = defaultdict(list)
    for ticket, names in fitting.items():
        if len(names) == 1:
            found[names[0]].append(ticket)
        for name in names if len(names) > 1 else ():
            # It may be this one's too, so nothing else may be taken for it.
            found[name] += [ticket, ticket]
    return found


def _are_enough(batch: UnknownBatch, receipts: Sequence[UnaddressedReceipt]) -> bool:
    most = batch.recipients
    needed = most if most <= _FEW else max(_FEW, -(-most // 2))
    people = {receipt.number for receipt in receipts}
    return needed <= len(people) <= most and all(
        receipt.at >= _earliest(batch, receipt) for receipt in receipts
    )


def _earliest(batch: UnknownBatch, receipt: UnaddressedReceipt) -> datetime:
    """Tell from when on a receipt of a batch is to be expected."""
    is_sent = receipt.code != ReceiptCode.NOT_SENT
    begins = batch.due_at if batch.due_at is not None and is_sent else batch.claimed_at
    return begins - _CLOCKS_DIFFER


def _receipts(account: Account, ticket: str) -> list[UnaddressedReceipt]:
    found = []
    for body in account.store.unknowns.early_bodies(ticket):
        try:
            # One without a readable date proves nothing about time.
            receipt = read_receipt(body, account.receipt_key, received_at=_NEVER)
        except (BrokenReceiptError, ForeignReceiptError):
            continue
        if isinstance(receipt, UnaddressedReceipt):
            found.append(receipt)
    return found


_NEVER = datetime(2000, 1, 1, tzinfo=UTC)
