"""The recipients of one batch as bytes: what is kept in Redis, about nine bytes each."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

_NUMBERS = "Q"


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """The recipients of one POST, in the order they came in.

    Attributes:
        numbers: E.164 digits as integers.
        ids: the producer's own ids, as many as numbers; None when none has one.
        shared: the values of the text's fields, when all recipients have the same.
        infos: the values of each field, as many as numbers, of a batch that is sent by a list.
    """

    numbers: Sequence[int] = field(repr=False)
    ids: Sequence[str] | None = field(default=None, repr=False)
    shared: tuple[str, ...] | None = field(default=None, repr=False)
    infos: Sequence[Sequence[str]] | None = field(default=None, repr=False)


class _Packed(msgspec.Struct, array_like=True):
    numbers: bytes
    ids: list[str] | None
    shared: tuple[str, ...] | None = None
    infos: list[list[str]] | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Packed)


def pack(batch: Batch) -> bytes:
    """Turn a batch into bytes."""
    ids = list(batch.ids) if batch.ids is not None else None
    infos = [list(column) for column in batch.infos] if batch.infos is not None else None
    return _encoder.encode(_Packed(packed_numbers(batch.numbers), ids, batch.shared, infos))


def packed_numbers(numbers: Sequence[int]) -> bytes:
    """Turn numbers into eight bytes each."""
    return array(_NUMBERS, numbers).tobytes()


def unpack(packed: bytes) -> Batch:
    """Turn bytes made by `pack` back into the batch."""
    found = _decoder.decode(packed)
    numbers = array(_NUMBERS)
    numbers.frombytes(found.numbers)
    return Batch(numbers=numbers, ids=found.ids, shared=found.shared, infos=found.infos)
