"""Takes a campaign's recipients in: keeps the good ones, sorts them into batches, uploads them.

Works on some rows at a time, so memory does not grow with the campaign, but for a compressed
set of the numbers seen (two to four bytes each when they are close together).
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b

from dispatcher.domain.campaign import BadRows, DroppedRow, Recipient
from dispatcher.domain.census import Census
from dispatcher.domain.packing import Batch, pack, packed_numbers
from dispatcher.domain.routes import Kept, Sorter
from dispatcher.domain.wording import Wording
from dispatcher.errors import InputError, Problem, StoreError
from dispatcher.intake.heeding import Heed, first_of
from dispatcher.intake.rows import LONGEST_ID
from dispatcher.intake.sieve import Counts, NumberReader, Sieve
from dispatcher.store.campaigns import Campaigns
from dispatcher.store.submissions import Filling, starts_of
from dispatcher.store.suppressions import SuppressionList

_BATCHES_AT_ONCE = 16
_DROPPED_AT_ONCE = 1000
_LONGEST_SHOWN = 64
MOST_LISTED = 10_000
"""Bad rows listed in one error; those beyond are counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """Recipients that are uploaded and wait to be submitted.

    Attributes:
        filling: what a campaign is made of.
        digest: the same for the same recipients, however they were batched.
    """

    filling: Filling
    digest: bytes


class Intake:
    """Takes in the recipients of one campaign."""

    def __init__(
        self,
        campaigns: Campaigns,
        normalise: NumberReader,
        wording: Wording,
        *,
        sorter: Sorter,
        census: Census,
        bad_rows: BadRows,
    ) -> None:
        self._wording = wording
        self._sorter = sorter
        self._census = census
        self._upload = _Upload(campaigns)
        self._dropped = _Dropped(self._upload, rejects=bad_rows is BadRows.REJECT)
        self._sieve = Sieve(wording, normalise, self._dropped)
        self._digests = _Digests()
        self._heed: Heed | None = None
        self._heeded = 0
        self._spare: Kept | None = None

    @property
    def counts(self) -> Counts:
        """Rows that came in so far."""
        return self._sieve.counts

    def take(
        self,
        recipients: Iterable[Recipient | str],
        suppressions: SuppressionList | None = None,
    ) -> Taken:
        """Read all recipients and upload those that are kept.

        Args:
            recipients: who is to be sent to.
            suppressions: whose people are dropped; None to keep them.

        Raises:
            InputError: rows are bad and the campaign rejects them, or none is left.
            StoreError: Redis did not take them.
        """
        self._heed = Heed(suppressions) if suppressions else None
        try:
            for kept in self._sieve.sift(recipients):
                # The same content is known again, whoever of it is suppressed by then.
                self._digests.update(kept)
                self._keep(self._without_suppressed(kept))
            self._end_heeding()
            self._put(self._sorter.end())
            self._end()
        except BaseException:
            # It expires by itself, and must not hide what went wrong.
            with suppress(StoreError):
                self._upload.discard()
            raise
        return Taken(filling=self._filling(), digest=self._digests.digest())

    def _without_suppressed(self, kept: Kept) -> Kept:
        if self._heed is None:
            return kept
        left, cut = self._heed.split(kept)
        if cut.numbers:
            self._sieve.counts.suppressed += len(cut.numbers)
            if self._spare is None:
                self._spare, cut = first_of(cut)
            self._dropped.suppressed(cut)
        return left

    def _end_heeding(self) -> None:
        """Keep one person of a campaign of whom all are suppressed: there is none of nobody.

        The quote leaves them out in its turn, as nothing was heeded then.
        """
        if self._spare is not None and not self._sieve.counts.kept:
            self._sieve.counts.suppressed -= 1
            self._keep(self._spare)
            return
        if self._spare is not None:
            self._dropped.suppressed(self._spare)
        if self._heed is not None:
            self._heeded = self._heed.version

    def _keep(self, kept: Kept) -> None:
        self._count(kept)
        self._put(self._sorter.add(kept))

    def _count(self, kept: Kept) -> None:
        if self._wording.template.is_plain:
            self._census.add_many(self._wording.template.render(()), len(kept.numbers))
        else:
            self._census.add(kept.texts)

    def _put(self, batches: Iterator[Batch]) -> None:
        for batch in batches:
            if not self._dropped.problems:
                self._upload.put(batch)

    def _end(self) -> None:
        if self._dropped.problems:
            raise InputError(self._dropped.problems, total=self._sieve.counts.invalid)
        if not self._sieve.counts.kept:
            raise InputError([nobody_problem(self._sieve.counts.rows)])
        self._upload.flush()
        self._dropped.flush()

    def _filling(self) -> Filling:
        counts, upload = self._sieve.counts, self._upload
        batch_size = _common_size(upload.sizes)
        return Filling(
            upload=upload.id,
            batches=len(upload.sizes),
            batch_size=batch_size,
            starts=b"" if batch_size else starts_of(upload.sizes),
            recipients=counts.kept,
            rows=counts.rows,
            invalid=counts.invalid,
            duplicated=counts.duplicated,
            suppressed=counts.suppressed,
            heeded=self._heeded,
            dropped_chunks=self._dropped.chunks,
            list_batches=upload.list_batches,
            estimate=self._census.summary().segments,
        )


class _Upload:
    """Batches on their way to Redis, some at a time."""

    def __init__(self, campaigns: Campaigns) -> None:
        self.id = secrets.token_hex(12)
        self.sizes: list[int] = []
        self.list_batches = 0
        self._campaigns = campaigns
        self._pending: dict[int, bytes] = {}

    def put(self, batch: Batch) -> None:
        self._pending[len(self.sizes)] = pack(batch)
        self.sizes.append(len(batch.numbers))
        self.list_batches += batch.infos is not None
        if len(self._pending) == _BATCHES_AT_ONCE:
            self.flush()

    def put_dropped(self, chunk: int, rows: list[DroppedRow]) -> None:
        self._campaigns.upload_dropped(self.id, chunk, rows)

    def flush(self) -> None:
        if self._pending:
            self._campaigns.upload(self.id, self._pending)
        self._pending = {}

    def discard(self) -> None:
        self._campaigns.discard(self.id)


class _Dropped:
    """Rows that were not kept: listed for an error, or uploaded for the results."""

    def __init__(self, upload: _Upload, *, rejects: bool) -> None:
        self.problems: list[Problem] = []
        self.chunks = 0
        self._upload = upload
        self._rejects = rejects
        self._rows: list[DroppedRow] = []

    def bad(self, row: Recipient, problem: Problem) -> None:
        if not self._rejects:
            shown = row.number[:_LONGEST_SHOWN].encode(errors="replace").decode()
            own_id = row.id[:LONGEST_ID].encode(errors="replace").decode() if row.id else None
            reason = f"invalid: {problem.message}"
            if problem.field != "number":
                reason = f"invalid: {problem.field}: {problem.message}"
            self._drop(DroppedRow(number=shown, id=own_id, reason=reason))
        elif len(self.problems) < MOST_LISTED:
            self.problems.append(problem)

    def duplicate(self, row: Recipient, number: int) -> None:
        self._drop(DroppedRow(number=str(number), id=row.id, reason="duplicate"))

    def suppressed(self, cut: Kept) -> None:
        for number, own_id in zip(cut.numbers, cut.ids, strict=True):
            self._drop(DroppedRow(number=str(number), id=own_id, reason="suppressed"))

    def read(self, texts: Sequence[str], numbers: Sequence[int]) -> None:
        """Nothing is lost with these."""

    def flush(self) -> None:
        if self._rows and not self.problems:
            self._upload.put_dropped(self.chunks, self._rows)
            self.chunks += 1
        self._rows = []

    def _drop(self, row: DroppedRow) -> None:
        self._rows.append(row)
        if len(self._rows) == _DROPPED_AT_ONCE:
            self.flush()


class _Digests:
    """Tells campaigns with other recipients apart, however they are batched."""

    def __init__(self) -> None:
        self._numbers, self._ids, self._values = (blake2b(digest_size=16) for _ in range(3))

    def update(self, kept: Kept) -> None:
        self._numbers.update(packed_numbers(kept.numbers))
        # Each id and a zero byte; those without one count as empty.
        ids = "\0".join((*(own_id or "" for own_id in kept.ids), "")) if any(kept.ids) else None
        self._ids.update(bytes(len(kept.ids)) if ids is None else ids.encode())
        self._values.update("".join(f"{value}\0" for row in kept.values for value in row).encode())

    def digest(self) -> bytes:
        return self._numbers.digest() + self._ids.digest() + self._values.digest()


def _common_size(sizes: list[int]) -> int:
    """Give the size of all batches but the last, which may be smaller; 0 when they differ."""
    size = sizes[0]
    return size if sizes[-1] <= size and set(sizes[:-1]) <= {size} else 0


def nobody_problem(rows: int) -> Problem:
    """Say that of so many rows none is left to send to."""
    if not rows:
        return Problem(field="recipients", message="there are none", fix="give at least one")
    return Problem(
        field="recipients",
        message=f"none of {rows} rows is valid",
        fix="check the number column and the default region",
    )
