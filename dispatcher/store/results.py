"""Puts together what became of every recipient of a campaign."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from dispatcher.domain.campaign import CampaignStatus, RecipientResult
from dispatcher.domain.fates import FOLLOWS_BATCH, ReceiptCode, RecipientState, code_of
from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.domain.packing import Batch, unpack
from dispatcher.errors import ErasedError
from dispatcher.store.batches import Batches, BatchRecord
from dispatcher.store.campaigns import Campaigns
from dispatcher.store.connection import translated
from dispatcher.store.keys import Key
from dispatcher.store.records import STATE_OF_BATCH, explain_fate, moment
from dispatcher.store.replies import blob
from dispatcher.store.scripts import Scripts

_NOT_ACCEPTED = frozenset({BatchState.REFUSED, BatchState.UNKNOWN, BatchState.ABANDONED})
_TIME = struct.Struct(">I")
_START = struct.Struct(">I")
# A batch that was not claimed ends with its campaign.
_ENDED_WITH_CAMPAIGN = {
    CampaignState.REJECTED: BatchState.REFUSED,
    CampaignState.CANCELLED: BatchState.CANCELLED,
    CampaignState.EXPIRED: BatchState.EXPIRED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One batch with the fates and receipt times of its recipients.

    Attributes:
        first: position of its first recipient in the campaign.
        batch: its recipients.
        record: how it stands.
        fates: a byte for each of them, `times` four.
        times: see `fates`.
    """

    first: int
    batch: Batch
    record: BatchRecord
    fates: bytes
    times: bytes

    def results(self) -> Iterator[RecipientResult]:
        """Give what became of each recipient, in order."""
        return map(self.result, range(len(self.batch.numbers)))

    def places(self, of: Callable[[RecipientState, str | None], bool]) -> Iterator[int]:
        """Give the places of recipients whose state and reason are as asked, in order."""
        wanted = {fate for fate in set(self.fates) if of(*_read_fate(fate, self.record)[:2])}
        if not wanted:
            return iter(())
        return (place for place, fate in enumerate(self.fates) if fate in wanted)

    def result(self, place: int) -> RecipientResult:
        """Give what became of one recipient, by its place in the batch."""
        fate = self.fates[place]
        state, reason, receipt = _read_fate(fate, self.record)
        was_sent = receipt is not None or fate == FOLLOWS_BATCH
        is_accepted = self.record.state is BatchState.ACCEPTED
        seconds = _TIME.unpack_from(self.times, place * _TIME.size)[0]
        return RecipientResult(
            number=str(self.batch.numbers[place] or ""),
            id=(self.batch.ids[place] or None) if self.batch.ids else None,
            state=state,
            reason=reason,
            ticket=self.record.ticket if was_sent else None,
            receipt=receipt,
            sent_at=self.record.settled_at if was_sent and is_accepted else None,
            receipt_at=moment(seconds * 1000) if seconds else None,
            place=self.first + place,
        )


class Results:
    """Reads results of one account's campaigns, a batch at a time."""

    def __init__(self, scripts: Scripts, campaigns: Campaigns, batches: Batches) -> None:
        self._client = scripts.client
        self._keys = scripts.keys
        self._campaigns = campaigns
        self._batches = batches

    def of(self, campaign: str) -> Iterator[RecipientResult]:
        """Give every row that came in: those kept, in order, then those dropped.

        Raises:
            UnknownCampaignError: there is none of that id.
            ErasedError: its recipients were erased.
        """
        status = self._campaigns.status(campaign)
        for page in self.pages(status):
            yield from page.results()
        for row in self._campaigns.dropped(campaign):
            yield RecipientResult(
                number=row.number, id=row.id, state=RecipientState.NOT_SENT, reason=row.reason
            )

    def pages(self, status: CampaignStatus) -> Iterator[Page]:
        """Read every batch in order.

        Raises:
            ErasedError: its recipients were erased.
        """
        refuse_erased(status)
        return (self.page(status, n) for n in range(status.batches))

    def page(self, status: CampaignStatus, n: int) -> Page:
        """Read one batch with what became of its recipients."""
        names = (self._keys.of(key, status.id) for key in (Key.RECIPIENTS, Key.FATES, Key.TIMES))
        recipients, fates, times = names
        with translated():
            packed = self._client.hget(recipients, str(n))
            batch = unpack(blob(packed))
            first = self.first(status.id, n)
            last = first + len(batch.numbers) - 1
            page_fates = blob(self._client.getrange(fates, first, last))
            page_times = blob(self._client.getrange(times, first * 4, last * 4 + 3))
        record = self._batches.read(status.id, n) or BatchRecord(state=BatchState.READY)
        if record.state is BatchState.READY and status.state in _ENDED_WITH_CAMPAIGN:
            record = BatchRecord(state=_ENDED_WITH_CAMPAIGN[status.state])
        if record.state is BatchState.REFUSED and record.why is None:
            record = replace(record, why=status.error)
        return Page(first=first, batch=batch, record=record, fates=page_fates, times=page_times)

    def first(self, campaign: str, n: int) -> int:
        """Give the position of a batch's first recipient in the campaign."""
        size = int(self._client.hget(self._keys.of(Key.CAMPAIGN, campaign), "batch_size") or 0)
        if size:
            return n * size
        starts = self._keys.of(Key.STARTS, campaign)
        return int(_START.unpack(blob(self._client.getrange(starts, n * 4, n * 4 + 3)))[0])


def refuse_erased(status: CampaignStatus) -> None:
    """Say so when a campaign's recipients are not kept any more.

    Raises:
        ErasedError: they were erased.
    """
    if status.erased_at is not None:
        raise ErasedError(
            f"campaign {status.id} has no recipients any more: they were erased on "
            f"{status.erased_at:%Y-%m-%d}, and its status keeps the totals"
        )


def _read_fate(fate: int, record: BatchRecord) -> tuple[RecipientState, str | None, str | None]:
    """Give state, reason and name of the receipt."""
    if fate == FOLLOWS_BATCH:
        why = record.why if record.state in _NOT_ACCEPTED else None
        return STATE_OF_BATCH[record.state], why, None
    state, word = explain_fate(fate)
    if code_of(fate) is None:
        return state, word, None
    reason = word if state is RecipientState.UNDELIVERED else None
    known = code_of(fate) in ReceiptCode.__members__.values()
    return state, reason, word if known else str(code_of(fate))
