import threading

import pytest

from dispatcher.queueing import Task
from dispatcher.store.inbox import Hook
from dispatcher.web import reminders as reminders_module
from dispatcher.web.reminders import Reminders
from tests.support.polling import eventually


class FakeHints:
    """Notes hints; the first one fails or blocks, if told to."""

    def __init__(self, *, error: Exception | None = None) -> None:
        self.given: list[tuple[Task, tuple[str, ...]]] = []
        self.open = threading.Event()
        self.open.set()
        self._error = error

    def nudge(self, task: Task, *ids: str) -> bool:
        self.open.wait(60)
        self.given.append((task, ids))
        if self._error and len(self.given) == 1:
            raise self._error
        return True


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reminders_module, "_EVERY", 0.05)


def test_many_packs_of_one_account_make_one_hint() -> None:
    hints = FakeHints()
    hints.open.clear()
    reminders = Reminders(hints)

    for _ in range(1000):
        reminders.remind(Hook.DLR, "shop")
    hints.open.set()

    # One that was being given meanwhile, and one for all that came after it.
    eventually(lambda: hints.given and not reminders._due)
    assert len(hints.given) <= 2
    assert set(hints.given) == {(Task.MERGE_RECEIPTS, ("shop",))}


def test_every_account_gets_its_own_hint() -> None:
    hints = FakeHints()
    reminders = Reminders(hints)

    reminders.remind(Hook.DLR, "shop")
    reminders.remind(Hook.DLR, "clinic")

    eventually(lambda: len(hints.given) == 2)
    assert {ids for _, ids in hints.given} == {("shop",), ("clinic",)}


def test_a_broker_that_hangs_does_not_hold_up_the_receiver() -> None:
    hints = FakeHints()
    hints.open.clear()
    reminders = Reminders(hints)

    for _ in range(1000):
        reminders.remind(Hook.DLR, "shop")

    assert hints.given == []
    hints.open.set()
    eventually(lambda: hints.given)


def test_a_surprise_in_the_broker_does_not_end_the_hints() -> None:
    hints = FakeHints(error=RuntimeError())
    reminders = Reminders(hints)

    reminders.remind(Hook.DLR, "shop")
    eventually(lambda: len(hints.given) == 1)
    reminders.remind(Hook.DLR, "shop")

    eventually(lambda: len(hints.given) == 2)
