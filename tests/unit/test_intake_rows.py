from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.campaign import BadRows, DroppedRow, Recipient
from dispatcher.errors import InputError, StoreFullError
from dispatcher.intake import MOST_LISTED
from tests.support.uploads import Uploads, take

Rows = list[Recipient | str]
GOOD = ("0639980001", "0639980002", "0639980003", "+33639980004", "33639980005")


def test_recipients_are_packed_in_order_in_batches_of_the_size_asked_for() -> None:
    taken, store = take(iter(GOOD))

    assert (taken.filling.batches, taken.filling.recipients, taken.filling.rows) == (3, 5, 5)
    assert list(map(len, store.batched)) == [2, 2, 1]
    assert store.numbers == [33639980001, 33639980002, 33639980003, 33639980004, 33639980005]
    assert store.kept == {taken.filling.upload}


def test_the_same_number_in_any_form_counts_once_across_the_whole_campaign() -> None:
    rows: Rows = [*GOOD, "+33 6 39 98 00 01", Recipient("0033639980005", "again")]

    taken, store = take(rows, batch_size=1)

    assert (taken.filling.recipients, taken.filling.duplicated, taken.filling.invalid) == (5, 2, 0)
    assert store.dropped == [
        DroppedRow(number="33639980001", id=None, reason="duplicate"),
        DroppedRow(number="33639980005", id="again", reason="duplicate"),
    ]


def test_every_bad_row_is_named_and_nothing_is_kept() -> None:
    store = Uploads()
    rows: Rows = ["0639980001", "", "12", Recipient("abc", "x", 40), "0639980002"]

    with pytest.raises(InputError) as caught:
        take(rows, store=store, batch_size=1)

    assert [problem.row for problem in caught.value.problems] == [2, 3, 40]
    assert caught.value.total == 3
    assert all(problem.fix for problem in caught.value.problems)
    assert not any("abc" in str(problem) for problem in caught.value.problems)
    assert store.kept == set()


def test_the_list_of_bad_rows_is_bounded_and_the_rest_counted() -> None:
    with pytest.raises(InputError) as caught:
        take("12" for _ in range(MOST_LISTED + 5))

    assert len(caught.value.problems) == MOST_LISTED
    assert caught.value.total == MOST_LISTED + 5


def test_bad_rows_are_dropped_and_kept_for_the_results_when_asked_so() -> None:
    rows: Rows = ["0639980001", Recipient("12", "customer 2"), "x" * 100]

    taken, store = take(rows, bad_rows=BadRows.SKIP)

    assert (taken.filling.recipients, taken.filling.invalid, taken.filling.rows) == (1, 2, 3)
    kept = [(row.number, row.id) for row in store.dropped]
    assert kept == [("12", "customer 2"), ("x" * 64, None)]
    assert all(row.reason.startswith("invalid: ") for row in store.dropped)


def test_dropped_rows_are_uploaded_in_chunks() -> None:
    taken, store = take(["0639980001", *["12"] * 2500], bad_rows=BadRows.SKIP)

    assert store.chunks == [0, 1, 2]
    assert taken.filling.dropped_chunks == 3
    assert len(store.dropped) == 2500


@pytest.mark.parametrize(("rows", "message"), [([], "there are none"), (["12"], "none of 1 rows")])
def test_a_campaign_to_nobody_is_refused(rows: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        take(rows, bad_rows=BadRows.SKIP)


@pytest.mark.parametrize("own_id", ["x" * 129, "a\ud800", "a\0b"])
def test_an_id_that_cannot_be_given_back_makes_a_row_bad(own_id: str) -> None:
    with pytest.raises(InputError) as caught:
        take([Recipient("0639980001", own_id)])

    [problem] = caught.value.problems
    assert (problem.row, problem.field) == (1, "id")


def test_a_store_that_is_full_leaves_nothing_behind() -> None:
    store = Uploads(error=StoreFullError("full"))

    with pytest.raises(StoreFullError):
        take(GOOD, store=store)

    assert store.kept == set()


def test_a_source_that_breaks_leaves_nothing_behind() -> None:
    store = Uploads()

    def rows() -> Iterator[str]:
        yield from (f"06399{n:05}" for n in range(80_000, 88_000))
        raise OSError("the file is gone")

    with pytest.raises(OSError, match="the file is gone"):
        take(rows(), store=store, batch_size=1)

    assert store.batches
    assert store.kept == set()


def test_a_store_that_cannot_discard_does_not_hide_what_went_wrong() -> None:
    class Away(Uploads):
        def discard(self, upload: str) -> None:
            raise StoreFullError(f"{upload} is out of reach")

    with pytest.raises(InputError):
        take(["12"], store=Away())


NUMBERS = st.lists(st.integers(33639980000, 33639980030).map(str), min_size=1, max_size=40)


@given(numbers=NUMBERS, batch_size=st.integers(1, 7))
def test_whatever_the_batch_size_the_same_recipients_come_out(
    numbers: list[str], batch_size: int
) -> None:
    taken, store = take(numbers, batch_size=batch_size)
    whole, _ = take(numbers, batch_size=1000)

    assert [str(number) for number in store.numbers] == list(dict.fromkeys(numbers))
    assert taken.digest == whole.digest
    assert taken.filling.recipients + taken.filling.duplicated == taken.filling.rows == len(numbers)
    assert taken.filling.batches == -(-taken.filling.recipients // batch_size) == len(store.batches)


IDS = st.none() | st.sampled_from(("a", "b", "ab", "é", "1"))


@given(ids=st.lists(IDS, min_size=1, max_size=9), batch_size=st.integers(1, 4))
def test_the_digest_is_of_the_ids_and_not_of_their_batches(
    ids: list[str | None], batch_size: int
) -> None:
    rows = [Recipient(f"06399800{place:02}", own_id) for place, own_id in enumerate(ids)]
    others = [row._replace(id="other" if place == 0 else row.id) for place, row in enumerate(rows)]

    digest = take(rows, batch_size=batch_size)[0].digest

    assert digest == take(rows, batch_size=1000)[0].digest
    assert digest != take(others, batch_size=batch_size)[0].digest


@pytest.mark.parametrize(
    ("first", "second"),
    [(("a", "b"), ("b", "a")), (("ab", ""), ("a", "b")), (("", "a"), ("a", ""))],
)
def test_other_ids_have_another_digest(first: tuple[str, str], second: tuple[str, str]) -> None:
    digests = {
        take([Recipient(GOOD[0], one), Recipient(GOOD[1], two)])[0].digest
        for one, two in (first, second)
    }

    assert len(digests) == 2


@pytest.mark.parametrize("row", [33639980001, None, ("0639980001", "a"), b"0639980001"])
def test_a_row_of_another_type_is_a_bad_row(row: object) -> None:
    rows: list[object] = ["0639980001", row]

    with pytest.raises(InputError) as caught:
        take(rows)  # type: ignore[arg-type]  # what Python lets a producer do

    assert [problem.row for problem in caught.value.problems] == [2]
