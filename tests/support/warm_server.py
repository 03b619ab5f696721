"""Forks Python processes that have everything loaded, in milliseconds where a start takes a second.

    python -m tests.support.warm_server FD

FD is a socket of packets. Each order comes with four descriptors, those of the process' standard
streams and one to tell its end to; it is answered with the process id. Nothing is shared but
modules: each process has its own arguments, environment, folder, group and streams.
"""

import gc
import importlib
import io
import os
import runpy
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

LOADED = (
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.bin.beat",
    "celery.bin.celery",
    "celery.bin.worker",
    "celery.concurrency.thread",
    "celery.worker.worker",
    "dispatcher.cli.main",
    "dispatcher.sandbox.app",
    "dispatcher.sandbox.server",
    "dispatcher.web.server",
    "kombu.transport.redis",
    "workers.app",
)
"""What processes of ours load, except what looks at its environment while it is loaded."""

LONGEST_ORDER = 1 << 17
"""Bytes; a packet."""
_STREAMS = 3
_DESCRIPTORS = 1024


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A process to start: a module with arguments, or a script if the module is empty.

    Attributes:
        group: the process group to join, 0 for one of its own; None to stay.
    """

    module: str
    arguments: Sequence[str]
    environment: dict[str, str]
    folder: str
    group: int | None = None
    has_own_session: bool = False


class Server:
    """Forks for whoever holds the other end of a connection, until that is closed."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._ends: dict[int, int] = {}
        self._woken, wake = os.pipe2(os.O_NONBLOCK)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(wake)

    def serve(self) -> tuple[Order, Sequence[int]] | None:
        """Fork on every order; return in each child, with its order and standard streams."""
        asked = self._connection.fileno()
        while True:
            ready, _, _ = select.select([asked, self._woken], [], [])
            if self._woken in ready:
                os.read(self._woken, LONGEST_ORDER)
                self._tell_ends()
            if asked not in ready:
                continue
            packet, descriptors, _, _ = socket.recv_fds(
                self._connection, LONGEST_ORDER, _STREAMS + 1
            )
            if not packet:
                return None
            order = msgspec.json.decode(packet, type=Order)
            if not self._fork(order, descriptors):
                return order, descriptors[:_STREAMS]

    def _fork(self, order: Order, descriptors: Sequence[int]) -> bool:
        """Say whether this is still the server."""
        pid = os.fork()
        if not pid:
            return False
        # On either side of the fork, so that it is done before anybody knows the process.
        with suppress(ProcessLookupError, PermissionError):
            if order.group is not None and not order.has_own_session:
                os.setpgid(pid, order.group)
        *streams, self._ends[pid] = descriptors
        for descriptor in streams:
            os.close(descriptor)
        self._connection.send(str(pid).encode())
        return True

    def _tell_ends(self) -> None:
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                end = self._ends.pop(ended[0])
                with suppress(BrokenPipeError):
                    os.write(end, ended[1].to_bytes(4, "little"))
                os.close(end)


def become(order: Order, streams: Sequence[int]) -> None:
    """Make this process what a freshly started one would be, and run its module."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if order.has_own_session:
        os.setsid()
    elif order.group is not None:
        os.setpgid(0, order.group)
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    os.closerange(_STREAMS, _DESCRIPTORS)
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    time.tzset()
    _open_streams()
    if order.module:
        sys.argv = ["-m", *order.arguments]
        runpy.run_module(order.module, run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(order.arguments)
        runpy.run_path(order.arguments[0], run_name="__main__")


def _open_streams() -> None:
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        old = getattr(sys, name)
        is_direct = number > 0 and bool(os.environ.get("PYTHONUNBUFFERED"))
        file = open(number, "wb" if number else "rb", 0 if is_direct else -1, closefd=False)  # noqa: SIM115 - for the life of the process
        opened = io.TextIOWrapper(
            file,
            encoding=old.encoding,
            errors=old.errors,
            line_buffering=name == "stderr" or file.isatty(),
            write_through=is_direct,
        )
        setattr(sys, name, opened)
        setattr(sys, f"__{name}__", opened)


def main(connection: socket.socket) -> None:
    """Load everything once, then fork."""
    for name in LOADED:
        importlib.import_module(name)
    # What is never freed need not be copied by the collector's marks.
    gc.collect()
    gc.freeze()
    forked = Server(connection).serve()
    if forked is not None:
        connection.detach()  # closed below by its number, which another file may get then
        become(*forked)


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])
    main(socket.socket(fileno=int(sys.argv[1])))
