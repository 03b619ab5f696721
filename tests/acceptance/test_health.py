"""What processes say of themselves, while brokers die, come back, or only seem to be there."""

import json
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from dispatcher import Campaign, CampaignState, Dispatcher
from dispatcher.cli.children import Child
from dispatcher.domain.lifecycle import BatchState
from dispatcher.embedded import HOST, EmbeddedRedis, free_port
from tests.support.polling import eventually
from tests.support.shell import run
from tests.support.stack import WORKER_FLAGS, WORKER_READY, Stack
from tests.support.wire import Wire

ROOT = Path(__file__).parents[2]
RECIPIENTS = [f"+336399801{n:02d}" for n in range(3)]
DEADLINE = 8.0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(tmp_path / "broker") as server:
        yield server


@pytest.fixture
def stack(tmp_path: Path, broker: EmbeddedRedis) -> Iterator[Stack]:
    env = {"DISPATCHER_BROKER_URL": broker.url, "DISPATCHER_HTTP_DEADLINE": f"{DEADLINE:g}"}
    with Stack(tmp_path / "stack", env=env) as stack:
        yield stack


def watched_port(stack: Stack) -> int:
    """Have the process that is started next tell how it is; give where."""
    port = free_port()
    stack.env["DISPATCHER_MONITOR_PORT"] = str(port)
    return port


def start_hasty_worker(stack: Stack, broker_url: str) -> Child:
    """Start a worker whose patience is a tenth of the usual one."""
    env = {**stack.env, "PYTHONPATH": str(ROOT), "DISPATCHER_BROKER_URL": broker_url}
    command = ["-m", "celery", "-A", "tests.faults.hasty_worker", "worker", *WORKER_FLAGS]
    worker = stack.children.start("hasty", [sys.executable, *command], env=env)
    worker.announcement(WORKER_READY)
    return worker


def ask(port: int, path: str) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=15) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def is_ready(port: int) -> bool:
    try:
        return ask(port, "/ready")[0] == 200
    except urllib.error.URLError:
        return False


def submit(stack: Stack, key: str, text: str = "Bonjour") -> str:
    """Submit a campaign by way of the broker the workers listen to; again gives it back."""
    with closing(Dispatcher.from_settings(stack.settings)) as dispatcher:
        campaign = Campaign(recipients=RECIPIENTS, text=text)
        return dispatcher.submit(campaign, idempotency_key=f"health {key}")


def ticked_at(stack: Stack) -> int:
    with redis.Redis(port=stack.redis.port) as client:
        return int(client.hget("sms:{default}:account", "ticked_at") or 0)


def see_sent(stack: Stack, key: str) -> None:
    """Submit a campaign, and see it sent."""
    campaign = submit(stack, key)
    sent = CampaignState.SENT
    eventually(lambda: stack.dispatcher.status(campaign).state is sent, within=90)


def test_worker_beat_and_receiver_tell_how_they_are(stack: Stack) -> None:
    for start in (stack.start_worker, stack.start_beat, stack.start_web):
        port = watched_port(stack)
        start()

        eventually(lambda port=port: is_ready(port), within=30)  # type: ignore[misc]  # a lambda's default
        live = run(stack, "health")
        ready = run(stack, "health", "--ready")

        document = run(stack, "health", "--ready", "--json")

        lives = "This process lives: a restart would not help.\n- It does its work.\n"
        assert (live.code, live.output) == (0, lives)
        assert ready.code == 0
        assert ready.output.startswith("This process is ready: it has what it needs.\n")
        assert "\n- The Redis that holds campaigns answers.\n" in ready.output
        assert "\n- The broker answers.\n" in ready.output
        found = json.loads(document.output)
        assert (found["ok"], found["redis"], found["broker"]) == (True, "ok", "ok")
        with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=15) as answer:
            assert b"process_resident_memory_bytes" in answer.read()


def test_a_process_that_does_not_tell_or_is_not_there_is_no_healthy_one(stack: Stack) -> None:
    silent = run(stack, "health")
    port = free_port()
    gone = run(stack, "health", "--port", str(port))
    other = run(stack, "health", "--port", stack.sandbox_url.rpartition(":")[2])

    assert silent.code == 2
    assert "DISPATCHER_MONITOR_PORT is not set" in silent.errors
    assert gone.code == 1
    assert f"Nobody answers at 127.0.0.1:{port} (ConnectionRefusedError)" in gone.output
    assert other.code == 1
    assert "does not tell how it is" in other.output


def test_a_port_that_is_taken_ends_the_worker_with_its_reason(stack: Stack) -> None:
    watched_port(stack)
    stack.start_beat()

    worker = run(stack, "worker", "--without-mingle")

    assert worker.code == 2
    assert "cannot start: nothing can listen on" in worker.errors
    assert "give another port by DISPATCHER_MONITOR_PORT" in worker.errors


def test_redis_broker_and_api_are_told_apart(stack: Stack, broker: EmbeddedRedis) -> None:
    port = watched_port(stack)
    stack.start_worker()
    eventually(lambda: is_ready(port), within=30)
    see_sent(stack, "first")
    assert ask(port, "/ready")[1]["api of default"] == "ok"

    stack.sandbox.process.kill()
    unreached = submit(stack, "second")
    eventually(lambda: ask(port, "/ready")[1]["api of default"].startswith("unreachable, "))
    assert ask(port, "/ready")[0] == 200
    assert stack.dispatcher.status(unreached).state is CampaignState.QUOTING

    stack.redis.kill()
    status, found = ask(port, "/ready")
    assert (status, found["broker"]) == (503, "ok")
    assert found["redis"].startswith("Redis did not answer")
    stack.redis.start()

    broker.kill()
    eventually(lambda: ask(port, "/ready")[1]["broker"] != "ok", within=30)
    assert ask(port, "/ready")[1]["redis"] == "ok"
    assert ask(port, "/live")[0] == 200


def test_a_worker_whose_broker_dies_lives_and_works_once_it_is_back(
    stack: Stack, broker: EmbeddedRedis
) -> None:
    port = watched_port(stack)
    worker = stack.start_worker()[0]
    of_beat = watched_port(stack)
    beat = stack.start_beat()
    see_sent(stack, "before")

    broker.kill()
    eventually(lambda: "Trying again" in worker.log.read_text())
    assert [ask(each, "/live")[0] for each in (port, of_beat)] == [200, 200]
    broker.start()
    since = ticked_at(stack)

    see_sent(stack, "after")
    eventually(lambda: ticked_at(stack) > since, within=90)
    assert [child.process.poll() for child in (worker, beat)] == [None, None]
    fine = (200, {"ok": True, "work": "ok"})
    assert [ask(each, "/live") for each in (port, of_beat)] == [fine, fine]


def test_a_worker_hears_again_by_itself_when_its_connection_went_dead(
    stack: Stack, broker: EmbeddedRedis
) -> None:
    with Wire(broker.port) as wire:
        stack.env["DISPATCHER_BROKER_URL"] = wire.url
        worker = stack.start_worker()[0]
        stack.env["DISPATCHER_BROKER_URL"] = broker.url
        stack.start_beat()
        see_sent(stack, "before")

        wire.swallow()

        see_sent(stack, "after")
        assert worker.process.poll() is None


def test_a_worker_that_hears_nothing_any_more_is_told_from_a_healthy_one_and_ends(
    stack: Stack, broker: EmbeddedRedis
) -> None:
    port = watched_port(stack)
    with Wire(broker.port) as wire:
        worker = start_hasty_worker(stack, wire.url)
        see_sent(stack, "before")
        assert ask(port, "/live")[0] == 200

        # Its consumer hears nothing on any connection; whoever looks at the broker does.
        wire.swallow_who_says(b"dispatcher-broker")
        submit(stack, "after")
        eventually(lambda: ask(port, "/live")[0] == 503, within=60)
        says = ask(port, "/live")[1]["work"]

        assert "broker answers" in says or "nothing was taken" in says
        assert worker.process.wait(60) is not None
        assert "this process hangs and ends" in worker.log.read_text()


def test_a_send_in_flight_is_recorded_before_sigterm_ends_the_worker(stack: Stack) -> None:
    port = watched_port(stack)
    worker = stack.start_worker()[0]
    campaign = submit(stack, "slow", "sandbox=slow_after:3")
    eventually(lambda: stack.dispatcher.status(campaign).batch_states.get("sending"))

    worker.process.send_signal(signal.SIGTERM)
    assert eventually(lambda: not ask(port, "/ready")[1]["ok"])
    assert ask(port, "/live")[0] == 200

    assert worker.process.wait(30) == 0
    status = stack.dispatcher.status(campaign)
    assert status.batch_states == {BatchState.ACCEPTED.value: 1}
    assert len(stack.sandbox.ledger()) == 1
