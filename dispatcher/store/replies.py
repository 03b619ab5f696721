"""Reads the shapes redis-py gives replies in; our clients never decode for us."""

from collections.abc import Mapping

Raw = bytes | str
Entry = tuple[bytes, dict[Raw, Raw]]


def blob(value: Raw | None) -> bytes:
    """Give a reply as bytes; nothing is no bytes."""
    return value if isinstance(value, bytes) else (value or "").encode()


def text(value: Raw) -> str:
    """Give a reply as text."""
    return value.decode() if isinstance(value, bytes) else value


def text_fields(raw: Mapping[Raw, Raw]) -> dict[str, str]:
    """Decode a hash."""
    return {text(name): text(value) for name, value in raw.items()}


def entries_of(found: object) -> list[Entry]:
    """Flatten the reply of XREAD or XREADGROUP on one stream.

    RESP3 gives `{stream: [[entries]]}`, RESP2 `[[stream, entries]]`.
    """
    if isinstance(found, dict):
        return [entry for chunks in found.values() for chunk in chunks for entry in chunk]
    if isinstance(found, list):
        return [entry for _, entries in found for entry in entries]
    return []
