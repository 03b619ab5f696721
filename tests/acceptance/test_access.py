"""Every process of the service on a server that lets each do what its user may, and no more."""

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis

from dispatcher.domain.campaign import Campaign
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.embedded import free_port
from tests.support.access import as_user, denials
from tests.support.polling import eventually
from tests.support.shell import run
from tests.support.stack import Stack

PEOPLE = ("+33639980001", "+33639980002")


def page(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as reply:
        return str(reply.read().decode())


def start_monitor(stack: Stack) -> int:
    port = free_port()
    addresses = {
        "DISPATCHER_REDIS_URL": as_user(stack.redis.url, "monitor"),
        "DISPATCHER_BROKER_URL": stack.broker_url("monitor"),
    }
    monitor = stack._start("monitor", "-m", "dispatcher", "monitor", f"--port={port}", **addresses)
    monitor.announcement("monitor listening on")
    return port


def test_no_process_asks_for_more_than_its_user_may(tmp_path: Path) -> None:
    with Stack(tmp_path, sandbox_options=("--receipt-delay", "0")) as stack:
        stack.start_worker(1, "--queues", "express,dispatch")
        stack.env["DISPATCHER_MONITOR_PORT"] = str(free_port())
        stack.start_worker(1, "--queues", "submit,control,cancel,receipts,callbacks")
        del stack.env["DISPATCHER_MONITOR_PORT"]
        stack.start_beat()
        stack.start_web()
        port = start_monitor(stack)
        campaign = stack.dispatcher.submit(Campaign(text="Bonjour", recipients=PEOPLE))
        later = stack.dispatcher.submit(
            Campaign(
                text="Bonjour", recipients=PEOPLE, send_at=datetime.now(UTC) + timedelta(days=1)
            )
        )

        state = stack.dispatcher.wait(campaign, timeout=60).state
        stack.dispatcher.cancel(later)
        eventually(lambda: stack.dispatcher.status(later).state is CampaignState.CANCELLED)

        assert state is CampaignState.FINISHED
        assert json.loads(page(port, "/depth")).keys() == {"batches", "paced", "hints", "receipts"}
        assert "dispatcher_campaigns{" in page(port, "/metrics")
        assert '"' in page(port, "/ready")
        assert run(stack, "forget", PEOPLE[0], "--by", "Ada").code in {0, 4}
        assert run(stack, "doctor").code == 0
        with redis.Redis(port=stack.redis.port) as client:
            assert denials(client) == []
            with (
                redis.Redis.from_url(stack.broker_url("publisher")) as producer,
                pytest.raises(redis.exceptions.NoPermissionError),
            ):
                producer.flushdb()
            # Such a refusal would have failed every test of a stack.
            assert denials(client) == ["publisher: command flushdb"]
            client.acl_log_reset()
