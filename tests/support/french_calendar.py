"""French public holidays, clocks and advertising hours worked out by hand.

A second opinion for the tests of calendars and windows: it shares neither the time zone data
nor the library of public holidays with the code under test.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

YEARS = range(2024, 2041)

FIXED_CLOCKS = {
    "America/Cayenne": timedelta(hours=-3),
    "America/Guadeloupe": timedelta(hours=-4),
    "America/Martinique": timedelta(hours=-4),
    "Indian/Mayotte": timedelta(hours=3),
    "Indian/Reunion": timedelta(hours=4),
    "Pacific/Gambier": timedelta(hours=-9),
    "Pacific/Marquesas": timedelta(hours=-9, minutes=-30),
    "Pacific/Noumea": timedelta(hours=11),
    "Pacific/Tahiti": timedelta(hours=-10),
    "Pacific/Wallis": timedelta(hours=12),
}
ZONES = ("Europe/Paris", "America/Miquelon", *FIXED_CLOCKS)

# Code du travail, L3133-1 and, overseas, L3422-2 and the labour codes of the Pacific.
_NATIONAL = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
_NATIONAL_AFTER_EASTER = (1, 39, 50)
_LEGAL_OVERSEAS = {
    "America/Cayenne": ((6, 10),),
    # Guadeloupe, Saint-Martin and Saint-Barthélemy, which their mobiles do not tell apart.
    "America/Guadeloupe": ((5, 27), (5, 28), (10, 9)),
    "America/Martinique": ((5, 22),),
    "Indian/Mayotte": ((4, 27),),
    "Indian/Reunion": ((12, 20),),
    "Pacific/Noumea": ((9, 24),),
    "Pacific/Wallis": ((4, 28), (6, 29), (7, 29)),
}
_POLYNESIAN_ZONES = ("Pacific/Gambier", "Pacific/Marquesas", "Pacific/Tahiti")
GOOD_FRIDAY, MID_LENT = -2, -24


def easter(year: int) -> date:
    """Find Easter Sunday by the rule of Meeus, Jones and Butcher."""
    golden = year % 19
    century, of_century = divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    lunar_correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - lunar_correction + 15) % 30
    leap_years, year_rest = divmod(of_century, 4)
    to_sunday = (32 + 2 * century_rest + 2 * leap_years - epact - year_rest) % 7
    late = (golden + 11 * epact + 22 * to_sunday) // 451
    month, day = divmod(epact + to_sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@cache
def legal_holidays(zone: str, year: int) -> frozenset[date]:
    """List the days that the law names for a zone."""
    days = {date(year, month, day) for month, day in _NATIONAL}
    days |= {easter(year) + timedelta(after) for after in _NATIONAL_AFTER_EASTER}
    days |= {date(year, month, day) for month, day in _LEGAL_OVERSEAS.get(zone, ())}
    if zone in _POLYNESIAN_ZONES:
        autonomy = date(year, 6, 29) if year < 2025 else date(year, 11, 20)
        days |= {date(year, 3, 5), easter(year) + timedelta(GOOD_FRIDAY), autonomy}
    return frozenset(days)


def customary_holidays(zone: str, year: int) -> frozenset[date]:
    """List the days most people have off besides, which the library counts as well."""
    schoelcher = date(year, 7, 21)
    if zone == "America/Martinique":
        return frozenset({schoelcher})
    if zone == "America/Guadeloupe":
        movable = {easter(year) + timedelta(GOOD_FRIDAY), easter(year) + timedelta(MID_LENT)}
        return frozenset({schoelcher, *movable})
    return frozenset()


@cache
def holidays(zone: str, year: int) -> frozenset[date]:
    """List the days on which no advertising goes to a zone."""
    return legal_holidays(zone, year) | customary_holidays(zone, year)


def spring_change(year: int) -> datetime:
    """Tell when French clocks go from 02:00 to 03:00: on the last Sunday of March."""
    return datetime.combine(_sunday_until(date(year, 3, 31)), time(1), UTC)


def autumn_change(year: int) -> datetime:
    """Tell when French clocks go from 03:00 to 02:00: on the last Sunday of October."""
    return datetime.combine(_sunday_until(date(year, 10, 31)), time(1), UTC)


def local_time(zone: str, moment: datetime) -> datetime:
    """Read a clock of the zone, without the zone."""
    return (moment + _offset(zone, moment)).replace(tzinfo=None)


def may_advertise(zones: Iterable[str], moment: datetime) -> bool:
    """Apply the French rules to a sender in Paris and recipients in the zones."""
    return all(_is_open_in(zone, moment) for zone in {"Europe/Paris", *zones})


def _is_open_in(zone: str, moment: datetime) -> bool:
    local = local_time(zone, moment)
    is_working_day = local.isoweekday() <= 6 and local.date() not in holidays(zone, local.year)
    return is_working_day and 8 <= local.hour < 20


def _offset(zone: str, moment: datetime) -> timedelta:
    if zone == "Europe/Paris":
        is_summer = spring_change(moment.year) <= moment < autumn_change(moment.year)
        return timedelta(hours=2 if is_summer else 1)
    if zone == "America/Miquelon":
        return timedelta(hours=-2 if _is_american_summer(moment) else -3)
    return FIXED_CLOCKS[zone]


def _is_american_summer(moment: datetime) -> bool:
    """Tell whether Miquelon's clocks are ahead: second Sunday of March to first of November."""
    begin = datetime.combine(_sunday_until(date(moment.year, 3, 14)), time(5), UTC)
    end = datetime.combine(_sunday_until(date(moment.year, 11, 7)), time(4), UTC)
    return begin <= moment < end


def _sunday_until(day: date) -> date:
    return day - timedelta(day.isoweekday() % 7)
