"""Public holidays of France, metropolitan and overseas, by time zone (library `holidays`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple

import holidays

from dispatcher.domain.zones import Zone


class _Place(NamedTuple):
    """A part of France with public holidays of its own; `code` is the library's for it."""

    name: str
    code: str | None


_METROPOLITAN = (_Place("metropolitan France", None),)
_ALSACE_MOSELLE = (*_METROPOLITAN, _Place("Alsace", "6AE"), _Place("Moselle", "57"))
_POLYNESIA = (_Place("French Polynesia", "PF"),)
_GUADELOUPE = _Place("Guadeloupe", "971")
_SAINT_BARTHELEMY = _Place("Saint-Barthélemy", "BL")
_SAINT_MARTIN = _Place("Saint-Martin", "MF")

# Mobiles of +590 do not say on which of its islands they are.
_OVERSEAS: Mapping[str, tuple[_Place, ...]] = MappingProxyType(
    {
        "America/Cayenne": (_Place("Guyane", "973"),),
        "America/Guadeloupe": (_GUADELOUPE, _SAINT_BARTHELEMY, _SAINT_MARTIN),
        "America/Marigot": (_SAINT_MARTIN,),
        "America/Martinique": (_Place("Martinique", "972"),),
        "America/Miquelon": (_Place("Saint-Pierre-et-Miquelon", "PM"),),
        "America/St_Barthelemy": (_SAINT_BARTHELEMY,),
        "Indian/Mayotte": (_Place("Mayotte", "976"),),
        "Indian/Reunion": (_Place("Réunion", "974"),),
        "Pacific/Gambier": _POLYNESIA,
        "Pacific/Marquesas": _POLYNESIA,
        "Pacific/Noumea": (_Place("New Caledonia", "NC"),),
        "Pacific/Tahiti": _POLYNESIA,
        "Pacific/Wallis": (_Place("Wallis and Futuna", "WF"),),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class FrenchCalendar:
    """Says which days are public holidays for people of a zone.

    Abroad, the days of metropolitan France count: they are those the rules on advertising know.

    Attributes:
        alsace_moselle: count Good Friday and 26 December wherever those of metropolitan France
            count: its numbers do not tell the department.
        overseas: count the days an overseas territory has beside the national ones.
    """

    alsace_moselle: bool = False
    overseas: bool = True

    def holiday(self, day: date, zone: Zone) -> str | None:
        """Name the holiday and where it is one, such as "Easter Monday (Réunion)"."""
        for place in self._places(zone):
            if name := _holidays(place.code, day.year).get(day):
                return f"{name} ({place.name})"
        return None

    def _places(self, zone: Zone) -> tuple[_Place, ...]:
        if zone.name in _OVERSEAS:
            return _OVERSEAS[zone.name] if self.overseas else _METROPOLITAN
        return _ALSACE_MOSELLE if self.alsace_moselle else _METROPOLITAN


FRENCH_DAYS: Final = FrenchCalendar()
"""The national days, and the overseas ones where they are kept."""


@cache
def _holidays(code: str | None, year: int) -> Mapping[date, str]:
    """Compute a year as a whole: the library's own objects grow while threads read them."""
    days = holidays.country_holidays(
        "FR", subdiv=code, years=year, expand=False, observed=False, language="en_US"
    )
    return MappingProxyType(dict(days))
