from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.errors import StoreUnavailableError
from dispatcher.store.batches import Outcome, SendRecord
from tests.support.polling import eventually
from workers.journal import Journal
from workers.steps import send

RECORD = SendRecord(
    campaign="spring", n=1, attempt=1, outcome=Outcome.ACCEPTED, ticket="t1", cost=7
)


class Batches:
    """A store that is away for so many seconds of a clock that only waiting moves."""

    def __init__(self, folder: Path, away: float) -> None:
        self.folder = folder
        self.away = away
        self.now = 0.0
        self.on_disk_at: float | None = None
        self.recorded: list[SendRecord] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        if self.on_disk_at is None and list(self.folder.glob("*.jsonl")):
            self.on_disk_at = self.now
        self.now += seconds

    def record_send(self, record: SendRecord) -> tuple[BatchState, CampaignState]:
        if self.now < self.away:
            raise StoreUnavailableError("away")
        self.recorded.append(record)
        return BatchState.ACCEPTED, CampaignState.SENT


def persist(
    monkeypatch: pytest.MonkeyPatch, folder: Path, *, away: float, is_ending: bool = False
) -> Batches:
    batches, stopping = Batches(folder, away), Event()
    if is_ending:
        stopping.set()
    journal = Journal(folder)
    account: Any = SimpleNamespace(
        name="shop", store=SimpleNamespace(batches=batches), journal=journal, stopping=stopping
    )
    monkeypatch.setattr(send, "time", batches)
    send._persist(account, RECORD)
    journal.close()
    return batches


@pytest.mark.parametrize(("is_ending", "latest"), [(True, 0.0), (False, 2.0)])
def test_an_outcome_is_on_disk_long_before_a_machine_that_goes_down_is_gone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, is_ending: bool, latest: float
) -> None:
    batches = persist(monkeypatch, tmp_path, away=float("inf"), is_ending=is_ending)

    assert batches.on_disk_at == latest
    assert batches.recorded == []
    [file] = tmp_path.iterdir()
    assert len(file.read_bytes().splitlines()) == 1


@pytest.mark.parametrize("is_ending", [True, False])
def test_what_was_recorded_after_all_is_on_disk_no_longer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, is_ending: bool
) -> None:
    batches = persist(monkeypatch, tmp_path, away=30.0, is_ending=is_ending)

    assert batches.on_disk_at is not None
    assert batches.recorded == [RECORD, RECORD]
    assert list(tmp_path.iterdir()) == []


class HangingBatches:
    """A store that answers nobody before an outcome is on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.was_on_disk = False

    def record_send(self, _: SendRecord) -> tuple[BatchState, CampaignState]:
        if not self.was_on_disk:
            eventually(lambda: any(path.stat().st_size for path in self.folder.glob("*.jsonl")))
            self.was_on_disk = True
        return BatchState.ACCEPTED, CampaignState.SENT


def test_an_outcome_is_on_disk_soon_although_redis_hangs_and_says_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    batches, journal = HangingBatches(tmp_path), Journal(tmp_path)
    account: Any = SimpleNamespace(
        name="shop", store=SimpleNamespace(batches=batches), journal=journal, stopping=Event()
    )
    monkeypatch.setattr(send, "_UNWRITTEN", 0.05)

    state = send._persist(account, RECORD)

    assert state is BatchState.ACCEPTED
    assert batches.was_on_disk
    assert list(tmp_path.iterdir()) == []


def test_an_outcome_that_redis_takes_at_once_is_not_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    batches = persist(monkeypatch, tmp_path, away=0.0, is_ending=True)

    assert batches.recorded == [RECORD]
    assert batches.on_disk_at is None
