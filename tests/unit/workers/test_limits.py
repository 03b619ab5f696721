"""A pause that the API asks for while Redis is away holds in this worker, and is told later."""

import pytest

from dispatcher.errors import StoreUnavailableError
from dispatcher.smsfactor.watching import OK, TOO_MANY, Call
from dispatcher.store.pacing import Pacing
from workers.limits import Limits, heeding


class Away(Pacing):
    """A pace of a Redis that is away for a while."""

    def __init__(self) -> None:
        self.is_away = False
        self.told: list[int] = []

    def lower(self, *, retry_after_ms: int = 0) -> int:
        if self.is_away:
            raise StoreUnavailableError("away")
        self.told.append(retry_after_ms)
        return retry_after_ms or 1_000


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def pacing() -> Away:
    return Away()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_what_redis_is_told_of_is_left_to_it(pacing: Away, clock: Clock) -> None:
    limits = Limits(clock)

    assert limits.heed(pacing, 7.0) == 7_000

    assert pacing.told == [7_000]
    assert not limits.holds(pacing)
    assert pacing.told == [7_000]


@pytest.mark.parametrize(("asked", "seconds"), [(7.0, 7), (None, 1), (90_000.0, 3_600)])
def test_while_redis_is_away_a_worker_pauses_by_itself(
    pacing: Away, clock: Clock, asked: float | None, seconds: int
) -> None:
    limits = Limits(clock)
    pacing.is_away = True

    assert limits.heed(pacing, asked) == seconds * 1_000

    clock.now += seconds - 0.5
    assert limits.holds(pacing)
    clock.now += 0.6
    assert not limits.holds(pacing)


@pytest.mark.parametrize(("after", "told"), [(2.0, 5_000), (60.0, 1)])
def test_all_are_told_once_redis_is_back(
    pacing: Away, clock: Clock, after: float, told: int
) -> None:
    limits = Limits(clock)
    pacing.is_away = True
    limits.heed(pacing, 7.0)
    clock.now += after
    pacing.is_away = False

    assert not limits.holds(pacing)
    assert not limits.holds(pacing)

    assert pacing.told == [told]


def test_a_shorter_pause_does_not_end_a_longer(pacing: Away, clock: Clock) -> None:
    limits = Limits(clock)
    pacing.is_away = True
    limits.heed(pacing, 7.0)
    limits.heed(pacing, 1.0)

    clock.now += 6.0

    assert limits.holds(pacing)


def test_whoever_else_is_told_of_calls_is_told_of_all(pacing: Away, clock: Clock) -> None:
    told: list[str] = []
    limits = Limits(clock)
    pacing.is_away = True
    watch = heeding("shop", pacing, limits, lambda call: told.append(call.outcome))

    for outcome in (OK, TOO_MANY):
        watch(Call(method="POST", route="/send", outcome=outcome, began_at=0, seconds=0))

    assert told == [OK, TOO_MANY]
    assert limits.holds(pacing)
