_FIRST_MS = 500
_LONGEST_MS = 60_000
_MOST_DOUBLINGS = 10


def pause_ms(tries: int) -> int:
    """Give how long to wait before trying again what failed `tries` times before."""
    return min(_FIRST_MS << min(tries, _MOST_DOUBLINGS), _LONGEST_MS)
