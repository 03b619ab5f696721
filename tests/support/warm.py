"""Starts our own processes from one that has everything loaded.

Most of a second of every start goes into imports, and the suite starts hundreds of processes.
`TEST_COLD_STARTS=1` starts each from nothing, as people do.
"""

import atexit
import inspect
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from select import select
from subprocess import PIPE
from typing import Any, AnyStr

import msgspec

from tests.support.warm_server import LONGEST_ORDER, Order

ROOT = Path(__file__).parents[2]
DISPATCHER = str(Path(sys.executable).with_name("dispatcher"))
_IS_COLD = os.environ.get("TEST_COLD_STARTS") == "1"
_WORDS = inspect.signature(subprocess.Popen._execute_child)  # type: ignore[attr-defined]  # private
_UNUSUAL = ("executable", "preexec_fn", "pass_fds", "shell", "gid", "gids", "uid")


class WarmPopen(subprocess.Popen[AnyStr]):
    """A `Popen` whose process is forked, if it is one of ours, and started as usual otherwise.

    The three methods are those by which `Popen` starts a process and learns of its end.
    """

    _end: int | None = None

    def _execute_child(self, *words: Any) -> None:  # noqa: ANN401 - whatever the base is given
        given = _WORDS.bind(self, *words).arguments
        order = _order(given)
        if order is None:
            super()._execute_child(*words)  # type: ignore[misc]  # private
            return
        self._end, end = os.pipe()
        pipes = ("p2cread", "c2pwrite", "errwrite")
        streams: list[int] = [
            number if given[name] == -1 else given[name] for number, name in enumerate(pipes)
        ]
        try:
            self.pid = _server().start(order, [*streams, end])
        finally:
            os.close(end)
        self._child_created = True
        self._close_pipe_fds(  # type: ignore[attr-defined]  # private
            *(given[name] for name in ("p2cread", "p2cwrite", "c2pread", "c2pwrite")),
            *(given[name] for name in ("errread", "errwrite")),
        )

    def _internal_poll(self, _deadstate: int | None = None) -> int | None:
        return super()._internal_poll(_deadstate, lambda _, flags: self._try_wait(flags))  # type: ignore[misc, no-any-return]  # private

    def _try_wait(self, flags: int) -> tuple[int, int]:
        if self._end is None:
            return super()._try_wait(flags)  # type: ignore[misc, no-any-return]  # private
        if flags & os.WNOHANG and not select([self._end], [], [], 0)[0]:
            return 0, 0
        status = os.read(self._end, 4)
        os.close(self._end)
        return self.pid, int.from_bytes(status, "little")


class _Server:
    """The process that forks, and the way to ask it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.warm_server", str(theirs.fileno())],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        atexit.register(self._close)

    def start(self, order: Order, descriptors: Sequence[int]) -> int:
        """Give the id of the new process."""
        with self._lock:
            socket.send_fds(self._connection, [msgspec.json.encode(order)], descriptors)
            return int(self._connection.recv(LONGEST_ORDER))

    def _close(self) -> None:
        self._connection.close()
        self._process.wait()


@cache
def _server() -> _Server:
    return _Server()


def run(
    command: Sequence[str], environment: Mapping[str, str], given: bytes = b""
) -> "subprocess.CompletedProcess[bytes]":
    """Run a command to its end, with this on its standard input."""
    with WarmPopen[bytes](
        command, env=environment, stdin=PIPE, stdout=PIPE, stderr=PIPE
    ) as process:
        try:
            output, errors = process.communicate(given, timeout=120)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def _order(given: Mapping[str, Any]) -> Order | None:
    """Write the order for a process; None for one that is not ours, or an unusual one."""
    command = [os.fspath(word) for word in given["args"]]
    is_module = command[:2] == [sys.executable, "-m"]
    if _IS_COLD or not (is_module or command[0] == DISPATCHER) or any(map(given.get, _UNUSUAL)):
        return None
    environment = dict(os.environ if given["env"] is None else given["env"])
    if any(os.environ.get(name) != value for name, value in _of_python(environment)):
        return None
    return Order(
        module=command[2] if is_module else "",
        arguments=command[3:] if is_module else command,
        environment=environment,
        folder=os.fspath(given["cwd"] or Path.cwd()),
        group=None if given["process_group"] == -1 else given["process_group"],
        has_own_session=given["start_new_session"],
    )


def _of_python(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """List the variables that a process can heed only as it starts."""
    return [
        (name, value)
        for name, value in environment.items()
        if name.startswith("PYTHON") and name != "PYTHONUNBUFFERED"
    ]
