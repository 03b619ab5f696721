"""Every broken or odd table is read as it was meant, or refused with what to do about it."""

import io

import pytest

from dispatcher.domain.damage import damage_of
from dispatcher.domain.numbers import NumberProblem, normaliser
from dispatcher.errors import InputError
from dispatcher.tables import Row, read_recipients
from tests.support.corpus import Finding, Specimen
from tests.support.corpus_json import JSON_TABLES
from tests.support.corpus_text import TEXTS
from tests.support.corpus_workbooks import WORKBOOKS

CORPUS = (*TEXTS, *JSON_TABLES, *WORKBOOKS)


class Piped(io.BytesIO):
    """Standard input, which cannot be sought, a few bytes at a time."""

    def seekable(self) -> bool:
        return False

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size if size is None or size < 0 else min(size, 1000))


@pytest.mark.parametrize("table", CORPUS, ids=lambda table: table.name)
def test_each_defect_has_its_diagnosis(table: Specimen) -> None:
    assert diagnosis(table, io.BytesIO(table.content())) == list(table.findings)


@pytest.mark.parametrize("table", CORPUS, ids=lambda table: table.name)
def test_a_pipe_is_read_as_a_file_is(table: Specimen) -> None:
    assert diagnosis(table, Piped(table.content())) == list(table.findings)


def test_the_corpus_has_the_promised_size() -> None:
    assert len({(table.name, table.content()) for table in CORPUS}) == len(CORPUS) >= 80


def diagnosis(table: Specimen, stream: io.BytesIO) -> list[Finding]:
    """Read a table to its end, or to where it is refused."""
    findings: list[Finding] = []
    try:
        for row in read_recipients(stream, **table.options):
            findings.append(finding(row))  # noqa: PERF401 - what came before an error counts
    except InputError as refused:
        findings += map(str, refused.problems)
    return findings


def finding(row: Row) -> Finding:
    if row.problem is not None:
        return str(row.problem)
    number = normaliser("FR")(row.number)
    if isinstance(number, NumberProblem):
        return row.row, number
    beyond = row.fields if row.fields is not None else damage_of(row.number, number)
    return (row.row, number) if beyond is None else (row.row, number, beyond)
