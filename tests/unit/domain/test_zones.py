import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType
from phonenumbers.timezone import time_zones_for_geographical_number

from dispatcher.domain import zones
from dispatcher.domain.zones import PARIS, UNKNOWN, Zone, zones_of
from dispatcher.errors import SettingsError

POLYNESIA = {"Pacific/Gambier", "Pacific/Marquesas", "Pacific/Tahiti"}
EXAMPLES = {
    33639980001: {"Europe/Paris"},
    33612345678: {"Europe/Paris"},
    33712345678: {"Europe/Paris"},
    33700000000: {"Europe/Paris"},
    33140205050: {"Europe/Paris"},
    262692123456: {"Indian/Reunion"},
    262693123456: {"Indian/Reunion"},
    262709212345: {"Indian/Reunion"},
    262262201234: {"Indian/Reunion"},
    262639123456: {"Indian/Mayotte"},
    262709312345: {"Indian/Mayotte"},
    262269612345: {"Indian/Mayotte"},
    # A prefix neither island has told the world about.
    262999000000: {"Indian/Mayotte", "Indian/Reunion"},
    590690123456: {"America/Guadeloupe"},
    594694123456: {"America/Cayenne"},
    596696123456: {"America/Martinique"},
    508551234: {"America/Miquelon"},
    687751234: {"Pacific/Noumea"},
    681821234: {"Pacific/Wallis"},
    68987123456: POLYNESIA,
    32470123456: {"Europe/Brussels"},
    12125550123: {"America/New_York"},
    14165550123: {"America/Toronto"},
    34612345678: {"Europe/Madrid", "Atlantic/Canary"},
    # Satellites and other numbers of no country.
    881612345678: {"Etc/Unknown"},
    870301234567: {"Etc/Unknown"},
    999123456789: {"Etc/Unknown"},
}


def names(found: frozenset[Zone]) -> set[str]:
    return {zone.name for zone in found}


@pytest.mark.parametrize(("number", "expected"), EXAMPLES.items())
def test_the_first_digits_tell_the_zones(number: int, expected: set[str]) -> None:
    assert names(zones_of([number])) == expected


@given(st.sets(st.sampled_from(sorted(EXAMPLES))))
def test_a_batch_has_the_zones_of_all_its_numbers(numbers: set[int]) -> None:
    expected = set[str]().union(*(EXAMPLES[number] for number in numbers))

    assert names(zones_of(numbers)) == expected


def test_a_stranger_makes_a_batch_unknown_in_part() -> None:
    assert zones_of([33639980001, 881612345678]) == {PARIS, UNKNOWN}


# Tristan da Cunha has no mobiles.
@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS - {"TA"}))
def test_no_zone_libphonenumber_has_for_the_digits_of_a_mobile_is_left_out(region: str) -> None:
    example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    assert example is not None
    number = int(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)[1:])

    assert names(zones_of([number])) >= set(time_zones_for_geographical_number(example))


def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SettingsError, match="time zone 'Europe/Lutetia' is unknown"):
        Zone("Europe/Lutetia")


@pytest.mark.parametrize("name", ["", "Europe", "../zone", "/etc/localtime", "Europe/Paris\0"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(SettingsError):
        Zone(name)


def test_zones_newer_than_the_installed_time_zone_data_are_unknown() -> None:
    assert zones._zone("Europe/Newly_Founded") == UNKNOWN
