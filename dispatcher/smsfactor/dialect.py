import enum
from datetime import datetime
from zoneinfo import ZoneInfo

from dispatcher.domain.message import PushType
from dispatcher.errors import InputError, Problem

PARIS = ZoneInfo("Europe/Paris")
"""The zone of every date the API writes without an offset (contract sections 4 and 9)."""


class Dialect(enum.Enum):
    """Which documentation of the API an account follows; replies of both are always read."""

    V1 = "v1"
    """The document: `advertising`, `delay` in ISO 8601 with its offset."""

    LIVE = "live"
    """The vendor's later documentation: `marketing`, `delay` as Paris wall clock."""

    def pushtype(self, pushtype: PushType) -> str:
        """Give this dialect's word for a kind of sending."""
        if self is Dialect.LIVE and pushtype is PushType.ADVERTISING:
            return "marketing"
        return pushtype.value

    def delay(self, moment: datetime) -> str:
        """Write a moment as this dialect's `delay`, in whole seconds.

        The live form has no offset, so the hour that a change to winter time repeats is
        taken by the API as it likes.

        Raises:
            InputError: `moment` has no timezone.
        """
        if self is Dialect.LIVE:
            return paris_wall_clock(moment, field="delay")
        return _aware(moment, field="delay").isoformat(timespec="seconds")


def paris_wall_clock(moment: datetime, *, field: str) -> str:
    """Write a moment as `YYYY-MM-DD HH:MM:SS` in Paris.

    Raises:
        InputError: `moment` has no timezone; it names `field`.
    """
    return f"{_aware(moment, field=field).astimezone(PARIS):%Y-%m-%d %H:%M:%S}"


def _aware(moment: datetime, *, field: str) -> datetime:
    if moment.utcoffset() is None:
        fix = "give an aware datetime, such as one in UTC"
        raise InputError([Problem(field=field, message="has no timezone", fix=fix)])
    return moment


def read_date(written: str) -> datetime | None:
    """Read a date of a reply, Paris wall clock unless it has an offset; None if unreadable."""
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=PARIS)
