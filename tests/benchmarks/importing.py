"""Measures how fast tables of recipients are read, beside csv.reader and libphonenumber alone.

    python -m tests.benchmarks.importing --rows 1000000

Each way runs in a process of its own, one after the other, on tables made before; no network is
used. Every text is another one. `CPU us` is processor time for each row, which hardly depends on
what else the machine is busy with. The exit code tells whether every row was kept and every number
read as libphonenumber reads it, never how fast.
"""

import argparse
import itertools
import random
import sys
import tempfile
from pathlib import Path

from dispatcher.domain.numbers import normaliser
from tests.benchmarks.importing_files import Kind, write_table
from tests.benchmarks.importing_report import Figures, Line, rendered
from tests.benchmarks.importing_ways import Way, measure
from tests.support.number_oracle import REGIONS, expected_number, random_number


def main() -> int:
    options = _parser().parse_args()
    different = differences(options.compared)
    with tempfile.TemporaryDirectory(prefix="import-benchmark-") as folder:
        figures = measure_all(options, Path(folder), different=different)
    print(rendered(figures))
    return 1 if figures.problems else 0


def differences(count: int) -> int:
    """Count random numbers that we do not read as libphonenumber does, in some default region."""
    chance = random.Random("importing")
    normalisers = [(region, normaliser(region)) for region in REGIONS]
    different = 0
    for region, normalise in itertools.islice(itertools.cycle(normalisers), count):
        text = random_number(chance)
        read = normalise(text)
        different += (read if isinstance(read, int) else None) != expected_number(text, region)
    return different


def measure_all(options: argparse.Namespace, folder: Path, *, different: int) -> Figures:
    """Run every way, each on a table of the kind it is about."""
    table = write_table(folder, Kind.CSV, options.rows)
    national = write_table(folder, Kind.NATIONAL, options.rows)
    some = min(options.rows, options.some)
    workbook = write_table(folder, Kind.WORKBOOK, some)
    json_lines = write_table(folder, Kind.JSON_LINES, some)
    ours = (
        ("read and validated, one text for all", Way.VALIDATED, table),
        ("three fields rendered, segments counted", Way.RENDERED, table),
        ("d, from 06 12 ... without blanks", Way.RENDERED, national),
        ("d, from JSON Lines", Way.RENDERED, json_lines),
        ("d, from a workbook (.xlsx)", Way.RENDERED, workbook),
        ("d, taken in by submit, for lists", Way.TAKEN_IN, table),
        ("d, taken in by submit, a batch for each text", Way.GROUPED, table),
    )
    return Figures(
        bare=Line(name="csv.reader alone", measured=measure(Way.CELLS, table)),
        library=Line(
            name="libphonenumber alone, parsed and validated",
            measured=measure(Way.LIBRARY, table, most=options.sample),
        ),
        ours=[
            Line(
                name=name,
                measured=measure(way, path),
                is_aimed=(way, path) == (Way.RENDERED, table),
            )
            for name, way, path in ours
        ],
        compared=options.compared,
        different=different,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.importing", description=__doc__)
    add = parser.add_argument
    add("--rows", type=int, default=1_000_000, help="of the tables of delimited text")
    add("--some", type=int, default=50_000, help="rows of the other tables, at most")
    add("--sample", type=int, default=20_000, help="rows for libphonenumber alone, at most")
    add("--compared", type=int, default=200_000, help="random numbers of 20 countries")
    return parser


if __name__ == "__main__":
    sys.exit(main())
