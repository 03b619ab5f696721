"""Readers of single values from a reply, however the wire wrote them."""

import re
from collections.abc import Mapping

Fields = dict[str, object]
"""A reply as a mapping: strings, numbers, mappings and lists of them."""

_INTEGER = re.compile(r"[+-]?\d{1,18}")


def integer(value: object) -> int | None:
    """Read an int, or a string holding one (`credits` is a string in the document)."""
    match value:
        case bool():
            return None
        case int():
            return value
        case float() if value.is_integer():
            return int(value)
        case str() if _INTEGER.fullmatch(value.strip()):
            return int(value)
    return None


def text(value: object) -> str:
    """Read a string, or a number as its digits; anything else is empty."""
    match value:
        case bool():
            return ""
        case str():
            return value.strip()
        case int():
            return str(value)
    return ""


def verbatim(value: object) -> str:
    """Read a string as it is, blanks at its ends included; else as `text`."""
    return value if isinstance(value, str) else text(value)


def rows(value: object) -> list[Mapping[str, object]]:
    """Read what may be repeated: a list of mappings, or in XML also a single one."""
    found = value if isinstance(value, list) else [value]
    return [row for row in found if isinstance(row, dict)]
