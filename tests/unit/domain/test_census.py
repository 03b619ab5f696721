import tracemalloc
from collections import Counter
from collections.abc import Sequence
from statistics import median_low

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.census import Census, Forcing, TextSummary
from dispatcher.domain.text import Encoding, outside_gsm7, segments
from tests.support.segment_vectors import AS_SENT, SEGMENTS

QUOTE = "\N{RIGHT SINGLE QUOTATION MARK}"
TEXTS = st.lists(
    st.text(alphabet="aé€ç", min_size=60, max_size=400)
    | st.sampled_from(["", "a", "a" * 161, "Δ", "\\", "<-short->", "a\0b"])
    | st.text(max_size=100),
    max_size=12,
)


def summary_of(texts: Sequence[str]) -> TextSummary:
    census = Census()
    census.add(texts)
    return census.summary()


@pytest.mark.parametrize(("text", "encoding", "units", "count"), SEGMENTS)
def test_each_text_is_counted_as_alone(
    text: str, encoding: Encoding, units: int, count: int
) -> None:
    del units
    census = Census()

    counts = census.add(["a" * 161, text, "b"])

    assert list(counts) == [2, count, 1]
    assert census.summary().ucs2 == (encoding is Encoding.UCS2)


@pytest.mark.parametrize(("text", "links", "mention", "units", "count"), AS_SENT)
def test_texts_are_counted_as_sent(
    text: str, links: list[int], mention: int, units: int, count: int
) -> None:
    del units
    census = Census(links=links, mention=mention)

    assert list(census.add([text, text])) == [count, count]
    assert census.add_many(text, 3) == count
    assert census.summary().histogram == {count: 5}


def test_what_people_pay_is_a_histogram() -> None:
    census = Census()
    census.add(["a", "b" * 161])
    census.add(["c" * 307, "d"])
    census.add_many("e" * 500, 2)

    summary = census.summary()

    assert summary.histogram == {1: 2, 2: 1, 3: 1, 4: 2}
    assert list(summary.histogram) == [1, 2, 3, 4]
    assert (summary.people, summary.segments) == (6, 15)
    assert (summary.minimum, summary.median, summary.maximum) == (1, 2, 4)


def test_a_census_of_nobody_is_empty() -> None:
    census = Census()
    census.add([])
    census.add_many("ç" * 100, 0)

    summary = census.summary()

    assert (summary.people, summary.segments, summary.histogram) == (0, 0, {})
    assert (summary.minimum, summary.median, summary.maximum) == (0, 0, 0)
    assert (summary.ucs2, summary.forcing, summary.samples) == (0, (), ())


def test_the_characters_to_blame_are_told_with_whom_they_cost() -> None:
    cheap, dear, both = f"l{QUOTE}an", "ç" + "a" * 70, QUOTE + "ç" + "a" * 69
    unharmed = "ç" + "a" * 160 + "b" * 40

    census = Census()
    census.add([cheap, cheap, cheap, dear, both, "a" * 200, "été"])
    census.add_many(unharmed, 2)

    summary = census.summary()
    assert summary.forcing == (
        Forcing(character=QUOTE, people=4, dearer=1),
        Forcing(character="ç", people=4, dearer=4),
    )
    assert (summary.ucs2, summary.dearer) == (7, 4)


def test_ucs2_that_costs_no_segment_more_makes_nobody_pay_more() -> None:
    [forcing] = summary_of(["ç" + "€" * 69, "ç" + "€" * 100]).forcing

    assert (forcing.people, forcing.dearer) == (2, 0)


def test_a_character_is_named_for_people() -> None:
    forcing = summary_of([QUOTE, "\ue000\ue000"]).forcing

    assert [found.name for found in forcing] == ["U+2019 RIGHT SINGLE QUOTATION MARK", "U+E000"]


def test_five_different_samples_are_shown_the_dearest_first() -> None:
    census = Census()
    census.add(["un", "un", "deux", "trois", "quatre", "cinq", "six"])
    census.add(["x" * 161, "ç" * 71, "x" * 200, "x" * 100, ""])
    census.add(["sept"] * 3)

    samples = census.summary().samples

    assert [(sample.text, sample.segments) for sample in samples] == [
        ("x" * 200, 2),
        ("", 0),
        ("un", 1),
        ("deux", 1),
        ("trois", 1),
    ]
    assert samples[0].encoding is Encoding.GSM7


def test_samples_show_tags_but_count_links() -> None:
    census = Census(links=[150], mention=16)
    census.add_many("Voir <-short->", 2)

    [sample] = census.summary().samples

    assert (sample.text, sample.segments) == ("Voir <-short->", 2)
    assert "Voir" not in repr(sample)


@given(TEXTS, st.integers(min_value=0, max_value=20))
def test_a_census_agrees_with_counting_one_by_one(texts: list[str], mention: int) -> None:
    census = Census(links=[30], mention=mention)
    counts = census.add(texts)

    measured = [segments(text, links=[30], mention=mention) for text in texts]
    expected = [one.count for one in measured]
    summary = census.summary()
    assert list(counts) == expected
    assert summary.histogram == Counter(expected)
    assert summary.median == median_low(expected or [0])
    assert summary.ucs2 == sum(one.encoding is Encoding.UCS2 for one in measured)
    assert {found.character: found.people for found in summary.forcing} == Counter(
        letter for text in texts for letter in outside_gsm7(text)
    )
    assert [sample.segments for sample in summary.samples][:1] == sorted(expected)[-1:]


@given(TEXTS)
def test_how_texts_are_divided_does_not_matter(texts: list[str]) -> None:
    together, apart, many = Census(), Census(), Census()
    together.add(texts)
    for text in texts:
        apart.add([text])
        many.add_many(text, 1)

    assert together.summary() == apart.summary() == many.summary()


def test_memory_does_not_grow_with_people() -> None:
    census = Census()
    census.add([f"Bonjour {person:06}, ça va ?" for person in range(1000)])

    tracemalloc.start()
    for start in range(0, 20_000, 1000):
        census.add([f"Bonjour {start + person:06}, ça va ?" for person in range(1000)])
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert census.summary().people == 21_000
    assert left < 50_000
