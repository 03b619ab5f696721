from typing import Any

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from dispatcher.queueing import Hints, make_app
from dispatcher.settings import Settings

DOCUMENT = {"account": "shop", "campaign": "news@20261122T0730Z"}


def app_in_memory() -> Celery:
    app = make_app(Settings())
    app.conf.update(broker_url="memory://", broker_transport_options={})
    return app


class Unreachable(Celery):  # type: ignore[misc]  # celery has no types
    def send_task(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - celery's own options
        raise OperationalError("gone")


def test_a_task_of_a_producer_s_goes_to_the_queue_its_worker_consumes() -> None:
    app = app_in_memory()
    app.conf.result_backend = "disabled"

    took = Hints(app, fan_out=1).ask("shop.news", "shop", DOCUMENT, lifetime=120)

    assert took
    with app.connection_for_read() as connection:
        queue = connection.SimpleQueue("shop")
        message = queue.get(block=False)
        queue.close()
    assert message.headers["task"] == "shop.news"
    assert message.headers["expires"] is not None
    assert message.payload[:2] == [[], DOCUMENT]


def test_a_producer_that_cannot_be_asked_just_now_is_no_error() -> None:
    broker = Unreachable("broker", set_as_current=False)

    assert not Hints(broker, fan_out=1).ask("shop.news", "shop", DOCUMENT, lifetime=120)


@pytest.mark.parametrize("queue", ["shop", "producers"])
def test_queues_of_producers_are_none_of_ours(queue: str) -> None:
    app = app_in_memory()

    assert queue not in app.amqp.queues
