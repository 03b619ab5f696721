"""The board as a browser shows it, over a real stack: with figures, and without people."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatcher import Campaign, Recipient
from dispatcher.embedded import HOST, free_port
from tests.support.chromium import render
from tests.support.polling import eventually
from tests.support.shell import run
from tests.support.stack import WEBHOOK_SECRET, Stack

WORKER_PORT = free_port()
TEXT = "Quokka sur le parvis"
NUMBERS = [f"3363998{n:04d}" for n in range(1200, 1240)]
SECRETS = ("Quokka", "sandbox@example.com", WEBHOOK_SECRET, "order-17", *(n[-8:] for n in NUMBERS))
MONITOR_READY = r"monitor listening on (\S+)"
# Whatever number it is: none has a place there.
A_NUMBER = re.compile(r"(?<![\d.])\+?(?:33|0)[67]\d{8}(?!\d)")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    env = {
        "DISPATCHER_MONITOR_PORT": str(WORKER_PORT),
        "DISPATCHER_ACCOUNTS__SHOP__USERNAME": "shop@example.com",
        "DISPATCHER_ACCOUNTS__SHOP__PASSWORD": "sandbox",
        "DISPATCHER_MONITOR_ACCOUNTS": "elsewhere",
    }
    options = ("--receipt-delay", "0")
    with Stack(tmp_path, credits=250, sandbox_options=options, env=env) as stack:
        stack.start_worker()
        # Beat would want the same port.
        del stack.env["DISPATCHER_MONITOR_PORT"]
        stack.start_beat()
        yield stack


def start_monitor(stack: Stack) -> str:
    command = ("-m", "dispatcher", "monitor", "--port", "0")
    reader = stack._sign_in("monitor", "monitor")
    return stack._start("monitor", *command, **reader).announcement(MONITOR_READY)


def page(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - our own monitor
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return str(error.read().decode())


def submit(stack: Stack, key: str, text: str = TEXT, **more: object) -> str:
    recipients = [Recipient(NUMBERS[0], id="order-17"), *NUMBERS[1:]]
    campaign = Campaign(text=text, sender="Boutique", recipients=recipients, **more)  # type: ignore[arg-type]  # any field
    return stack.dispatcher.submit(campaign, idempotency_key=key)


def bring_all_kinds(stack: Stack) -> None:
    """Have campaigns stand in as many places as may be."""
    done = submit(stack, "done")
    eventually(lambda: stack.dispatcher.status(done).state.value == "sent")
    lost = submit(stack, "lost", f"{TEXT} sandbox=drop_after")
    eventually(lambda: stack.dispatcher.status(lost).batch_states.get("unknown"))
    later = datetime.now(UTC) + timedelta(hours=3)
    submit(stack, "later", send_at=later)
    dear = submit(stack, "dear", TEXT * 30)
    eventually(lambda: stack.dispatcher.status(dear).hold)


def test_the_board_shows_how_all_of_it_stands_and_nobody(stack: Stack, tmp_path: Path) -> None:
    url = start_monitor(stack)
    bring_all_kinds(stack)

    board, metrics = page(f"{url}/"), page(f"{url}/metrics")
    worker = page(f"http://{HOST}:{WORKER_PORT}/metrics")
    depth, ready = json.loads(page(f"{url}/depth")), json.loads(page(f"{url}/ready"))
    wide = render(board, tmp_path / "board.png", width=1280, height=1800)
    narrow = render(board, tmp_path / "board-narrow.png", width=390, height=3200, dark=True)

    assert wide == (1280, 1800)
    assert narrow == (500, 3200)
    assert "1 answer lost, 40 credits at stake" in board
    assert "held: credits" in board
    assert "elsewhere" in board
    assert 'dispatcher_unknown_batches{account="default"} 1.0' in metrics
    assert 'dispatcher_unknown_credits{account="default"} 40.0' in metrics
    assert 'dispatcher_campaigns{account="shop",state="sent"} 0.0' in metrics
    assert ready == {"ok": True, "redis": "ok", "broker": "ok"}
    assert set(depth) == {"batches", "paced", "hints", "receipts"}
    assert 'dispatcher_api_calls_total{account="default",method="POST"' in worker
    for shown in (board, metrics, worker, json.dumps(depth)):
        assert [secret for secret in SECRETS if secret in shown] == []
        assert A_NUMBER.findall(shown) == []


def test_what_is_counted_can_be_counted_anew(stack: Stack) -> None:
    url = start_monitor(stack)
    sent = submit(stack, "counted")
    eventually(lambda: stack.dispatcher.status(sent).state.value == "sent")
    counted = 'dispatcher_campaigns{account="default",state="sent"} 1.0'
    eventually(lambda: counted in page(f"{url}/metrics"))

    ended = run(stack, "recount")

    assert ended.code == 0, ended.errors
    eventually(lambda: counted in page(f"{url}/metrics"))
    assert 'dispatcher_campaigns_counted{account="default"} 1.0' in page(f"{url}/metrics")


def test_the_board_outlives_redis(stack: Stack) -> None:
    url = start_monitor(stack)
    assert "Redis up" in page(f"{url}/")

    stack.redis.kill()

    assert "Redis away" in page(f"{url}/")
    assert 'dispatcher_up{part="redis"} 0.0' in page(f"{url}/metrics")
    assert json.loads(page(f"{url}/ready"))["ok"] is False
    assert json.loads(page(f"{url}/live"))["ok"] is True
    assert "error" in json.loads(page(f"{url}/depth"))

    stack.redis.start()

    assert "Redis up" in page(f"{url}/")
    assert json.loads(page(f"{url}/ready"))["ok"] is True
