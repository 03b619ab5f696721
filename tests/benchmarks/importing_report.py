"""The figures of an import run, their ratios, and the table that shows both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.benchmarks.importing_ways import Measured

_MEBIBYTE = 1024 * 1024
_SPEED_AIM = 100_000
_MEMORY_AIM = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One way to read one table, as people name it.

    Attributes:
        is_aimed: the project promises something of it.
    """

    name: str
    measured: Measured
    is_aimed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """Everything one run measured.

    Attributes:
        bare: cells cut by `csv.reader`.
        library: numbers read by libphonenumber alone.
        ours: everything else.
        compared: random numbers we and libphonenumber read, and `different` of them otherwise.
        different: see `compared`.
    """

    bare: Line
    library: Line
    ours: Sequence[Line]
    compared: int
    different: int

    @property
    def problems(self) -> Sequence[str]:
        """What is wrong with the answers, whatever the speed; empty if all is well."""
        lost = [
            f"{line.measured.rows - line.measured.kept:,} rows lost: {line.name}"
            for line in (self.library, *self.ours)
            if line.measured.kept != line.measured.rows
        ]
        return [f"{self.different:,} numbers read otherwise", *lost] if self.different else lost


def rendered(figures: Figures) -> str:
    """Lay the figures out for people; the aims are those of a million rows."""
    return "\n\n".join("\n".join(part) for part in (_table(figures), _verdict(figures)))


def _table(figures: Figures) -> Iterator[str]:
    yield f"{'':<48}{'rows':>10}{'rows/s':>11}{'of a':>8}{'x b':>7}{'CPU us':>8}{'peak MiB':>10}"
    for letter, line in zip("abcdefghij", (figures.bare, figures.library, *figures.ours)):  # noqa: B905 - letters to spare
        measured = line.measured
        share = measured.per_second / figures.bare.measured.per_second
        times = measured.per_second / figures.library.measured.per_second
        aims = f"   (aim {_SPEED_AIM:,}; below {_MEMORY_AIM} MiB)" if line.is_aimed else ""
        each = 1e6 * measured.processor / measured.rows
        yield (
            f"{letter}  {line.name:<45}{measured.rows:>10,}{measured.per_second:>11,.0f}"
            f"{share:>8.1%}{times:>7.1f}{each:>8.2f}{measured.peak // _MEBIBYTE:>10}{aims}"
        )


def _verdict(figures: Figures) -> Iterator[str]:
    yield (
        f"Of {figures.compared:,} random numbers of 20 countries, {figures.different:,} were read "
        "otherwise than by libphonenumber."
    )
    yield from (f"WRONG: {problem}" for problem in figures.problems)
    if not figures.problems:
        yield "Correct: every row of every table was kept."
