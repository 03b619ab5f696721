"""Made-up recipients: numbers nobody owns, and numbers enough for a load test."""

import random
from collections.abc import Iterator
from math import gcd

_FICTIONAL = range(33_639_980_000, 33_639_989_000)

# 06 0x, 1x, 2x, 4x, 5x, 6x, 7x and 8x: blocks of which every number is valid.
_BLOCKS = (60, 61, 62, 64, 65, 66, 67, 68)
_BLOCK_SIZE = 10_000_000
_GENERATED = len(_BLOCKS) * _BLOCK_SIZE


def fictional(count: int, start: int = 0) -> list[int]:
    """Give numbers from the French range for fiction, in rising order; at most 9,000 exist.

    The thousand after them, from 33639989000, are the sandbox's numbers with a meaning.
    """
    if not 0 <= start <= start + count <= len(_FICTIONAL):
        raise ValueError(f"there are only {len(_FICTIONAL)} fictional numbers")
    return list(_FICTIONAL[start : start + count])


def generated(count: int, seed: int = 1) -> Iterator[str]:
    """Give distinct valid French mobiles as international digits, the same for the same seed.

    Somebody may own such a number: they are for the sandbox only, when 9,000 are too few.
    A walk with a step coprime to the number of numbers meets each of them once, so nothing
    has to be remembered; at most 80 million exist.
    """
    if not 0 <= count <= _GENERATED:
        raise ValueError(f"there are only {_GENERATED} such numbers")
    source = random.Random(seed)
    step = source.randrange(_GENERATED // 3, _GENERATED)
    while gcd(step, _GENERATED) != 1:
        step += 1
    place = source.randrange(_GENERATED)
    for _ in range(count):
        block, rest = divmod(place, _BLOCK_SIZE)
        yield f"33{_BLOCKS[block]}{rest:07d}"
        place = (place + step) % _GENERATED
