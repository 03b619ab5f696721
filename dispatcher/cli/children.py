"""Processes that end with the one that started them, whatever ends that."""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from dispatcher.errors import DispatcherError

SHELL = "/bin/sh"
# Both wait for the end of their input, which comes when we die, whatever we died of.
LEADER = "read -r line"
GUARD = (
    'read -r line; kill -s KILL -- "-$1"; [ -z "$2" ] || '
    'rm -rf -- "$2" 2>/dev/null || { sleep 1; rm -rf -- "$2"; }'
)
STOP_SECONDS = 6.0
POLL_SECONDS = 0.02
LAST_LINES = 15

# What a Python process needs of its caller; settings of ours are never handed on.
INHERITED = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TMPDIR", "TZ")


class ChildError(DispatcherError):
    """A process we started ended, or was not ready in time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Child:
    """A process we started, and the file all its output goes to."""

    name: str
    log: Path
    process: "subprocess.Popen[str]" = field(repr=False)

    def announcement(self, pattern: str, *, within: float = 30.0) -> str:
        """Wait until its log has what matches `pattern`; give the match's first group.

        Raises:
            ChildError: it ended, or did not say so in time; with its last lines.
        """
        deadline = time.monotonic() + within
        while True:
            has_ended = self.process.poll() is not None
            if found := re.search(pattern, self.log.read_text(errors="replace")):
                return found[1] if found.re.groups else found[0]
            if has_ended:
                code = self.process.returncode
                raise ChildError(f"{self.name} ended with {code}:\n{self.last_lines()}")
            if time.monotonic() > deadline:
                raise ChildError(f"{self.name} not ready in {within:g} s:\n{self.last_lines()}")
            time.sleep(POLL_SECONDS)

    def last_lines(self) -> str:
        """Give the end of its log, for people."""
        lines = self.log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        return "\n".join(f"  {line}" for line in lines) or "  (it said nothing)"


class Children:
    """A group of processes that none of them leaves alive.

    They get SIGTERM, then SIGKILL, at the end of the context; and SIGKILL from a guard when
    this process dies without getting there. A terminal's Ctrl-C does not reach them.
    """

    def __init__(
        self,
        directory: Path,
        *,
        remove: bool = False,
        popen: "type[subprocess.Popen[str]]" = subprocess.Popen,
    ) -> None:
        """Choose where logs go; nothing runs yet.

        Args:
            directory: also the working directory of every process.
            remove: have the guard remove the directory if we cannot.
            popen: starts them.
        """
        self._directory = directory
        self._doomed = str(directory) if remove else ""
        self._popen = popen
        self._children: list[Child] = []
        self._leader: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._leader = _watch([LEADER], process_group=0)
        self._guard = _watch([GUARD, "guard", str(self._leader.pid), self._doomed])
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None

    def start(self, name: str, command: Sequence[str], *, env: Mapping[str, str]) -> Child:
        """Start a process with these variables and those of `INHERITED` only."""
        if self._leader is None:
            raise ChildError(f"{name} cannot be started outside of the context")
        path = self._directory / f"{name}.log"
        with path.open("ab") as log:
            # Until it has joined the group it holds a copy of the guard's pipe, and so cannot
            # be overlooked if we die just now.
            process = self._popen(
                command,
                cwd=self._directory,
                env={**_inherited(), **env, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
                process_group=self._leader.pid,
            )
        child = Child(name=name, log=path, process=process)
        self._children.append(child)
        return child

    def check(self) -> None:
        """Make sure that all are alive.

        Raises:
            ChildError: one has ended; with its last lines.
        """
        for child in self._children:
            if (code := child.process.poll()) is not None:
                raise ChildError(f"{child.name} ended with {code}:\n{child.last_lines()}")

    def stop(self, *, grace: float = STOP_SECONDS) -> None:
        """End all of them, in good order if they manage that within `grace` seconds."""
        if self._leader is None:
            return
        for child in self._children:
            child.process.terminate()
        deadline = time.monotonic() + grace
        for child in self._children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline - time.monotonic()))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._leader.pid, signal.SIGKILL)
        for child in self._children:
            child.process.wait()
        self._children.clear()
        self._leader.communicate()
        self._leader = None


def _watch(script: Sequence[str], *, process_group: int | None = None) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 - our own script
        [SHELL, "-c", *script],
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=process_group is None,
        process_group=process_group,
    )


def _inherited() -> dict[str, str]:
    return {name: os.environ[name] for name in INHERITED if name in os.environ}
