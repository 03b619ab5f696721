"""Receipts that take the short way past ASGI are answered and kept as all others are."""

import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
import redis

from dispatcher.embedded import HOST, EmbeddedRedis
from tests.support.polling import eventually
from tests.support.web import OLD_SECRET, SECRET, WebReceiver, running_web

PATH = f"/webhooks/{SECRET}/dlr"
_STREAM = "sms:{default}:receipts"


@pytest.fixture(scope="module")
def database(redis_server: EmbeddedRedis, redis_databases: Iterator[int]) -> str:
    return f"redis://{HOST}:{redis_server.port}/{next(redis_databases)}"


@pytest.fixture(scope="module")
def running(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebReceiver]:
    with redis.Redis.from_url(database) as client:
        client.flushdb()
    with running_web(database, tmp_path_factory.mktemp("web")) as web:
        assert [web.post(b"first", secret=secret) for secret in (SECRET, OLD_SECRET)] == [200, 200]
        yield web


@pytest.fixture
def web(running: WebReceiver, database: str) -> WebReceiver:
    """A receiver that knows the path of both secrets, so that the short way is open."""
    with redis.Redis.from_url(database) as client:
        client.delete(_STREAM)
    return running


def received(url: str) -> list[bytes]:
    with redis.Redis.from_url(url) as client:
        entries = client.xrange(_STREAM)
    return [body for _, fields in entries for body in msgspec.msgpack.decode(fields[b"bodies"])]


def dialled(web: WebReceiver) -> socket.socket:
    parts = urlsplit(web.url)
    return socket.create_connection((parts.hostname, parts.port), timeout=20)


def plain(body: bytes, *headers: str, path: str = PATH, method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(body: bytes) -> bytes:
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head.encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def statuses(web: WebReceiver, sent: bytes, *, count: int) -> list[int]:
    """Send bytes at once; give the statuses of so many answers."""
    with dialled(web) as client:
        client.sendall(sent)
        heard = b""
        while len(found := re.findall(rb"HTTP/1.1 (\d+) ", heard)) < count:
            more = client.recv(10_000)
            assert more, heard
            heard += more
    return [int(status) for status in found if status != b"100"]


@pytest.mark.parametrize(
    "sent",
    [
        plain(b"body"),
        chunked(b"body"),
        plain(b"body", "Connection: close"),
        plain(b"body", path=PATH.replace(SECRET, OLD_SECRET)),
        plain(b"body", path=f"{PATH}?n=1"),
        plain(b"body", path=f"/{PATH}/"),
        plain(b"body").replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
    ids=["length", "chunks", "close", "old secret", "query", "slashes", "1.0"],
)
def test_a_body_is_kept_however_it_is_sent(web: WebReceiver, database: str, sent: bytes) -> None:
    assert statuses(web, sent, count=1) == [200]
    assert received(database) == [b"body"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (plain(b"", method="GET"), 405),
        (plain(b"body", method="PUT"), 405),
        (plain(b"body", path=PATH.replace(SECRET, SECRET + "x")), 404),
        (plain(b"body", path=PATH.replace("dlr", "other")), 404),
        (plain(b"x" * (64 * 1024 + 1)), 413),
        (f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n".encode(), 413),
        (plain(b"body", "Content-Length: 3"), 400),
    ],
    ids=["GET", "PUT", "wrong secret", "other hook", "too large", "says so", "two lengths"],
)
def test_a_known_path_lets_nothing_else_in(
    web: WebReceiver, database: str, sent: bytes, status: int
) -> None:
    assert statuses(web, sent, count=1) == [status]
    assert received(database) == []


def test_the_largest_and_the_smallest_body_are_kept(web: WebReceiver, database: str) -> None:
    largest = b"x" * (64 * 1024)

    assert statuses(web, plain(b"") + plain(largest), count=2) == [200, 200]
    assert sorted(received(database)) == [b"", largest]


def test_requests_sent_without_waiting_are_answered_in_their_order(
    web: WebReceiver, database: str
) -> None:
    sent = [
        plain(b"1"),
        plain(b"2"),
        plain(b"", path="/nowhere", method="GET").replace(b"Content-Length: 0\r\n", b""),
    ]

    assert statuses(web, sent[0] + chunked(b"0") + b"".join(sent), count=5) == [
        200, 200, 200, 200, 404,
    ]  # fmt: skip
    assert received(database) == [b"1", b"0", b"1", b"2"]


def test_a_body_in_many_pieces_is_put_together(web: WebReceiver, database: str) -> None:
    sent = plain(b"0123456789")
    with dialled(web) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(len(sent)):
            client.sendall(sent[place : place + 1])
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")

    assert received(database) == [b"0123456789"]


def test_a_connection_serves_on_and_is_closed_when_asked(web: WebReceiver) -> None:
    with dialled(web) as client:
        for _ in range(3):
            client.sendall(plain(b"body"))
            assert client.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
        client.sendall(plain(b"body", "Connection: close"))
        answer = b"".join(iter(lambda: client.recv(1000), b""))

    assert b"\r\nconnection: close\r\n" in answer
    assert answer.endswith(b"content-length: 0\r\n\r\n")


def test_a_client_that_hangs_up_disturbs_nobody(own_redis: EmbeddedRedis, tmp_path: Path) -> None:
    with running_web(own_redis.url, tmp_path) as web:
        assert web.post(b"first") == 200
        os.kill(own_redis.pid, signal.SIGSTOP)
        with dialled(web) as gone, dialled(web) as stays:
            gone.sendall(plain(b"gone"))
            stays.sendall(plain(b"stays"))
            # Served after what was sent before it.
            assert web.call("GET", "/healthz") == (200, b"alive\n")
            gone.close()
            os.kill(own_redis.pid, signal.SIGCONT)
            assert stays.recv(1000).startswith(b"HTTP/1.1 200 ")

        eventually(lambda: {b"gone", b"stays"} <= set(received(own_redis.url)))
        assert "Traceback" not in web.logged()


def test_what_could_not_be_kept_is_to_be_repeated(own_redis: EmbeddedRedis, tmp_path: Path) -> None:
    with running_web(own_redis.url, tmp_path, spool_max_bytes=10) as web:
        assert web.post(b"first") == 200
        own_redis.kill()

        with dialled(web) as client:
            client.sendall(plain(b"body"))
            answer = client.recv(1000)

    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nretry-after: 10\r\n" in answer


def test_a_receipt_in_flight_is_answered_before_the_receiver_ends(
    own_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    with running_web(own_redis.url, tmp_path) as web, dialled(web) as client:
        assert web.post(b"first") == 200
        os.kill(own_redis.pid, signal.SIGSTOP)
        client.sendall(plain(b"in flight"))
        assert web.call("GET", "/healthz") == (200, b"alive\n")

        web.process.send_signal(signal.SIGTERM)
        os.kill(own_redis.pid, signal.SIGCONT)

        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert web.stop() == 0
    assert received(own_redis.url) == [b"first", b"in flight"]
