"""How long a callback that failed waits, and everything behind it."""

import random
from collections.abc import Callable

_FIRST = 5.0
_LONGEST = 86_400.0
# An endpoint that works again is found within an hour.
_LONGEST_REST = 3_600.0
_MOST_DOUBLINGS = 20


def pause_of(
    failures: int, *, longest: float = _LONGEST, chance: Callable[[], float] = random.random
) -> float:
    """Give the seconds to wait after so many failures: doubling, and anywhere in its upper half.

    Without chance, everybody would come back to an endpoint at once.
    """
    whole = min(_FIRST * 2.0 ** min(failures - 1, _MOST_DOUBLINGS), longest)
    return float(whole * (1 + chance()) / 2)


def rest_of(failures: int, *, chance: Callable[[], float] = random.random) -> float:
    """Give the seconds an endpoint is left alone after so many failures in a row."""
    return pause_of(failures, longest=_LONGEST_REST, chance=chance)
