"""The five fields of a cron expression, and the wall-clock times they name.

Standard cron and no more: values, ranges, lists, steps of a range or of `*`, English names of
months and weekdays, and 7 as well as 0 for Sunday. Refused is what cron programs disagree on
(`L`, `W`, `#`, `?`, `H`, `R`, `@daily`, seconds, years, `22-2`, `5/15`), and a step that never
gets a second time (`*/90`).

A field that begins with `*` is a wildcard, as in Vixie's cron, even `*/2`. Day of month and day
of week must both hold when either is a wildcard; when neither is, one of them is enough.
"""

import enum
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise, product, takewhile
from typing import Self

from croniter import croniter

from dispatcher.errors import InputError, Problem

DAY = timedelta(days=1)

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_STAR = {"*"}
_LONGEST = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_LONGEST_TEXT = 500
_PART = re.compile(r"(?:\*|(\w{1,3})(?:-(\w{1,3}))?)(?:/(\d{1,2}))?", re.ASCII)
_EXTENSION = re.compile(r"[?#~]|(?<![A-Z])(?:[LWHR]|LW)(?![A-Z])", re.ASCII | re.IGNORECASE)
# In 28 years of the century to come, every date has been on every weekday.
_CYCLE = date(2025, 1, 1), date(2053, 1, 1)


class _Field(enum.Enum):
    """One field: its name, lowest and highest value, and their names from the lowest on."""

    MINUTE = "minute", 0, 59
    HOUR = "hour", 0, 23
    DAY = "day of month", 1, 31
    MONTH = "month", 1, 12, _MONTHS
    WEEKDAY = "day of week", 0, 7, _WEEKDAYS

    def __init__(self, label: str, low: int, high: int, names: Sequence[str] = ()) -> None:
        self.label = label
        self.low = low
        self.high = high
        self.names = names

    @property
    def every(self) -> range:
        """What a lone `*` stands for; Sunday counts once."""
        return range(self.low, 7 if self is _Field.WEEKDAY else self.high + 1)

    def number(self, text: str) -> int:
        """Read one value, or raise InputError."""
        if text.upper() in self.names:
            return self.low + self.names.index(text.upper())
        value = int(text) if text.isdigit() else -1
        if not self.low <= value <= self.high:
            nor = f", nor one of {' '.join(self.names)}" if self.names else ""
            message = f"{text!r} is not from {self.low} to {self.high}{nor}"
            raise self.error(message, "write one that is")
        return value

    def error(self, message: str, fix: str) -> InputError:
        """Say what is wrong in this field."""
        return InputError([Problem(field="cron", message=f"{self.label}: {message}", fix=fix)])


@dataclass(frozen=True, kw_only=True, slots=True)
class Cron:
    """What a cron expression says about a wall clock that knows no time zone.

    Attributes:
        times: when in the day, counted from midnight, in order.
        days: the fields about days, as numbers: month day, month, weekday.
        either: one of month day and weekday is enough.
        hourly: the hour is a wildcard.
    """

    times: tuple[timedelta, ...]
    days: str
    either: bool
    hourly: bool

    @classmethod
    def read(cls, text: str) -> Self:
        """Read an expression; raises InputError with a problem for each field that is wrong."""
        minutes, hours, days, months, weekdays = _fields(text)
        stars = [field.startswith("*") for field in text.split()]
        either = not stars[2] and not stars[4]
        if not either and min(days) > max(_LONGEST[month] for month in months):
            raise _error("no such day in any of its months: it would never run", "change the day")
        # What is true every day is said with stars: croniter takes 1-31 for one all the same.
        always = either and (set(_Field.DAY.every) == days or set(_Field.WEEKDAY.every) == weekdays)
        named = (_STAR, months, _STAR) if always else (days, months, weekdays)
        return cls(
            times=tuple(
                timedelta(hours=hour, minutes=minute)
                for hour, minute in product(sorted(hours), sorted(minutes))
            ),
            days=" ".join(",".join(sorted(map(str, values))) for values in named),
            either=either,
            hourly=stars[1],
        )

    def between(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        """Give the wall-clock times from `begin` on and before `end`, in order."""
        for day in self._days_between(begin.date(), end.date()):
            midnight = datetime.combine(day, time.min)
            for after_midnight in self.times:
                wall = midnight + after_midnight
                if begin <= wall < end:
                    yield wall

    def closest(self, floor: timedelta) -> timedelta:
        """Give the shortest time between two runs, exactly when it is below `floor`."""
        shortest = min((b - a for a, b in pairwise(self.times)), default=floor)
        over_midnight = self.times[0] - self.times[-1]
        if over_midnight + DAY < min(floor, shortest):
            days = pairwise(self._days_between(*_CYCLE))
            shortest = min(shortest, *(b - a + over_midnight for a, b in days), floor)
        return shortest

    def _days_between(self, first: date, last: date) -> Iterator[date]:
        for month in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
            for day in _days(self.days, self.either, month):
                if first <= day <= last:
                    yield day


@lru_cache(maxsize=4096)
def _days(fields: str, either: bool, month: int) -> tuple[date, ...]:  # noqa: FBT001 - a cache key
    """Ask croniter for the days of one month, counted from the year 0."""
    first = date(month // 12, month % 12 + 1, 1)
    nights = croniter(
        f"0 0 {fields}",
        datetime.combine(first, time.min) - timedelta(minutes=1),
        day_or=either,
        max_years_between_matches=1,
    ).all_next(datetime)
    this_month = takewhile(lambda n: (n.year, n.month) == (first.year, first.month), nights)
    return tuple(night.date() for night in this_month)


def _error(message: str, fix: str) -> InputError:
    return InputError([Problem(field="cron", message=message, fix=fix)])


def _fields(text: str) -> list[set[int]]:
    """Read every field, and gather what is wrong in each."""
    if len(text) > _LONGEST_TEXT:
        raise _error("it is too long", f"use at most {_LONGEST_TEXT} characters")
    parts = text.split()
    if text.lstrip().startswith("@"):
        raise _error("short forms such as @daily are not taken", "write five fields: 0 8 * * *")
    if len(parts) != len(_Field):
        fix = "write five: minute, hour, day of month, month, day of week"
        raise _error(f"it has {len(parts)} fields", fix)
    values = []
    problems: list[Problem] = []
    for field, part in zip(_Field, parts, strict=True):
        try:
            values.append(_values(field, part))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return values


def _values(field: _Field, text: str) -> set[int]:
    values = {value for part in text.split(",") for value in _part(field, part)}
    if field is _Field.WEEKDAY:
        return {value % 7 for value in values}
    return values


def _part(field: _Field, part: str) -> range:
    """Read one part of a list: a value, a range or a star, the last two with or without step."""
    if _EXTENSION.search(part):
        raise field.error(f"{part!r} is not standard cron", "write values, ranges, steps or *")
    match = _PART.fullmatch(part)
    if not match:
        raise field.error(f"{part!r} cannot be read", "write values, ranges, steps or *")
    first, last, step = match.groups()
    values = _range(field, first, last) if first else field.every
    if step is None:
        return values
    if first and not last:
        raise field.error(
            f"{part!r} steps without a range", f"write {first}-{field.every[-1]}/{step}"
        )
    if not 0 < int(step) < len(values):
        fix = f"use a step from 1 to {len(values) - 1}, or write the times in full"
        raise field.error(f"the step of {part!r} meets no second value", fix)
    return values[:: int(step)]


def _range(field: _Field, first: str, last: str | None) -> range:
    low = field.number(first)
    high = low if last is None else field.number(last)
    if field is _Field.WEEKDAY and last and last.upper() == "SUN":
        high = 7
    if high < low:
        fix = f"write {first}-{field.every[-1]},{field.every[0]}-{last}"
        raise field.error(f"the range {first}-{last} runs backwards", fix)
    return range(low, high + 1)
