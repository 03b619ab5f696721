"""Broken and odd tables, one defect each, with what is to be said of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from dispatcher.domain.damage import Damage
from dispatcher.domain.numbers import NumberProblem

Finding: TypeAlias = (
    str | tuple[int, int | NumberProblem] | tuple[int, int, Damage | Mapping[str, str]]
)
"""A problem as people read it; or a row, and its number or what is wrong with that, and then
what had happened to the number, or the row's fields.
"""

N1, N2, N3 = 33_639_980_001, 33_639_980_002, 33_639_980_003


@dataclass(frozen=True, kw_only=True, slots=True)
class Specimen:
    """A table made by code, and its diagnosis.

    Attributes:
        name: the defect.
        content: makes the bytes.
        options: what the producer says of the table.
        findings: what is expected, in the order of the rows.
    """

    name: str
    content: Callable[[], bytes]
    findings: Sequence[Finding]
    options: Mapping[str, Any] = field(default_factory=dict)


def specimen(
    name: str, content: str | bytes | Callable[[], bytes], *findings: Finding, **options: object
) -> Specimen:
    """Describe a table by its text, its bytes, or what makes them."""
    made: Callable[[], bytes]
    if callable(content):
        made = content
    else:
        made = (content.encode() if isinstance(content, str) else content).__bytes__
    return Specimen(name=name, content=made, findings=findings, options=options)
