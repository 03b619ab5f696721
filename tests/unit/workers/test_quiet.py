import json

import pytest
from celery import Celery
from celery.app.task import Task
from kombu.message import Message

from workers.quiet import QuietRequest

SECRET = "33639980001"


@pytest.fixture
def request_with_a_secret() -> QuietRequest:
    app = Celery("test", set_as_current=False)

    @app.task(name="campaigns.submit", shared=False)  # type: ignore[untyped-decorator]  # celery has no types
    def submit(document: object) -> None:
        """Do nothing."""

    task: Task = submit
    body = json.dumps(([{"to": SECRET}], {}, {}))
    message = Message(  # type: ignore[no-untyped-call]  # kombu's own
        body=body,
        content_type="application/json",
        content_encoding="utf-8",
        delivery_info={"exchange": "", "routing_key": "submit"},
        headers={
            "id": "one",
            "task": task.name,
            "argsrepr": f"('{SECRET}',)",
            "kwargsrepr": f"{{'to': '{SECRET}'}}",
        },
    )
    return QuietRequest(message, app=app, task=task)


def test_a_request_shows_its_arguments_to_nobody(request_with_a_secret: QuietRequest) -> None:
    request = request_with_a_secret

    shown = [
        request.info(),
        request.info(safe=True),
        request.argsrepr,
        request.kwargsrepr,
        request.request_dict["argsrepr"],
        request.request_dict["kwargsrepr"],
        repr(request),
        str(request),
    ]

    assert SECRET not in repr(shown)
    assert request.info()["args"] == "(hidden)"


def test_a_request_still_runs_with_its_arguments(request_with_a_secret: QuietRequest) -> None:
    assert request_with_a_secret.args == [{"to": SECRET}]
