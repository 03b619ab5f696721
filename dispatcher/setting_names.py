"""Tells which names of variables mean something, and what the others were meant to be.

Names only: a value may be a password, whatever its variable is called.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import get_args, get_origin

from pydantic import BaseModel

PREFIX = "DISPATCHER_"
SECRETS_DIR = f"{PREFIX}SECRETS_DIR"
# Those that are read before any other, or by the compose file.
_BESIDE_THE_FIELDS = (SECRETS_DIR, f"{PREFIX}IMAGE")
# Whatever begins so is worth a look: the prefix may be misspelt, too.
_LIKE_OURS = PREFIX[:4]
_ALIKE = 0.8


@dataclass(frozen=True, kw_only=True, slots=True)
class Stray:
    """A variable that is set and means nothing.

    Attributes:
        name: as it was written.
        nearest: what was probably meant; empty if nothing is alike.
        is_file: it is a file in a folder of secrets.
    """

    name: str
    nearest: str
    is_file: bool = False

    @property
    def is_what(self) -> str:
        """Say in one line what it is."""
        kind = f"a file in {SECRETS_DIR}" if self.is_file else "a variable"
        return f"{self.name}, {kind}, is no setting, and does nothing"

    @property
    def advice(self) -> str:
        """Say what to do about it."""
        if self.nearest:
            return f"was {self.nearest} meant? Rename it, or take it away"
        return "take it away; dispatcher/settings.py has all names"


def find_strays(
    model: type[BaseModel], names: Iterable[str], *, are_files: bool = False
) -> list[Stray]:
    """Give those of the names that look like ours and are none of the model's."""
    found = []
    for name in sorted(names):
        upper = name.upper()
        if not upper.startswith(_LIKE_OURS) or upper in _names_like(model, name):
            continue
        nearest = nearest_name(model, name)
        # `DISPLAY` and the like belong to others.
        if nearest or upper.startswith(PREFIX):
            found.append(Stray(name=name, nearest=nearest, is_file=are_files))
    return found


def nearest_name(model: type[BaseModel], name: str) -> str:
    """Give the name that is most like one; empty if none is like it."""
    candidates = sorted(_names_like(model, name))
    return next(iter(get_close_matches(name.upper(), candidates, n=1, cutoff=_ALIKE)), "")


def _names_like(model: type[BaseModel], name: str) -> set[str]:
    """Give all names; those of accounts and the like with the key that this one has."""
    words = re.split("__" if "__" in name else "_", name.upper().removeprefix(PREFIX))
    known = set(_BESIDE_THE_FIELDS)
    for field, info in model.model_fields.items():
        known.update(PREFIX + each for each in _forms(field.upper(), info.annotation, words[1:]))
    return known


def _forms(field: str, kind: object, rest: list[str]) -> Iterator[str]:
    yield field
    if get_origin(kind) is not dict:
        return
    held = get_args(kind)[1]
    if isinstance(held, type) and issubclass(held, BaseModel):
        key = rest[0] if rest else "NAME"
        yield from (f"{field}__{key}__{part.upper()}" for part in held.model_fields)
    elif rest:
        yield f"{field}__{'__'.join(rest)}"
