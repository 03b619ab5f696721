"""The demo as a newcomer runs it: what it prints, and that it leaves nothing behind."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.support.polling import eventually

DISPATCHER = str(Path(sys.executable).with_name("dispatcher"))
_SEEDED = random.Random(21)
_ENDS = ((signal.SIGINT, 130), (signal.SIGTERM, 143))
# After so many lines of output, so many seconds more, by turns as a keyboard and a supervisor do.
MOMENTS = [
    (lines, round(_SEEDED.uniform(0.0, 0.6), 2), *_ENDS[place % 2])
    for place, lines in enumerate((1, 2, 3, 5, 7))
]


@contextmanager
def running_demo(folder: Path, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """Run it with `folder` for temporary files, by which all it starts is recognised."""
    with subprocess.Popen(
        [DISPATCHER, "demo", *options],
        cwd=folder,
        env=os.environ | {"TMPDIR": str(folder), "DISPATCHER_REDIS_URL": "redis://192.0.2.1/0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process


def survivors(folder: Path) -> list[str]:
    """Name the processes that were started with `folder` for temporary files, and still run."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR") == str(folder):
                found.append(process.name())
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def leaves_nothing(folder: Path) -> bool:
    return not survivors(folder) and not list(folder.iterdir())


def test_it_sends_a_campaign_and_everything_adds_up(tmp_path: Path) -> None:
    with running_demo(tmp_path) as process:
        output, _ = process.communicate(timeout=120)

    assert process.returncode == 0, output
    lines = [" ".join(line.split()) for line in output.splitlines()]
    closing = lines[lines.index("What became of it") :]
    for figure in (
        "rows in 1,000",
        "sent 953",
        "not sent 47",
        "duplicate 20",
        "blacklisted 10",
        "cost quoted 953 credits",
        "cost real 953 credits",
        "balance before 2,000 credits",
        "balance after 1,047 credits",
        "ok each of them exactly once",
    ):
        assert figure in closing
    assert not any(line.startswith("WRONG") for line in lines)
    assert any("of 953 credits reserved" in line for line in lines)
    assert not {character for character in output if ord(character) < 32} - {"\n"}
    assert leaves_nothing(tmp_path)


def read_lines(process: "subprocess.Popen[str]", count: int) -> None:
    assert process.stdout is not None
    for _ in range(count):
        assert process.stdout.readline()


@pytest.mark.parametrize(("lines", "seconds", "number", "code"), MOMENTS)
def test_a_signal_at_any_moment_leaves_nothing_behind(
    tmp_path: Path, *, lines: int, seconds: float, number: signal.Signals, code: int
) -> None:
    with running_demo(tmp_path) as process:
        read_lines(process, lines)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=seconds)
        process.send_signal(number)
        output, _ = process.communicate(timeout=120)

    assert process.returncode == code, output
    eventually(lambda: leaves_nothing(tmp_path))


@pytest.mark.parametrize("seconds", [0.05, 0.2, 0.35, 0.5])
def test_a_signal_while_python_starts_leaves_nothing_behind(tmp_path: Path, seconds: float) -> None:
    with running_demo(tmp_path) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=seconds)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)

    assert process.returncode in (143, -signal.SIGTERM)
    eventually(lambda: leaves_nothing(tmp_path))


def test_an_impatient_second_signal_does_not_disturb_the_cleaning_up(tmp_path: Path) -> None:
    with running_demo(tmp_path) as process:
        read_lines(process, 4)
        for _ in range(3):
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)

    assert process.returncode == 130
    eventually(lambda: leaves_nothing(tmp_path))


def test_even_killed_it_takes_everything_with_it(tmp_path: Path) -> None:
    with running_demo(tmp_path) as process:
        read_lines(process, 4)
        assert len(survivors(tmp_path)) > 5
        process.kill()

    eventually(lambda: leaves_nothing(tmp_path))


def test_what_was_kept_is_said_where(tmp_path: Path) -> None:
    with running_demo(tmp_path, "--keep", "--fast", "--recipients", "100") as process:
        output, _ = process.communicate(timeout=120)

    assert process.returncode == 0, output
    (directory,) = tmp_path.iterdir()
    assert f"File, data and logs are in {directory}" in output
    assert (directory / "recipients.csv").is_file()
    assert (directory / "worker.log").is_file()
    assert survivors(tmp_path) == []
