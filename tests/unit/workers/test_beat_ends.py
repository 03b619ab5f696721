import os
import signal
from collections.abc import Iterator

import pytest
from celery.beat import Service

from dispatcher.settings import Settings
from workers.app import create_app

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def _handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("workers.app._leave", lambda: None)
    before = [signal.getsignal(number) for number in _NUMBERS]
    yield
    for number, handler in zip(_NUMBERS, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", _NUMBERS)
def test_beat_ends_between_ticks_and_not_in_the_middle_of_one(number: signal.Signals) -> None:
    service = Service(create_app(Settings()))
    ticks: list[str] = []

    class Scheduler:
        max_interval = 1

        def tick(self) -> float:
            """Be told to end by a signal, whose handler must not raise here."""
            os.kill(os.getpid(), number)
            ticks.append("whole")
            return 0.0

        def close(self) -> None:
            ticks.append("closed")

    service.__dict__["scheduler"] = Scheduler()
    service.start()

    assert ticks == ["whole", "closed"]
