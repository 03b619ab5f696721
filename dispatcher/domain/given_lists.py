"""Whether lists of the account can be sent to as they are."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from dispatcher.domain.numbers import NumberProblem
from dispatcher.domain.replacing import replace_look_alikes
from dispatcher.domain.template import INFO_FIELDS, field_key, survives_lists
from dispatcher.domain.wording import Wording

_MOST_DIGITS = 15


class Held(NamedTuple):
    """What a list holds of one contact; its repr shows nothing of it."""

    destination: str
    infos: tuple[str, str, str, str]

    def __repr__(self) -> str:
        """Keep number and values out of logs and tracebacks."""
        return "Held(***)"

    @property
    def fields(self) -> Mapping[str, str]:
        """The values by the names that texts use, `info1` to `info4`."""
        return dict(zip(INFO_FIELDS, self.infos, strict=True))


class ContactNumbers:
    """Reads the numbers of contacts, which the API judges itself when it sends to them.

    Args:
        normalise: reads those in national form, which the document does not show.
    """

    def __init__(self, normalise: Callable[[str], int | NumberProblem]) -> None:
        self._normalise = normalise

    def __call__(self, text: str) -> int | NumberProblem:
        """Read one."""
        digits = text.removeprefix("+")
        if not digits.isascii() or not digits.isdecimal():
            return NumberProblem.NOT_A_NUMBER
        # Without its zero, a national number is somebody else's in another country.
        if digits.startswith("0"):
            return self._normalise(digits)
        return int(digits) if len(digits) <= _MOST_DIGITS else NumberProblem.TOO_LONG

    def read_all(self, texts: Sequence[str]) -> list[int | NumberProblem]:
        """Read many."""
        return list(map(self, texts))


def go_as_they_are(
    wording: Wording, contacts: Sequence[Held], numbers: ContactNumbers, *, replaces: bool
) -> bool:
    """Tell whether lists can be sent to as they are: to everybody once, with our very texts.

    Otherwise copies are made of them: whoever we would leave out is in them all the same, and
    which of several contacts with one number the API keeps, no document says.
    """
    template = wording.template
    if not template.fits_lists or not contacts:
        return False
    read = [numbers(each.destination) for each in contacts]
    if len(set(read)) < len(read) or not all(isinstance(number, int) for number in read):
        return False
    places = [int(field_key(slot.field)[-1]) - 1 for slot in template.slots]
    return all(_is_exact(wording, each, places, replaces=replaces) for each in contacts)


def _is_exact(wording: Wording, contact: Held, places: Sequence[int], *, replaces: bool) -> bool:
    values = tuple(contact.infos[place] for place in places)
    if replaces and any(replace_look_alikes(value) != value for value in values):
        return False
    return wording.values_of(contact.fields) == values and all(map(survives_lists, values))
