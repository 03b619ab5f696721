"""Takes a campaign's recipients in: validates, removes duplicates, packs and uploads them.

Works on one batch at a time, so memory does not grow with the campaign, but for a compressed
set of the numbers seen (two to four bytes each when they are close together).
"""

import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import islice
from typing import TypeGuard, cast

from pyroaring import BitMap64

from dispatcher.domain.campaign import BadRows, DroppedRow, Recipient
from dispatcher.domain.numbers import Normaliser, NumberProblem
from dispatcher.domain.packing import Batch, pack, packed_numbers
from dispatcher.errors import InputError, Problem, StoreError
from dispatcher.store.campaigns import Campaigns

_BATCHES_AT_ONCE = 16
_DROPPED_AT_ONCE = 1000
_LONGEST_ID = 128
_LONGEST_SHOWN = 64
MOST_LISTED = 10_000
"""Bad rows listed in one error; those beyond are counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """Recipients that are uploaded and wait to be submitted.

    Attributes:
        upload: id of the upload.
        batches: how many batches it has.
        recipients: rows kept.
        rows: rows that came in.
        invalid: rows dropped because they are not valid.
        duplicated: rows dropped because their number came before.
        dropped_chunks: how many chunks of dropped rows were uploaded.
        digest: the same for the same recipients, however they were batched.
    """

    upload: str
    batches: int
    recipients: int
    rows: int
    invalid: int
    duplicated: int
    dropped_chunks: int
    digest: bytes


class Intake:
    """Takes in the recipients of one campaign."""

    def __init__(
        self,
        campaigns: Campaigns,
        normalise: Normaliser,
        *,
        batch_size: int,
        bad_rows: BadRows,
    ) -> None:
        self._campaigns = campaigns
        self._normalise = normalise
        self._batch_size = batch_size
        self._rejects = bad_rows is BadRows.REJECT
        self._upload = secrets.token_hex(12)
        self._seen = BitMap64()
        self._numbers: list[int] = []
        self._ids: list[str | None] = []
        self._pending: dict[int, bytes] = {}
        self._batches = 0
        self._dropped: list[DroppedRow] = []
        self._dropped_chunks = 0
        self._problems: list[Problem] = []
        self._rows = self._invalid = self._duplicated = 0
        self._number_digest = blake2b(digest_size=16)
        self._id_digest = blake2b(digest_size=16)

    def take(self, recipients: Iterable[Recipient | str]) -> Taken:
        """Read all recipients and upload those that are kept.

        Raises:
            InputError: rows are bad and the campaign rejects them, or none is left.
            StoreError: Redis did not take them.
        """
        try:
            rows = iter(recipients)
            while some := list(islice(rows, self._batch_size - len(self._numbers))):
                self._take_rows(some)
                if len(self._numbers) == self._batch_size:
                    self._end_batch()
            self._end()
        except BaseException:
            # It expires by itself, and must not hide what went wrong.
            with suppress(StoreError):
                self._campaigns.discard(self._upload)
            raise
        return Taken(
            upload=self._upload,
            batches=self._batches,
            recipients=self._rows - self._invalid - self._duplicated,
            rows=self._rows,
            invalid=self._invalid,
            duplicated=self._duplicated,
            dropped_chunks=self._dropped_chunks,
            digest=self._number_digest.digest() + self._id_digest.digest(),
        )

    def _end(self) -> None:
        if self._problems:
            raise InputError(self._problems, total=self._invalid)
        if not self._batches and not self._numbers:
            raise InputError([self._nobody()])
        self._end_batch()
        self._flush()
        self._flush_dropped()

    def _take_rows(self, rows: Sequence[Recipient | str]) -> None:
        """Take rows in; most often all of them are good and new, which is told at once."""
        if _are_readable(rows):
            texts, ids = _columns(rows)
            found = self._normalise.read_all(texts)
            if _are_numbers(found) and self._are_new(found) and _are_storable(ids):
                self._rows += len(rows)
                self._keep(found, ids)
                return
        for row in rows:
            self._take_row(row)

    def _take_row(self, row: Recipient | str) -> None:
        self._rows += 1
        if not _is_readable(row):
            self._reject(Recipient(""), _unreadable(row))
            return
        recipient = Recipient(row) if isinstance(row, str) else row
        found = self._normalise(recipient.number)
        if not isinstance(found, int):
            self._reject(recipient, Problem(field="number", message=found.message, fix=found.fix))
        elif recipient.id is not None and not _is_storable(recipient.id):
            self._reject(recipient, _UNSTORABLE_ID)
        elif found in self._seen:
            self._duplicated += 1
            self._drop(DroppedRow(number=str(found), id=recipient.id, reason="duplicate"))
        else:
            self._keep([found], [recipient.id])

    def _are_new(self, numbers: list[int]) -> bool:
        return len(set(numbers)) == len(numbers) and not any(map(self._seen.__contains__, numbers))

    def _keep(self, numbers: Sequence[int], ids: Sequence[str | None]) -> None:
        self._seen.update(numbers)
        self._numbers.extend(numbers)
        self._ids.extend(ids)

    def _reject(self, row: Recipient, problem: Problem) -> None:
        self._invalid += 1
        if not self._rejects:
            shown = row.number[:_LONGEST_SHOWN].encode(errors="replace").decode()
            own_id = row.id[:_LONGEST_ID].encode(errors="replace").decode() if row.id else None
            self._drop(DroppedRow(number=shown, id=own_id, reason=f"invalid: {problem.message}"))
        elif len(self._problems) < MOST_LISTED:
            place = self._rows if row.row is None else row.row
            self._problems.append(replace(problem, row=place))

    def _drop(self, row: DroppedRow) -> None:
        self._dropped.append(row)
        if len(self._dropped) == _DROPPED_AT_ONCE:
            self._flush_dropped()

    def _end_batch(self) -> None:
        if not self._numbers:
            return
        ids = [own_id or "" for own_id in self._ids] if any(self._ids) else None
        packed = pack(Batch(numbers=self._numbers, ids=ids))
        self._number_digest.update(packed_numbers(self._numbers))
        # Each id and a zero byte, so that it does not matter how they were batched.
        self._id_digest.update("\0".join((*ids, "")).encode() if ids else bytes(len(self._ids)))
        self._pending[self._batches] = packed
        self._batches += 1
        self._numbers, self._ids = [], []
        if len(self._pending) == _BATCHES_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        if self._pending and not self._problems:
            self._campaigns.upload(self._upload, self._pending)
        self._pending = {}

    def _flush_dropped(self) -> None:
        if self._dropped and not self._problems:
            self._campaigns.upload_dropped(self._upload, self._dropped_chunks, self._dropped)
            self._dropped_chunks += 1
        self._dropped = []

    def _nobody(self) -> Problem:
        if not self._rows:
            return Problem(field="recipients", message="there are none", fix="give at least one")
        return Problem(
            field="recipients",
            message=f"none of {self._rows} rows is valid",
            fix="check the number column and the default region",
        )


_UNSTORABLE_ID = Problem(
    field="id",
    message=f"it is longer than {_LONGEST_ID} characters, or has some that cannot be kept",
    fix="shorten it, and leave out control characters and halves of characters",
)


def _are_texts(rows: Sequence[object]) -> TypeGuard[Sequence[str]]:
    return set(map(type, rows)) == {str}


def _are_readable(rows: Sequence[object]) -> bool:
    return _are_texts(rows) or all(map(_is_readable, rows))


def _columns(rows: Sequence[Recipient | str]) -> tuple[Sequence[str], Sequence[str | None]]:
    """Split readable rows into their numbers and their ids."""
    if _are_texts(rows):
        return rows, [None] * len(rows)
    both = [Recipient(row) if isinstance(row, str) else row for row in rows]
    return [row.number for row in both], [row.id for row in both]


def _is_readable(row: object) -> bool:
    """Tell whether a row is what its type says, which Python does not check."""
    if not isinstance(row, Recipient):
        return isinstance(row, str)
    number, own_id, _ = cast("tuple[object, object, object]", row)
    return isinstance(number, str) and isinstance(own_id, (str, type(None)))


def _unreadable(row: object) -> Problem:
    kind = "Recipient of other values" if isinstance(row, Recipient) else type(row).__name__
    return Problem(
        field="recipient",
        message=f"it is a {kind}",
        fix="give the number as text, or a Recipient whose number and id are text",
    )


def _are_numbers(found: Sequence[int | NumberProblem]) -> TypeGuard[list[int]]:
    return set(map(type, found)) == {int}


def _are_storable(ids: Sequence[str | None]) -> bool:
    return not any(ids) or all(own_id is None or _is_storable(own_id) for own_id in ids)


def _is_storable(own_id: str) -> bool:
    if len(own_id) > _LONGEST_ID or "\0" in own_id:
        return False
    if own_id.isascii():
        return True
    try:
        own_id.encode()
    except UnicodeEncodeError:
        return False
    return True
