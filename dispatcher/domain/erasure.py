"""Finding one person in whatever is kept, and what erasing them came to."""

import enum
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import phonenumbers

from dispatcher.domain.packing import Batch

# What people and machines put between the digits of a number; JSON may escape some of it.
_BETWEEN = rb"(?:[ \t.\-/()_]|\xc2\xa0|\xe2\x80[\x80-\xaf]|\\u00[aA]0|\\u202[fF]){0,3}"
_BEFORE = re.compile(rb"(\+?)((?:\d+" + _BETWEEN.replace(rb"(?:[", rb"(?:[+") + rb")*)\Z")
_LONGEST_PREFIX = 24
_PACKED = ("<Q", ">Q", "<d", ">d")


@dataclass(frozen=True, kw_only=True)
class Person:
    """One person, known by an E.164 number as an integer.

    Bytes are theirs if they hold the number in any form that is written here or comes from
    elsewhere: packed, or as text, international or national, with whatever between the digits.
    """

    number: int = field(repr=False)

    def is_in(self, content: bytes) -> bool:
        """Tell whether some bytes hold the number."""
        if any(form in content for form in self._packed):
            return True
        return any(
            self._is_whole(content, found.start()) for found in self._digits.finditer(content)
        )

    def places(self, numbers: Sequence[int]) -> list[int]:
        """Give where the number is among others."""
        return [place for place, number in enumerate(numbers) if number == self.number]

    @cached_property
    def packed(self) -> bytes:
        """The form it has among the recipients of a batch."""
        return struct.pack("<Q", self.number)

    @cached_property
    def _packed(self) -> tuple[bytes, ...]:
        return tuple(struct.pack(form, self.number) for form in _PACKED)

    @cached_property
    def _split(self) -> tuple[bytes, bytes]:
        """Calling code and national digits; without the one where libphonenumber knows none."""
        try:
            read = phonenumbers.parse(f"+{self.number}")
        except phonenumbers.NumberParseException:
            return b"", str(self.number).encode()
        return str(read.country_code).encode(), phonenumbers.national_significant_number(
            read
        ).encode()

    @cached_property
    def _digits(self) -> "re.Pattern[bytes]":
        digits = _BETWEEN.join(b"%c" % digit for digit in self._split[1])
        return re.compile(digits + rb"(?!\d)")

    def _is_whole(self, content: bytes, start: int) -> bool:
        """Tell whether national digits are this number, and not the end of another one."""
        before = _BEFORE.search(content[max(0, start - _LONGEST_PREFIX) : start])
        plus, prefix = before.groups() if before else (b"", b"")
        code = self._split[0]
        known = {b"", b"0", code, b"00" + code, code + b"0"}
        # What a space parts may be one number, or two: the digits alone may be meant then.
        touching = prefix[len(prefix.rstrip(b"0123456789")) :]
        is_alone = touching in known and not (plus and touching == b"")
        return is_alone or re.sub(rb"\D", b"", prefix) in known


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """A key that still holds somebody, and how often.

    Attributes:
        key: its full name, the number blanked out if it is part of the name.
        count: entries or fields of it.
        passes: workers delete it by themselves in moments.
    """

    key: str
    count: int
    passes: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What a look at every key found of one person.

    Attributes:
        at: when it was taken.
        keys: how many keys were looked at, and `size` how many bytes.
        size: see `keys`.
        traces: the keys that hold the number; none proves that it is nowhere.
    """

    at: datetime
    keys: int
    size: int
    traces: tuple[Trace, ...]

    @property
    def is_clean(self) -> bool:
        """Whether the number is nowhere."""
        return not self.traces


class LogState(enum.Enum):
    """What becomes of Redis's append-only file; until rewritten, it holds what was erased."""

    OFF = "off"
    """Redis keeps none."""

    REWRITTEN = "rewritten"
    """Redis rewrites it in the background now."""

    LATER = "later"
    """A rewrite that began before may hold the number; the one after it does not."""

    REFUSED = "refused"
    """Redis did not take the order: it holds the number until its next rewrite."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forgotten:
    """What erasing one person came to.

    Attributes:
        recipients: places among the recipients of campaigns, uploads and schedules.
        entries: received bodies, dropped rows and the like.
        contacts: contacts removed from lists that were made for campaigns.
        waiting: batches on their way, from which they are erased once they are settled.
        unreached: ids of such lists that could not be read or changed.
        proof: a look at every key afterwards.
        log: what becomes of Redis's append-only file.
    """

    recipients: int
    entries: int
    contacts: int
    waiting: int
    unreached: tuple[str, ...]
    proof: Proof
    log: LogState = LogState.OFF

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.proof.is_clean and not self.waiting and not self.unreached


def without(batch: Batch, places: Sequence[int]) -> Batch:
    """Blank people out of a batch; the others keep their places.

    Values that all recipients share go with the last of them.
    """
    gone = frozenset(places)
    numbers = [0 if place in gone else number for place, number in enumerate(batch.numbers)]
    ids = _blanked(batch.ids, gone) if batch.ids is not None else None
    infos = None if batch.infos is None else [_blanked(column, gone) for column in batch.infos]
    shared = batch.shared
    if shared is not None and not any(numbers):
        shared = ("",) * len(shared)
    return Batch(numbers=numbers, ids=ids, shared=shared, infos=infos)


def _blanked(values: Sequence[str], gone: frozenset[int]) -> list[str]:
    return ["" if place in gone else value for place, value in enumerate(values)]
