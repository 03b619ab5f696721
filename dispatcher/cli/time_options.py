"""Options that say when a campaign is sent, and what they mean."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypedDict
from zoneinfo import ZoneInfo

import typer

from dispatcher.domain.durations import FORMS, read_duration
from dispatcher.domain.timing import Handover
from dispatcher.domain.windows import WindowPolicy
from dispatcher.domain.zones import Zone
from dispatcher.errors import SettingsError

SendAtOption = Annotated[
    str | None,
    typer.Option(
        "--send-at",
        metavar="TIME",
        help="When to send, such as 2026-11-24T09:30+01:00; without the offset, --timezone says "
        "whose clock is meant. Left out: as soon as possible.",
    ),
]
TimezoneOption = Annotated[
    str | None,
    typer.Option("--timezone", metavar="ZONE", help="Of --send-at, such as Europe/Paris."),
]
HandoverOption = Annotated[
    Handover | None,
    typer.Option(
        "--handover",
        help="Who keeps it until --send-at: the API, which sends it even if we are down, or we. "
        "Left out: as the account is set.",
    ),
]
LatenessOption = Annotated[
    str | None,
    typer.Option(
        "--max-lateness",
        metavar="DURATION",
        help="How late it may still be sent, such as 90s, 30m, 2h or 1d; later it expires.",
    ),
]
WindowPolicyOption = Annotated[
    WindowPolicy,
    typer.Option(
        "--window-policy",
        help="What becomes of advertising outside its hours: it waits for them, is not accepted, "
        "or is given up.",
    ),
]

_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII
)


class TimeArguments(TypedDict):
    """The arguments of a `Campaign` that say when it is sent."""

    send_at: datetime | None
    handover: Handover | None
    max_lateness: timedelta | None
    window_policy: WindowPolicy


def time_arguments(
    *,
    send_at: str | None,
    timezone: str | None,
    handover: Handover | None,
    max_lateness: str | None,
    window_policy: WindowPolicy,
) -> TimeArguments:
    """Read the options.

    Raises:
        BadParameter: one cannot be read, or makes no sense without another.
    """
    of_a_time = {"--timezone": timezone, "--handover": handover, "--max-lateness": max_lateness}
    if send_at is None and (alone := [name for name, given in of_a_time.items() if given]):
        raise typer.BadParameter(f"{alone[0]} says nothing without --send-at")
    return TimeArguments(
        send_at=None if send_at is None else _moment(send_at, timezone),
        handover=handover,
        max_lateness=None if max_lateness is None else _duration(max_lateness),
        window_policy=window_policy,
    )


def _moment(text: str, timezone: str | None) -> datetime:
    """Read a time with its offset, or by the clock of a zone."""
    moment = _read(text)
    if moment.tzinfo is not None:
        if timezone is not None:
            raise _wrong_time(text, "it has an offset already: leave --timezone out")
        return moment
    if timezone is None:
        raise _wrong_time(text, "add its offset, as in 2026-11-24T09:30+01:00, or --timezone")
    return _by_the_clock(text, moment, _clock(timezone))


def _read(text: str) -> datetime:
    try:
        if _TIME.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise _wrong_time(text, "write it as in 2026-11-24T09:30+01:00")


def _by_the_clock(text: str, wall: datetime, clock: ZoneInfo) -> datetime:
    """Give the one moment at which a clock shows a time, of nights without a change."""
    shown = {wall.replace(tzinfo=clock, fold=fold).astimezone(UTC) for fold in (0, 1)}
    found = [each for each in shown if each.astimezone(clock).replace(tzinfo=None) == wall]
    if not found:
        raise _wrong_time(text, f"clocks of {clock.key} go past it that night: choose another")
    if len(found) > 1:
        raise _wrong_time(text, f"clocks of {clock.key} show it twice that night: add the offset")
    return found[0].astimezone(clock)


def _clock(timezone: str) -> ZoneInfo:
    try:
        zone = Zone(timezone)
        if zone.is_known:
            return zone.clock
    except SettingsError:
        pass
    raise typer.BadParameter(
        f"--timezone {timezone!r} is unknown: use an IANA name such as Europe/Paris"
    )


def _duration(text: str) -> timedelta:
    if (found := read_duration(text)) is None:
        raise typer.BadParameter(f"--max-lateness {text!r} cannot be read: write {FORMS}")
    return found


def _wrong_time(text: str, fix: str) -> typer.BadParameter:
    return typer.BadParameter(f"--send-at {text!r} is not one moment: {fix}")
