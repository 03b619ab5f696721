"""Every line that any of our processes writes is one JSON object, if that is what is set."""

import base64
import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import redis

from dispatcher.cli.children import Child
from dispatcher.embedded import EmbeddedRedis, free_port
from tests.support.polling import eventually
from tests.support.stack import Stack

COMMANDS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "worker": (("worker",), r"\S+@\S+ ready"),
    "beat": (("beat",), r"endpoint listens"),
    "web": (("web", "--port", "0"), r"receiver listening on "),
    "monitor": (("monitor", "--port", "0"), r"monitor listening on "),
    "flower": (("flower", "--port", "0"), r"flower listening on "),
}

AUTH = "operator:a-long-password-of-tests"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(tmp_path / "broker") as server:
        yield server


@pytest.fixture
def stack(tmp_path: Path, broker: EmbeddedRedis) -> Iterator[Stack]:
    env = {
        "DISPATCHER_BROKER_URL": broker.url,
        "DISPATCHER_LOG_FORMAT": "json",
        "DISPATCHER_FLOWER_DIR": str(tmp_path / "flower"),
        "DISPATCHER_SPOOL_DIR": str(tmp_path / "spool"),
        "DISPATCHER_FLOWER_AUTH": AUTH,
        "DISPATCHER_QUOKKA": "of no meaning",
    }
    with Stack(tmp_path / "stack", env=env) as stack:
        yield stack


def start(stack: Stack, name: str) -> Child:
    arguments, announcement = COMMANDS[name]
    port = str(free_port())
    child = stack._start(name, "-m", "dispatcher", *arguments, DISPATCHER_MONITOR_PORT=port)
    child.announcement(announcement, within=60)
    return child


def objects(child: Child) -> list[dict[str, Any]]:
    """Give the objects of its lines; fail at one that is none."""
    found = []
    for line in child.log.read_bytes().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            pytest.fail(f"{child.name} wrote {line!r}")
    return found


def has_lost_its_broker(child: Child) -> bool:
    return '"level": "error"' in child.log.read_text()


def ticks(stack: Stack) -> int:
    with redis.Redis(port=stack.redis.port) as client:
        return int(client.hget("sms:{default}:account", "ticked_at") or 0)


def moves(stack: Stack) -> Callable[[], bool]:
    """Tell whether ticks arrive since now."""
    since = ticks(stack)
    return lambda: ticks(stack) > since


def test_from_the_start_to_the_end_and_while_the_broker_is_away(
    stack: Stack, broker: EmbeddedRedis
) -> None:
    children = {name: start(stack, name) for name in COMMANDS}
    eventually(moves(stack), within=60)

    broker.kill()
    for name in ("worker", "beat"):
        eventually(lambda name=name: has_lost_its_broker(children[name]), within=60)  # type: ignore[misc]  # a lambda's default
    broker.start()
    eventually(moves(stack), within=90)
    for child in children.values():
        child.process.terminate()
    ended = {name: child.process.wait(60) for name, child in children.items()}

    assert ended == dict.fromkeys(COMMANDS, 0)
    for name, child in children.items():
        found = objects(child)
        assert all({"event", "level", "timestamp"} <= each.keys() for each in found), name
        assert "unknown setting" in {each["event"] for each in found}, name
    for name in ("worker", "beat"):
        log = children[name].log.read_text()
        assert f"DISPATCHER_BROKER_URL names 127.0.0.1:{broker.port}/0. Trying again" in log, name
        assert "Traceback" not in log, log


@pytest.mark.parametrize("name", COMMANDS)
def test_what_keeps_a_process_from_starting_is_an_object_too(stack: Stack, name: str) -> None:
    arguments, _ = COMMANDS[name]

    child = stack._start(name, "-m", "dispatcher", *arguments, DISPATCHER_BATCH_SIZE="many")

    assert child.process.wait(60) == 2
    assert any("DISPATCHER_BATCH_SIZE" in each["event"] for each in objects(child))


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_so_it_is_when_celery_itself_is_run(stack: Stack, name: str) -> None:
    child = stack._start(
        name, "-m", "celery", "-A", "workers.celery", name, DISPATCHER_BATCH_SIZE="many"
    )

    assert child.process.wait(60) != 0
    assert any("DISPATCHER_BATCH_SIZE" in str(each) for each in objects(child))


def test_flower_logs_nothing_of_who_looks_at_it(stack: Stack) -> None:
    flower = start(stack, "flower")
    url = flower.announcement(r'flower listening on ([^"\s]+)')

    # It waits for an answer of workers, and there is none.
    for path in ("/", "/workers?refresh=1", "/tasks", "/broker", "/api/workers?refresh=1"):
        request = urllib.request.Request(url + path)  # noqa: S310 - our own Flower
        request.add_header("Authorization", f"Basic {base64.b64encode(AUTH.encode()).decode()}")
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
            assert answer.status == 200, path

    said = [each["event"] for each in objects(flower)]
    assert said == ["unknown setting", f"flower listening on {url}"]
