import re

import msgspec

from dispatcher.errors import InputError, Problem
from dispatcher.smsfactor.fields import Fields

_PAIR = re.compile(
    r"""
    (?<!\\)"([A-Za-z_0-9]{1,40})"\s{0,99}:\s{0,99}
    (?: "((?:[^"\\]|\\.)*+)" | (-?\d{1,18}+)(?=\s{0,99}[,}\]"]) )
    """,
    re.VERBOSE,
)
"""A key with a whole string or a whole number: a value cut short has no end and does not match."""


def encode(root: str, content: msgspec.Struct) -> bytes:
    """Write a request body as JSON, `content` under the key `root`.

    Raises:
        InputError: a text holds half a surrogate pair, which no encoding can carry.
    """
    try:
        return msgspec.json.encode({root: content})
    except UnicodeEncodeError:
        raise InputError([_HALF_A_CHARACTER]) from None


def decode(body: str) -> Fields | None:
    """Read a reply that is valid JSON and an object; None for anything else."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def salvage(body: str) -> list[tuple[str, str]]:
    """Read the pairs that are whole in a reply that is not valid JSON, in their order.

    The document's own samples lack a comma, or have a bracket too many.
    """
    return [(key, number or _unescaped(text)) for key, text, number in _PAIR.findall(body)]


def _unescaped(text: str) -> str:
    try:
        return msgspec.json.decode(f'"{text}"', type=str)
    except msgspec.DecodeError:
        return text


_HALF_A_CHARACTER = Problem(
    field="body",
    message="a text holds half of a character (a lone surrogate)",
    fix="decode the input with the encoding it was written in",
)
