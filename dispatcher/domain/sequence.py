"""The number a recipient carries through the API and back, as `gsmsmsid`.

Decimal digits, at most 19: the recipient's sequence number on its account, then a short tag
that only we can make for that number and destination. A forged receipt settles nothing, and a
true one names its campaign and position without a look-up. The document shows digits and no
maximum length (POST /send, `gsmsmsid`), so it stays within 63 bits.

The tag is a one-time authenticator (Wegman and Carter): a secret multiple of the destination,
plus a pad that no other sequence number has. So a batch costs a hash for every 64 recipients,
not one for each.
"""

import struct
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b, shake_128
from itertools import chain, count, islice

_TAG_BITS = 20
_TAG_MASK = (1 << _TAG_BITS) - 1
_MAX_DIGITS = 19

# Above every phone number, and products with it stay cheap.
_PRIME = (1 << 61) - 1
_PADS_IN_BLOCK = 64
_PAD = struct.Struct("<Q")
_BLOCK = struct.Struct(f"<{_PADS_IN_BLOCK}Q")
# Some two megabytes, for the receipts of a quarter of a million recipients.
_BLOCKS_KEPT = 4096


def gsmsmsids(key: bytes, first: int, numbers: Sequence[int]) -> list[str]:
    """Make the ids of recipients whose sequence numbers follow each other.

    Args:
        key: the account's secret.
        first: sequence number of the first.
        numbers: their E.164 numbers.
    """
    factor = _factor(key)
    block, skipped = divmod(first, _PADS_IN_BLOCK)
    pads = chain.from_iterable(_pads(key, n) for n in count(block))
    return [
        str(sequence << _TAG_BITS | (factor * number + pad) % _PRIME & _TAG_MASK)
        for number, sequence, pad in zip(numbers, count(first), islice(pads, skipped, None))
    ]


def gsmsmsid(key: bytes, sequence: int, number: int) -> str:
    """Make the id of the recipient with this sequence number and E.164 number."""
    return gsmsmsids(key, sequence, [number])[0]


def read_gsmsmsid(key: bytes, value: str, number: int) -> int | None:
    """Give the sequence number of an id we made for this E.164 number; None for any other."""
    if not value.isascii() or not value.isdigit() or len(value) > _MAX_DIGITS:
        return None
    found = int(value)
    sequence = found >> _TAG_BITS
    block, place = divmod(sequence, _PADS_IN_BLOCK)
    (pad,) = _PAD.unpack_from(_block(key, block), place * _PAD.size)
    tag = (_factor(key) * number + pad) % _PRIME & _TAG_MASK
    return sequence if found == sequence << _TAG_BITS | tag else None


@lru_cache
def _factor(key: bytes) -> int:
    return int.from_bytes(blake2b(b"factor", digest_size=8, key=key).digest(), "big")


@lru_cache
def _pad_secret(key: bytes) -> bytes:
    return blake2b(b"pads", key=key).digest()


@lru_cache(maxsize=_BLOCKS_KEPT)
def _block(key: bytes, n: int) -> bytes:
    """Give the pads of a block of sequence numbers; receipts come in about that order."""
    return shake_128(b"%b%d" % (_pad_secret(key), n)).digest(_BLOCK.size)


def _pads(key: bytes, block: int) -> tuple[int, ...]:
    return _BLOCK.unpack(_block(key, block))
