"""Recipients with fields: what becomes of their values, and what makes a row bad."""

import struct
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.campaign import BadRows, Recipient
from dispatcher.domain.routes import Render
from dispatcher.errors import InputError, Problem
from tests.support.uploads import Uploads, intake_into, take

FIRST = 33_639_980_000
TEXT = "Bonjour {prenom}"


def people(*names: str, first: int = FIRST) -> list[Recipient]:
    return [
        Recipient(str(first + place), fields={"Prénom": name}) for place, name in enumerate(names)
    ]


def one(fields: Mapping[str, str] | None) -> Recipient:
    return Recipient(str(FIRST), "customer 7", 12, fields)


def problem_with(text: str, row: Recipient) -> Problem:
    with pytest.raises(InputError) as caught:
        take([*people("Zoé", first=FIRST + 100), row], text=text)

    (problem,) = caught.value.problems
    return problem


def test_people_with_the_same_text_share_batches_that_say_its_values() -> None:
    taken, uploads = take(people("Ana", "Bob", "Ana", "Ana"), text=TEXT)

    assert [(batch.shared, list(batch.numbers)) for batch in uploads.batches] == [
        (("Ana",), [33639980000, 33639980002]),
        (("Ana",), [33639980003]),
        (("Bob",), [33639980001]),
    ]
    assert (taken.filling.batches, taken.filling.list_batches) == (3, 0)


def test_batches_of_different_sizes_say_where_each_begins() -> None:
    taken, uploads = take(people("Ana", "Bob", "Ana", "Eve", "Eve"), text=TEXT, batch_size=2)

    sizes = list(map(len, uploads.batched))
    assert sizes == [2, 2, 1]
    assert (taken.filling.batch_size, taken.filling.starts) == (2, b"")

    taken, uploads = take(people("Ana", "Bob", "Bob", "Eve"), text=TEXT, batch_size=2)

    starts = struct.unpack(">3I", taken.filling.starts)
    assert taken.filling.batch_size == 0
    assert list(map(len, uploads.batched)) == [2, 1, 1]
    assert starts == (0, 2, 3)


def test_where_everybody_has_a_text_of_their_own_lists_carry_the_values() -> None:
    uploads = Uploads()
    names = [f"Nom{place}" for place in range(30)]

    taken = intake_into(uploads, text=TEXT, batch_size=10, list_size=20).take(people(*names))

    assert [batch.infos for batch in uploads.batches] == [[names[:20]], [names[20:]]]
    assert taken.filling.list_batches == 2
    assert uploads.numbers == list(range(FIRST, FIRST + 30))


def test_values_are_stripped_and_defaults_take_the_place_of_missing_ones() -> None:
    rows = [*people(" Ana\t", "  "), Recipient(str(FIRST + 2))]

    _, uploads = take(rows, text="Bonjour {prenom|client}", batch_size=3)

    assert [batch.shared for batch in uploads.batches] == [("Ana",), ("client",)]
    assert uploads.batched == [[33639980000], [33639980001, 33639980002]]


def test_the_estimate_is_the_segments_of_every_text() -> None:
    taken, _ = take(people("Ana", "x" * 160, "😀" * 36), text=TEXT)
    plain, _ = take([str(FIRST), str(FIRST + 1)], text="y" * 161)

    assert taken.filling.estimate == 1 + 2 + 2
    assert plain.filling.estimate == 4


@pytest.mark.parametrize("fields", [None, {}, {"Prénom": ""}, {"Prénom": " \n"}])
def test_a_missing_value_without_a_default_makes_a_row_bad(
    fields: Mapping[str, str] | None,
) -> None:
    problem = problem_with(TEXT, one(fields))

    assert (problem.row, problem.field, problem.message) == (12, "prenom", "it is missing")
    assert "{prenom|…}" in problem.fix


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("a\x00b", "character 2 (U+0000) cannot be sent"),
        ("a\ud83d", "character 2 (U+D83D) cannot be sent"),
        ("#N/A", "a formula of the spreadsheet went wrong there"),
        (17, "it is a int"),
    ],
)
def test_a_value_that_cannot_be_sent_makes_a_row_bad(value: str, message: str) -> None:
    problem = problem_with(TEXT, one({"Prénom": value}))

    assert (problem.row, problem.field, problem.message) == (12, "prenom", message)
    assert str(value) not in problem.fix


def test_bad_values_are_dropped_with_their_reason_when_asked_so() -> None:
    rows = [*people("Ana"), Recipient(str(FIRST + 1), "customer 7", fields={"Prénom": "#REF!"})]

    taken, uploads = take(rows, text=TEXT, bad_rows=BadRows.SKIP)

    assert (taken.filling.recipients, taken.filling.invalid) == (1, 1)
    (dropped,) = uploads.dropped
    assert (dropped.number, dropped.id) == ("33639980001", "customer 7")
    assert dropped.reason == "invalid: prenom: a formula of the spreadsheet went wrong there"


def test_a_row_its_reader_does_not_trust_is_bad_though_its_number_is_valid() -> None:
    doubt = Problem(field="line", message="a quote is not closed", fix="close it", row=3)
    rows: list[Recipient | str] = [str(FIRST), Recipient(str(FIRST + 1), row=44, problem=doubt)]

    with pytest.raises(InputError) as caught:
        take(rows)

    (problem,) = caught.value.problems
    assert (problem.row, problem.field, problem.message) == (44, "line", "a quote is not closed")


def test_a_row_that_came_twice_is_a_duplicate_whatever_its_values() -> None:
    rows = [*people("Ana"), *people("Bob")]

    taken, uploads = take(rows, text=TEXT)

    assert (taken.filling.recipients, taken.filling.duplicated) == (1, 1)
    assert [batch.shared for batch in uploads.batches] == [("Ana",)]


def test_a_bad_row_does_not_make_a_later_good_one_a_duplicate() -> None:
    rows = [Recipient(str(FIRST), fields={"prenom": ""}), *people("Ana")]

    taken, _ = take(rows, text=TEXT, bad_rows=BadRows.SKIP)

    assert (taken.filling.recipients, taken.filling.invalid, taken.filling.duplicated) == (1, 1, 0)


def test_a_text_whose_field_no_column_has_is_refused_whatever_is_to_happen_to_bad_rows() -> None:
    uploads = Uploads()

    with pytest.raises(InputError, match=r"nearest is 'Prénom'"):
        take(people("Ana"), text="Bonjour {prenm}", store=uploads, bad_rows=BadRows.SKIP)

    assert uploads.kept == set()


def test_columns_are_looked_for_in_all_of_the_first_rows() -> None:
    rows = [Recipient(str(FIRST), fields={"ville": "Lyon"}), *people("Ana", first=FIRST + 1)]

    taken, _ = take(rows, text="{prenom|x} {ville|y}")

    assert taken.filling.recipients == 2


NAMES = st.lists(st.sampled_from(("Ana", "Bob", "#1", "é", "a b", "")), min_size=1, max_size=12)


@given(names=NAMES, batch_size=st.integers(1, 4), render=st.sampled_from(Render))
def test_the_digest_is_of_the_values_and_not_of_their_batches(
    names: list[str], batch_size: int, render: Render
) -> None:
    rows = people(*names)
    others = people("other", *names[1:])
    text = "Bonjour {prenom|toi}"

    digest = intake_into(Uploads(), text=text, batch_size=batch_size, render=render).take(rows)

    assert digest.digest == take(rows, text=text, batch_size=1000)[0].digest
    assert digest.digest != take(others, text=text, batch_size=batch_size)[0].digest


@pytest.mark.parametrize(
    ("first", "second"),
    [(("ab", "c"), ("a", "bc")), (("a", "b"), ("b", "a")), (("", "a"), ("a", ""))],
)
def test_other_values_have_another_digest(first: tuple[str, str], second: tuple[str, str]) -> None:
    digests = {take([one({"a": a, "b": b})], text="{a|}{b|}")[0].digest for a, b in (first, second)}

    assert len(digests) == 2
