"""A look that takes long is shared by those who wait, and is never older than their question."""

import threading

from dispatcher.broker import BrokerVitals
from dispatcher.monitoring.state import Monitor, View
from dispatcher.settings import Settings
from tests.support.polling import eventually
from tests.support.views import AWAY, BROKER


class SlowBroker:
    """A broker that answers when it is let."""

    def __init__(self) -> None:
        self.looks = 0
        self.may_answer = threading.Event()

    def look(self) -> BrokerVitals:
        self.looks += 1
        assert self.may_answer.wait(10)
        return BROKER


def test_many_who_wait_cost_two_looks() -> None:
    monitor = Monitor(Settings.model_validate({"redis_url": "redis://127.0.0.1:9/0"}))
    broker, views = SlowBroker(), list[View]()
    monitor._broker = broker  # type: ignore[assignment]  # the point of this test

    def look() -> None:
        views.append(monitor.look())

    askers = [threading.Thread(target=look) for _ in range(8)]
    askers[0].start()
    eventually(lambda: broker.looks == 1)
    for asker in askers[1:]:
        asker.start()
    # All of them have asked before the second look can begin.
    eventually(lambda: all(asker.is_alive() for asker in askers))
    broker.may_answer.set()
    for asker in askers:
        asker.join(10)

    assert len(views) == 8
    assert broker.looks <= 3
    assert monitor.look() is not views[0]
    assert views[0].server is AWAY.server
