"""Campaigns from producers that do not use our code: the task `campaigns.submit`."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatcher import CampaignState
from tests.support.foreign import ForeignProducer
from tests.support.polling import eventually
from tests.support.stack import WORKER_FLAGS, WORKER_READY, Stack

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack")) as stack:
        stack.start_worker()
        yield stack


@pytest.fixture(scope="module")
def producer(stack: Stack) -> Iterator[ForeignProducer]:
    with ForeignProducer(stack.broker_url("publisher")) as producer:
        yield producer


def document(key: str | None, **changes: object) -> dict[str, object]:
    return {
        "idempotency_key": key,
        "text": "Bonjour",
        "recipients": ["+33639980001", {"number": "06 39 98 00 02", "id": "order-2"}],
        **changes,
    }


def start_dying_worker(stack: Stack, point: str) -> None:
    stack.env |= {
        "DYING_WORKER_ONCE": str(stack.directory / "died"),
        "DYING_WORKER_POINT": point,
        "PYTHONPATH": str(ROOT),
    }
    command = ["-m", "celery", "-A", "tests.acceptance.dying_worker", "worker", *WORKER_FLAGS]
    child = stack.children.start("dying", [sys.executable, *command], env=stack.env)
    child.announcement(WORKER_READY)


def test_the_result_says_that_the_campaign_is_accepted(
    stack: Stack, producer: ForeignProducer
) -> None:
    found = producer.result(producer.publish(document("accepted")))

    # A worker may have begun already; a refusal would be none of a campaign's states.
    assert found["state"] in {state.value for state in CampaignState}
    assert stack.dispatcher.status(found["id"]).rows == 2


def test_a_campaign_for_later_is_cancelled_by_a_message(producer: ForeignProducer) -> None:
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    accepted = producer.result(producer.publish(document("cancelled", send_at=later)))
    assert datetime.fromisoformat(accepted["goes_out"]) >= datetime.now(UTC) + timedelta(hours=23)

    def cancelled() -> dict[str, Any]:
        task = producer.publish(accepted["id"], task="campaigns.cancel", queue="cancel")
        return producer.result(task)

    assert eventually(lambda: cancelled()["state"] == "cancelled")
    # Every attempt says the same of one that is over.
    assert cancelled()["too_late"] == 0


def test_what_cannot_be_cancelled_says_so(producer: ForeignProducer) -> None:
    found = producer.result(producer.publish("none", task="campaigns.cancel", queue="cancel"))

    assert (found["state"], found["error"]) == ("refused", "UnknownCampaignError")


def test_repeating_the_message_gives_the_same_campaign(
    stack: Stack, producer: ForeignProducer
) -> None:
    before = len(stack.dispatcher.campaigns())

    tasks = [producer.publish(document("repeated")) for _ in range(3)]
    ids = {producer.result(task)["id"] for task in tasks}

    assert len(ids) == 1
    assert len(stack.dispatcher.campaigns()) == before + 1


def test_other_content_under_the_same_key_is_refused(
    stack: Stack, producer: ForeignProducer
) -> None:
    producer.result(producer.publish(document("changed")))

    found = producer.result(producer.publish(document("changed", text="Bonsoir")))

    assert (found["state"], found["error"]) == ("refused", "ConflictError")
    assert stack.dispatcher.campaigns()


@pytest.mark.parametrize(
    ("bad", "field", "row"),
    [
        (document("bad", text=""), "text", None),
        (document("bad", recipients=["+33639980001", "nonsense"]), "number", 2),
        (document("bad", recipients=["+33639980001", 17]), "recipients", 2),
        (document(None), "idempotency_key", None),
        (document("bad", colour="blue"), "document", None),
        (document("bad", account="nobody"), "account", None),
        ("no document", "document", None),
    ],
)
def test_a_bad_document_is_refused_naming_field_and_row(
    stack: Stack, producer: ForeignProducer, bad: object, field: str, row: int | None
) -> None:
    before = len(stack.dispatcher.campaigns())

    found = producer.result(producer.publish(bad))

    assert found["state"] == "refused"
    assert [(problem["field"], problem["row"]) for problem in found["problems"]] == [(field, row)]
    assert len(stack.dispatcher.campaigns()) == before


@pytest.mark.parametrize("point", ["before", "after"])
def test_a_worker_killed_before_the_result_loses_and_doubles_nothing(
    tmp_path: Path, point: str
) -> None:
    with Stack(tmp_path) as stack:
        producer = ForeignProducer(stack.broker_url("publisher"))
        start_dying_worker(stack, point)
        lost = producer.publish(document("orders"))
        eventually((stack.directory / "died").exists)
        stack.start_worker()
        stack.start_beat()

        assert not producer.has_result(lost)
        found = producer.result(producer.publish(document("orders")))
        eventually(lambda: stack.dispatcher.status(found["id"]).state is CampaignState.SENT)
        assert len(stack.dispatcher.campaigns()) == 1
        assert [len(entry["messages"]) for entry in stack.sandbox.ledger()] == [2]
        assert stack.dispatcher.status(found["id"]).cost == 2
