"""Flower as operators have it: signed in to, read only, with ids and no people, over a restart."""

import base64
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from dispatcher import Campaign, Recipient
from dispatcher.cli.children import Child
from tests.support.chromium import visit
from tests.support.foreign import ForeignProducer
from tests.support.polling import eventually
from tests.support.stack import WEBHOOK_SECRET, Stack

TEXT = "Quokka sur le parvis"
NUMBERS = [f"3363998{n:04d}" for n in range(2200, 2240)]
AUTH = "operator:a-long-password-of-tests"
SECRETS = (
    "Quokka",
    "sandbox@example.com",
    WEBHOOK_SECRET,
    "order-22",
    *(number[-8:] for number in NUMBERS),
)
READY = r"flower listening on (\S+)"
A_NUMBER = re.compile(r"(?<![\d.])\+?(?:33|0)[67]\d{8}(?!\d)")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path, sandbox_options=("--receipt-delay", "0")) as stack:
        stack.start_web()
        stack.start_worker()
        stack.start_beat()
        yield stack


def start_flower(stack: Stack) -> tuple[Child, str]:
    secrets = stack.directory / "secrets"
    secrets.mkdir(exist_ok=True)
    (secrets / "DISPATCHER_FLOWER_AUTH").write_text(AUTH + "\n")
    env = {
        "DISPATCHER_BROKER_URL": stack.broker_url("flower"),
        "DISPATCHER_FLOWER_DIR": str(stack.directory / "flower"),
        "DISPATCHER_SECRETS_DIR": str(secrets),
    }
    flower = stack._start("flower", "-m", "dispatcher", "flower", "--port", "0", **env)
    return flower, flower.announcement(READY)


def ask(
    url: str, *, auth: str | None = AUTH, body: Mapping[str, Any] | None = None
) -> tuple[int, str]:
    request = urllib.request.Request(  # noqa: S310 - our own Flower
        url, data=None if body is None else json.dumps(body).encode()
    )
    if auth is not None:
        request.add_header("Authorization", f"Basic {base64.b64encode(auth.encode()).decode()}")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
            return answer.status, str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return error.code, str(error.read().decode())


def tasks(url: str) -> dict[str, dict[str, Any]]:
    found = json.loads(ask(f"{url}/api/tasks?limit=1000")[1])
    assert isinstance(found, dict)
    return found


def results(url: str, name: str) -> set[str]:
    """What came of the tasks of a name that ended."""
    return {
        task["result"] for task in tasks(url).values() if task["name"] == name and task["result"]
    }


def quotes(url: str, campaign: str) -> list[dict[str, Any]]:
    """The quotes of a campaign; of a task it heard of late, Flower knows no arguments."""
    return [
        task
        for task in tasks(url).values()
        if task["name"] == "campaigns.quote" and campaign in (task["args"] or "")
    ]


def send_something(stack: Stack) -> str:
    """Have tasks of many kinds run, the two with contents or results among them."""
    recipients = [Recipient(number, id=f"order-{number[-4:]}") for number in NUMBERS]
    campaign = stack.dispatcher.submit(Campaign(text=TEXT, recipients=recipients))
    producer = ForeignProducer(stack.broker_url("publisher"))
    producer.publish({"idempotency_key": "parvis", "text": TEXT, "recipients": NUMBERS[:2]})
    eventually(lambda: stack.dispatcher.status(campaign).state.value == "finished")
    return campaign


def test_it_shows_ids_and_what_came_of_each_task_and_nothing_else(
    stack: Stack, tmp_path: Path
) -> None:
    flower, url = start_flower(stack)
    eventually(lambda: any(task["name"] == "tick" for task in tasks(url).values()))
    campaign = send_something(stack)
    quote = eventually(lambda: quotes(url, campaign))[0]
    eventually(lambda: results(url, "campaigns.submit"))
    eventually(lambda: "'1 account'" in results(url, "tick"))
    eventually(lambda: any("sent: 1 batch" in found for found in results(url, "campaigns.quote")))

    signed_in = url.replace("http://", f"http://{AUTH}@")
    dom = visit(f"{signed_in}/tasks", tmp_path / "tasks.png")
    details = {uuid: ask(f"{url}/task/{uuid}")[1] for uuid in tasks(url)}
    workers = visit(f"{signed_in}/workers", tmp_path / "workers.png")
    listed = ask(f"{url}/api/tasks?limit=1000")[1]

    assert quote["args"] == f"('default', '{campaign}')"
    assert "campaigns.quote" in dom
    assert "SUCCESS" in dom
    assert "celery@" in workers or "node@" in workers
    pages = {"tasks": dom, "workers": workers, "api": listed, **details}
    assert [
        (name, secret) for name, text in pages.items() for secret in SECRETS if secret in text
    ] == []
    assert [name for name, text in pages.items() if A_NUMBER.search(text)] == []
    assert AUTH.partition(":")[2] not in stack.logs()
    assert AUTH.partition(":")[2] not in Path(f"/proc/{flower.process.pid}/cmdline").read_text()


def test_nobody_sees_anything_without_signing_in(stack: Stack) -> None:
    _, url = start_flower(stack)

    for path in ("/", "/workers", "/tasks", "/broker", "/api/tasks", "/api/workers"):
        assert ask(url + path, auth=None)[0] == 401, path
        assert ask(url + path, auth="operator:guessed-password")[0] == 401, path
        assert ask(url + path)[0] == 200, path
    assert ask(f"{url}/healthcheck", auth=None) == (200, "OK")


def test_nothing_can_be_changed_through_it(stack: Stack) -> None:
    _, url = start_flower(stack)
    worker = eventually(lambda: list(json.loads(ask(f"{url}/api/workers?refresh=1")[1])))[0]
    order = {"args": ["default", "no-such-campaign"]}

    for path in (
        f"/api/worker/shutdown/{worker}",
        f"/api/worker/pool/shrink/{worker}",
        f"/api/worker/queue/cancel-consumer/{worker}?queue=dispatch",
        "/api/task/async-apply/campaigns.send",
        "/api/task/send-task/campaigns.send",
        "/api/task/revoke/some-task",
    ):
        assert ask(url + path, body=order)[0] == 403, path


def test_no_worker_takes_orders_from_whoever_signs_in_as_flower(stack: Stack) -> None:
    with Celery(broker=stack.broker_url("flower")) as app:
        app.control.cancel_consumer("dispatch")
        app.control.pool_shrink(1)
        app.control.broadcast("shutdown")
        answers = app.control.inspect(timeout=5).stats()

    assert len(answers or {}) == 1
    eventually(lambda: "shutdown" in stack.logs())
    send_something(stack)


def test_the_list_outlives_the_process_without_anything_personal(stack: Stack) -> None:
    flower, url = start_flower(stack)
    eventually(lambda: tasks(url))
    send_something(stack)
    eventually(lambda: results(url, "campaigns.submit"))
    before = tasks(url)
    flower.process.terminate()
    assert flower.process.wait(30) == 0
    kept = b"".join(path.read_bytes() for path in (stack.directory / "flower").iterdir())

    _, again = start_flower(stack)

    assert before.keys() <= tasks(again).keys()
    assert b"campaigns.submit" in kept
    assert [secret for secret in SECRETS if secret.encode() in kept] == []


def test_it_does_not_show_itself_to_everybody() -> None:
    command = [sys.executable, "-m", "dispatcher", "flower", "--host", "0.0.0.0"]  # noqa: S104 - it refuses

    answer = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={}
    )

    assert answer.returncode != 0
    assert "DISPATCHER_FLOWER_AUTH" in answer.stderr
    assert "Traceback" not in answer.stderr
