import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
import redis
from pydantic import SecretStr

from dispatcher import Campaign, Settings
from dispatcher.account_settings import AccountSettings
from dispatcher.domain.fates import RecipientState
from dispatcher.domain.sequence import gsmsmsid
from dispatcher.embedded import EmbeddedRedis, free_port
from dispatcher.queueing import Hints, make_app
from tests.support.polling import eventually
from tests.support.sandbox import running_sandbox
from tests.support.web import OLD_SECRET, SECRET, WebReceiver, running_web
from workers.resources import Resources
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.receipts import merge_next
from workers.steps.send import send_next

RECEIPTS = "sms:{default}:receipts"
NUMBERS = ("33639980001", "33639980002", "33639980003")


@pytest.fixture
def web(redis_url: str, tmp_path: Path) -> Iterator[WebReceiver]:
    with running_web(redis_url, tmp_path) as web:
        yield web


def received(redis_url: str) -> list[bytes]:
    """Every body in the stream, in order."""
    with redis.Redis.from_url(redis_url) as client:
        entries = client.xrange(RECEIPTS)
    return [body for _, fields in entries for body in msgspec.msgpack.decode(fields[b"bodies"])]


def spooled(folder: Path) -> list[Path]:
    return sorted((folder / "spool").glob("*.spool"))


@contextmanager
def resources(
    redis_url: str, folder: Path, *, api_url: str = "http://127.0.0.1:9"
) -> Iterator[Resources]:
    """What a worker works with, for steps driven by hand."""
    credentials = AccountSettings(username="sandbox@example.com", password=SecretStr("sandbox"))
    settings = Settings(
        redis_url=SecretStr(redis_url),
        broker_url=SecretStr(redis_url),
        accounts={"default": credentials},
        api_url=api_url,
        journal_dir=folder / "journal",
    )
    opened = Resources(settings, Hints(make_app(settings), fan_out=1))
    try:
        yield opened
    finally:
        opened.close()


def merge_all(opened: Resources) -> None:
    account = opened.account("default")
    assert account is not None
    while merge_next(account) is Progress.MADE:
        pass


def receipt(key: bytes, sequence: int, number: str) -> bytes:
    return json.dumps(
        {
            "date": "2026-11-22T20:00:00+01:00",
            "status": 3,
            "destination": number,
            "message_id": gsmsmsid(key, sequence, int(number)),
            "campaign_id": "1",
        }
    ).encode()


def dialled(url: str) -> socket.socket:
    address = urlsplit(url)
    return socket.create_connection((address.hostname, address.port), timeout=60)


def request(body: bytes) -> bytes:
    """A whole request as it goes over the wire."""
    head = f"POST /webhooks/{SECRET}/dlr HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def test_a_body_is_in_redis_before_it_is_answered(web: WebReceiver, redis_url: str) -> None:
    assert web.post(b'{"status": 3}') == 200

    assert received(redis_url) == [b'{"status": 3}']


def test_what_was_answered_survives_the_death_of_redis(
    own_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    with running_web(own_redis.url, tmp_path) as web:
        assert web.post(b"durable") == 200
        own_redis.kill()

        own_redis.start()

        assert received(own_redis.url) == [b"durable"]


def test_nothing_is_lost_by_a_server_that_syncs_each_second_and_few_wait_for_it(
    redis_binary: Path, tmp_path: Path
) -> None:
    options = {"appendfsync": "everysec"}
    with EmbeddedRedis(tmp_path / "redis", binary=redis_binary, options=options) as server:
        with running_web(server.url, tmp_path) as web:
            eventually(lambda: web.post(b"1") == 200)
            eventually(lambda: not spooled(tmp_path))
            os.kill(server.pid, signal.SIGSTOP)
            # Redis cannot even have heard of it.
            assert web.post(b"2") == 200
            web.kill()
            os.kill(server.pid, signal.SIGCONT)

        with running_web(server.url, tmp_path):
            eventually(lambda: not spooled(tmp_path))

        assert set(received(server.url)) == {b"1", b"2"}


def test_requests_at_the_same_time_share_entries_and_lose_nothing(
    web: WebReceiver, redis_url: str
) -> None:
    bodies = [b"%d" % n for n in range(400)]

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(web.post, bodies))

    assert answers == [200] * 400
    assert sorted(received(redis_url)) == sorted(bodies)


def test_both_secrets_of_an_account_are_valid_and_no_other(
    web: WebReceiver, redis_url: str
) -> None:
    assert web.post(b"new", secret=SECRET) == 200
    assert web.post(b"old", secret=OLD_SECRET) == 200
    assert web.post(b"forged", secret="another-secret-of-tests") == 404

    assert received(redis_url) == [b"new", b"old"]


@pytest.mark.parametrize("size", [65_537, 900_000])
def test_a_body_beyond_64_kib_is_refused_and_a_client_still_sending_learns_it(
    web: WebReceiver, redis_url: str, size: int
) -> None:
    assert web.post(b"x" * 65_536) == 200

    with dialled(web.url) as client:
        client.sendall(request(b"x" * size))
        answer = client.recv(1000)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert len(received(redis_url)) == 1


def test_garbage_is_answered_kept_and_put_into_quarantine_by_the_merge(
    web: WebReceiver, redis_url: str, tmp_path: Path
) -> None:
    garbage = [b"", b"\xff\x00", b"<xml/>", b'{"status": "three"}']

    assert [web.post(body) for body in garbage] == [200] * 4

    with resources(redis_url, tmp_path) as opened:
        merge_all(opened)
    with redis.Redis.from_url(redis_url) as client:
        assert [entry[b"body"] for _, entry in client.xrange("sms:{default}:quarantine")] == garbage
        assert client.xlen(RECEIPTS) == 0


def test_receipts_of_an_outage_are_spooled_drained_and_merged(
    own_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    with (
        running_sandbox("--port", "0") as sandbox,
        resources(own_redis.url, tmp_path, api_url=sandbox.url) as opened,
        running_web(own_redis.url, tmp_path) as web,
    ):
        campaign = opened.dispatcher.submit(Campaign(recipients=NUMBERS, text="Bonjour"))
        account = opened.account("default")
        assert account is not None
        while quote_next(account, campaign) is Progress.MADE:
            pass
        while send_next(account, campaign) is Progress.MADE:
            pass
        key = account.receipt_key
        own_redis.kill()

        for sequence, number in enumerate(NUMBERS):
            assert web.post(receipt(key, sequence, number)) == 200
        assert web.call("GET", "/readyz") == (200, b"spooling\n")
        assert spooled(tmp_path)
        own_redis.start()
        eventually(lambda: not spooled(tmp_path))

        merge_all(opened)
        states = [result.state for result in opened.dispatcher.results(campaign)]
        assert states == [RecipientState.DELIVERED] * 3
        assert web.call("GET", "/readyz") == (200, b"ready\n")


def test_a_redis_that_hangs_costs_seconds_and_no_body(
    own_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    with running_web(own_redis.url, tmp_path) as web:
        assert web.post(b"before") == 200
        os.kill(own_redis.pid, signal.SIGSTOP)

        assert web.post(b"while it hangs") == 200

        assert spooled(tmp_path)
        os.kill(own_redis.pid, signal.SIGCONT)
        eventually(lambda: not spooled(tmp_path))
        assert set(received(own_redis.url)) == {b"before", b"while it hangs"}


def test_a_killed_receivers_spool_is_drained_by_the_next_one(
    own_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    with running_web(own_redis.url, tmp_path) as web:
        own_redis.kill()
        assert [web.post(b"%d" % n) for n in range(5)] == [200] * 5
        web.kill()
    assert spooled(tmp_path)
    own_redis.start()

    with running_web(own_redis.url, tmp_path):
        eventually(lambda: not spooled(tmp_path))

    assert received(own_redis.url) == [b"0", b"1", b"2", b"3", b"4"]


def test_a_receiver_killed_again_and_again_with_redis_loses_nothing_it_answered(
    own_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    numbers = count()
    answered: set[bytes] = set()

    def post_some(web: WebReceiver) -> None:
        for body in (b"%d" % next(numbers) for _ in range(20)):
            if web.post(body) == 200:
                answered.add(body)

    for _ in range(3):
        with running_web(own_redis.url, tmp_path) as web:
            post_some(web)
            own_redis.kill()
            post_some(web)
            own_redis.start()
            post_some(web)
            web.kill()
    with running_web(own_redis.url, tmp_path):
        eventually(lambda: not spooled(tmp_path))

    assert len(answered) == 180
    assert set(received(own_redis.url)) == answered


def test_a_body_that_fits_nowhere_is_refused(own_redis: EmbeddedRedis, tmp_path: Path) -> None:
    with running_web(own_redis.url, tmp_path, spool_max_bytes=1000) as web:
        own_redis.kill()

        answers = [web.post(b"x" * 400) for _ in range(4)]

        assert answers == [200, 200, 503, 503]
        own_redis.start()
        eventually(lambda: not spooled(tmp_path))
        assert web.post(b"again") == 200
    assert received(own_redis.url) == [b"x" * 400, b"x" * 400, b"again"]


def test_no_secret_and_no_number_is_logged_whatever_is_sent(
    own_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    body = b'{"status": 3, "destination": "33639980001"}'
    path = f"/webhooks/{SECRET}/dlr"
    broken = (
        f"POST {path} HTTP/9.9\r\n\r\n",
        f"POST {path}\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
        f"POST {path}?%zz#\u00e9 HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    )
    with running_web(own_redis.url, tmp_path, spool_max_bytes=100) as web:
        for sent in broken:
            with dialled(web.url) as client:
                client.sendall(sent.encode())
                assert re.match(rb"HTTP/1.1 4\d\d", client.recv(1000))
        assert web.post(body) == 200
        assert web.post(body, secret=SECRET + "x") == 404
        with redis.Redis.from_url(own_redis.url) as client:
            client.delete(RECEIPTS)
            client.set(RECEIPTS, "no stream")
        assert web.post(body) == 200
        own_redis.kill()
        assert web.post(body) == 503
        assert web.stop() == 0

    logged = web.logged()
    assert "redis away" in logged
    assert "bodies refused" in logged
    assert SECRET not in logged
    assert "33639980001" not in logged


def test_a_stopped_receiver_answers_what_it_took_and_exits_in_good_order(
    own_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    with running_web(own_redis.url, tmp_path) as web, dialled(web.url) as client:
        os.kill(own_redis.pid, signal.SIGSTOP)
        client.sendall(request(b"in flight"))
        # Served after what was sent before it.
        assert web.call("GET", "/healthz") == (200, b"alive\n")

        web.process.send_signal(signal.SIGTERM)
        os.kill(own_redis.pid, signal.SIGCONT)

        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert web.stop() == 0
    assert received(own_redis.url) == [b"in flight"]


def test_a_connection_may_be_kept_alive_or_not(web: WebReceiver, redis_url: str) -> None:
    path = f"/webhooks/{SECRET}/dlr"
    connection = web.connect()

    for n, header in enumerate(("keep-alive", "keep-alive", "close")):
        connection.request("POST", path, b"%d" % n, {"Connection": header})
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"")
    connection.close()

    assert received(redis_url) == [b"0", b"1", b"2"]


def test_a_receiver_does_not_start_on_a_redis_that_forgets(
    redis_binary: Path, tmp_path: Path
) -> None:
    options = {"appendonly": "no"}
    with (
        EmbeddedRedis(tmp_path / "redis", binary=redis_binary, options=options) as server,
        pytest.raises(AssertionError, match="appendonly is off"),
        running_web(server.url, tmp_path),
    ):
        pass


def test_a_redis_that_is_away_is_named_in_the_log(tmp_path: Path) -> None:
    port = free_port()

    with running_web(f"redis://dispatcher:a-secret@127.0.0.1:{port}/0", tmp_path) as web:
        assert web.stop() == 0

    assert f"DISPATCHER_REDIS_URL names 127.0.0.1:{port}/0" in web.logged()
    assert "a-secret" not in web.logged()
