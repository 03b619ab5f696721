"""When advertising may go out: rules as data, and the openings they leave.

French rules (contract, section 10): Monday to Saturday 08:00 to 20:00, never on Sundays and
public holidays, by the clock and the calendar of the recipient, and of the sender too.

Whether a moment is within a window is asked of the local clocks alone. Openings are found by
asking at every moment at which the answer could change, so nights on which clocks change need
no rule of their own: a window that opens at 02:30 opens when the clock first shows 02:30 or
later, and closes again while the clock goes through the time before it once more.
"""

import enum
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Self

from dispatcher.domain.calendars import FRENCH_DAYS, FrenchCalendar
from dispatcher.domain.zones import PARIS, Zone
from dispatcher.errors import SettingsError

BUILT_IN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"fr-marketing": ("mon-sat 08:00-20:00",)}
)
"""The named sets of rules that come along, as `WindowRule.parse` reads them."""

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHORT_WEEKDAYS = tuple(name[:3].lower() for name in _WEEKDAYS)
_DAY = rf"(?:{'|'.join(_SHORT_WEEKDAYS)})"
_DAYS = rf"{_DAY}(?:-{_DAY})?"
_HOUR = r"(?:[01]\d|2[0-3]):[0-5]\d"
_RULE = re.compile(
    rf"(?P<days>{_DAYS}(?:,{_DAYS})*) (?P<opens>{_HOUR})-(?P<closes>{_HOUR}|24:00)"
    r"(?P<holidays> holidays)?",
    re.ASCII,
)
_END_OF_DAY = time(0)
_A_DAY = timedelta(days=1)
_A_YEAR = timedelta(days=366)


class WindowPolicy(enum.Enum):
    """What becomes of advertising that is due while its window is closed."""

    HOLD = "hold"
    """It waits for the next opening."""

    REFUSE = "refuse"
    """It is not accepted."""

    EXPIRE = "expire"
    """It is given up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """A stretch of time, in UTC, in which advertising may go out."""

    opens: datetime
    closes: datetime

    def fits(self, moment: datetime, needed: timedelta) -> bool:
        """Tell whether what begins then, or at the opening, can end before the closing."""
        return self.closes - max(self.opens, moment) >= needed


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowRule:
    """Hours of the local clock on some days of the week.

    Attributes:
        weekdays: 0 for Monday to 6 for Sunday.
        opens: the first moment within.
        closes: the first moment after; midnight is the end of the day.
        on_holidays: whether it holds on public holidays too.
    """

    weekdays: frozenset[int]
    opens: time
    closes: time
    on_holidays: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "mon-fri,sun 08:00-20:00", with " holidays" added when they count as other days.

        Raises:
            SettingsError: it is no such rule, or has hours that end before they begin.
        """
        if (found := _RULE.fullmatch(text)) is None:
            raise _wrong_rule(text, "write days and hours, such as mon-sat 08:00-20:00")
        opens = time.fromisoformat(found["opens"])
        closes = time.fromisoformat(found["closes"].replace("24:00", "00:00"))
        if opens >= closes != _END_OF_DAY:
            raise _wrong_rule(text, "write two rules for hours on both sides of midnight")
        return cls(
            weekdays=frozenset(_weekdays(found["days"])),
            opens=opens,
            closes=closes,
            on_holidays=bool(found["holidays"]),
        )

    def holds_at(self, hour: time) -> bool:
        """Tell whether an hour of the local clock is within, whatever the day."""
        return self.opens <= hour and (hour < self.closes or self.closes == _END_OF_DAY)


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowSet:
    """Rules of which one must hold in every zone of the recipients, and in the sender's.

    Moments are aware datetimes. No recipients, or one whose zone is unknown: never open.

    Raises:
        SettingsError: there are no rules, or the sender's zone is the unknown one.
    """

    rules: tuple[WindowRule, ...]
    sender: Zone = PARIS
    calendar: FrenchCalendar = FRENCH_DAYS

    def __post_init__(self) -> None:
        if not self.rules:
            raise SettingsError("windows without rules never open: give one at least")
        if not self.sender.is_known:
            raise SettingsError("the sender's time zone is unknown: use one such as Europe/Paris")

    @classmethod
    def named(
        cls,
        name: str,
        *,
        sets: Mapping[str, tuple[str, ...]] = BUILT_IN,
        sender: Zone = PARIS,
        calendar: FrenchCalendar = FRENCH_DAYS,
    ) -> Self:
        """Read a set of rules by its name, `fr-marketing` unless others are given.

        Raises:
            SettingsError: there is no set of that name, or a rule of it is wrong.
        """
        if name not in sets:
            raise SettingsError(f"windows {name!r} are unknown: use one of {', '.join(sets)}")
        rules = tuple(map(WindowRule.parse, sets[name]))
        return cls(rules=rules, sender=sender, calendar=calendar)

    def is_open(self, moment: datetime, zones: frozenset[Zone]) -> bool:
        """Tell whether advertising may go out at that moment."""
        return not self.why_closed(moment, zones)

    def why_closed(self, moment: datetime, zones: frozenset[Zone]) -> str:
        """Say what keeps advertising back, such as "Sunday in Indian/Reunion"; "" if nothing."""
        now = _in_utc(moment)
        if not zones:
            return "there is no recipient"
        if not _are_known(zones):
            return "the time zone of a recipient is unknown"
        return self._why_closed_in(self._places(zones), now)

    def next_opening(
        self, moment: datetime, zones: frozenset[Zone], *, room: timedelta = timedelta()
    ) -> Opening | None:
        """Give the opening that holds the moment, or comes next; None if there is none in a year.

        Args:
            moment: the earliest time to go out.
            zones: of the recipients.
            room: how long sending takes; openings that end sooner are passed over.
        """
        now = _in_utc(moment)
        if not _are_known(zones):
            return None
        openings = self._openings(self._places(zones), now)
        return next((opening for opening in openings if opening.fits(now, room)), None)

    def closes_at(self, moment: datetime, zones: frozenset[Zone]) -> datetime | None:
        """Tell when what is open at that moment closes; None when it is closed."""
        opening = self.next_opening(moment, zones) if self.is_open(moment, zones) else None
        return opening.closes if opening else None

    def _places(self, zones: frozenset[Zone]) -> tuple[Zone, ...]:
        return (self.sender, *sorted(zones - {self.sender}))

    def _why_closed_in(self, places: tuple[Zone, ...], now: datetime) -> str:
        return next(filter(None, (self._why_closed_at(place, now) for place in places)), "")

    def _why_closed_at(self, place: Zone, now: datetime) -> str:
        local = now.astimezone(place.clock)
        day, hour = local.date(), local.time()
        rules = [rule for rule in self.rules if day.weekday() in rule.weekdays]
        if not rules:
            return f"{_WEEKDAYS[day.weekday()]} in {place.name}"
        if holiday := self.calendar.holiday(day, place):
            rules = [rule for rule in rules if rule.on_holidays]
            if not rules:
                return f"public holiday: {holiday}"
        if any(rule.holds_at(hour) for rule in rules):
            return ""
        if later := [rule.opens for rule in rules if rule.opens > hour]:
            return f"before {min(later):%H:%M} in {place.name}"
        return f"after {max(rule.closes for rule in rules):%H:%M} in {place.name}"

    def _openings(self, places: tuple[Zone, ...], now: datetime) -> Iterator[Opening]:
        """Walk through the openings that are not over; what outlasts a year is cut there."""
        opens = None if self._why_closed_in(places, now) else self._opened(places, now)
        for change in self._changes_ahead(places, now):
            is_open = not self._why_closed_in(places, change)
            if is_open and opens is None:
                opens = change
            elif opens is not None and not is_open:
                yield Opening(opens=opens, closes=change)
                opens = None
        if opens is not None:
            yield Opening(opens=opens, closes=now + _A_YEAR)

    def _opened(self, places: tuple[Zone, ...], now: datetime) -> datetime:
        """Tell since when it has been open without a break, a year at most."""
        opens = now
        for change in self._changes_back(places, now):
            if self._why_closed_in(places, change):
                break
            opens = change
        return opens

    def _changes_ahead(self, places: tuple[Zone, ...], now: datetime) -> Iterator[datetime]:
        for days in range(_A_YEAR.days):
            changes = self._changes_on(now.date() + timedelta(days), places)
            yield from (change for change in changes if change > now)

    def _changes_back(self, places: tuple[Zone, ...], now: datetime) -> Iterator[datetime]:
        for days in range(_A_YEAR.days):
            changes = self._changes_on(now.date() - timedelta(days), places)
            yield from (change for change in reversed(changes) if change <= now)

    def _changes_on(self, day: date, places: tuple[Zone, ...]) -> list[datetime]:
        """List the moments of a day in UTC at which an opening could begin or end."""
        hours = frozenset({hour for rule in self.rules for hour in (rule.opens, rule.closes)})
        return sorted({change for place in places for change in _changes_in(place, day, hours)})


@lru_cache(maxsize=20_000)
def _changes_in(place: Zone, day: date, hours: frozenset[time]) -> tuple[datetime, ...]:
    """List the moments of a day in UTC at which a clock reaches one of the hours, or is changed."""
    begin = datetime.combine(day, time(), UTC)
    changes = {
        datetime.combine(local_day, hour, place.clock).replace(fold=fold).astimezone(UTC)
        for local_day in (day - _A_DAY, day, day + _A_DAY)
        for hour in hours
        for fold in (0, 1)
    }
    if changed := _clock_change(place, begin):
        changes.add(changed)
    return tuple(change for change in changes if begin <= change < begin + _A_DAY)


def _clock_change(place: Zone, begin: datetime) -> datetime | None:
    """Find the second of a day in UTC from which the clock differs from how it was before."""

    def is_changed(second: int) -> bool:
        return (begin + timedelta(seconds=second)).astimezone(place.clock).utcoffset() != before

    before = (begin - timedelta(seconds=1)).astimezone(place.clock).utcoffset()
    seconds = range(_A_DAY // timedelta(seconds=1))
    if not is_changed(seconds[-1]):
        return None
    return begin + timedelta(seconds=bisect_left(seconds, x=True, key=is_changed))


def _are_known(zones: frozenset[Zone]) -> bool:
    return bool(zones) and all(zone.is_known for zone in zones)


def _in_utc(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError("a moment without time zone says nothing: give an aware datetime")
    return moment.astimezone(UTC)


def _weekdays(text: str) -> Iterator[int]:
    """Read "mon-wed,sat"; ranges may go past Sunday."""
    for part in text.split(","):
        first, _, last = part.partition("-")
        start = _SHORT_WEEKDAYS.index(first)
        length = (_SHORT_WEEKDAYS.index(last or first) - start) % 7
        yield from ((start + days) % 7 for days in range(length + 1))


def _wrong_rule(text: str, fix: str) -> SettingsError:
    return SettingsError(f"window rule {text!r} cannot be read: {fix}")
