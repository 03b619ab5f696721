"""Forks real Celery workers from a process that has everything loaded.

One that is killed is replaced at once, so that workers killed every second still get to work.
Each line read starts a worker, and its process id is the answer. Milestones go to a file that
outlives the workers: `pid milestone campaign batch` a line.
"""

import importlib
import os
import signal
import socket
import sys
from pathlib import Path

from dispatcher.settings import Settings
from workers.app import create_app
from workers.milestones import Milestone, Trace

# Loaded before the first fork, and otherwise only as a worker starts.
_LATE_IMPORTS = (
    "celery.bin.worker",
    "celery.concurrency.thread",
    "celery.worker.worker",
    "kombu.transport.redis",
)


def main(directory: Path) -> None:
    """Start a worker for each line; end them all when there are no more lines."""
    for name in _LATE_IMPORTS:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    pids = []
    for _ in sys.stdin:
        pids.append(_fork(directory))
        print(pids[-1], flush=True)
    for pid in pids:
        if _is_ours(pid):
            os.kill(pid, signal.SIGKILL)


def _fork(directory: Path) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        _work(directory)
    finally:
        os._exit(1)


def _work(directory: Path) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(directory / "workers.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    silence = os.open(os.devnull, os.O_RDONLY)
    for stream, replacement in ((0, silence), (1, log), (2, log)):
        os.dup2(replacement, stream)
    app = create_app(Settings.from_env(), trace=_trace_to(directory / "milestones"))
    name = f"{os.getpid()}@{socket.gethostname()}"
    app.worker_main(["worker", "-n", name, "--without-gossip", "--without-mingle"])


def _trace_to(path: Path) -> Trace:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def trace(milestone: Milestone, campaign: str, n: int) -> None:
        os.write(file, f"{os.getpid()} {milestone.name} {campaign} {n}\n".encode())

    return trace


def _is_ours(pid: int) -> bool:
    try:
        return (
            int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) == os.getpid()
        )
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    main(Path(sys.argv[1]))
