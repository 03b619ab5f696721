"""In which time zones a phone number may ring, told by its first digits.

A mobile says less than a landline: an Australian one may be anywhere from Perth to Lord Howe,
a Guadeloupean one in Saint-Martin. Whoever asks gets every zone it may be in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from phonenumbers import PhoneNumberType, is_number_type_geographical
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

from dispatcher.domain.numbering import HEAD, calling_code
from dispatcher.errors import SettingsError

_UNKNOWN_NAME = "Etc/Unknown"

# Calling codes whose mobiles begin like landlines of their place, which libphonenumber does not
# say: all of North America, and Réunion with Mayotte, which share one code.
_LOCAL_MOBILES = {1, 262}


@cache
def _clock(name: str) -> ZoneInfo:
    """Load a zone once; `ZoneInfo` itself keeps only the few used last."""
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise SettingsError(
            f"time zone {name!r} is unknown: use an IANA name such as Europe/Paris"
        ) from None


@dataclass(frozen=True, order=True, slots=True)
class Zone:
    """A time zone by its IANA name, such as Indian/Reunion.

    Raises:
        SettingsError: no such zone in the installed time zone data.
    """

    name: str

    def __post_init__(self) -> None:
        if self.is_known:
            _ = self.clock

    @property
    def is_known(self) -> bool:
        """Tell whether it is a zone at all, which `UNKNOWN` is not."""
        return self.name != _UNKNOWN_NAME

    @property
    def clock(self) -> ZoneInfo:
        """Give the rules of its local time."""
        return _clock(self.name)


UNKNOWN: Final = Zone(_UNKNOWN_NAME)
"""Where a number is when nothing tells: nowhere is it ever a good hour."""

PARIS: Final = Zone("Europe/Paris")
"""Metropolitan France."""


def zones_of(numbers: Iterable[int]) -> frozenset[Zone]:
    """Name every zone in which one of the numbers may be, `UNKNOWN` among them if one has none.

    Args:
        numbers: valid numbers as international digits.
    """
    prefixes = {text[: _telling_digits(text[:HEAD])] for text in map(str, numbers)}
    return frozenset[Zone]().union(*map(_zones_at, prefixes))


@lru_cache(maxsize=10_000)
def _telling_digits(head: str) -> int:
    """Count the first digits of a number, given its head, that tell its zones."""
    code = calling_code(head)
    if code is None:
        return HEAD
    if code in _LOCAL_MOBILES or is_number_type_geographical(PhoneNumberType.MOBILE, code):
        return TIMEZONE_LONGEST_PREFIX
    return len(str(code))


@lru_cache(maxsize=10_000)
def _zones_at(prefix: str) -> frozenset[Zone]:
    """Look up the zones of the longest prefix that has any."""
    for length in range(len(prefix), 0, -1):
        if names := TIMEZONE_DATA.get(prefix[:length]):
            return frozenset(map(_zone, names))
    return frozenset({UNKNOWN})


def _zone(name: str) -> Zone:
    """Give the zone, unknown also when the numbering data is newer than that of time zones."""
    try:
        return Zone(name)
    except SettingsError:
        return UNKNOWN
