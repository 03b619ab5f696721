"""How the text of a campaign becomes that of each recipient."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeGuard

from dispatcher.domain.checks import UNSENDABLE
from dispatcher.domain.damage import is_formula_error
from dispatcher.domain.packing import Batch
from dispatcher.domain.replacing import replace_look_alikes
from dispatcher.domain.template import Slot, Template, field_key, parse_template
from dispatcher.errors import InputError, Problem

Fields = Mapping[str, str] | None


class Wording:
    """A template, and where recipients keep what its fields stand for.

    Args:
        text: the template; look-alikes are in their place already.
        replaces: put look-alikes into values, too.
        has_links: whether the message has links, whose tags values must not imitate.

    Raises:
        InputError: the template is not well formed.
    """

    def __init__(self, text: str, *, replaces: bool = False, has_links: bool = False) -> None:
        self.template: Template = parse_template(text)
        self._replaces = replaces
        self._has_links = has_links
        self._names: tuple[str, ...] | None = None

    @property
    def is_bound(self) -> bool:
        """Whether it is known which column each field means."""
        return self.template.is_plain or self._names is not None

    def bind(self, columns: Iterable[str]) -> None:
        """Find the column of each field; case, accents and punctuation do not matter.

        Raises:
            InputError: a field without a default has no column, or several.
        """
        known = list(dict.fromkeys(columns))
        found = [_column_of(slot, known) for slot in self.template.slots]
        problems = [name for name in found if isinstance(name, Problem)]
        if problems:
            raise InputError(list(dict.fromkeys(problems)))
        self._names = tuple(name for name in found if isinstance(name, str))

    def values_of_all(self, rows: Sequence[Fields]) -> list[tuple[str, ...]] | None:
        """Give the values of many recipients; None when one at least needs a closer look."""
        columns = []
        for slot, name in zip(self.template.slots, self._names or (), strict=True):
            column = self._column(slot, [fields and fields.get(name) for fields in rows])
            if column is None:
                return None
            columns.append(column)
        values = list(zip(*columns, strict=True))
        if self._has_links and not all(map(self.template.keeps_tags, values)):
            return None
        return values

    def values_of(self, fields: Fields) -> tuple[str, ...] | Problem:
        """Give the values of one recipient, or what is wrong with them."""
        values = []
        for slot, name in zip(self.template.slots, self._names or (), strict=True):
            value = self._value_of(slot, name, fields or {})
            if isinstance(value, Problem):
                return value
            values.append(value)
        if self._has_links and not self.template.keeps_tags(values):
            return Problem(
                field=self.template.slots[0].field,
                message="a value holds a <-short-> tag, which would take the place of a link",
                fix="remove it from the value",
            )
        return tuple(values)

    def _column(self, slot: Slot, found: Sequence[object]) -> list[str] | None:
        """Give what many recipients get in one place; None when one needs a closer look."""
        if not _are_texts(found):
            return None
        values = list(map(str.strip, found))
        if self._replaces or not "".join(values).isprintable():
            values = list(map(self._written, values))
        if not all(values):
            if slot.default is None:
                return None
            values = [value or slot.default for value in values]
        whole = "".join(values)
        if not whole.isprintable() and UNSENDABLE.search(whole):
            return None
        return None if "#" in whole and any(map(is_formula_error, values)) else values

    def _value_of(self, slot: Slot, name: str, fields: Mapping[str, object]) -> str | Problem:
        found = fields.get(name)
        if found is None and name not in fields:
            found = next((fields[key] for key in fields if _same(key, slot.field)), None)
        if not isinstance(found, (str, type(None))):
            kind = type(found).__name__
            return Problem(field=slot.field, message=f"it is a {kind}", fix="give it as text")
        value = self._written((found or "").strip()) or slot.default
        if value is None:
            return Problem(
                field=slot.field,
                message="it is missing",
                fix=f"fill it in, or give the text a default: {{{slot.field}|…}}",
            )
        if bad := UNSENDABLE.search(value):
            return Problem(
                field=slot.field,
                message=f"character {bad.start() + 1} (U+{ord(bad[0]):04X}) cannot be sent",
                fix="remove it",
            )
        if is_formula_error(value):
            return Problem(
                field=slot.field,
                message="a formula of the spreadsheet went wrong there",
                fix="mend the formula, or write what is meant",
            )
        return value

    def _written(self, value: str) -> str:
        """Give a value as it is to be written; it may be nothing but invisible characters."""
        lines = value.replace("\r\n", "\n").replace("\r", "\n")
        return replace_look_alikes(lines).strip() if self._replaces else lines


def wire_text(text: str, batch: Batch, *, is_given: bool) -> str:
    """Give the text to POST for a batch, made from the campaign's template.

    Args:
        text: the template.
        batch: whose infos or shared values say how it is sent.
        is_given: whether it goes to lists of the producer's own, whose infos have their names.
    """
    template = parse_template(text)
    if is_given:
        return template.wire([int(field_key(slot.field)[-1]) for slot in template.slots])
    return template.render(batch.shared or ()) if batch.infos is None else template.wire()


def _are_texts(found: Sequence[object]) -> TypeGuard[Sequence[str]]:
    return set(map(type, found)) == {str}


def _same(key: object, name: str) -> bool:
    return isinstance(key, str) and field_key(key) == field_key(name)


def _column_of(slot: Slot, columns: Sequence[str]) -> str | Problem:
    if slot.field in columns:
        return slot.field
    alike = [name for name in columns if _same(name, slot.field)]
    if len(alike) == 1:
        return alike[0]
    if alike:
        shown = ", ".join(map(repr, alike))
        return Problem(
            field="text",
            message=f"{{{slot.field}}} may mean any of {shown}",
            fix="write it in the text as the column is named",
        )
    return slot.field if slot.default is not None else _no_column(slot.field, columns)


def _no_column(field: str, columns: Sequence[str]) -> Problem:
    if not columns:
        return Problem(
            field="text",
            message=f"it has the field {{{field}}}, and the recipients have none",
            fix="give recipients their fields, or write {{ for a brace",
        )
    by_key = {field_key(name): name for name in columns}
    nearest = difflib.get_close_matches(field_key(field), by_key, n=1, cutoff=0.0)
    return Problem(
        field="text",
        message=f"it has the field {{{field}}}, and no column is named so",
        fix=f"the nearest is {by_key[nearest[0]]!r}; all are: {', '.join(columns)}",
    )
