from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import pytest

from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.errors import StoreUnavailableError
from dispatcher.store.batches import Outcome, SendRecord
from workers.journal import Journal


@dataclass
class FakeBatches:
    """The part of the store a journal uses, in memory."""

    recorded: list[SendRecord] = field(default_factory=list)
    is_away: bool = False
    has_forgotten: bool = False

    def record_send(self, record: SendRecord) -> tuple[BatchState, CampaignState] | None:
        if self.is_away:
            raise StoreUnavailableError("away")
        self.recorded.append(record)
        return None if self.has_forgotten else (BatchState.ACCEPTED, CampaignState.SENT)


def record(n: int, outcome: Outcome = Outcome.ACCEPTED) -> SendRecord:
    return SendRecord(
        campaign="spring", n=n, attempt=1, outcome=outcome, ticket=f"t{n}", cost=7, why="é"
    )


def replay(folder: Path, account: str = "shop", batches: FakeBatches | None = None) -> list[int]:
    store = batches or FakeBatches()
    Journal(folder).replay(account, store)  # type: ignore[arg-type]  # a stand-in for the store
    return [found.n for found in store.recorded]


@pytest.mark.parametrize("outcome", Outcome)
def test_an_outcome_comes_back_as_it_was(tmp_path: Path, outcome: Outcome) -> None:
    journal = Journal(tmp_path / "new" / "folder")
    journal.write("shop", record(3, outcome))
    journal.close()
    store = FakeBatches()

    count = Journal(tmp_path / "new" / "folder").replay("shop", store)  # type: ignore[arg-type]  # a stand-in for the store

    assert count == 1
    assert store.recorded == [record(3, outcome)]


def test_what_was_recorded_is_not_replayed_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write("shop", record(1))
    journal.write("shop", record(2))
    journal.close()

    assert replay(tmp_path) == [1, 2]
    assert replay(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_each_account_gets_its_own_outcomes(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write("shop", record(1))
    journal.write("club", record(2))
    journal.close()

    assert replay(tmp_path, "shop") == [1]
    assert replay(tmp_path, "club") == [2]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", [1, 10, 60])
def test_a_line_cut_short_by_a_crash_does_not_hide_the_others(tmp_path: Path, cut: int) -> None:
    journal = Journal(tmp_path)
    journal.write("shop", record(1))
    journal.write("shop", record(2))
    journal.close()
    [path] = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-cut])

    found = replay(tmp_path)

    assert found in ([1], [1, 2])
    assert cut == 1 or found == [1]


def test_an_outcome_stays_until_redis_takes_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write("shop", record(1))
    journal.close()

    with pytest.raises(StoreUnavailableError):
        replay(tmp_path, batches=FakeBatches(is_away=True))

    assert replay(tmp_path) == [1]


def test_an_outcome_of_what_redis_forgot_keeps_no_worker_from_starting(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write("shop", record(1))
    journal.close()

    assert replay(tmp_path, batches=FakeBatches(has_forgotten=True)) == [1]
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    living = Journal(tmp_path)
    living.write("shop", record(1))

    assert replay(tmp_path) == []

    living.write("shop", record(2))
    living.close()
    assert replay(tmp_path) == [1, 2]


def test_a_living_process_records_its_own_once_redis_is_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    store = FakeBatches(is_away=True)
    journal.write("shop", record(1))
    with pytest.raises(StoreUnavailableError):
        journal.retry("shop", store)  # type: ignore[arg-type]  # a stand-in for the store

    store.is_away = False
    journal.retry("shop", store)  # type: ignore[arg-type]  # as above
    journal.write("shop", record(2))
    journal.retry("shop", store)  # type: ignore[arg-type]  # as above

    assert [found.n for found in store.recorded] == [1, 2]
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    Journal(tmp_path / "file").write("shop", record(1))


def test_without_a_folder_there_is_nothing_to_replay(tmp_path: Path) -> None:
    assert replay(tmp_path / "missing") == []


def test_what_is_recorded_again_while_redis_hangs_keeps_nobody_from_writing(
    tmp_path: Path,
) -> None:
    journal = Journal(tmp_path)
    journal.write("shop", record(1))
    hangs, goes_on = Event(), Event()

    class HangingBatches(FakeBatches):
        def record_send(self, record: SendRecord) -> tuple[BatchState, CampaignState] | None:
            hangs.set()
            goes_on.wait(20)
            return super().record_send(record)

    store = HangingBatches()
    again = Thread(target=journal.retry, args=("shop", store), daemon=True)
    again.start()
    assert hangs.wait(10)
    writing = Thread(target=journal.write, args=("shop", record(2)), daemon=True)
    writing.start()
    writing.join(10)
    was_written = not writing.is_alive()
    goes_on.set()
    again.join(10)

    assert was_written
    # The second came too late for that, and is there for the next.
    assert [found.n for found in store.recorded] == [1]
    journal.retry("shop", store)  # type: ignore[arg-type]  # a stand-in for the store
    assert [found.n for found in store.recorded] == [1, 1, 2]
    assert list(tmp_path.iterdir()) == []
