import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.store.inbox import Hook
from dispatcher.web import journal as journal_module
from dispatcher.web.journal import Journal
from dispatcher.web.spool import Spool, Spooled, SpoolFile, SpoolFullError

FIRST = Spooled(Hook.DLR, "shop", [b"first"])
SECOND = Spooled(Hook.DLR, "shop", [b"second"])


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path, max_bytes=10_000)
    yield journal
    journal.close()


def drained(folder: Path) -> list[bytes]:
    """What the next receiver would find."""
    files = [SpoolFile.claim(path) for path in Spool(folder, max_bytes=1).finished()]
    found = [record for file in files if file is not None for record in file.records]
    for file in files:
        if file is not None:
            file.close()
    return [body for record in found for body in record.bodies]


def test_what_redis_confirmed_is_deleted(journal: Journal, tmp_path: Path) -> None:
    leaf = journal.keep(FIRST)
    assert list(tmp_path.iterdir()) == [leaf.path]

    journal.settle(leaf, confirmed=True)

    assert list(tmp_path.iterdir()) == []


def test_a_file_stays_and_is_nobody_elses_until_all_of_it_is_settled(
    journal: Journal, tmp_path: Path
) -> None:
    first, second = journal.keep(FIRST), journal.keep(SECOND)
    journal.settle(first, confirmed=True)

    assert first is second
    assert drained(tmp_path) == []
    assert list(tmp_path.iterdir()) == [first.path]
    journal.settle(second, confirmed=True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_with_a_record_that_failed_is_drained(journal: Journal, tmp_path: Path) -> None:
    first, second = journal.keep(FIRST), journal.keep(SECOND)

    journal.settle(second, confirmed=False)
    assert drained(tmp_path) == []
    journal.settle(first, confirmed=True)

    assert drained(tmp_path) == [b"first", b"second"]


def test_nothing_new_goes_where_a_record_failed(journal: Journal) -> None:
    first, second = journal.keep(FIRST), journal.keep(FIRST)
    journal.settle(first, confirmed=False)

    assert journal.keep(SECOND) is not second


def test_files_are_short(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "_FILE_BYTES", 10)
    first, second = journal.keep(FIRST), journal.keep(SECOND)
    assert first is not second

    monkeypatch.setattr(journal_module, "_FILE_BYTES", 1000)
    monkeypatch.setattr(journal_module, "_FILE_SECONDS", 0)

    assert journal.keep(FIRST) is not second


def test_what_is_not_confirmed_at_the_end_is_drained_by_the_next(
    journal: Journal, tmp_path: Path
) -> None:
    leaf = journal.keep(FIRST)

    journal.close()
    journal.settle(leaf, confirmed=True)

    assert drained(tmp_path) == [b"first"]


def test_a_full_journal_takes_nothing_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(SpoolFullError):
        Journal(tmp_path, max_bytes=10).keep(FIRST)


def test_a_disk_that_fails_costs_the_record_alone(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, "broken")

    leaf = journal.keep(FIRST)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(SpoolFullError):
            journal.keep(SECOND)
    journal.settle(leaf, confirmed=False)

    assert drained(tmp_path) == [b"first"]
