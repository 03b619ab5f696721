import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.text import (
    Encoding,
    count_tags,
    forcing_replaced,
    outside_gsm7,
    segments,
    septets,
)
from dispatcher.sandbox import text as sandbox
from tests.support.segment_vectors import AS_SENT, EMOJI, GSM7, SEGMENTS, UCS2

TEXTS = (
    st.text(alphabet="aé€^|", min_size=140, max_size=500)
    | st.text(alphabet="aç€" + EMOJI, min_size=60, max_size=300)
    | st.text(max_size=200)
)


@pytest.mark.parametrize(("text", "encoding", "units", "count"), SEGMENTS)
def test_a_text_takes_what_the_air_takes(
    text: str, encoding: Encoding, units: int, count: int
) -> None:
    measured = segments(text)

    assert (measured.encoding, measured.units, measured.count) == (encoding, units, count)


@pytest.mark.parametrize(("text", "links", "mention", "units", "count"), AS_SENT)
def test_the_stop_mention_and_short_links_count(
    text: str, links: list[int], mention: int, units: int, count: int
) -> None:
    measured = segments(text, links=links, mention=mention)

    assert (measured.units, measured.count) == (units, count)


@pytest.mark.parametrize(
    ("text", "links", "units"),
    [
        ("Voir <-short->", [19], 24),
        ("Voir <-----short----->", [19], 24),
        ("<-short-> <--short-->", [10, 12], 23),
        ("<-short-> <-short->", [10], 20),
        ("<-short->", [], 9),
        ("<short>", [10], 7),
        ("a" * 141 + "<-short->", [19], 160),
    ],
)
def test_a_short_link_counts_as_long_as_it_will_be(text: str, links: list[int], units: int) -> None:
    assert segments(text, links=links).units == units


def test_the_characters_that_cost_segments_are_named_once_in_order() -> None:
    assert outside_gsm7("Ça coûte 5 € à Noël, ça coûte\N{HORIZONTAL ELLIPSIS}") == (
        "û",
        "ë",
        "ç",
        "\N{HORIZONTAL ELLIPSIS}",
    )
    assert outside_gsm7("Déjà payé : 5 €") == ()


def test_what_forces_a_text_can_be_written_otherwise() -> None:
    assert forcing_replaced("Noël \N{WAVING HAND SIGN} été") == "Noxl x été"


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("", 0),
        ("<-short->", 1),
        ("<---short-><-short--->", 2),
        ("<-<-short->->", 1),
        ("<short> <-Short-> <- short ->", 0),
    ],
)
def test_the_places_for_links_are_counted(text: str, tags: int) -> None:
    assert count_tags(text) == tags


def test_septets_of_many_texts_are_counted_at_once() -> None:
    texts = ["", "abc", "12 €", "[x]", "a\\b", "Noël", "été", "\N{WAVING HAND SIGN}", "Δ"]

    assert septets(texts) == [0, 3, 5, 5, 4, None, 3, None, None]
    assert septets([]) == []
    assert septets(["a\0b", "c"]) == [None, None]


@given(st.lists(TEXTS, max_size=5))
def test_counting_many_at_once_agrees_with_counting_each(texts: list[str]) -> None:
    counted = septets(texts)

    assert len(counted) == len(texts)
    for text, units in zip(texts, counted, strict=True):
        measured = segments(text)
        assert units in (None, measured.units)
        assert units is None or measured.encoding is GSM7


@pytest.mark.parametrize("vector", [vector for vector in SEGMENTS if vector[0] not in ("", "\f")])
def test_the_sandbox_counts_the_same(vector: tuple[str, Encoding, int, int]) -> None:
    text, _, _, count = vector

    assert sandbox.segments(text) == count


@pytest.mark.parametrize(("text", "links", "mention", "units", "count"), AS_SENT)
def test_the_sandbox_counts_the_same_as_sent(
    text: str, links: list[int], mention: int, units: int, count: int
) -> None:
    urls = ["https://a.example"] * len(links)

    sent = sandbox.with_short_links(text, urls) + "x" * mention

    assert sandbox.segments(sent) == count
    assert sum(2 if letter in "^{}\\[~]|€" and "ç" not in text else 1 for letter in sent) == units


# The sandbox sends no empty text, and nothing of ours lets a form feed through.
@given(text=TEXTS.filter(lambda text: text != "" and "\f" not in text))
def test_the_sandbox_agrees_on_any_text(text: str) -> None:
    assert sandbox.segments(text) == segments(text).count


@given(text=TEXTS)
def test_a_second_way_of_counting_agrees(text: str) -> None:
    measured = segments(text)

    assert (measured.encoding, measured.count) == _filled(text)


# The alphabet in the order of its codes (3GPP TS 23.038), 0x1B being the escape.
ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPED = {"^": 20, "{": 40, "}": 41, "\\": 47, "[": 60, "~": 61, "]": 62, "|": 64, "€": 101}
CODES = {letter: [code] for code, letter in enumerate(ALPHABET) if letter != "\x1b"}
CODES |= {letter: [27, code] for letter, code in ESCAPED.items()}


def _filled(text: str) -> tuple[Encoding, int]:
    """Write each character's codes into the current segment, or into a new one if too many."""
    try:
        codes = [CODES[letter] for letter in text]
    except KeyError:
        wide = [list(memoryview(letter.encode("utf-16-le")).cast("H")) for letter in text]
        return UCS2, _segments_of(wide, alone=70, joined=67)
    return GSM7, _segments_of(codes, alone=160, joined=153)


def _segments_of(letters: list[list[int]], *, alone: int, joined: int) -> int:
    if sum(map(len, letters)) <= alone:
        return min(len(letters), 1)
    filled: list[list[int]] = [[]]
    for codes in letters:
        if len(filled[-1]) + len(codes) > joined:
            filled.append([])
        filled[-1].extend(codes)
    return len(filled)
