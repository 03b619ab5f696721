"""The made-up recipients of the demo: mostly fine, some invalid, repeated or out of reach."""

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

# The French regulator keeps 06 39 98 xx xx for fiction. The sandbox reserves the last thousand
# of them: their end says what becomes of a message (`dispatcher.sandbox.numbers`).
_FIRST = 33_639_980_000
_RESERVED = 33_639_989_000
_BLACKLISTED = tuple(range(_RESERVED + 800, _RESERVED + 810))
_REFUSED_BY_THE_API = (_RESERVED + 700, _RESERVED + 701)
_UNDELIVERABLE = tuple(
    _RESERVED + history + code for history in (0, 100, 200, 300) for code in (2, 4, 5, 11, 12)
)
_DELIVERED_IN_THE_END = (_RESERVED + 403, _RESERVED + 303, _RESERVED + 203, _RESERVED + 103)
_NOT_NUMBERS = ("", "12", "06 39 98", "n/a", "+33 6 39 98 00 01 99", "unknown", "0639 98 00 0O")

FEWEST, MOST = 100, 8_000
_SHARE_INVALID, _SHARE_REPEATED = 0.015, 0.02
_SEED = 2026


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoFile:
    """The file that was written.

    Attributes:
        rows: how many recipients it lists, all told.
    """

    path: Path
    rows: int


def write_recipients(path: Path, rows: int) -> DemoFile:
    """Write a table of `rows` fictional recipients, the same one for the same number."""
    source = random.Random(_SEED)  # noqa: S311 - an example to look at, not a secret
    cells = list(_cells(rows, source))
    source.shuffle(cells)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, delimiter=";")
        table.writerow(("id client", "téléphone mobile"))
        table.writerows((f"C{place:05}", cell) for place, cell in enumerate(cells, start=1))
    return DemoFile(path=path, rows=len(cells))


def _cells(rows: int, source: random.Random) -> Iterator[str]:
    special = [*_BLACKLISTED, *_REFUSED_BY_THE_API, *_UNDELIVERABLE, *_DELIVERED_IN_THE_END]
    invalid, repeated = int(rows * _SHARE_INVALID), int(rows * _SHARE_REPEATED)
    ordinary = range(_FIRST, _FIRST + rows - len(special) - invalid - repeated)
    yield from islice(cycle(_NOT_NUMBERS), invalid)
    yield from (_written(number, source) for number in [*special, *ordinary])
    yield from (_written(number, source) for number in source.sample(ordinary, repeated))


def _written(number: int, source: random.Random) -> str:
    """Write a number in one of the ways people do."""
    national = f"0{number - 33 * 10**9}"
    spaced = " ".join(national[place : place + 2] for place in range(0, len(national), 2))
    return source.choice((f"+{number}", national, spaced, spaced.replace(" ", "."), f"00{number}"))
