"""When a recurring schedule runs, in a named zone, also on the days when the clocks change.

Which of two rules holds is told by the hour field alone:

- Fixed times (`30 2 * * *`, `*/20 8-18 * * 1-5`) run once per local day each. In the hour that
  comes twice, the first pass counts. One that the clocks skip runs at the first instant after
  the gap; several such, or one that is due at that instant anyway, run there once.
- Hourly ones (the hour begins with `*`, as in `0 * * * *` and `30 */2 * * *`) run by the hours
  that really pass: in both passes of a repeated hour, and not at all in a skipped one.

Vixie's cron also counts a minute that begins with `*` as hourly, so that `*/20 2 * * *` runs six
times on an autumn night. Here it names an hour and runs three times, as on any other day.
"""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from itertools import islice, pairwise, takewhile
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo, available_timezones

from dispatcher.domain.cron import DAY, Cron
from dispatcher.errors import InputError, Problem

FLOOR = timedelta(minutes=15)
"""How close two occurrences may come, unless settings say otherwise."""

# Since 1970, no zone has set its clocks by more than a day, nor twice within one.
_LOOK_BACK = 2 * DAY
_LONGEST_SPAN = 400 * DAY
# Long enough for a clock change to meet every weekday and date (28 years), and the Ramadan.
_JUDGED = datetime(2025, 1, 1, tzinfo=UTC), datetime(2065, 1, 1, tzinfo=UTC)
# Whatever the machine is set to, and a zone that says "not yet set".
_NO_PLACES = {"localtime", "Factory"}
_LONGEST_ZONE = 40


@dataclass(frozen=True, kw_only=True)
class Recurrence:
    """A cron expression in a time zone.

    Made by `parse`; the constructor is for what `parse` has accepted before, such as a stored
    schedule, and judges nothing.

    Attributes:
        cron: five fields, with single blanks between them.
        timezone: a name of the IANA database.
    """

    cron: str
    timezone: str

    @classmethod
    def parse(cls, cron: str, timezone: str, *, floor: timedelta = FLOOR) -> Self:
        """Read what a producer wrote.

        Args:
            cron: five fields of standard cron; see `domain.cron`.
            timezone: such as "Europe/Paris".
            floor: time that must pass between two occurrences, on the nights when the clocks
                change too: a daily run is 23 hours from the next, once a year.

        Raises:
            InputError: it cannot be read, would never run, or would run too often.
        """
        problems = [*_cron_problems(cron), *_zone_problems(timezone)]
        if problems:
            raise InputError(problems)
        recurrence = cls(cron=" ".join(cron.split()), timezone=timezone)
        if message := recurrence._too_often(floor):
            fix = f"leave at least {_minutes(floor)} between two runs"
            raise InputError([Problem(field="cron", message=message, fix=fix)])
        return recurrence

    def after(self, moment: datetime, *, until: datetime | None = None) -> Iterator[datetime]:
        """Give the occurrences after a moment, in UTC, one at a time and without end.

        Args:
            moment: aware; an occurrence at this very moment is not given.
            until: aware; the last moment at which one is still given.
        """
        start = _utc(moment)
        # From a whole second, as clock changes are found by stepping from there.
        spans = _spans(self.zone, start.replace(microsecond=0) - _LOOK_BACK, until)
        instants = self._instants(spans, start)
        return instants if until is None else takewhile(_utc(until).__ge__, instants)

    def preview(self, moment: datetime, count: int = 10) -> list[datetime]:
        """Give the next occurrences after a moment, in the schedule's own zone."""
        return [each.astimezone(self.zone) for each in islice(self.after(moment), count)]

    @cached_property
    def zone(self) -> ZoneInfo:
        """The zone itself."""
        return ZoneInfo(self.timezone)

    @cached_property
    def _fields(self) -> Cron:
        return Cron.read(self.cron)

    def _instants(self, spans: Iterable["_Span"], moment: datetime) -> Iterator[datetime]:
        """Lay the wall-clock times on spans that follow each other, from a moment on."""
        reached = None
        for span in spans:
            if span.end > moment:
                begin = self._begin(span, moment, reached)
                for wall in self._fields.between(begin, span.closes):
                    # A time that the clocks skipped is at hand when the span opens.
                    instant = max(wall, span.opens).replace(tzinfo=UTC) - span.offset
                    if instant > moment:
                        yield instant
                        moment = instant
            reached = max(reached or span.closes, span.closes)

    def _begin(self, span: "_Span", moment: datetime, reached: datetime | None) -> datetime:
        """Tell from which time on the wall a span has to be looked at.

        Args:
            span: ends after the moment.
            moment: up to which everything is done.
            reached: latest time that the wall clock showed before the span.
        """
        wall = span.wall(max(span.start, moment))
        if self._fields.hourly or reached is None:
            return wall
        return reached if span.start > moment else max(reached, wall)

    def _too_often(self, floor: timedelta) -> str | None:
        """Say how it comes below the floor, if it does."""
        closest = self._fields.closest(floor)
        if closest < floor:
            return f"it would run {_minutes(closest)} apart"
        for before, behind in pairwise(_judged_spans(self.timezone)):
            near = self._instants((before, behind), behind.start - floor)
            for first, second in pairwise(takewhile((behind.start + floor).__gt__, near)):
                if second - first < floor:
                    wall = behind.wall(behind.start)
                    return (
                        f"it would run {_minutes(second - first)} apart"
                        f" when the clocks change, as on {wall:%d %B %Y}"
                    )
        return None


class _Span(NamedTuple):
    """A stretch of time, its end excluded, in which the offset from UTC stays the same."""

    start: datetime
    end: datetime
    offset: timedelta

    @property
    def opens(self) -> datetime:
        return self.wall(self.start)

    @property
    def closes(self) -> datetime:
        return self.wall(self.end)

    def wall(self, moment: datetime) -> datetime:
        """Tell what the wall clock shows, without a zone."""
        return (moment + self.offset).replace(tzinfo=None)


def _spans(zone: ZoneInfo, start: datetime, until: datetime | None) -> Iterator[_Span]:
    """Cut time at the clock changes."""
    while until is None or start <= until:
        offset = _offset(zone, start)
        end = start + DAY
        while _offset(zone, end) == offset and end - start < _LONGEST_SPAN:
            end += DAY
        if _offset(zone, end) != offset:
            end = _change(zone, end - DAY, end)
        yield _Span(start, end, offset)
        start = end


def _change(zone: ZoneInfo, before: datetime, behind: datetime) -> datetime:
    """Find the first second of the new offset."""
    old = _offset(zone, before)
    while behind - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(behind - before) // timedelta(seconds=2))
        if _offset(zone, middle) == old:
            before = middle
        else:
            behind = middle
    return behind


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


@lru_cache
def _judged_spans(timezone: str) -> tuple[_Span, ...]:
    return tuple(_spans(ZoneInfo(timezone), *_JUDGED))


@lru_cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - _NO_PLACES)


def _cron_problems(cron: str) -> tuple[Problem, ...]:
    try:
        Cron.read(cron)
    except InputError as error:
        return error.problems
    return ()


def _zone_problems(timezone: str) -> list[Problem]:
    if timezone in _zones():
        return []
    shown = timezone[:_LONGEST_ZONE]
    # Places only: whoever writes CEST does not mean EST.
    places = {name.lower(): name for name in sorted(_zones()) if "/" in name}
    near = difflib.get_close_matches(shown.lower(), places, n=1)
    fix = f"did you mean {places[near[0]]}?" if near else "write one such as Europe/Paris"
    return [Problem(field="timezone", message=f"{shown!r} is no time zone", fix=fix)]


def _utc(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError("the moment has no time zone")
    return moment.astimezone(UTC)


def _minutes(span: timedelta) -> str:
    minutes = span / timedelta(minutes=1)
    return f"{minutes:g} minute" if minutes == 1 else f"{minutes:g} minutes"
