"""Tells rows that can be read from those whose types Python let through."""

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import NamedTuple, TypeGuard, cast

from dispatcher.domain.campaign import Recipient
from dispatcher.domain.numbers import NumberProblem
from dispatcher.errors import Problem

LONGEST_ID = 128

UNSTORABLE_ID = Problem(
    field="id",
    message=f"it is longer than {LONGEST_ID} characters, or has some that cannot be kept",
    fix="shorten it, and leave out control characters and halves of characters",
)


class Columns(NamedTuple):
    """Readable rows, in columns of equal length."""

    numbers: Sequence[str]
    ids: Sequence[str | None]
    fields: Sequence[Mapping[str, str] | None]


def in_columns(rows: Sequence[object]) -> Columns | None:
    """Split rows into columns; None when one of them is not what its type says, or a bad one.

    Rows of both kinds, which nobody mixes, are None too, and read one by one.
    """
    if _are(rows, str):
        nothing = [None] * len(rows)
        return Columns(cast("Sequence[str]", rows), nothing, nothing)
    if not _are(rows, Recipient):
        return None
    numbers, ids, _, fields, problems = zip(*cast("Sequence[Recipient]", rows), strict=True)
    is_trusted = (
        _are(numbers, str)
        and _are(ids, str, NoneType)
        and _are(fields, Mapping, NoneType)
        and _are(problems, NoneType)
    )
    return Columns(numbers, ids, fields) if is_trusted else None


def is_readable(row: object) -> TypeGuard[Recipient | str]:
    """Tell whether a row is what its type says, which Python does not check."""
    if not isinstance(row, Recipient):
        return isinstance(row, str)
    number, own_id, _, fields, problem = cast("tuple[object, ...]", row)
    return (
        isinstance(number, str)
        and isinstance(own_id, (str, type(None)))
        and isinstance(fields, (Mapping, type(None)))
        and isinstance(problem, (Problem, type(None)))
    )


def unreadable(row: object) -> Problem:
    """Say what a row is instead."""
    kind = "Recipient of other values" if isinstance(row, Recipient) else type(row).__name__
    return Problem(
        field="recipient",
        message=f"it is a {kind}",
        fix="give the number as text, or a Recipient with number and id as text, fields by name",
    )


def numbers_in(rows: Sequence[object]) -> list[str]:
    """Give the number of each row as it is written; nothing for one that cannot be read."""
    return [recipient_of(row).number if is_readable(row) else "" for row in rows]


def recipient_of(row: Recipient | str) -> Recipient:
    """Give a row its full form."""
    return Recipient(row) if isinstance(row, str) else row


def are_numbers(found: Sequence[int | NumberProblem]) -> TypeGuard[list[int]]:
    """Tell whether every number could be read."""
    return set(map(type, found)) == {int}


def are_storable(ids: Sequence[str | None]) -> bool:
    """Tell whether all ids can be kept and given back."""
    return not any(ids) or all(own_id is None or is_storable(own_id) for own_id in ids)


def is_storable(own_id: str) -> bool:
    """Tell whether an id can be kept and given back."""
    if len(own_id) > LONGEST_ID or "\0" in own_id:
        return False
    if own_id.isascii():
        return True
    try:
        own_id.encode()
    except UnicodeEncodeError:
        return False
    return True


def _are(column: Sequence[object], *kinds: type) -> bool:
    return all(issubclass(kind, kinds) for kind in set(map(type, column)))
