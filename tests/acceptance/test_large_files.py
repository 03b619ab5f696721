"""Files of any size are quoted and taken in without filling the memory."""

from pathlib import Path

import pytest

from tests.benchmarks.importing_files import Kind, write_table
from tests.benchmarks.importing_ways import Way, measure

MEBIBYTE = 1024 * 1024


def test_a_million_rows_are_rendered_and_quoted_within_300_mebibytes(tmp_path: Path) -> None:
    table = write_table(tmp_path, Kind.CSV, 1_000_000)

    measured = measure(Way.RENDERED, table)

    assert (measured.rows, measured.kept) == (1_000_000, 1_000_000)
    assert measured.peak < 300 * MEBIBYTE


@pytest.mark.parametrize("way", [Way.RENDERED, Way.TAKEN_IN, Way.GROUPED])
def test_three_times_as_many_rows_take_hardly_more_memory(tmp_path: Path, way: Way) -> None:
    table = write_table(tmp_path, Kind.CSV, 300_000)

    some = measure(way, table, most=100_000)
    all_of_it = measure(way, table)

    assert (some.kept, all_of_it.kept) == (100_000, 300_000)
    assert all_of_it.peak - some.peak < 16 * MEBIBYTE
