"""The parts of the import benchmark that compute; tests/acceptance runs the whole."""

from dataclasses import replace
from pathlib import Path

import pytest

from dispatcher.tables import read_recipients
from tests.benchmarks import importing
from tests.benchmarks.importing_files import TEXT, Kind, people, write_table
from tests.benchmarks.importing_report import Figures, Line, rendered
from tests.benchmarks.importing_ways import Measured

MEBIBYTE = 1024 * 1024


def measured(*, rows: int = 1_000_000, seconds: float, kept: int | None = None) -> Measured:
    return Measured(
        rows=rows,
        kept=rows if kept is None else kept,
        seconds=seconds,
        processor=seconds,
        peak=78 * MEBIBYTE,
    )


FIGURES = Figures(
    bare=Line(name="csv.reader alone", measured=measured(seconds=0.25)),
    library=Line(name="libphonenumber alone", measured=measured(rows=20_000, seconds=0.4)),
    ours=[
        Line(name="rendered", measured=measured(seconds=8.0), is_aimed=True),
        Line(name="from a workbook", measured=measured(rows=50_000, seconds=5.0)),
    ],
    compared=200_000,
    different=0,
)


def test_the_table_shows_speeds_and_their_ratios() -> None:
    lines = rendered(FIGURES).splitlines()

    assert [" ".join(line.split()) for line in lines[:5]] == [
        "rows rows/s of a x b CPU us peak MiB",
        "a csv.reader alone 1,000,000 4,000,000 100.0% 80.0 0.25 78",
        "b libphonenumber alone 20,000 50,000 1.2% 1.0 20.00 78",
        "c rendered 1,000,000 125,000 3.1% 2.5 8.00 78 (aim 100,000; below 300 MiB)",
        "d from a workbook 50,000 10,000 0.2% 0.2 100.00 78",
    ]


def test_the_verdict_tells_how_many_numbers_were_compared() -> None:
    assert rendered(FIGURES).endswith(
        "Of 200,000 random numbers of 20 countries, 0 were read otherwise than by "
        "libphonenumber.\nCorrect: every row of every table was kept."
    )
    assert FIGURES.problems == []


def test_numbers_read_otherwise_are_a_problem() -> None:
    figures = replace(FIGURES, different=3)

    assert figures.problems == ["3 numbers read otherwise"]
    assert rendered(figures).endswith("WRONG: 3 numbers read otherwise")


def test_rows_that_were_not_kept_are_a_problem() -> None:
    lossy = Line(name="rendered", measured=measured(rows=2000, kept=1999, seconds=1.0))

    assert replace(FIGURES, ours=[lossy]).problems == ["1 rows lost: rendered"]


def test_a_number_read_otherwise_than_by_libphonenumber_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert importing.differences(400) == 0

    monkeypatch.setattr(importing, "expected_number", lambda _text, _region: 0)

    assert importing.differences(400) == 400


@pytest.mark.parametrize("kind", Kind)
def test_every_table_tells_of_the_same_people(tmp_path: Path, kind: Kind) -> None:
    table = write_table(tmp_path, kind, 3)

    rows = list(read_recipients(table, with_fields=True))

    assert [int(row.number) % 10**9 for row in rows] == [int(n) % 10**9 for n, *_ in people(3)]
    assert [row.fields and row.fields["prenom"] for row in rows] == ["Anne", "Bénédicte", "Chloé"]


def test_no_two_people_are_told_the_same() -> None:
    told = {
        TEXT.format(prenom=name, date=date, dossier=file) for _, name, date, file in people(5000)
    }

    assert len(told) == 5000
