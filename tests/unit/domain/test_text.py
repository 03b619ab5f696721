import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.text import Encoding, outside_gsm7, segments

GSM7, UCS2 = Encoding.GSM7, Encoding.UCS2
EMOJI = "\N{WAVING HAND SIGN}"


@pytest.mark.parametrize(
    ("text", "encoding", "units", "count"),
    [
        ("", GSM7, 0, 0),
        ("a", GSM7, 1, 1),
        ("a" * 159, GSM7, 159, 1),
        ("a" * 160, GSM7, 160, 1),
        ("a" * 161, GSM7, 161, 2),
        ("a" * 305, GSM7, 305, 2),
        ("a" * 306, GSM7, 306, 2),
        ("a" * 307, GSM7, 307, 3),
        ("a" * 459, GSM7, 459, 3),
        ("a" * 460, GSM7, 460, 4),
        ("a" * 1530, GSM7, 1530, 10),
        ("a" * 1531, GSM7, 1531, 11),
        # An escape pair counts two and stays whole.
        ("€", GSM7, 2, 1),
        ("^{}\\[~]|€", GSM7, 18, 1),
        ("€" * 80, GSM7, 160, 1),
        ("€" * 81, GSM7, 162, 2),
        ("a" * 158 + "€", GSM7, 160, 1),
        ("a" * 159 + "€", GSM7, 161, 2),
        ("a" * 151 + "€" + "a" * 153, GSM7, 306, 2),
        ("a" * 152 + "€" + "a" * 151, GSM7, 305, 2),
        ("a" * 152 + "€" + "a" * 152, GSM7, 306, 3),
        ("a" * 153 + "€" + "a" * 151, GSM7, 306, 2),
        ("a" * 304 + "€", GSM7, 306, 2),
        ("a" * 305 + "€", GSM7, 307, 3),
        ("€" * 152, GSM7, 304, 2),
        ("€" * 153, GSM7, 306, 3),
        ("€" * 228, GSM7, 456, 3),
        ("€" * 229, GSM7, 458, 4),
        # In French, these stay in GSM-7 ...
        ("é" * 160, GSM7, 160, 1),
        ("è" * 161, GSM7, 161, 2),
        ("àùÇ£ñ¿ß", GSM7, 7, 1),
        ("ÉÄÖÑÜ", GSM7, 5, 1),
        ("ligne\nligne\r\n", GSM7, 13, 1),
        ("\n" * 161, GSM7, 161, 2),
        ("@_§¤Δ", GSM7, 5, 1),
        # ... and these do not.
        ("ç", UCS2, 1, 1),
        ("ê", UCS2, 1, 1),
        ("ô", UCS2, 1, 1),
        ("œ", UCS2, 1, 1),
        ("\N{RIGHT SINGLE QUOTATION MARK}", UCS2, 1, 1),
        ("À", UCS2, 1, 1),
        ("`", UCS2, 1, 1),
        ("\t", UCS2, 1, 1),
        ("\f", UCS2, 1, 1),
        ("\xa0", UCS2, 1, 1),
        ("e\N{COMBINING ACUTE ACCENT}", UCS2, 2, 1),
        ("ç" + "a" * 68, UCS2, 69, 1),
        ("ç" + "a" * 69, UCS2, 70, 1),
        ("ç" + "a" * 70, UCS2, 71, 2),
        ("ç" * 133, UCS2, 133, 2),
        ("ç" * 134, UCS2, 134, 2),
        ("ç" * 135, UCS2, 135, 3),
        ("ç" * 201, UCS2, 201, 3),
        ("ç" * 202, UCS2, 202, 4),
        # An extension character is one unit of UCS-2.
        ("ç" + "€" * 69, UCS2, 70, 1),
        ("ç" + "€" * 70, UCS2, 71, 2),
        # A surrogate pair counts two and stays whole.
        (EMOJI, UCS2, 2, 1),
        (EMOJI * 35, UCS2, 70, 1),
        (EMOJI * 36, UCS2, 72, 2),
        ("a" * 68 + EMOJI, UCS2, 70, 1),
        ("a" * 69 + EMOJI, UCS2, 71, 2),
        ("a" * 65 + EMOJI + "a" * 67, UCS2, 134, 2),
        ("a" * 66 + EMOJI + "a" * 65, UCS2, 133, 2),
        ("a" * 66 + EMOJI + "a" * 66, UCS2, 134, 3),
        ("a" * 67 + EMOJI + "a" * 65, UCS2, 134, 2),
        (EMOJI * 66, UCS2, 132, 2),
        (EMOJI * 67, UCS2, 134, 3),
        ("\N{FAMILY}\N{ZERO WIDTH JOINER}\N{VARIATION SELECTOR-16}", UCS2, 4, 1),
    ],
)
def test_a_text_takes_what_the_air_takes(
    text: str, encoding: Encoding, units: int, count: int
) -> None:
    measured = segments(text)

    assert (measured.encoding, measured.units, measured.count) == (encoding, units, count)


@pytest.mark.parametrize(
    ("text", "mention", "units", "count"),
    [
        ("a" * 144, 16, 160, 1),
        ("a" * 145, 16, 161, 2),
        ("", 16, 16, 1),
        ("ç" * 54, 16, 70, 1),
        ("ç" * 55, 16, 71, 2),
    ],
)
def test_the_stop_mention_counts(text: str, mention: int, units: int, count: int) -> None:
    measured = segments(text, mention=mention)

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


@given(
    text=st.text(alphabet="aé€^|", min_size=140, max_size=500)
    | st.text(alphabet="aç€" + EMOJI, min_size=60, max_size=300)
    | st.text(max_size=200)
)
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
