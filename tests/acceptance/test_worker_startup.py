"""A worker starts where campaigns are safe, and nowhere else."""

import os
import sys
from pathlib import Path

import pytest

from dispatcher import Campaign, CampaignState
from dispatcher.cli.children import Children
from dispatcher.embedded import EmbeddedRedis, free_port
from tests.support.polling import eventually
from tests.support.stack import WORKER_READY, Stack
from tests.support.warm import run

WORKER = [sys.executable, "-m", "celery", "-A", "workers.celery", "worker", "--without-mingle"]


def settings_for(redis_url: str, **changes: str) -> dict[str, str]:
    return {
        **os.environ,
        "DISPATCHER_REDIS_URL": redis_url,
        "DISPATCHER_BROKER_URL": redis_url,
        "DISPATCHER_API_URL": "http://127.0.0.1:9",
        "DISPATCHER_ACCOUNTS__DEFAULT__USERNAME": "sandbox@example.com",
        "DISPATCHER_ACCOUNTS__DEFAULT__PASSWORD": "sandbox",
        **changes,
    }


def last_words(env: dict[str, str]) -> str:
    ended = run(WORKER, env)
    assert ended.returncode != 0
    return ended.stderr.decode()


@pytest.mark.parametrize(
    ("options", "finding"),
    [
        ({"maxmemory-policy": "allkeys-lru"}, "maxmemory-policy is allkeys-lru"),
        ({"appendonly": "no"}, "appendonly is off"),
    ],
)
def test_a_redis_that_loses_campaigns_is_refused(
    tmp_path: Path, options: dict[str, str], finding: str
) -> None:
    with EmbeddedRedis(tmp_path, options=options) as server:
        words = last_words(settings_for(server.url))

    assert f"cannot start: this Redis is not safe for campaigns: {finding}" in words


def test_the_demo_flag_accepts_such_a_redis(tmp_path: Path) -> None:
    with (
        EmbeddedRedis(tmp_path / "redis", options={"appendonly": "no"}) as server,
        Children(tmp_path) as children,
    ):
        command = [sys.executable, "-m", "dispatcher", "worker", "--demo"]
        env = {name: value for name, value in settings_for(server.url).items() if "DISP" in name}

        worker = children.start("worker", command, env=env)

        assert worker.announcement(WORKER_READY)


def test_a_redis_that_is_not_there_is_named() -> None:
    words = last_words(settings_for(f"redis://127.0.0.1:{free_port()}/0"))

    assert "cannot start: Redis did not answer" in words


def test_a_wrong_setting_is_named_without_its_value() -> None:
    env = settings_for(
        "redis://127.0.0.1:1/0", DISPATCHER_ACCOUNTS__DEFAULT__WEBHOOK_SECRET="short"
    )

    words = last_words(env)

    assert "DISPATCHER_ACCOUNTS__DEFAULT__WEBHOOK_SECRET: " in words
    assert "'short'" not in words


def test_limits_that_overlap_are_refused() -> None:
    words = last_words(settings_for("redis://127.0.0.1:1/0", DISPATCHER_HTTP_DEADLINE="80"))

    assert "http_deadline (80 s) must be shorter than quote_lease (45 s)" in words


def test_sigterm_lets_a_send_in_flight_finish(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        slow = {"route": "POST /send", "faults": {"slow_after:3": 1.0}}
        stack.sandbox.control("POST", "faults", slow)
        (worker,) = stack.start_worker()
        campaign = stack.dispatcher.submit(Campaign(text="Bonjour", recipients=["33639980001"]))
        eventually(lambda: stack.dispatcher.status(campaign).batch_states == {"sending": 1})

        worker.process.terminate()
        worker.process.wait(timeout=60)

        assert stack.dispatcher.status(campaign).state is CampaignState.SENT


def test_a_worker_without_an_account_has_nothing_to_do() -> None:
    env = {name: value for name, value in os.environ.items() if "DISPATCHER_" not in name}

    ended = run([sys.executable, "-m", "dispatcher", "worker"], env)

    assert ended.returncode == 2
    assert "set DISPATCHER_ACCOUNTS__DEFAULT__USERNAME" in ended.stderr.decode()
