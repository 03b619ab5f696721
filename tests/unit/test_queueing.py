from typing import Any

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from dispatcher.domain.lifecycle import CampaignState
from dispatcher.queueing import QUEUE_OF, TASK_OF, Hints, QueueName, Task, make_app
from dispatcher.settings import Settings

APP = make_app(Settings())


class Broker(Celery):  # type: ignore[misc]  # celery has no types
    """Keeps what would be published, or cannot be reached."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__("broker", set_as_current=False)
        self.sent: list[tuple[str, tuple[str, ...], dict[str, Any]]] = []
        self.error = error

    def send_task(self, name: str, args: tuple[str, ...] = (), **options: Any) -> None:  # noqa: ANN401 - celery's own options
        if self.error is not None:
            raise self.error
        self.sent.append((name, args, options))


def test_task_names_are_those_other_programs_rely_on() -> None:
    assert {task.name: task.value for task in Task} == {
        "SUBMIT": "campaigns.submit",
        "QUOTE": "campaigns.quote",
        "SEND": "campaigns.send",
        "CHECK_CREDITS": "accounts.check_credits",
        "MERGE_RECEIPTS": "receipts.merge",
        "LINK_REPLIES": "replies.link",
        "CANCEL": "campaigns.cancel",
        "WITHDRAW": "campaigns.withdraw",
        "RUN_SCHEDULES": "schedules.run",
        "CLEAN_LISTS": "accounts.clean_lists",
        "SYNC_BLACKLIST": "accounts.sync_blacklist",
        "RECONCILE": "accounts.reconcile",
        "CALL_BACK": "producers.call_back",
        "CHECK": "campaigns.check",
        "NAME": "campaigns.name",
        "RETAIN": "retention",
        "TICK": "tick",
    }


def test_queue_names_are_those_workers_are_started_with() -> None:
    assert [name.value for name in QueueName] == [
        "submit",
        "express",
        "dispatch",
        "control",
        "cancel",
        "receipts",
        "callbacks",
    ]


def test_every_task_has_a_queue_and_every_queue_a_task() -> None:
    assert QUEUE_OF.keys() == set(Task)
    assert {*QUEUE_OF.values(), QueueName.EXPRESS} == set(QueueName)


@pytest.mark.parametrize("task", Task)
def test_a_message_goes_to_the_queue_of_its_task_and_no_other(task: Task) -> None:
    route = APP.amqp.router.route({}, task.value)

    queue = route["queue"]
    assert queue.name == QUEUE_OF[task].value
    assert queue.routing_key == queue.name
    keys = [other.routing_key for other in APP.amqp.queues.values()]
    assert keys.count(queue.routing_key) == 1


def test_only_json_crosses_the_broker() -> None:
    assert APP.conf.accept_content == ["json"]
    assert APP.conf.task_serializer == "json"
    assert APP.conf.result_accept_content == ["json"]


def test_a_dead_broker_holds_nobody_up_for_ever() -> None:
    options = APP.conf.broker_transport_options

    assert options["socket_timeout"] == 10
    assert options["socket_connect_timeout"] == 3
    assert APP.conf.task_publish_retry_policy["max_retries"] == 2
    assert options["visibility_timeout"] == 300


def test_a_hint_carries_ids_and_grows_old() -> None:
    broker = Broker()

    took = Hints(broker, fan_out=4).nudge(Task.SEND, "shop", "spring", copies=2)

    assert took
    assert (
        broker.sent
        == [
            (
                "campaigns.send",
                ("shop", "spring"),
                {"queue": "dispatch", "expires": 120, "ignore_result": True},
            )
        ]
        * 2
    )


@pytest.mark.parametrize(("waiting", "copies"), [(0, 1), (1, 1), (3, 3), (4, 4), (1000, 4)])
def test_as_many_tasks_work_on_a_campaign_as_it_has_batches_within_bounds(
    waiting: int, copies: int
) -> None:
    broker = Broker()

    Hints(broker, fan_out=4).move_on("shop", "spring", CampaignState.SENDING, waiting=waiting)

    assert len(broker.sent) == copies


@pytest.mark.parametrize(
    ("waiting", "queue"), [(0, "dispatch"), (1, "express"), (2, "dispatch"), (1000, "dispatch")]
)
def test_one_batch_alone_does_not_wait_behind_large_campaigns(waiting: int, queue: str) -> None:
    broker = Broker()

    Hints(broker, fan_out=4).move_on("shop", "spring", CampaignState.QUEUED, waiting=waiting)

    assert {options["queue"] for _, _, options in broker.sent} == {queue}


@pytest.mark.parametrize("state", CampaignState)
def test_only_what_tasks_move_on_is_hinted_at(state: CampaignState) -> None:
    broker = Broker()

    Hints(broker, fan_out=4).move_on("shop", "spring", state, waiting=1)

    hinted = [name for name, _, _ in broker.sent]
    assert hinted == ([TASK_OF[state].value] if state in TASK_OF else [])


@pytest.mark.parametrize("error", [OperationalError("gone"), ConnectionRefusedError("gone")])
def test_a_lost_hint_is_no_error(error: Exception) -> None:
    hints = Hints(Broker(error), fan_out=4)

    assert not hints.nudge(Task.TICK)
    hints.move_on("shop", "spring", CampaignState.QUEUED, waiting=1)
