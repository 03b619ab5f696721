"""Reads rows of recipients and keeps those that can be sent to."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple, Protocol, TypeAlias

from pyroaring import BitMap64

from dispatcher.domain.campaign import Recipient
from dispatcher.domain.numbers import NumberProblem
from dispatcher.domain.routes import Kept
from dispatcher.domain.wording import Fields, Wording
from dispatcher.errors import Problem
from dispatcher.intake.rows import (
    UNSTORABLE_ID,
    Columns,
    are_numbers,
    are_storable,
    in_columns,
    is_readable,
    is_storable,
    numbers_in,
    recipient_of,
    unreadable,
)

_ROWS_AT_ONCE = 1000
# Rows one by one take twice as long, so one bad row should not slow down many good ones.
_ROWS_NEAR_A_BAD_ONE = 50

_Read: TypeAlias = int | NumberProblem


class NumberReader(Protocol):
    """What tells numbers from other texts; `domain.numbers.Normaliser` is one."""

    def read_all(self, texts: Sequence[str]) -> Sequence[_Read]:
        """Read many numbers."""


class Watcher(Protocol):
    """What is told of rows that are not kept, and of those that came in spoilt."""

    def bad(self, row: Recipient, problem: Problem) -> None:
        """Take a row that cannot be sent to."""

    def duplicate(self, row: Recipient, number: int) -> None:
        """Take a row whose number came before."""

    def read(self, texts: Sequence[str], numbers: Sequence[int]) -> None:
        """Take numbers that are kept, and the texts they were read from."""


@dataclass(slots=True)
class Counts:
    """Rows that came in, and those of them that were not kept."""

    rows: int = 0
    invalid: int = 0
    duplicated: int = 0
    suppressed: int = 0

    @property
    def kept(self) -> int:
        """Rows that were kept."""
        return self.rows - self.invalid - self.duplicated - self.suppressed


class _Good(NamedTuple):
    """A row that can be sent to."""

    number: int
    id: str | None
    values: tuple[str, ...]


class Sieve:
    """Keeps, of the rows of one campaign, each valid number once."""

    def __init__(self, wording: Wording, normalise: NumberReader, watcher: Watcher) -> None:
        self.counts = Counts()
        self._wording = wording
        self._is_plain = wording.template.is_plain
        self._normalise = normalise
        self._watcher = watcher
        self._seen = BitMap64()

    def sift(self, recipients: Iterable[Recipient | str]) -> Iterator[Kept]:
        """Read all rows, some at a time, in constant memory but for the numbers seen.

        Raises:
            InputError: the text has fields of which none of the first rows has a column.
        """
        rows = iter(recipients)
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            if not self._wording.is_bound:
                self._wording.bind(_columns_of(some))
            yield from self._keep(some)

    def _keep(self, rows: Sequence[Recipient | str]) -> Iterator[Kept]:
        columns = in_columns(rows)
        numbers = self._normalise.read_all(columns.numbers if columns else numbers_in(rows))
        if kept := self._keep_all(columns, numbers):
            yield kept
            return
        for start in range(0, len(rows), _ROWS_NEAR_A_BAD_ONE):
            place = slice(start, start + _ROWS_NEAR_A_BAD_ONE)
            some, theirs = rows[place], numbers[place]
            yield self._keep_all(in_columns(some), theirs) or self._keep_some(some, theirs)

    def _keep_all(self, columns: Columns | None, numbers: Sequence[_Read]) -> Kept | None:
        """Keep rows that are all good and new, as most often they are, which is told at once."""
        if columns is None or not are_numbers(numbers) or not self._are_new(numbers):
            return None
        if not are_storable(columns.ids):
            return None
        values = [] if self._is_plain else self._wording.values_of_all(columns.fields)
        if values is None:
            return None
        self.counts.rows += len(numbers)
        self._watcher.read(columns.numbers, numbers)
        return self._kept(numbers, columns.ids, values)

    def _keep_some(self, rows: Sequence[Recipient | str], numbers: Sequence[_Read]) -> Kept:
        good: list[_Good] = []
        for row, number in zip(rows, numbers, strict=True):
            self.counts.rows += 1
            found = self._look_at(row, number)
            if isinstance(found, Problem):
                self._reject(row, found)
            elif found.number in self._seen:
                self.counts.duplicated += 1
                self._watcher.duplicate(recipient_of(row), found.number)
            else:
                self._seen.add(found.number)
                self._watcher.read([recipient_of(row).number], [found.number])
                good.append(found)
        kept, ids, values = (
            (list(column) for column in zip(*good, strict=True)) if good else ([], [], [])
        )
        return self._kept(kept, ids, [] if self._is_plain else values)

    def _kept(
        self, numbers: list[int], ids: Sequence[str | None], values: list[tuple[str, ...]]
    ) -> Kept:
        self._seen.update(numbers)
        texts = list(map(self._wording.template.render, values))
        return Kept(numbers, ids, values, texts)

    def _look_at(self, row: Recipient | str, number: _Read) -> "_Good | Problem":
        if not is_readable(row):
            return unreadable(row)
        recipient = recipient_of(row)
        if recipient.problem is not None:
            return recipient.problem
        if isinstance(number, NumberProblem):
            return Problem(field="number", message=number.message, fix=number.fix)
        if recipient.id is not None and not is_storable(recipient.id):
            return UNSTORABLE_ID
        values = () if self._is_plain else self._wording.values_of(recipient.fields)
        return values if isinstance(values, Problem) else _Good(number, recipient.id, values)

    def _reject(self, row: Recipient | str, problem: Problem) -> None:
        self.counts.invalid += 1
        recipient = recipient_of(row) if is_readable(row) else Recipient("")
        place = self.counts.rows if recipient.row is None else recipient.row
        self._watcher.bad(recipient, replace(problem, row=place))

    def _are_new(self, numbers: list[int]) -> bool:
        return len(set(numbers)) == len(numbers) and not any(map(self._seen.__contains__, numbers))


def _fields_of(row: Recipient | str) -> Fields:
    return None if isinstance(row, str) else row.fields


def _columns_of(rows: Sequence[Recipient | str]) -> dict[str, None]:
    """Name the columns that any of these rows has, in the order they appear."""
    readable = filter(is_readable, rows)
    return {str(name): None for row in readable for name in _fields_of(row) or ()}
