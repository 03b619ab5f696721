"""Which way through the API a recipient's message takes: the cheapest that is correct.

A *direct* batch is one POST /send of one text. A *list* batch is uploaded as a list of the
account (POST /list) whose contacts carry up to four values each, which POST /send/lists merges
into the text (contract, section 6). Direct batches carry our `gsmsmsid`s, so they are taken
wherever few texts are to be sent; lists where everybody's text differs.
"""

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol

from dispatcher.domain.packing import Batch
from dispatcher.domain.template import LIST_PLACES, Template, all_survive_lists, survives_lists
from dispatcher.errors import Problem

FEW_TEXTS = 20
"""Up to so many different texts are sent directly, each to everybody who gets it."""

# Texts that few people share wait for others like them; no more people than that at a time.
_MOST_WAITING = 50_000


class Render(enum.Enum):
    """Who puts the values of fields into the text."""

    AUTO = "auto"
    """Whichever takes fewer calls and is certain to be exact."""

    HERE = "here"
    """We do: recipients with the same text share batches that are sent directly."""

    LISTS = "lists"
    """The API does, from lists, for every value it can be trusted with."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Recipients in columns of equal length; its repr shows nothing of them.

    Attributes:
        numbers: E.164 digits as integers.
        ids: the producer's own ids.
        values: one for each slot of the template; nothing at all for a plain one.
        texts: as rendered; nothing at all for a plain template.
    """

    numbers: Sequence[int] = field(repr=False)
    ids: Sequence[str | None] = field(repr=False)
    values: Sequence[tuple[str, ...]] = field(default=(), repr=False)
    texts: Sequence[str] = field(default=(), repr=False)


class Sorter(Protocol):
    """Puts recipients into batches."""

    def add(self, kept: Kept) -> Iterator[Batch]:
        """Take some in; give the batches that are full."""

    def end(self) -> Iterator[Batch]:
        """Give the batches that are left."""


def sorter_for(template: Template, *, render: Render, batch_size: int, list_size: int) -> Sorter:
    """Choose how recipients of a template are put into batches.

    Args:
        template: what they are sent.
        render: who is to put the values in.
        batch_size: the most recipients of a direct batch.
        list_size: the most recipients of a list batch.
    """
    if template.is_plain:
        return AsTheyCome(batch_size)
    return _ManyTexts(template, render, batch_size=batch_size, list_size=list_size)


def render_problem(template: Template, render: Render) -> Problem | None:
    """Say why the API cannot render a template that is to be rendered by it."""
    if render is not Render.LISTS or template.fits_lists:
        return None
    if len(template.slots) > LIST_PLACES:
        message = f"the text has {len(template.slots)} fields, and lists hold {LIST_PLACES} values"
    else:
        message = "the text has something beside a field that the API could take for its own"
    return Problem(field="render", message=message, fix="leave it out, or choose `here`")


class _Open:
    """A batch that is being filled."""

    def __init__(self, shared: tuple[str, ...] | None = None) -> None:
        self.numbers: list[int] = []
        self.ids: list[str | None] = []
        self.values: list[tuple[str, ...]] = []
        self._shared = shared

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def shared(self) -> tuple[str, ...]:
        return self._shared or ()

    def take(self, size: int) -> Batch:
        """Give the first `size` recipients as a batch, and keep the others."""
        ids, columns = self.ids[:size], None
        if self.values:
            columns = list(map(list, zip(*self.values[:size], strict=True)))
        batch = Batch(
            numbers=self.numbers[:size],
            ids=[own_id or "" for own_id in ids] if any(ids) else None,
            shared=self._shared,
            infos=columns,
        )
        del self.numbers[:size], self.ids[:size], self.values[:size]
        return batch


class AsTheyCome:
    """Cuts recipients into batches as they come: all get the same text, or the API merges it."""

    def __init__(self, batch_size: int) -> None:
        self._size = batch_size
        self._open = _Open()

    def add(self, kept: Kept) -> Iterator[Batch]:
        """Take some in; give the batches that are full."""
        self._open.numbers += kept.numbers
        self._open.ids += kept.ids
        while len(self._open) >= self._size:
            yield self._open.take(self._size)

    def end(self) -> Iterator[Batch]:
        """Give the batch that is left."""
        if len(self._open):
            yield self._open.take(self._size)


class _ManyTexts:
    """Texts differ: by few of them directly, by many through lists where that is allowed."""

    def __init__(
        self, template: Template, render: Render, *, batch_size: int, list_size: int
    ) -> None:
        self._batch_size = batch_size
        self._list_size = list_size
        self._groups: dict[str, _Open] = {}
        self._waiting = 0
        self._listed = _Open()
        self._uses_lists = render is Render.LISTS
        self._may_use_lists = render is not Render.HERE and template.fits_lists

    def add(self, kept: Kept) -> Iterator[Batch]:
        if self._uses_lists and all_survive_lists(list(chain.from_iterable(kept.values))):
            yield from self._list_all(kept)
            return
        for number, own_id, values, text in zip(
            kept.numbers, kept.ids, kept.values, kept.texts, strict=True
        ):
            if self._uses_lists and all(map(survives_lists, values)):
                yield from self._list(number, own_id, values)
            else:
                yield from self._group(number, own_id, values, text)

    def end(self) -> Iterator[Batch]:
        yield from self._end_groups()
        if len(self._listed):
            yield self._listed.take(self._list_size)

    def _list_all(self, kept: Kept) -> Iterator[Batch]:
        self._listed.numbers += kept.numbers
        self._listed.ids += kept.ids
        self._listed.values += kept.values
        while len(self._listed) >= self._list_size:
            yield self._listed.take(self._list_size)

    def _list(self, number: int, own_id: str | None, values: tuple[str, ...]) -> Iterator[Batch]:
        self._listed.numbers.append(number)
        self._listed.ids.append(own_id)
        self._listed.values.append(values)
        if len(self._listed) == self._list_size:
            yield self._listed.take(self._list_size)

    def _group(
        self, number: int, own_id: str | None, values: tuple[str, ...], text: str
    ) -> Iterator[Batch]:
        group = self._groups.get(text)
        if group is None:
            group = self._groups[text] = _Open(values)
        group.numbers.append(number)
        group.ids.append(own_id)
        self._waiting += 1
        if len(group) == self._batch_size:
            self._waiting -= self._batch_size
            yield group.take(self._batch_size)
        elif self._may_use_lists and not self._uses_lists and len(self._groups) > FEW_TEXTS:
            self._uses_lists = True
            yield from self._move_to_lists()
        elif self._waiting >= _MOST_WAITING:
            yield from self._end_groups()

    def _move_to_lists(self) -> Iterator[Batch]:
        """Put everybody who waits for others with the same text into lists, who can be."""
        for text, group in list(self._groups.items()):
            if all(map(survives_lists, group.shared)):
                del self._groups[text]
                self._waiting -= len(group)
                for number, own_id in zip(group.numbers, group.ids, strict=True):
                    yield from self._list(number, own_id, group.shared)

    def _end_groups(self) -> Iterator[Batch]:
        for group in self._groups.values():
            if len(group):
                yield group.take(self._batch_size)
        self._groups.clear()
        self._waiting = 0
