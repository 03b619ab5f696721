"""Who must not be sent to, and why."""

import enum
from dataclasses import dataclass, field
from datetime import datetime


class SuppressionSource(enum.Enum):
    """How somebody came onto the suppression list."""

    REPLY = "reply"
    """They answered with a STOP word (webhook MO)."""

    STOP_WEBHOOK = "stop webhook"
    """The API told of their STOP (webhook STOP, live dialect)."""

    IMPORT = "import"
    """A file named them."""

    OPERATOR = "operator"
    """A person, or a program on their behalf, put them there."""

    API_BLACKLIST = "api blacklist"
    """They were on the API's own blacklist (document, GET /blacklist)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """How it is known that somebody must not be sent to.

    Attributes:
        at: since when.
        source: how they came onto the list.
        reason: why, in words; "" when nobody said.
    """

    at: datetime
    source: SuppressionSource
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppression:
    """One entry of an account's suppression list; its repr does not tell whose.

    Attributes:
        number: E.164 digits as an integer; None once the person was erased, who stays suppressed.
        digest: what the number is known by, in hexadecimal.
        at: since when.
        source: how they came onto the list.
        reason: why, in words; "" when nobody said.
        by: who put them there; "" for nobody in particular.
    """

    number: int | None = field(repr=False)
    digest: str = field(repr=False)
    at: datetime
    source: SuppressionSource
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lift:
    """Somebody was taken off the suppression list, and is not on it again.

    Attributes:
        at: when.
        by: who did it.
        reason: why.
        is_pending: the API's own blacklist may still have them.
    """

    at: datetime
    by: str
    reason: str
    is_pending: bool
