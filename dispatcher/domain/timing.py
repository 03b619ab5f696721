"""When a campaign is to be sent, and when it is too late (document, POST /send, `delay`)."""

import enum
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dispatcher.errors import Problem


class Handover(enum.Enum):
    """Who keeps a campaign until its time."""

    PROVIDER = "provider"
    """The API, which sends it even if we are down; until then it can be taken back."""

    LOCAL = "local"
    """We do, until shortly before: cancelling it till then asks nobody and costs nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """When a campaign is to be sent.

    Attributes:
        send_at: its time; None for as soon as possible.
        handover_at: when it is given to the API; None for as soon as it is quoted.
        latest: after which nothing of it may be given to the API; None for no limit.
    """

    send_at: datetime | None = None
    handover_at: datetime | None = None
    latest: datetime | None = None


AT_ONCE = Timing()
"""As soon as possible, however long that takes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeLimits:
    """What an account allows.

    Attributes:
        handover: who keeps campaigns that do not say.
        lead: how long before their time we give those that we kept to the API.
        max_lateness: how late campaigns that do not say may still be sent.
        furthest: how far ahead a time may lie.
        wall_clock: the zone of the API's `delay`, if it says no offset.
    """

    handover: Handover
    lead: timedelta
    max_lateness: timedelta
    furthest: timedelta
    wall_clock: ZoneInfo | None = None


def utc_now() -> datetime:
    """Give the time."""
    return datetime.now(UTC)


def timing_of(
    send_at: datetime | None,
    *,
    handover: Handover | None,
    max_lateness: timedelta | None,
    limits: TimeLimits,
) -> Timing:
    """Tell when a campaign is given to the API, and when it is too late for that."""
    if send_at is None:
        return AT_ONCE
    lateness = limits.max_lateness if max_lateness is None else max_lateness
    is_local = (handover or limits.handover) is Handover.LOCAL
    # In UTC, for elsewhere adding an hour turns the hands of a clock that may be changed meanwhile.
    moment = send_at.astimezone(UTC)
    handover_at = moment - limits.lead if is_local else None
    if limits.wall_clock and _comes_twice(moment, limits.wall_clock):
        # Nobody could tell which of both the API takes: it gets no `delay` at all.
        handover_at = moment
    return Timing(
        send_at=moment,
        handover_at=handover_at,
        latest=moment + lateness,
    )


def _comes_twice(moment: datetime, zone: ZoneInfo) -> bool:
    """Tell whether the wall clock shows a moment's time a second time, as clocks are put back."""
    wall = moment.astimezone(zone)
    return wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset()


def problems_of_time(send_at: object, *, now: datetime, furthest: timedelta) -> list[Problem]:
    """List what is wrong with the time of a campaign."""
    if send_at is None:
        return []
    if not isinstance(send_at, datetime):
        kind = type(send_at).__name__
        return [_problem(f"it is a {kind}", "give a datetime with a time zone")]
    if send_at.tzinfo is None or send_at.utcoffset() is None:
        return [_problem("it has no time zone", "say whose clock is meant: tzinfo=ZoneInfo(...)")]
    if send_at <= now:
        return [_problem("it is past", "give a later time, or none to send at once")]
    if send_at > now + furthest:
        days = furthest / timedelta(days=1)
        return [_problem(f"it is more than {days:g} days ahead", "submit it nearer to its time")]
    return []


def _problem(message: str, fix: str) -> Problem:
    return Problem(field="send_at", message=message, fix=fix)
