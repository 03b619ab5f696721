"""What a process says of itself to those who start and restart it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import msgspec

from dispatcher.monitoring.endpoint import JSON, Page

OK = "ok"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What was found of one thing a process needs.

    Attributes:
        subject: what was looked at.
        says: `ok`, or what is wrong.
        matters: whether the process is unfit while it is wrong.
    """

    subject: str
    says: str = OK
    matters: bool = True

    @property
    def is_bad(self) -> bool:
        """Tell whether the process is unfit for it."""
        return self.matters and self.says != OK


Findings = Sequence[Finding]
Look = Callable[[], Findings]


def health_page(look: Look) -> Page:
    """Show findings as JSON; 503 when one of them is bad."""
    found = look()
    is_fine = not any(each.is_bad for each in found)
    document: Mapping[str, object] = {
        "ok": is_fine,
        **{each.subject: each.says for each in found},
    }
    return Page(
        body=msgspec.json.encode(document).decode() + "\n",
        kind=JSON,
        status=HTTPStatus.OK if is_fine else HTTPStatus.SERVICE_UNAVAILABLE,
    )
