"""A second, slower opinion on when a cron expression runs: it watches a clock on the wall.

Time passes minute by minute and the fields are compared with what the clock shows, as a cron
daemon does it. Whole days on which the clock is not touched are looked up instead of watched.
Moments are minutes since 1970, in UTC or on the wall. Nothing here is the project's own code.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = 1440
EPOCH = date(1970, 1, 1)
NAMES = {
    name: str(value)
    for names, first in (("JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC", 1), ("SUNMONTUEWEDTHUFRISAT", 0))
    for value, name in enumerate((names[i : i + 3] for i in range(0, len(names), 3)), first)
}
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def occurrences(cron: str, zone: str, first: date, last: date) -> Iterator[datetime]:
    """Give the occurrences from one UTC day to another, both included."""
    begin, end = (first - EPOCH).days, (last - EPOCH).days
    minutes = _minutes_of_day(cron)
    days = _days(" ".join(cron.split()[2:]), begin - 2, end + 2)
    watch = _watch_hourly if cron.split()[1].startswith("*") else _watch
    for day, offset in _clock(zone, begin, end):
        if offset is None:
            walls = _walls(zone, day)
            found = watch(walls, _named(walls, days, minutes), day * DAY)
        else:
            found = _look_up(day, offset, days, minutes)
        for moment in found:
            yield datetime.fromtimestamp(moment * 60, UTC)


def _look_up(day: int, offset: int, days: frozenset[int], minutes: list[int]) -> Iterator[int]:
    opens = day * DAY + offset
    for wall_day in range(opens // DAY, (opens + DAY - 1) // DAY + 1):
        if wall_day in days:
            midnight = wall_day * DAY
            low = bisect_left(minutes, opens - midnight)
            high = bisect_left(minutes, opens + DAY - midnight)
            for minute in minutes[low:high]:
                yield midnight + minute - offset


def _watch(walls: tuple[int, ...], named: set[int], first: int) -> Iterator[int]:
    """Run what is named the first time that the clock shows it, or has just gone beyond it.

    Args:
        walls: the latest that the clock showed before, then what it shows minute by minute.
        named: the times on the wall that the fields name.
        first: the moment of the second of the walls.
    """
    seen = walls[0]
    for moment, wall in enumerate(walls[1:], first):
        if wall > seen:
            if not named.isdisjoint(range(seen + 1, wall + 1)):
                yield moment
            seen = wall


def _watch_hourly(walls: tuple[int, ...], named: set[int], first: int) -> Iterator[int]:
    """Run whenever the clock shows what is named."""
    return (moment for moment, wall in enumerate(walls[1:], first) if wall in named)


def _named(walls: tuple[int, ...], days: frozenset[int], minutes: list[int]) -> set[int]:
    shown = range(min(walls) // DAY, max(walls) // DAY + 1)
    return {day * DAY + minute for day in shown if day in days for minute in minutes}


@lru_cache
def _clock(zone: str, begin: int, end: int) -> tuple[tuple[int, int | None], ...]:
    """Give each UTC day with its offset; None when the clock was touched on it or just before."""
    offsets = {day: _offset(zone, day * DAY) for day in range(begin - 2, end + 2)}
    return tuple(
        (day, offsets[day] if len({offsets[day + i] for i in (-1, 0, 1)}) == 1 else None)
        for day in range(begin, end + 1)
    )


@lru_cache(maxsize=1024)
def _walls(zone: str, day: int) -> tuple[int, ...]:
    """Give what the clock shows in each minute of a UTC day, after the latest it showed before."""
    moments = range((day - 2) * DAY, (day + 1) * DAY)
    walls = [moment + _offset(zone, moment) for moment in moments]
    return max(walls[: 2 * DAY]), *walls[2 * DAY :]


@lru_cache(maxsize=1024)
def _days(fields: str, begin: int, end: int) -> frozenset[int]:
    """Give the days since 1970 that the three fields about days allow."""
    month_days, months, weekdays = (
        _field(text, *bounds) for text, bounds in zip(fields.split(), RANGES[2:], strict=True)
    )
    stars = fields.startswith("*") or fields.split()[2].startswith("*")
    found = set()
    for number in range(begin, end + 1):
        day = EPOCH + timedelta(days=number)
        matches = day.day in month_days, day.isoweekday() in {each or 7 for each in weekdays}
        if day.month in months and (all(matches) if stars else any(matches)):
            found.add(number)
    return frozenset(found)


@lru_cache(maxsize=1024)
def _minutes_of_day(cron: str) -> list[int]:
    minutes, hours = (
        _field(text, *bounds) for text, bounds in zip(cron.split()[:2], RANGES, strict=False)
    )
    return sorted(hour * 60 + minute for hour in hours for minute in minutes)


def _field(text: str, low: int, high: int) -> set[int]:
    for name, value in NAMES.items():
        text = text.upper().replace(name, value)
    values: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = f"{low}-{high}".partition("-") if span == "*" else span.partition("-")
        values.update(range(int(first), int(last or first) + 1, int(step or 1)))
    return values


def _offset(zone: str, moment: int) -> int:
    shift = datetime.fromtimestamp(moment * 60, ZoneInfo(zone)).utcoffset() or timedelta()
    return shift // timedelta(minutes=1)
