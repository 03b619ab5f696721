"""Merges received receipts into the fates of recipients."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from dispatcher.domain.fates import Receipt
from dispatcher.domain.receipts import (
    BrokenReceiptError,
    ForeignReceiptError,
    UnaddressedReceipt,
    read_receipt,
)
from dispatcher.errors import StoreError, StoreFullError, StoreUnavailableError
from dispatcher.store.receipts import Received
from dispatcher.store.tickets import Addressees
from workers.resources import Account
from workers.steps.progress import Progress
from workers.steps.strays import forward_replies
from workers.tracing import receipts_traced

_log = structlog.get_logger("workers.receipts")


@dataclass
class _Sorted:
    """Receipts by what is to be done with them; `ours` beside the bodies they came from."""

    ours: list[tuple[Receipt, bytes]] = field(default_factory=list)
    by_ticket: dict[str, list[tuple[UnaddressedReceipt, bytes]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    foreign: list[bytes] = field(default_factory=list)
    broken: list[bytes] = field(default_factory=list)


def merge_next(account: Account) -> Progress:
    """Merge the receipts that came since; those that are not ours are kept aside."""
    entries = account.store.receipts.take()
    if not entries:
        return Progress.NONE
    found = _sort(account, entries)
    _address(account, found)
    with receipts_traced(account, [receipt.sequence for receipt, _ in found.ours]):
        _merge(account, found)
    if found.foreign:
        account.store.receipts.park(found.foreign)
        _log.warning("receipts parked", account=account.name, count=len(found.foreign))
    if broken := forward_replies(account, found.broken):
        account.store.receipts.quarantine(broken)
        _log.warning("receipts unreadable", account=account.name, count=len(broken))
    account.store.receipts.confirm([received.entry for received in entries])
    return Progress.MADE


def _address(account: Account, found: _Sorted) -> None:
    """Find whom receipts of list sends are about, by ticket and number."""
    known = account.store.tickets.batches_of(list(found.by_ticket))
    for ticket, receipts in found.by_ticket.items():
        if ticket not in known:
            bodies = [body for _, body in receipts]
            if not account.store.tickets.keep_early(ticket, bodies):
                found.foreign += bodies
            continue
        addressees = account.addressees(known[ticket])
        strangers = []
        for receipt, body in receipts:
            sequence = addressees.sequence_of(receipt.number)
            if sequence is None:
                strangers.append((receipt, body))
            else:
                found.ours.append((receipt.addressed(sequence), body))
        found.foreign += _without_erased(account, known[ticket], addressees, strangers)


def _without_erased(
    account: Account,
    batch: str,
    addressees: Addressees,
    strangers: Sequence[tuple[UnaddressedReceipt, bytes]],
) -> list[bytes]:
    """Leave out receipts of a batch about people who were erased: they are counted, not kept."""
    if not strangers:
        return []
    erasure = account.store.erasure
    numbers = [receipt.number for receipt, _ in strangers]
    gone = erasure.forgotten(numbers) if addressees.numbers else set(numbers)
    kept = [body for receipt, body in strangers if receipt.number not in gone]
    if len(kept) < len(strangers):
        erasure.count_late(batch.rpartition("/")[0], len(strangers) - len(kept))
    return kept


def _merge(account: Account, found: _Sorted) -> None:
    """Merge all at once; should that fail, one by one, so that one cannot block the others."""
    receipts = account.store.receipts
    try:
        strangers = receipts.merge(receipt for receipt, _ in found.ours)
    except (StoreUnavailableError, StoreFullError):
        raise
    except StoreError:
        strangers = set()
        for receipt, body in found.ours:
            try:
                strangers |= receipts.merge([receipt])
            except (StoreUnavailableError, StoreFullError):
                raise
            except StoreError:
                found.broken.append(body)
    found.foreign += [body for receipt, body in found.ours if receipt.sequence in strangers]


def _sort(account: Account, entries: Sequence[Received]) -> _Sorted:
    found = _Sorted()
    key = account.receipt_key
    for received in entries:
        received_at = datetime.fromtimestamp(int(received.entry.split(b"-")[0]) / 1000, UTC)
        for body in received.bodies:
            try:
                receipt = read_receipt(body, key, received_at=received_at)
            except ForeignReceiptError:
                found.foreign.append(body)
            except BrokenReceiptError:
                found.broken.append(body)
            else:
                if isinstance(receipt, Receipt):
                    found.ours.append((receipt, body))
                else:
                    found.by_ticket[receipt.ticket].append((receipt, body))
    return found
