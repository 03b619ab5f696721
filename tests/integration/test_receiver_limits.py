import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from pydantic import SecretStr

from dispatcher import Settings
from dispatcher.account_settings import AccountSettings
from dispatcher.web import protocol as protocol_module
from dispatcher.web import server as server_module
from tests.support.polling import eventually

SECRET = "a-secret-of-limit-tests"
HEAD = f"POST /webhooks/{SECRET}/dlr HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n".encode()


@contextmanager
def serving(redis_url: str, folder: Path) -> Iterator[int]:
    """Run the receiver in a thread, so that its limits can be replaced; give its port."""
    account = AccountSettings(token=SecretStr("sandbox-token"), webhook_secret=SecretStr(SECRET))
    settings = Settings(
        redis_url=SecretStr(redis_url),
        broker_url=SecretStr(redis_url),
        accounts={"default": account},
        spool_dir=folder / "spool",
    )
    config = server_module.make_config(server_module.make_receiver(settings))
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            eventually(lambda: server.started)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(60)


def dialled(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


@pytest.mark.parametrize(
    "begun",
    [b"", HEAD[:20], HEAD, HEAD + b"hal"],
    ids=["silent", "half a head", "no body", "half a body"],
)
def test_a_client_that_does_not_finish_a_request_is_hung_up_on(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(protocol_module, "_REQUEST_SECONDS", 0.2)

    with serving(redis_url, tmp_path) as port, dialled(port) as client:
        client.sendall(begun)

        assert client.recv(1000) == b""


def test_the_time_for_a_second_request_begins_with_its_first_byte(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol_module, "_REQUEST_SECONDS", 2.0)

    with serving(redis_url, tmp_path) as port, dialled(port) as client:
        for _ in range(2):
            client.sendall(HEAD + b"body")
            assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
        client.sendall(HEAD)

        assert client.recv(1000) == b""


def test_connections_beyond_the_limit_are_told_to_come_back(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "_CONNECTIONS", 2)

    with serving(redis_url, tmp_path) as port, dialled(port), dialled(port) as second:
        second.sendall(HEAD + b"body")

        assert second.recv(1000).startswith(b"HTTP/1.1 503 ")
