"""Taking recipients in gives the same whether a chunk of rows goes at once or row by row."""

import pytest

from dispatcher.domain.campaign import BadRows, Recipient
from dispatcher.errors import InputError
from tests.support.uploads import Uploads, take

NUMBERS = [str(number) for number in range(33_639_980_000, 33_639_980_007)]


def test_all_batches_but_the_last_are_full_whatever_was_dropped() -> None:
    first, second, *rest = NUMBERS

    taken, uploads = take(
        [first, "x", second, first, *rest, second], batch_size=3, bad_rows=BadRows.SKIP
    )

    assert uploads.batched == [
        [33639980000, 33639980001, 33639980002],
        [33639980003, 33639980004, 33639980005],
        [33639980006],
    ]
    filling = taken.filling
    assert (filling.rows, filling.recipients, filling.invalid, filling.duplicated) == (10, 7, 1, 2)
    assert [(row.number, row.reason) for row in uploads.dropped] == [
        ("x", "invalid: not a phone number"),
        ("33639980000", "duplicate"),
        ("33639980001", "duplicate"),
    ]


def test_a_number_twice_in_one_chunk_is_kept_once() -> None:
    _, uploads = take([NUMBERS[0], NUMBERS[0], NUMBERS[1]])

    assert uploads.batched == [[33639980000, 33639980001]]


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
    _, uploads = take([Recipient(NUMBERS[0], "a"), NUMBERS[1], *NUMBERS[2:5]], batch_size=3)

    assert [batch.ids for batch in uploads.batches] == [["a", "", ""], None]


def test_an_id_that_cannot_be_kept_makes_its_row_bad() -> None:
    rows = [Recipient(NUMBERS[0], "a" * 128), Recipient(NUMBERS[1], "a" * 129, 12)]

    with pytest.raises(InputError) as caught:
        take(rows)

    (problem,) = caught.value.problems
    assert (problem.row, problem.field) == (12, "id")


def test_a_refused_campaign_leaves_nothing_uploaded() -> None:
    uploads = Uploads()

    with pytest.raises(InputError):
        take([*NUMBERS, "x"], store=uploads)

    assert uploads.kept == set()
