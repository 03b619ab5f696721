"""Processes forked from a loaded one are told, heard and ended like any other."""

import os
import signal
import sys
from pathlib import Path
from subprocess import DEVNULL, PIPE

import pytest

from tests.support.warm import DISPATCHER, WarmPopen, run

JSON_TOOL = (sys.executable, "-m", "json.tool", "--compact")


def started_by_us(process: "WarmPopen[bytes]") -> bool:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return f"\nPPid:\t{os.getpid()}\n" in status


def test_it_reads_writes_and_ends_with_its_own_code() -> None:
    good = run(JSON_TOOL, os.environ, b'{"a": 1}')
    bad = run(JSON_TOOL, os.environ, b"a")

    assert (good.returncode, good.stdout, good.stderr) == (0, b'{"a":1}\n', b"")
    assert (bad.returncode, bad.stdout) == (1, b"")
    assert b"Expecting value" in bad.stderr


def test_it_has_a_folder_and_a_group_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "given.json").write_text("[]")

    command = [*JSON_TOOL, "given.json"]
    with WarmPopen[bytes](command, cwd=tmp_path, stdout=PIPE, process_group=0) as process:
        assert os.getpgid(process.pid) == process.pid
        assert process.communicate()[0] == b"[]\n"


def test_its_environment_is_what_was_given_and_nothing_else() -> None:
    named = {"PATH": os.environ["PATH"], "DISPATCHER_NAMESPACE": "Not Allowed"}
    named |= {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}

    ended = run([DISPATCHER, "credits"], named)

    assert ended.returncode == 2
    assert b"DISPATCHER_NAMESPACE" in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_it_and_is_told(number: signal.Signals) -> None:
    with WarmPopen[bytes](JSON_TOOL, stdin=PIPE, stdout=DEVNULL) as process:
        assert process.poll() is None
        assert not started_by_us(process)

        process.send_signal(number)

        assert process.wait(60) == -number


def test_what_is_not_ours_is_started_as_usual() -> None:
    with WarmPopen[bytes](["/bin/sh", "-c", "read -r line; exit 7"], stdin=PIPE) as process:
        assert started_by_us(process)
        process.communicate(b"\n")

    assert process.returncode == 7


def test_what_python_heeds_only_as_it_starts_makes_a_start_as_usual() -> None:
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    with WarmPopen[bytes](JSON_TOOL, stdin=PIPE, stdout=PIPE, env=environment) as process:
        assert started_by_us(process)
        assert process.communicate(b"1")[0] == b"1\n"
