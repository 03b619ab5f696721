"""Files of any size are quoted and taken in without filling the memory.

`LARGE_FILE=1000000` reads files of so many rows instead of the suite's.
"""

import os
from pathlib import Path

import pytest

from tests.benchmarks.importing_files import Kind, write_table
from tests.benchmarks.importing_ways import Way, measure

MEBIBYTE = 1024 * 1024
ROWS = int(os.environ.get("LARGE_FILE", "300000"))


def test_a_large_file_is_rendered_and_quoted_within_300_mebibytes(tmp_path: Path) -> None:
    table = write_table(tmp_path, Kind.CSV, ROWS)

    measured = measure(Way.RENDERED, table)

    assert (measured.rows, measured.kept) == (ROWS, ROWS)
    assert measured.peak < 300 * MEBIBYTE


@pytest.mark.parametrize("way", [Way.RENDERED, Way.TAKEN_IN, Way.GROUPED])
def test_three_times_as_many_rows_take_hardly_more_memory(tmp_path: Path, way: Way) -> None:
    rows = ROWS // 2 // 3 * 3
    table = write_table(tmp_path, Kind.CSV, rows)

    some = measure(way, table, most=rows // 3)
    all_of_it = measure(way, table)

    assert (some.kept, all_of_it.kept) == (rows // 3, rows)
    # Bytes a row; keeping one would take several times as many.
    assert all_of_it.peak - some.peak < 80 * (rows - rows // 3)
