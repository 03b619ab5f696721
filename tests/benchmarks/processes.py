"""Processes a benchmark starts, none of which outlives it, and the memory they took."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
from celery import Celery

from dispatcher.embedded import GUARD, SHELL
from tests.support.polling import eventually

ROOT = Path(__file__).parents[2]

_START_SECONDS = 30
_STOP_SECONDS = 20
_KIBIBYTE = 1024
# Celery warns of running as root, which a container often does.
_QUIET = {"PYTHONWARNINGS": "ignore", "DISPATCHER_LOG_LEVEL": "WARNING"}


@contextmanager
def running(
    *words: str, environment: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """Run a Python module with arguments; it ends with this block, or with this process."""
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env=os.environ | _QUIET | dict(environment or {}),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process, _guard(process.pid):
        try:
            yield process
        finally:
            _stop(process)


@contextmanager
def _guard(group: int) -> Iterator[None]:
    """Have a process group killed when this process dies, whatever it dies of."""
    guard = subprocess.Popen(
        [SHELL, "-c", GUARD, "guard", str(group)],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        guard.kill()
        guard.communicate()


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def peak_memory(pid: int) -> int:
    """Give the most bytes a running process has had in memory, as the kernel kept count of it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return int(value.removesuffix("kB")) * _KIBIBYTE
    raise LookupError(f"process {pid} has ended")


def processor_time(pid: int) -> float:
    """Give the seconds of processor time a running process has taken so far."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def await_workers(broker_url: str, *, count: int) -> None:
    """Wait until so many Celery workers consume from a broker."""
    app = Celery(broker=broker_url, set_as_current=False)
    try:
        eventually(lambda: len(app.control.ping(timeout=0.2)) >= count, within=_START_SECONDS)
    finally:
        app.close()
