"""Look-alikes of GSM-7 for characters that would force a text into UCS-2 (contract, section 10).

What a reader would not take for the same stays: emoji, letters of other scripts, `°`, raised
digits and fractions (`10²` is not `102`).
"""

import re
import unicodedata
from functools import lru_cache

from dispatcher.domain.text import outside_gsm7

_LOOK_ALIKES = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u2035\u2039\u203a\u02b9\u02bc\u00b4`", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2022\u2023\u25e6", "-"),
    **dict.fromkeys("\u00ad\u200b\u2060\ufeff", ""),
    **dict.fromkeys("\u2028\u2029", "\n"),
    "\t": " ",
    "\u00b7": ".",
    "\u2027": ".",
    "\u2044": "/",
    "\u2215": "/",
    "\u00d7": "x",
    "\u00a9": "(c)",
    "\u00ae": "(R)",
    "\u2122": "TM",
    "\u2236": ":",
    "\u223c": "~",
    "œ": "oe",
    "Œ": "OE",
    "\u0131": "i",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
    "ð": "d",
    "Ð": "D",
    "ħ": "h",
    "Ħ": "H",
    "ŧ": "t",
    "Ŧ": "T",
    "þ": "th",
    "Þ": "Th",
    "ẞ": "ß",
}
# Spellings of the same text that Unicode names such, and that look like it.
_ALIKE_FORMS = {"<compat>", "<font>", "<wide>", "<narrow>", "<noBreak>"}
# Not made from anything else: the Greek letters, and whatever may become part of a tag.
_NEVER_MADE = frozenset("ΔΦΓΛΩΠΨΣΘΞ{}[]<>|")

_TAG = re.compile(r"\{\{|\{[^{}|]*(?=[|}])|(?i:\[info[1-4]\])|<-+short-+>")
# Marks above and below a letter, not those that strike it through; emoji are told by U+FE0F.
_PART = re.compile(
    rf"(?P<tag>{_TAG.pattern})"
    r"|[^\W\d_][\u0300-\u0333\u0339-\u036f]+|[^\x00-\x08\x0a-\x5f\x61-\x7f](?!\ufe0f)"
)


def replace_look_alikes(text: str) -> str:
    """Write a text with the characters of GSM-7 that look like its own, as far as there are.

    It may become longer. Tags of fields and short links stay, and none comes about.
    """
    if not outside_gsm7(text):
        return text
    replaced = _PART.sub(_replacement, text)
    return replaced if _TAG.findall(replaced) == _TAG.findall(text) else text


def replacements(text: str) -> tuple[tuple[str, str], ...]:
    """List what `replace_look_alikes` changes and into what, each once, in order."""
    if replace_look_alikes(text) == text:
        return ()
    parts = {part[0]: _replacement(part) for part in _PART.finditer(text)}
    return tuple((old, new) for old, new in parts.items() if old != new)


def _replacement(part: re.Match[str]) -> str:
    return part[0] if part["tag"] else _look_alike(part[0])


@lru_cache(maxsize=4096)
def _look_alike(part: str) -> str:
    """Give what stands for a character or a letter with its marks; itself when nothing can."""
    if len(part) == 1:
        alike = _of_character(part)
    else:
        composed = unicodedata.normalize("NFC", part)
        alike = _of_character(composed[0])
    return part if alike is None else alike


def _of_character(char: str) -> str | None:
    if _is_made(char):
        return char
    if char in _LOOK_ALIKES:
        return _LOOK_ALIKES[char]
    if unicodedata.category(char) == "Zs":
        return " "
    form, *codes = unicodedata.decomposition(char).split() or [""]
    if form in _ALIKE_FORMS:
        letters = [_of_character(chr(int(code, 16))) for code in codes]
        return None if None in letters else "".join(filter(None, letters))
    if form and char.isalpha() and not form.startswith("<"):
        return _of_character(chr(int(form, 16)))
    return None


def _is_made(char: str) -> bool:
    return char not in _NEVER_MADE and not outside_gsm7(char)
