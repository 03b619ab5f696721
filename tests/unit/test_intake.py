"""Taking recipients in gives the same whether a chunk of rows goes at once or row by row."""

from collections.abc import Mapping, Sequence
from typing import cast

import pytest

from dispatcher.domain.campaign import BadRows, DroppedRow, Recipient
from dispatcher.domain.numbers import normaliser
from dispatcher.domain.packing import unpack
from dispatcher.errors import InputError
from dispatcher.intake import Intake, Taken
from dispatcher.store.campaigns import Campaigns

NUMBERS = [str(number) for number in range(33_639_980_000, 33_639_980_007)]


class Uploads:
    """Keeps what is uploaded in place of Redis."""

    def __init__(self) -> None:
        self.batches: dict[int, bytes] = {}
        self.dropped: list[DroppedRow] = []
        self.discarded = False

    def upload(self, _: str, batches: Mapping[int, bytes]) -> None:
        self.batches |= batches

    def upload_dropped(self, _upload: str, _chunk: int, rows: Sequence[DroppedRow]) -> None:
        self.dropped += rows

    def discard(self, _: str) -> None:
        self.discarded = True

    @property
    def numbers(self) -> list[list[int]]:
        return [list(unpack(packed).numbers) for packed in self.batches.values()]

    @property
    def ids(self) -> list[Sequence[str] | None]:
        return [unpack(packed).ids for packed in self.batches.values()]


def take(
    rows: Sequence[Recipient | str], *, batch_size: int = 3, bad_rows: BadRows = BadRows.SKIP
) -> tuple[Taken, Uploads]:
    uploads = Uploads()
    campaigns = cast("Campaigns", uploads)
    intake = Intake(campaigns, normaliser("FR"), batch_size=batch_size, bad_rows=bad_rows)
    return intake.take(rows), uploads


def test_all_batches_but_the_last_are_full_whatever_was_dropped() -> None:
    first, second, *rest = NUMBERS

    taken, uploads = take([first, "x", second, first, *rest, second])

    assert uploads.numbers == [
        [33639980000, 33639980001, 33639980002],
        [33639980003, 33639980004, 33639980005],
        [33639980006],
    ]
    assert (taken.rows, taken.recipients, taken.invalid, taken.duplicated) == (10, 7, 1, 2)
    assert [(row.number, row.reason) for row in uploads.dropped] == [
        ("x", "invalid: not a phone number"),
        ("33639980000", "duplicate"),
        ("33639980001", "duplicate"),
    ]


def test_a_number_twice_in_one_chunk_is_kept_once() -> None:
    _, uploads = take([NUMBERS[0], NUMBERS[0], NUMBERS[1]])

    assert uploads.numbers == [[33639980000, 33639980001]]


def test_the_digest_does_not_depend_on_the_size_of_batches() -> None:
    rows: list[Recipient | str] = [Recipient(NUMBERS[0], "a"), *NUMBERS[1:]]

    digests = {take(rows, batch_size=size)[0].digest for size in (1, 2, 3, 1000)}

    assert len(digests) == 1


def test_the_digest_tells_campaigns_with_other_ids_or_numbers_apart() -> None:
    contents: list[list[Recipient | str]] = [
        [NUMBERS[0], NUMBERS[1]],
        [NUMBERS[1], NUMBERS[0]],
        [Recipient(NUMBERS[0], "a"), NUMBERS[1]],
        [NUMBERS[0], Recipient(NUMBERS[1], "a")],
    ]

    digests = {take(rows)[0].digest for rows in contents}

    assert len(digests) == 4


def test_ids_stay_beside_their_numbers() -> None:
    _, uploads = take([Recipient(NUMBERS[0], "a"), NUMBERS[1], *NUMBERS[2:5]])

    assert uploads.ids == [["a", "", ""], None]


def test_an_id_that_cannot_be_kept_makes_its_row_bad() -> None:
    rows = [Recipient(NUMBERS[0], "a" * 128), Recipient(NUMBERS[1], "a" * 129, 12)]

    with pytest.raises(InputError) as caught:
        take(rows, bad_rows=BadRows.REJECT)

    (problem,) = caught.value.problems
    assert (problem.row, problem.field) == (12, "id")


def test_a_refused_campaign_leaves_nothing_uploaded() -> None:
    uploads = Uploads()
    intake = Intake(
        cast("Campaigns", uploads), normaliser("FR"), batch_size=3, bad_rows=BadRows.REJECT
    )

    with pytest.raises(InputError):
        intake.take([*NUMBERS, "x"])

    assert uploads.discarded
