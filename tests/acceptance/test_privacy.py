"""No number, text or credential is found where people look: logs, messages, events, Flower."""

import base64
import binascii
import json
import re
import socket
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from dispatcher import Campaign, Recipient
from dispatcher.embedded import free_port
from tests.support.foreign import ForeignProducer
from tests.support.polling import eventually
from tests.support.stack import WEBHOOK_SECRET, Stack

TEXT = "Quokka sur le parvis"
NUMBERS = ["33639981234", "33639985678", "33639984321"]
# Each number in the forms it came in or might be printed in, without what all of them share.
SECRETS = [
    "Quokka",
    *(number[-8:] for number in NUMBERS),
    "39 98 43 21",
    "39.98.56.78",
    "sandbox@example.com",
    WEBHOOK_SECRET,
    '"sandbox"',
    "'sandbox'",
]
MALFORMED: tuple[dict[str, object], ...] = (
    {"idempotency_key": "bad", "recipients": ["06 39 98 43 21 00"]},
    {"idempotency_key": "key", f"+{NUMBERS[1]}": TEXT},
    {"idempotency_key": "keys", "recipients": [{"number": NUMBERS[0], TEXT + NUMBERS[1]: ""}]},
    {"idempotency_key": "all", "recipients": [{"number": "1", "fields": {NUMBERS[1]: 1}}]},
)
FLOWER_PAGES = ("/", "/workers", "/tasks", "/broker", "/api/tasks", "/api/workers?refresh=1")


class Wiretap:
    """Everything said to the broker's Redis."""

    def __init__(self, url: str) -> None:
        self.lines: list[str] = []
        self._client = redis.Redis.from_url(url, socket_timeout=None)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        try:
            with self._client.monitor() as monitor:  # type: ignore[no-untyped-call]  # redis-py's own
                for command in monitor.listen():
                    if command["db"] == 1:
                        self.lines.append(command["command"])
        except (redis.ConnectionError, ValueError, OSError):
            return

    def internal(self) -> list[str]:
        """What was said, but for the one message that carries content, with bodies decoded."""
        carried = ("LPUSH submit ", "HSET unacked ", "ZADD unacked_index ")
        return [decoded(line) for line in self.lines if not line.startswith(carried)]


def decoded(line: str) -> str:
    """Add the plain text of a Celery message's body, or of an event's."""
    bodies = re.findall(r'body\\*": \\*"([A-Za-z0-9+/=]+)', line)
    plain = []
    for body in bodies:
        try:
            plain.append(base64.b64decode(body).decode(errors="replace"))
        except binascii.Error:
            continue
    return "\n".join([line, *plain])


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    env = {"DISPATCHER_LOG_LEVEL": "DEBUG"}
    with Stack(tmp_path, sandbox_options=("--receipt-delay", "0"), env=env) as stack:
        stack.start_web()
        stack.start_beat()
        yield stack


def start_flower(stack: Stack) -> str:
    port = free_port()
    command = ["-m", "workers.flower", f"--port={port}"]
    # Even who may look at the API without signing in sees nothing.
    env = {**stack.env, "FLOWER_UNAUTHENTICATED_API": "true"}
    env |= {
        "DISPATCHER_BROKER_URL": stack.broker_url("flower"),
        "DISPATCHER_FLOWER_DIR": str(stack.directory / "flower"),
    }
    stack.children.start("flower", [sys.executable, *command], env=env)

    def is_open() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    eventually(is_open)
    return f"http://127.0.0.1:{port}"


def page(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=60) as reply:  # noqa: S310 - our own Flower
            return str(reply.read().decode())
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read().decode()}"


def leaks(places: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (name, secret) for name, found in places.items() for secret in SECRETS if secret in found
    ]


def is_settled(stack: Stack, campaign: str) -> bool:
    return stack.dispatcher.status(campaign).state.value in {"finished", "held", "rejected"}


def test_nothing_personal_is_found_where_people_look(stack: Stack) -> None:
    wiretap = Wiretap(stack.redis.url)
    stack.start_worker(1, "--loglevel=DEBUG")
    flower = start_flower(stack)
    eventually(lambda: "tick" in page(f"{flower}/api/tasks"))
    producer = ForeignProducer(stack.broker_url("publisher"))
    document = {
        "idempotency_key": "parvis",
        "text": TEXT,
        "recipients": [NUMBERS[0], {"number": "06.39.98.56.78", "id": "second"}],
    }

    for changes in ({}, *MALFORMED):
        producer.publish(document | changes)
    producer.publish(document, task="campaigns.sumbit")
    producer.publish_bare(document | {"idempotency_key": "bare"})
    producer.publish_bare(document, task="campaigns.sumbit")
    own = stack.dispatcher.submit(Campaign(text=TEXT, recipients=[Recipient("06 39 98 43 21")]))
    stack.sandbox.control("POST", "faults", {"route": "POST /send", "faults": {"drop_after": 0.5}})
    refused = stack.dispatcher.submit(
        Campaign(text=f"{TEXT} sandbox=status_before:-7", recipients=NUMBERS)
    )
    eventually(lambda: is_settled(stack, own) and is_settled(stack, refused))
    eventually(lambda: "campaigns.submit" in page(f"{flower}/api/tasks"))

    eventually(lambda: "unregistered" in stack.logs())
    eventually(lambda: any("celery-task-meta" in line for line in list(wiretap.lines)))

    ids = list(json.loads(page(f"{flower}/api/tasks")))
    pages = {path: page(flower + path) for path in FLOWER_PAGES}
    pages |= {f"/task/{task}": page(f"{flower}/task/{task}") for task in ids}
    places = {"logs": stack.logs(), "broker": "\n".join(wiretap.internal()), **pages}

    assert "campaigns.submit" in places["/api/tasks"]
    assert "celery-task-meta" in places["broker"]
    assert "a field that is not known" in places["broker"]
    assert leaks(places) == []
