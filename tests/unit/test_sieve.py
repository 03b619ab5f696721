"""Whatever is done for many rows at once gives what it gives row by row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.campaign import Recipient
from dispatcher.domain.numbers import normaliser
from dispatcher.domain.template import all_survive_lists, survives_lists
from dispatcher.domain.wording import Wording
from dispatcher.errors import Problem
from dispatcher.intake.sieve import Sieve

NORMALISE = normaliser("FR")
TEXT = "Bonjour {prenom|client}, rendez-vous {date}"
SPOILT = Problem(field="table", message="cut in two", fix="quote it")

values = st.sampled_from(["Zoé", " Anne ", "", "#N/A", "a#b", "a\r\nb", "\x00", "12/03", "\u2019"])
numbers = st.integers(0, 12).map(lambda n: f"06399800{n:02d}") | st.sampled_from(["", "12", "x"])
recipients = st.builds(
    Recipient,
    number=numbers,
    id=st.none() | st.sampled_from(["a", "b\0", "c" * 129]),
    fields=st.none() | st.fixed_dictionaries({"prenom": values, "date": values}),
    problem=st.sampled_from([None] * 9 + [SPOILT]),
)
good = st.integers(20, 99).map(
    lambda n: Recipient(f"06399800{n}", fields={"prenom": "Zoé", "date": "12/03"})
)


@dataclass
class Seen:
    """What a watcher is told."""

    bad_rows: list[tuple[Recipient, Problem]] = field(default_factory=list)
    duplicates: list[tuple[Recipient, int]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def bad(self, row: Recipient, problem: Problem) -> None:
        self.bad_rows.append((row, problem))

    def duplicate(self, row: Recipient, number: int) -> None:
        self.duplicates.append((row, number))

    def read(self, texts: Sequence[str], numbers: Sequence[int]) -> None:
        assert len(texts) == len(numbers)
        self.texts += texts


def sifted(rows: Sequence[Recipient | str], *, at_once: int, near: int) -> dict[str, Any]:
    """Tell all that becomes of rows, read so many at once."""
    wording, seen = Wording(TEXT), Seen()
    wording.bind(["prenom", "date"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dispatcher.intake.sieve._ROWS_AT_ONCE", at_once)
        patch.setattr("dispatcher.intake.sieve._ROWS_NEAR_A_BAD_ONE", near)
        sieve = Sieve(wording, NORMALISE, seen)
        kept = list(sieve.sift(rows))
    columns = ("numbers", "ids", "values", "texts")
    told = {name: [one for some in kept for one in getattr(some, name)] for name in columns}
    return {**told, "seen": seen, "counts": sieve.counts}


@given(rows=st.lists(good | recipients, max_size=12), near=st.integers(1, 5))
def test_rows_read_at_once_or_in_pieces_are_kept_as_they_are_one_by_one(
    rows: list[Recipient | str], near: int
) -> None:
    at_once = sifted(rows, at_once=1000, near=near)

    assert at_once == sifted(rows, at_once=1, near=1)


def test_one_bad_row_among_many_is_told_by_its_place() -> None:
    rows: list[Recipient | str] = [f"06399800{n:02d}" for n in range(99)]
    wording, seen = Wording("Bonjour"), Seen()
    sieve = Sieve(wording, NORMALISE, seen)

    kept = list(sieve.sift([*rows[:70], "12", *rows[70:]]))

    assert [number for some in kept for number in some.numbers] == list(
        range(33_639_980_000, 33_639_980_099)
    )
    assert [problem.row for _, problem in seen.bad_rows] == [71]


@given(st.lists(st.text(st.sampled_from("a é[<-\n\xa0\u2028😀"), max_size=4), max_size=4))
def test_values_that_survive_lists_together_do_so_each(values: list[str]) -> None:
    assert not all_survive_lists(values) or all(map(survives_lists, values))


def test_ordinary_values_are_told_to_survive_lists_at_once() -> None:
    assert all_survive_lists(["Zoé", "12/03/2026", "L\u2019été", "x" * 100])
    assert not all_survive_lists(["Zoé", "[info2]"])
