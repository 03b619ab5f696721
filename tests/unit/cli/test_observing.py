import csv
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import pytest

from dispatcher import BadRows, Campaign, Dispatcher, InputError, Observer, Problem, Recipient
from dispatcher.cli.observing import write_bad_rows
from dispatcher.cli.recipients_file import STDIN, RecipientsFile

CAMPAIGN = Campaign(text="Bonjour")
SKIPPING = Campaign(text="Bonjour", bad_rows=BadRows.SKIP)
BAD = Problem(field="number", row=2, message="too few digits", fix="write it all")
TOLD = InputError([BAD])
CUT_SHORT = InputError([BAD], total=3)


class FakeDispatcher:
    """Finds every row bad."""

    def quote(self, campaign: Campaign, *, simulate: bool, observer: Observer) -> None:
        assert not simulate
        for row in cast("Iterable[Recipient]", campaign.recipients):
            observer.bad(row, Problem(field="number", row=row.row, message="bad", fix="mend it"))


def written(
    folder: Path, campaign: Campaign, table: RecipientsFile | None, known: InputError | None
) -> list[list[str]]:
    path = folder / "errors.csv"
    write_bad_rows(cast("Dispatcher", FakeDispatcher()), campaign, table, path, known=known)
    with path.open(newline="") as stream:
        return list(csv.reader(stream))[1:]


@pytest.fixture
def table(tmp_path: Path) -> RecipientsFile:
    path = tmp_path / "customers.csv"
    path.write_text("Portable\n1\n2\n3\n")
    return RecipientsFile(path=path)


def test_what_an_error_lists_whole_is_written_as_it_is(
    tmp_path: Path, table: RecipientsFile
) -> None:
    assert written(tmp_path, CAMPAIGN, table, TOLD) == [
        ["2", "number", "too few digits", "write it all"]
    ]


@pytest.mark.parametrize(("campaign", "known"), [(CAMPAIGN, CUT_SHORT), (SKIPPING, None)])
def test_the_file_is_read_once_more_for_the_rest(
    tmp_path: Path, table: RecipientsFile, *, campaign: Campaign, known: InputError | None
) -> None:
    assert written(tmp_path, campaign, table, known) == [
        ["2", "Portable", "bad", "mend it"],
        ["3", "Portable", "bad", "mend it"],
        ["4", "Portable", "bad", "mend it"],
    ]


def test_an_accepted_campaign_that_takes_no_bad_rows_has_none(
    tmp_path: Path, table: RecipientsFile
) -> None:
    assert written(tmp_path, CAMPAIGN, table, None) == []


@pytest.mark.parametrize(("campaign", "known"), [(CAMPAIGN, CUT_SHORT), (SKIPPING, None)])
def test_standard_input_cannot_be_read_twice_and_that_is_said(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    campaign: Campaign,
    known: InputError | None,
) -> None:
    listed = [] if known is None else [["2", "number", "too few digits", "write it all"]]

    assert written(tmp_path, campaign, RecipientsFile(path=STDIN), known) == listed
    assert "standard input cannot be read twice" in capsys.readouterr().err


def test_lists_have_no_rows_of_a_file(tmp_path: Path) -> None:
    assert written(tmp_path, SKIPPING, None, None) == []
