from datetime import date, timedelta

import pytest

from dispatcher.domain.calendars import FRENCH_DAYS, FrenchCalendar
from dispatcher.domain.zones import PARIS, UNKNOWN, Zone
from tests.support import french_calendar as by_hand

REUNION = Zone("Indian/Reunion")
GUADELOUPE = Zone("America/Guadeloupe")


def days_of(year: int) -> list[date]:
    return [date(year, 1, 1) + timedelta(days) for days in range(366 if year % 4 == 0 else 365)]


def holidays_of(zone: Zone, year: int, calendar: FrenchCalendar = FRENCH_DAYS) -> set[date]:
    return {day for day in days_of(year) if calendar.holiday(day, zone)}


@pytest.mark.parametrize(
    ("year", "sunday"),
    [
        (2024, date(2024, 3, 31)),
        (2025, date(2025, 4, 20)),
        (2026, date(2026, 4, 5)),
        (2027, date(2027, 3, 28)),
        (2035, date(2035, 3, 25)),
        (2038, date(2038, 4, 25)),
        (2040, date(2040, 4, 1)),
        # The two years in which simpler rules are a week late.
        (1954, date(1954, 4, 18)),
        (1981, date(1981, 4, 19)),
    ],
)
def test_the_second_opinion_knows_easter(year: int, sunday: date) -> None:
    assert by_hand.easter(year) == sunday


@pytest.mark.parametrize("zone", by_hand.ZONES)
@pytest.mark.parametrize("year", by_hand.YEARS)
def test_the_days_of_every_zone_are_those_of_the_second_opinion(zone: str, year: int) -> None:
    assert holidays_of(Zone(zone), year) == by_hand.holidays(zone, year)


def test_the_metropolitan_year_2026_has_its_eleven_days() -> None:
    named = {day: FRENCH_DAYS.holiday(day, PARIS) for day in sorted(holidays_of(PARIS, 2026))}

    assert named == {
        date(2026, 1, 1): "New Year's Day (metropolitan France)",
        date(2026, 4, 6): "Easter Monday (metropolitan France)",
        date(2026, 5, 1): "Labor Day (metropolitan France)",
        date(2026, 5, 8): "Victory Day (metropolitan France)",
        date(2026, 5, 14): "Ascension Day (metropolitan France)",
        date(2026, 5, 25): "Pentecost Monday (metropolitan France)",
        date(2026, 7, 14): "National Day (metropolitan France)",
        date(2026, 8, 15): "Assumption Day (metropolitan France)",
        date(2026, 11, 1): "All Saints' Day (metropolitan France)",
        date(2026, 11, 11): "Armistice Day (metropolitan France)",
        date(2026, 12, 25): "Christmas Day (metropolitan France)",
    }


@pytest.mark.parametrize(
    ("zone", "day", "name"),
    [
        ("America/Martinique", date(2027, 5, 22), "Abolition of Slavery (Martinique)"),
        ("America/Guadeloupe", date(2027, 5, 27), "Abolition of Slavery (Guadeloupe)"),
        ("America/Guadeloupe", date(2027, 5, 28), "Abolition of Slavery (Saint-Martin)"),
        ("America/Guadeloupe", date(2027, 10, 9), "Abolition of Slavery (Saint-Barthélemy)"),
        ("America/Cayenne", date(2027, 6, 10), "Abolition of Slavery (Guyane)"),
        ("Indian/Reunion", date(2027, 12, 20), "Abolition of Slavery (Réunion)"),
        ("Indian/Mayotte", date(2027, 4, 27), "Abolition of Slavery (Mayotte)"),
        ("Indian/Reunion", date(2027, 3, 29), "Easter Monday (Réunion)"),
        ("Pacific/Noumea", date(2027, 9, 24), "Citizenship Day (New Caledonia)"),
        ("Pacific/Marquesas", date(2027, 11, 20), "Matāri'i (French Polynesia)"),
        ("Pacific/Wallis", date(2027, 7, 29), "Territory Day (Wallis and Futuna)"),
        ("America/Miquelon", date(2027, 7, 14), "National Day (Saint-Pierre-et-Miquelon)"),
    ],
)
def test_a_holiday_is_named_with_its_place(zone: str, day: date, name: str) -> None:
    assert FRENCH_DAYS.holiday(day, Zone(zone)) == name


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Paris", date(2027, 5, 22)),
        ("America/Martinique", date(2027, 5, 27)),
        ("Indian/Reunion", date(2027, 4, 27)),
        ("America/Marigot", date(2027, 10, 9)),
        ("America/St_Barthelemy", date(2027, 5, 28)),
        # Polynesia gave up its day of autonomy for Matāri'i.
        ("Pacific/Tahiti", date(2025, 6, 29)),
    ],
)
def test_a_day_of_one_territory_is_none_elsewhere(zone: str, day: date) -> None:
    assert FRENCH_DAYS.holiday(day, Zone(zone)) is None


@pytest.mark.parametrize("year", by_hand.YEARS)
def test_alsace_moselle_adds_good_friday_and_saint_stephen(year: int) -> None:
    calendar = FrenchCalendar(alsace_moselle=True)

    added = holidays_of(PARIS, year, calendar) - holidays_of(PARIS, year)

    assert added == {by_hand.easter(year) - timedelta(2), date(year, 12, 26)}
    assert holidays_of(REUNION, year, calendar) == holidays_of(REUNION, year)


@pytest.mark.parametrize("year", by_hand.YEARS)
def test_overseas_days_can_be_left_out(year: int) -> None:
    calendar = FrenchCalendar(overseas=False)

    assert holidays_of(REUNION, year, calendar) == by_hand.legal_holidays("Europe/Paris", year)
    assert holidays_of(GUADELOUPE, year, calendar) == by_hand.legal_holidays("Europe/Paris", year)


@pytest.mark.parametrize("zone", [Zone("Europe/Brussels"), Zone("America/New_York"), UNKNOWN])
def test_abroad_the_metropolitan_days_count(zone: Zone) -> None:
    assert holidays_of(zone, 2026) == by_hand.legal_holidays("Europe/Paris", 2026)


def test_two_holidays_on_one_day_are_both_named() -> None:
    day = date(2008, 5, 1)

    assert FRENCH_DAYS.holiday(day, PARIS) == "Ascension Day; Labor Day (metropolitan France)"
