"""RabbitMQ as the broker, with results in Redis: a real node, killed in mid-run, too."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatcher.broker import Broker
from dispatcher.domain.campaign import Campaign
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.queueing import Hints, QueueName, Task, broker_problem, make_app
from dispatcher.settings import Settings
from tests.support.foreign import ForeignProducer
from tests.support.people import generated
from tests.support.polling import eventually
from tests.support.rabbitmq import RabbitMq
from tests.support.shell import run
from tests.support.stack import Stack

RECIPIENTS = 400
# A node needs half a minute to start where others work beside it.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMq]:
    with RabbitMq(tmp_path_factory.mktemp("rabbitmq")) as node:
        yield node


@pytest.fixture
def stack(tmp_path: Path, rabbit: RabbitMq) -> Iterator[Stack]:
    options = ("--latency", "0.05", "--receipt-delay", "0")
    env = {"DISPATCHER_BATCH_SIZE": "5", "DISPATCHER_BROKER_URL": rabbit.url}
    with Stack(tmp_path, sandbox_options=options, env=env) as stack:
        stack.env["DISPATCHER_RESULT_URL"] = stack.broker_url("broker")
        yield stack


@pytest.fixture
def producer(stack: Stack, rabbit: RabbitMq) -> Iterator[ForeignProducer]:
    with ForeignProducer(rabbit.url, results_url=stack.broker_url("publisher")) as producer:
        yield producer


def document(key: str, **more: object) -> dict[str, object]:
    numbers = ["+33639980001", "+33639980002"]
    return {"idempotency_key": key, "text": "Bonjour", "recipients": numbers, **more}


def posted(stack: Stack) -> Counter[str]:
    return Counter(
        message["destination"] for entry in stack.sandbox.ledger() for message in entry["messages"]
    )


def test_a_foreign_producer_submits_and_cancels_through_it(
    stack: Stack, producer: ForeignProducer
) -> None:
    stack.start_worker()
    stack.start_beat()
    stack.start_web()
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()

    now = producer.result(producer.publish(document("now")))
    planned = producer.result(producer.publish(document("later", send_at=later)))

    def cancelled() -> bool:
        task = producer.publish(planned["id"], task="campaigns.cancel", queue="cancel")
        return bool(producer.result(task)["state"] == "cancelled")

    assert stack.dispatcher.wait(now["id"], timeout=60).state is CampaignState.FINISHED
    assert eventually(cancelled)
    sent = [entry for entry in stack.sandbox.ledger() if entry["state"] == "sent"]
    assert [len(entry["messages"]) for entry in sent] == [2]
    told = run(stack, "doctor").output
    assert "All is well enough to send." in told
    broker = Broker(stack.settings)
    vitals = broker.look()
    broker.close()
    assert vitals is not None
    assert vitals.queues.keys() == set(QueueName)


def test_a_node_killed_in_mid_run_loses_and_doubles_nothing(
    stack: Stack, producer: ForeignProducer, rabbit: RabbitMq
) -> None:
    stack.start_web()
    numbers = list(generated(RECIPIENTS))
    waiting = producer.publish(document("waits at the broker"))
    rabbit.kill()
    rabbit.start()
    stack.start_worker(2)
    stack.start_beat()
    # What was published to a durable queue outlived the node, with nobody there to take it.
    waited = producer.result(waiting)
    first = stack.dispatcher.submit(Campaign(text="Bonjour", recipients=numbers))
    eventually(lambda: len(posted(stack)) >= RECIPIENTS / 4)

    rabbit.kill()
    second = stack.dispatcher.submit(Campaign(text="Bonsoir", recipients=numbers[:20]))
    problem = broker_problem(stack.settings)
    rabbit.start()

    for campaign in (waited["id"], first, second):
        assert stack.dispatcher.wait(campaign, timeout=120).state is CampaignState.FINISHED
    assert problem is not None
    assert problem.startswith("the broker did not answer")
    times = posted(stack)
    assert sum(times.values()) == RECIPIENTS + 20 + 2
    assert [times[number] for number in numbers[20:]] == [1] * (RECIPIENTS - 20)


def test_a_wrong_password_is_told_and_hints_are_not_taken(rabbit: RabbitMq) -> None:
    settings = Settings.model_validate(
        {
            "broker_url": rabbit.url,
            "broker_password": "wrong",
            "result_url": "redis://127.0.0.1:1/0",
        }
    )

    assert str(broker_problem(settings)).startswith("the broker refuses the user or the password; ")
    assert not Hints(make_app(settings), fan_out=1).nudge(Task.TICK)


def test_every_queue_outlives_the_node_and_its_consumers(rabbit: RabbitMq) -> None:
    settings = Settings.model_validate(
        {"broker_url": rabbit.url, "result_url": "redis://127.0.0.1:1/0"}
    )

    queues = make_app(settings).amqp.queues.values()

    assert {queue.name for queue in queues} == {name.value for name in QueueName}
    for queue in queues:
        assert queue.durable
        assert not queue.auto_delete
        assert queue.expires is None
        assert queue.exchange.durable
