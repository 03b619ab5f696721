"""A producer that knows Celery and the document, and none of our code."""

import base64
import json
import uuid
from typing import Any, Self

import redis
from celery import Celery

from tests.support.polling import eventually


class ForeignProducer:
    """Publishes as another team would: nothing is set but where the broker is."""

    def __init__(self, broker_url: str, *, results_url: str | None = None) -> None:
        self._celery = Celery("another-team", broker=broker_url, set_as_current=False)
        if broker_url.startswith("amqp"):
            # Without this, RabbitMQ may forget a message it was only about to write.
            self._celery.conf.broker_transport_options = {"confirm_publish": True}
        self._redis = redis.Redis.from_url(results_url or broker_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._celery.close()
        self._redis.close()

    def publish(
        self, document: object, *, task: str = "campaigns.submit", queue: str = "submit"
    ) -> str:
        """Publish one message, its arguments shown in its headers as Celery does; give its id."""
        return str(self._celery.send_task(task, args=[document], queue=queue).id)

    def publish_bare(self, document: object, *, task: str = "campaigns.submit") -> str:
        """Publish as the README's shell example does, with nothing but what is needed."""
        identity = str(uuid.uuid4())
        body = base64.b64encode(json.dumps([[document], {}, {}]).encode()).decode()
        properties = {
            "correlation_id": identity,
            "delivery_tag": identity,
            "body_encoding": "base64",
            "delivery_info": {"exchange": "", "routing_key": "submit"},
        }
        message = {
            "body": body,
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "headers": {"task": task, "id": identity},
            "properties": properties,
        }
        self._redis.lpush("submit", json.dumps(message))
        return identity

    def has_result(self, task: str) -> bool:
        return self._redis.exists(f"celery-task-meta-{task}") == 1

    def result(self, task: str) -> dict[str, Any]:
        """Wait for a result, as Celery's backend keeps it."""
        eventually(lambda: self.has_result(task))
        found: bytes = self._redis.get(f"celery-task-meta-{task}")  # type: ignore[assignment]  # not decoded
        result: dict[str, Any] = json.loads(found)["result"]
        return result
