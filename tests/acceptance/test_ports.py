"""A port that cannot be had is told alike by everything that listens."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.warm import run

COMMANDS = ("web", "monitor", "flower", "sandbox")


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


@pytest.mark.parametrize("command", COMMANDS)
def test_a_port_in_use_is_a_wrong_setting_with_its_fix(
    tmp_path: Path, taken: int, command: str
) -> None:
    env = {
        "DISPATCHER_ACCOUNTS__DEFAULT__TOKEN": "a-token-of-tests",
        "DISPATCHER_ACCOUNTS__DEFAULT__WEBHOOK_SECRET": "a-webhook-secret-of-tests",
        "DISPATCHER_FLOWER_DIR": str(tmp_path),
        "DISPATCHER_SPOOL_DIR": str(tmp_path),
    }

    ended = run([sys.executable, "-m", "dispatcher", command, "--port", str(taken)], env)

    assert ended.returncode == 2
    assert ended.stderr.decode() == (
        f"error: nothing can listen on 127.0.0.1:{taken} (Address already in use): "
        "end what listens there already, or give another port by --port\n"
    )
    assert ended.stdout == b""
