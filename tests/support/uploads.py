"""Takes recipients in without Redis."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dispatcher.domain.campaign import BadRows, DroppedRow, Recipient
from dispatcher.domain.census import Census
from dispatcher.domain.numbers import normaliser
from dispatcher.domain.packing import Batch, unpack
from dispatcher.domain.routes import Render, sorter_for
from dispatcher.domain.wording import Wording
from dispatcher.intake import Intake, Taken

NORMALISE = normaliser("FR")


@dataclass
class Uploads:
    """The part of the store an intake uses, in memory; full or gone when given an error."""

    packed: dict[int, bytes] = field(default_factory=dict)
    dropped: list[DroppedRow] = field(default_factory=list)
    chunks: list[int] = field(default_factory=list)
    kept: set[str] = field(default_factory=set)
    error: Exception | None = None

    def upload(self, upload: str, batches: Mapping[int, bytes]) -> None:
        if self.error is not None:
            raise self.error
        self.kept.add(upload)
        self.packed |= batches

    def upload_dropped(self, upload: str, chunk: int, rows: Sequence[DroppedRow]) -> None:
        self.kept.add(upload)
        self.chunks.append(chunk)
        self.dropped += rows

    def discard(self, upload: str) -> None:
        self.kept.discard(upload)

    @property
    def batches(self) -> list[Batch]:
        return [unpack(self.packed[n]) for n in range(len(self.packed))]

    @property
    def batched(self) -> list[list[int]]:
        """The numbers of each batch."""
        return [list(batch.numbers) for batch in self.batches]

    @property
    def numbers(self) -> list[int]:
        return [number for batch in self.batches for number in batch.numbers]


def intake_into(
    uploads: Uploads,
    *,
    text: str = "Bonjour",
    batch_size: int = 2,
    list_size: int = 5,
    render: Render = Render.AUTO,
    bad_rows: BadRows = BadRows.REJECT,
) -> Intake:
    """Open an intake of one campaign."""
    wording = Wording(text)
    sorter = sorter_for(wording.template, render=render, batch_size=batch_size, list_size=list_size)
    return Intake(
        uploads,  # type: ignore[arg-type]  # a stand-in for the store
        NORMALISE,
        wording,
        sorter=sorter,
        census=Census(),
        bad_rows=bad_rows,
    )


def take(
    rows: Iterable[Recipient | str],
    *,
    text: str = "Bonjour",
    store: Uploads | None = None,
    batch_size: int = 2,
    bad_rows: BadRows = BadRows.REJECT,
) -> tuple[Taken, Uploads]:
    """Take recipients in; give what an intake says of them, and what it uploaded."""
    uploads = store or Uploads()
    intake = intake_into(uploads, text=text, batch_size=batch_size, bad_rows=bad_rows)
    return intake.take(rows), uploads
