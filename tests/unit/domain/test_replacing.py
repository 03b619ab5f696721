import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.replacing import replace_look_alikes, replacements
from dispatcher.domain.text import outside_gsm7

EMOJI = "\N{WAVING HAND SIGN}"
TAG = re.compile(r"\{\{|\{[^{}|]*[|}]|\[info[1-4]\]|<-+short-+>")
PARTS = [
    "{",
    "}",
    "|",
    "[",
    "]",
    "info",
    "info1",
    "<",
    ">",
    "-",
    "short",
    "œ",
    "ç",
    EMOJI,
    "\ufe0f",
]
PARTS += ["\N{EN DASH}", "\u200b", "\u0301", "\uff5b", "\uff5d", "\uff3b", "\uff1c", "é", "{œuvre}"]


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("C\u2019est l\u2018\u00e9t\u00e9", "C'est l'été"),
        ("\u00ab\u00a0Oui\u00a0\u00bb, \u201cnon\u201d, \u201ebon\u201f", '" Oui ", "non", "bon"'),
        ("8h\u201312h \u2014 14h\u201118h \u2212 5", "8h-12h - 14h-18h - 5"),
        ("suite\u2026", "suite..."),
        ("12\u202f000\u2009\u20ac\u3000net\t!", "12 000 € net !"),
        ("so\u00adft\u200b\ufeff", "soft"),
        ("C\u0153ur, \u0152UVRE, \ufb01n, \ufb03", "Coeur, OEUVRE, fin, ffi"),
        ("ça coûte, Noël, île, dû", "ca coute, Noel, ile, du"),
        ("À È Ê Ô", "A E E O"),
        ("\u0141\u00f3d\u017a \u0111 \u00fe \u1ebf \u01d6", "Lodz d th e ü"),
        ("e\u0301t\u00e9 c\u0327a n\u0303", "été ca ñ"),
        ("\uff21\uff42\uff11\uff01", "Ab1!"),
        ("\U0001d401\U0001d428\U0001d427", "Bon"),
        ("\u00a9 \u00ae \u2122 \u2116 \u2163 \u2022 `x\u00b4", "(c) (R) TM No IV - 'x'"),
        ("\u212a \u212b", "K Å"),
        ("a\u2028b", "a\nb"),
    ],
)  # fmt: skip
def test_look_alikes_are_replaced(text: str, replaced: str) -> None:
    assert replace_look_alikes(text) == replaced
    assert outside_gsm7(replaced) == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Déjà payé : 5 € en été, où ?",
        "ÉÄÖÑÜ éèàùìòÇ äöñü ß æ Æ ø å Δ Ω ^{}\\[~]|",
        EMOJI,
        "\N{FAMILY}\N{ZERO WIDTH JOINER}\N{BOY}",
        "\N{COPYRIGHT SIGN}\ufe0f \N{TRADE MARK SIGN}\ufe0f 1\ufe0f\u20e3",
        "Привет й и\u0306",
        "αβγ ά Ό",
        "漢字 かな 한글 مرحبا",
        "10\u00b2 m\u00b3 1\u00bd n\u00b05 25\u2103 \u2460",
        "\u2260 \u2264 \u00b1 \u2030",
        "\u03f4 \uff5bx \uff1cy \uff3b",
        "1\u03369\u0336 p\u0336",
    ],
)
def test_what_has_no_look_alike_stays(text: str) -> None:
    assert replace_look_alikes(text) == text
    assert replacements(text) == ()


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("{œuvre} œ", "{œuvre} oe"),
        ("{œuvre|cœur} œ", "{œuvre|coeur} oe"),
        ("{{cœur}} {date}", "{{coeur}} {date}"),
        ("[info1] <--short-> ç", "[info1] <--short-> c"),
        ("{ œ", "{ oe"),
        # None comes about.
        ("<\u2013short\u2013>", "<\u2013short\u2013>"),
        ("<-s\u200bhort->", "<-s\u200bhort->"),
        ("[ïnfo1]", "[ïnfo1]"),
        ("[info\uff11]", "[info\uff11]"),
        ("\uff5bcode\uff5d \uff3binfo1\uff3d \uff1c-short-\uff1e",) * 2,
    ],
)
def test_tags_are_neither_damaged_nor_made(text: str, replaced: str) -> None:
    assert replace_look_alikes(text) == replaced


def test_replacements_are_listed_once_in_order() -> None:
    assert replacements("Ça coûte l\u2019œil\u2026 l\u2019autre coûte {œ} e\u0301" + EMOJI) == (
        ("û", "u"),
        ("\u2019", "'"),
        ("œ", "oe"),
        ("\u2026", "..."),
        ("e\u0301", "é"),
    )
    assert replacements("<\u2013short\u2013> œ") == ()


@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=2), max_size=12).map("".join))
def test_whatever_the_text_tags_and_emoji_stay_and_nothing_new_costs(text: str) -> None:
    replaced = replace_look_alikes(text)

    assert TAG.findall(replaced) == TAG.findall(text)
    assert replaced.count(EMOJI) == text.count(EMOJI)
    assert set(outside_gsm7(replaced)) <= set(outside_gsm7(text))


@given(st.text(alphabet="aé€ÇÑ \n{}[]", max_size=50))
def test_a_text_in_gsm7_stays(text: str) -> None:
    assert replace_look_alikes(text) == text
