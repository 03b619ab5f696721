from collections.abc import Callable, Iterator
from threading import Event, Thread
from types import SimpleNamespace
from typing import cast

import pytest
from structlog.testing import capture_logs

from dispatcher.errors import StoreUnavailableError
from tests.support.polling import eventually
from workers.resources import Account
from workers.steps.progress import Progress
from workers.withdrawer import Withdrawer

Step = Callable[[Account], Progress]


@pytest.fixture
def started() -> Iterator[Callable[..., Withdrawer]]:
    running: list[Withdrawer] = []

    def start(step: Step, *names: str, every: float = 0.001) -> Withdrawer:
        accounts = [cast("Account", SimpleNamespace(name=name)) for name in names]
        running.append(Withdrawer(accounts, step=step, every=every))
        running[-1].start()
        return running[-1]

    yield start
    for withdrawer in running:
        withdrawer.close()


def test_it_looks_again_and_again(started: Callable[..., Withdrawer]) -> None:
    looked: list[str] = []

    def step(account: Account) -> Progress:
        looked.append(account.name)
        return Progress.NONE

    started(step, "a", "b")

    eventually(lambda: looked[:6] == ["a", "b", "a", "b", "a", "b"])


def test_it_takes_back_all_of_an_account_before_it_turns_to_the_next(
    started: Callable[..., Withdrawer],
) -> None:
    left, looked = {"a": 3, "b": 1}, list[str]()

    def step(account: Account) -> Progress:
        looked.append(account.name)
        if not left[account.name]:
            return Progress.NONE
        left[account.name] -= 1
        return Progress.MADE

    started(step, "a", "b")

    eventually(lambda: looked[:6] == ["a", "a", "a", "a", "b", "b"])


@pytest.mark.parametrize("error", [StoreUnavailableError("Redis does not answer"), ValueError("x")])
def test_whatever_goes_wrong_stops_neither_it_nor_the_other_accounts(
    started: Callable[..., Withdrawer], error: Exception
) -> None:
    looked: list[str] = []

    def step(account: Account) -> Progress:
        looked.append(account.name)
        if account.name == "a":
            raise error
        return Progress.NONE

    started(step, "a", "b")

    eventually(lambda: looked[:4] == ["a", "b", "a", "b"])


def test_what_goes_wrong_at_many_looks_is_logged_once_until_it_goes_right(
    started: Callable[..., Withdrawer],
) -> None:
    looks = iter([False, False, True, False, False])
    done = Event()

    def step(_: Account) -> Progress:
        match next(looks, None):
            case None:
                done.set()
            case False:
                raise StoreUnavailableError("Redis does not answer")
        return Progress.NONE

    with capture_logs() as logged:
        started(step, "a")
        assert done.wait(60)

    assert [each["event"] for each in logged] == ["taking back waits"] * 2


def test_closing_waits_for_the_call_that_is_made_and_makes_no_other(
    started: Callable[..., Withdrawer],
) -> None:
    began, may_end, calls = Event(), Event(), list[str]()

    def step(account: Account) -> Progress:
        calls.append(f"{account.name} begins")
        began.set()
        assert may_end.wait(60)
        calls.append(f"{account.name} ends")
        return Progress.MADE

    withdrawer = started(step, "a")
    assert began.wait(60)
    closing = Thread(target=withdrawer.close)
    closing.start()
    eventually(withdrawer._ended.is_set)
    may_end.set()
    closing.join(60)

    assert calls == ["a begins", "a ends"]


def test_closing_does_not_wait_for_the_next_look(started: Callable[..., Withdrawer]) -> None:
    withdrawer = started(lambda _: Progress.NONE, "a", every=3600.0)

    withdrawer.close()
