"""Durations as people write them, on the command line and in settings."""

import re
from datetime import timedelta

FORMS = "90s, 30m, 2h or 1d"
"""Examples of all units, for refusals."""

_DURATION = re.compile(r"(?P<count>\d{1,7})(?P<unit>[smhd])", re.ASCII)
_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


def read_duration(text: str) -> timedelta | None:
    """Read a whole number with its unit, such as `30m`; None if it is something else."""
    found = _DURATION.fullmatch(text)
    return None if found is None else int(found["count"]) * _UNITS[found["unit"]]
