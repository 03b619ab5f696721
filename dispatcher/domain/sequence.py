"""The number a recipient carries through the API and back, as `gsmsmsid`.

Decimal digits, at most 19: the recipient's sequence number on its account, then a short tag
that only we can make for that number and destination. A forged receipt settles nothing, and a
true one names its campaign and position without a look-up. The document shows digits and no
maximum length (POST /send, `gsmsmsid`), so it stays within 63 bits.
"""

from hashlib import blake2b

_TAG_BITS = 20
_TAG_MASK = (1 << _TAG_BITS) - 1
_TAG_BYTES = 3
_MAX_DIGITS = 19


def gsmsmsid(key: bytes, sequence: int, number: int) -> str:
    """Make the id of the recipient with this sequence number and E.164 number."""
    return str(sequence << _TAG_BITS | _tag(key, sequence, number))


def read_gsmsmsid(key: bytes, value: str, number: int) -> int | None:
    """Give the sequence number of an id we made for this E.164 number; None for any other."""
    if not value.isascii() or not value.isdigit() or len(value) > _MAX_DIGITS:
        return None
    sequence, tag = int(value) >> _TAG_BITS, int(value) & _TAG_MASK
    return sequence if tag == _tag(key, sequence, number) else None


def _tag(key: bytes, sequence: int, number: int) -> int:
    digest = blake2b(b"%d %d" % (sequence, number), digest_size=_TAG_BYTES, key=key).digest()
    return int.from_bytes(digest, "big") & _TAG_MASK
