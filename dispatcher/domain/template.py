"""Texts with fields, rendered here or by the API's own merge (contract, sections 4 and 5)."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, Self

from dispatcher.domain.text import count_tags
from dispatcher.errors import InputError, Problem

LIST_PLACES = 4
"""How many values the API keeps for each contact: `info1` to `info4`."""

INFO_FIELDS = tuple(f"info{place}" for place in range(1, LIST_PLACES + 1))
"""What the API calls them (document, POST /list)."""

_LONGEST_NAME = 64
_LONGEST_LIST_VALUE = 100

_TOKEN = re.compile(r"\{\{|\}\}|\{(?P<field>[^{}]*)\}|\[(?P<info>info[1-4])\]|[{}]")
_BRACKET = "["
_LITERALS = {"{{": "{", "}}": "}", "{[}": _BRACKET}
_ESCAPES = str.maketrans({char: token for token, char in _LITERALS.items()})

# The API's own tags, or what may become one with the value that follows, however it is read.
_FIELD_TAG = re.compile(r"\[\s*info", re.IGNORECASE)
_FIELD_BEGUN = re.compile(r"\[\s*(i(nf?)?)?$", re.IGNORECASE)
_LINK_BEGUN = re.compile(r"<(-+(s(h(o(r(t-*)?)?)?)?)?)?$", re.IGNORECASE)
# Storing may trim blanks or lose what three bytes of UTF-8 cannot say; XML changes line ends.
_AT_RISK_IN_LISTS = re.compile(
    r"\[|<-|<$|^\s|\s$|[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]|[^\u0000-\uffff]"
)


class Slot(NamedTuple):
    """What one `{field|default}` asks for.

    Attributes:
        field: the name of the column, as written first.
        default: what stands in for a missing value; None when there must be one.
    """

    field: str
    default: str | None


@dataclass(frozen=True, slots=True, repr=False)
class Template:
    """A text whose fields differ from recipient to recipient.

    Attributes:
        pieces: the text in order; a number is the place in `slots` of what comes there.
        slots: each field with its default, once, in order of appearance.
    """

    pieces: tuple[str | int, ...]
    slots: tuple[Slot, ...]
    _format: str = field(init=False, compare=False)
    _tags: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        literals = [piece for piece in self.pieces if isinstance(piece, str)]
        object.__setattr__(self, "_format", "".join(map(_formatted, self.pieces)))
        object.__setattr__(self, "_tags", sum(map(count_tags, literals)))

    def __repr__(self) -> str:
        """Keep the text out of logs and tracebacks."""
        return f"Template(<{len(self.pieces)} pieces>, fields={self.fields!r})"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `{name}`, `{name|default}` and `[info1]` to `[info4]`.

        `{{`, `}}` and `{[}` stand for the single brace or bracket.

        Raises:
            InputError: a brace or a name is wrong; every such place is told.
        """
        pieces: list[str | int] = []
        slots: dict[tuple[str, str | None], tuple[int, Slot]] = {}
        problems: list[Problem] = []
        end = 0
        for token in _TOKEN.finditer(text):
            pieces.append(text[end : token.start()])
            end = token.end()
            if literal := _LITERALS.get(token[0]):
                pieces.append(literal)
            elif problem := _problem_of(token):
                problems.append(problem)
            else:
                slot = _slot_of(token)
                key = (field_key(slot.field), slot.default)
                pieces.append(slots.setdefault(key, (len(slots), slot))[0])
        if problems:
            raise InputError(problems)
        return cls(_joined([*pieces, text[end:]]), tuple(slot for _, slot in slots.values()))

    @property
    def fields(self) -> tuple[str, ...]:
        """The distinct columns asked for, as written first, in order of appearance."""
        names: dict[str, str] = {}
        for slot in self.slots:
            names.setdefault(field_key(slot.field), slot.field)
        return tuple(names.values())

    @property
    def is_plain(self) -> bool:
        """Whether everybody gets the same text."""
        return not self.slots

    @property
    def fits_lists(self) -> bool:
        """Whether the API's own merge can be trusted with it, for values that survive lists.

        It cannot where a literal looks like a field or a link tag, or may become one together
        with the value after it, such as `[` before `info2`: the API is not known to merge all
        fields at once, nor before it puts in the links.
        """
        if len(self.slots) > LIST_PLACES:
            return False
        return not any(
            _FIELD_TAG.search(piece)
            or (
                isinstance(after, int) and (_FIELD_BEGUN.search(piece) or _LINK_BEGUN.search(piece))
            )
            for piece, after in pairwise((*self.pieces, ""))
            if isinstance(piece, str)
        )

    def render(self, values: Sequence[str]) -> str:
        """Give the text one recipient gets, links still as tags.

        Args:
            values: one for each of `slots`, defaults already in the place of what is missing.
        """
        if len(values) != len(self.slots):
            raise ValueError(f"{len(values)} values for {len(self.slots)} fields")
        return self._format.format(*values)

    def wire(self, places: Sequence[int] | None = None) -> str:
        """Give the text for `POST /send/lists`.

        Args:
            places: for each slot, the number of the info (1 to 4) that has its value;
                in order of the slots when None.
        """
        infos = range(1, len(self.slots) + 1) if places is None else places
        if not all(1 <= place <= LIST_PLACES for place in infos):
            raise ValueError(f"a list has {LIST_PLACES} values for each contact, no others")
        return self.render([f"[info{place}]" for place in infos])

    def keeps_tags(self, values: Sequence[str]) -> bool:
        """Tell whether the text rendered has the template's own link tags and no others.

        The API fills in links in order, so one tag more would take the next one's link.
        """
        return count_tags(self.render(values)) == self._tags


parse_template = lru_cache(maxsize=64)(Template.parse)
"""`Template.parse`, with the last few templates remembered."""


def escape(text: str) -> str:
    """Write a text so that, as a template or as part of one, it stands for itself."""
    return text.translate(_ESCAPES)


def field_key(name: str) -> str:
    """Reduce the name of a column to what tells it from others.

    Accents, case, blanks and punctuation do not: "Prénom" is "prenom", "Date_RDV" is "date rdv".
    """
    folded = unicodedata.normalize("NFKD", name).casefold()
    return "".join(filter(str.isalnum, folded))


def survives_lists(value: str) -> bool:
    """Tell whether a list keeps a value, and its merge gives it, exactly as it is.

    Where the document says nothing, the answer is no: over 100 characters, outside the Basic
    Multilingual Plane, control characters, blanks at an end, and whatever may begin a tag.
    """
    return len(value) <= _LONGEST_LIST_VALUE and not _AT_RISK_IN_LISTS.search(value)


def all_survive_lists(values: Sequence[str]) -> bool:
    """Tell at once that many values survive lists; where it says no, each has to be asked."""
    whole = "".join(values)
    return (
        whole.isprintable()
        and "[" not in whole
        and "<" not in whole
        and len(whole.encode("utf-16-le")) == 2 * len(whole)
        and max(map(len, values), default=0) <= _LONGEST_LIST_VALUE
        and list(map(str.strip, values)) == values
    )


def _slot_of(token: re.Match[str]) -> Slot:
    if token["info"]:
        return Slot(token["info"], None)
    name, bar, default = token["field"].partition("|")
    return Slot(name.strip(), default if bar else None)


def _problem_of(token: re.Match[str]) -> Problem | None:
    if token[0] == "{":
        return _problem(token, "`{` opens a field that is not closed", "close it, or write {{")
    if token[0] == "}":
        return _problem(token, "`}` closes no field", "write }} for a brace, or remove it")
    name = _slot_of(token).field
    if len(name) > _LONGEST_NAME:
        return _problem(token, f"a name has over {_LONGEST_NAME} characters", "shorten it")
    if not field_key(name):
        return _problem(token, "a field has no name", "name a column, such as {name}")
    return None


def _problem(token: re.Match[str], message: str, fix: str) -> Problem:
    where = f"{message}, at character {token.start() + 1}"
    return Problem(field="text", message=where, fix=fix)


def _joined(pieces: Sequence[str | int]) -> tuple[str | int, ...]:
    """Make one piece of literals in a row."""
    joined: list[str | int] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if isinstance(last, str) and isinstance(piece, str):
            joined[-1] = last + piece
        elif piece != "":
            joined.append(piece)
    return tuple(joined)


def _formatted(piece: str | int) -> str:
    if isinstance(piece, int):
        return f"{{{piece}}}"
    return piece.replace("{", "{{").replace("}", "}}")
