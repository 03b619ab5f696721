"""What a receiver says of its event loop and of where it keeps webhooks."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dispatcher.broker import BrokerVitals
from dispatcher.settings import Settings
from dispatcher.web.deposits import Condition
from dispatcher.web.watching import LoopWatch
from tests.support.polling import eventually
from tests.support.views import BROKER

SETTINGS = Settings.model_validate({"broker_url": "redis://127.0.0.1:9/0"})


class Stage:
    """A watched event loop in a thread."""

    def __init__(self) -> None:
        self.condition = Condition.READY
        self.watch = LoopWatch(SETTINGS, self._tell)

    async def _tell(self) -> Condition:
        return self.condition

    @contextmanager
    def running(self) -> Iterator[None]:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        loop.call_soon_threadsafe(self.watch.begin)
        try:
            eventually(lambda: self.watch._beats is not None)
            yield
        finally:
            beats = self.watch._beats
            assert beats is not None
            loop.call_soon_threadsafe(beats.cancel)
            eventually(beats.done)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def says(self) -> dict[str, str]:
        return {each.subject: each.says for each in self.watch._ready()}

    def is_fit(self) -> bool:
        return not any(each.is_bad for each in self.watch._ready())


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    found = Stage()

    def look() -> BrokerVitals:
        return BROKER

    monkeypatch.setattr(found.watch._broker, "look", look)
    return found


def test_a_receiver_is_fit_while_it_can_keep_a_webhook_anywhere(stage: Stage) -> None:
    with stage.running():
        assert set(stage.says().values()) == {"ok"}

        stage.condition = Condition.SPOOLING
        assert stage.is_fit()
        assert stage.says()["redis"] == "away: webhooks are kept on disk"

        stage.condition = Condition.UNABLE
        assert not stage.is_fit()
        assert stage.says()["webhooks"] == "nothing can be kept"
        assert stage.says()["redis"] == "away"


def test_a_receiver_works_without_a_broker(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage.watch._broker, "look", lambda: None)

    with stage.running():
        assert stage.is_fit()
        assert stage.says()["broker"] == "the broker does not answer"


def test_an_event_loop_that_stands_still_does_not_live(stage: Stage) -> None:
    assert [each.says for each in stage.watch._live()] == ["ok"]

    stage.watch._looped_at = time.monotonic() - 11

    assert [each.says for each in stage.watch._live()] == ["its event loop has not run for 11 s"]
    assert not stage.is_fit()
