"""People on a suppression list, added the short way."""

from datetime import UTC, datetime
from typing import Any

from dispatcher.domain.suppressions import SuppressionSource
from dispatcher.store.suppressions import Addition, SuppressionList

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def addition(*numbers: int, **more: Any) -> Addition:  # noqa: ANN401 - any field of an addition
    """Give what puts numbers onto a list, as an operator does."""
    fields: dict[str, Any] = {"source": SuppressionSource.OPERATOR, "at": NOON, "by": "somebody"}
    return Addition(numbers=numbers, **{**fields, **more})


def suppress(listed: SuppressionList, *numbers: int, **more: Any) -> int:  # noqa: ANN401 - as above
    """Put numbers onto a list; give how many are new."""
    return listed.add(addition(*numbers, **more))
