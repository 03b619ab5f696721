"""Whatever waits for a broker that is not there ends when it is told to."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from dispatcher.cli.children import Children
from dispatcher.embedded import free_port
from tests.support.warm import WarmPopen

BEAT = ("-m", "celery", "-A", "workers.celery", "beat"), r"Cannot connect|Trying again|rror"
FLOWER = ("-m", "workers.flower", "--port", "0"), r"flower listening"


@pytest.mark.parametrize(("command", "announcement"), [BEAT, FLOWER], ids=["beat", "flower"])
def test_it_ends_when_its_broker_was_never_there(
    tmp_path: Path, command: Sequence[str], announcement: str
) -> None:
    environment = {
        "DISPATCHER_BROKER_URL": f"redis://127.0.0.1:{free_port()}/1",
        "DISPATCHER_FLOWER_DIR": str(tmp_path / "flower"),
        "DISPATCHER_FLOWER_AUTH": "operator:a-password-of-tests",
    }
    with Children(tmp_path, popen=WarmPopen) as children:
        child = children.start("child", [sys.executable, *command], env=environment)
        child.announcement(announcement)

        child.process.terminate()

        assert child.process.wait(30) == 0, child.last_lines()
