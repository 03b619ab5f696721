"""What a text costs and becomes: segments, short links, merged fields, the STOP mention."""

import re
from collections.abc import Sequence

GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENDED = frozenset("\f^{}\\[~]|€")
_GSM7 = GSM7_BASIC | GSM7_EXTENDED
_BASIC_PLANE = 0xFFFF

LINK_TAG = "<-----short----->"
"""As long as the link that will replace it (GET /link/short/…/tag)."""

_TAG = re.compile(r"<-+short-+>")
_FIELD = re.compile(r"\[info([1-4])\]")


def segments(text: str) -> int:
    """Count the messages a text is cut into: GSM-7 by 160 or 153, UCS-2 by 70 or 67.

    An escape pair or a surrogate pair is never cut in two.
    """
    if _GSM7.issuperset(text):
        widths, single, part = [1 + (c in GSM7_EXTENDED) for c in text], 160, 153
    else:
        widths, single, part = [1 + (ord(c) > _BASIC_PLANE) for c in text], 70, 67
    if sum(widths) <= single:
        return 1
    count, room = 1, part
    for width in widths:
        if width > room:
            count, room = count + 1, part
        room -= width
    return count


def with_short_links(text: str, links: Sequence[str]) -> str:
    """Put one short link in the place of each tag, as far as there are links."""
    if not links:
        return text
    numbers = iter(range(1, len(links) + 1))

    def short(tag: re.Match[str]) -> str:
        number = next(numbers, None)
        return tag[0] if number is None else f"sbx.example/{number:05}"

    return _TAG.sub(short, text)


def is_personalised(text: str) -> bool:
    """Say whether a text has a field that differs from contact to contact."""
    return _FIELD.search(text) is not None


def merged(text: str, infos: Sequence[str]) -> str:
    """Replace [info1] to [info4] by a contact's own."""
    return _FIELD.sub(lambda field: infos[int(field[1]) - 1], text)


def longest_merged(text: str, longest_info: int) -> int:
    """Give how long a text may become, without making it."""
    return len(text) + len(_FIELD.findall(text)) * longest_info
