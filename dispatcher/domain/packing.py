"""The recipients of one batch as bytes: what is kept in Redis, about nine bytes each."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

_NUMBERS = "Q"


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """The recipients of one POST, in the order they came in.

    Attributes:
        numbers: E.164 digits as integers.
        ids: the producer's own ids, as many as numbers; None when none has one.
    """

    numbers: Sequence[int]
    ids: Sequence[str] | None = None


class _Packed(msgspec.Struct, array_like=True):
    numbers: bytes
    ids: list[str] | None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Packed)


def pack(batch: Batch) -> bytes:
    """Turn a batch into bytes."""
    ids = list(batch.ids) if batch.ids is not None else None
    return _encoder.encode(_Packed(packed_numbers(batch.numbers), ids))


def packed_numbers(numbers: Sequence[int]) -> bytes:
    """Turn numbers into eight bytes each."""
    return array(_NUMBERS, numbers).tobytes()


def unpack(packed: bytes) -> Batch:
    """Turn bytes made by `pack` back into the batch."""
    found = _decoder.decode(packed)
    numbers = array(_NUMBERS)
    numbers.frombytes(found.numbers)
    return Batch(numbers=numbers, ids=found.ids)
