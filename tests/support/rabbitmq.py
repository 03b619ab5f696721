"""A RabbitMQ of the tests' own: loopback only, no system service, nothing outside of a folder."""

import contextlib
import os
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import quote

from dispatcher.cli.children import Child, Children
from dispatcher.embedded import HOST, free_port
from tests.support.polling import eventually
from tests.support.programs import require

USER, PASSWORD = "dispatcher", "a:pass/word@of%tests"
# Erlang takes its time, most of all on two shared cores.
_START_SECONDS = 90.0
_SCRIPTS = "/usr/lib/rabbitmq/bin"


@dataclass
class RabbitMq:
    """One node; its data stay in `folder`, so it may be killed and started again.

    Attributes:
        url: with user and password, of the vhost `sms`.
    """

    folder: Path
    port: int = field(default_factory=free_port)
    _ports: dict[str, int] = field(
        default_factory=lambda: {"epmd": free_port(), "dist": free_port()}
    )
    _running: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _node: Child | None = None

    @property
    def url(self) -> str:
        return f"amqp://{USER}:{quote(PASSWORD, safe='')}@{HOST}:{self.port}/sms"

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        require("rabbitmq-server", package="rabbitmq-server")
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = {HOST}:{self.port}\n"
            f"default_user = {USER}\ndefault_pass = {PASSWORD}\ndefault_vhost = sms\n"
            "loopback_users = none\nvm_memory_high_watermark.absolute = 512MB\n"
            "disk_free_limit.absolute = 50MB\n"
        )
        (self.folder / "plugins").write_text("[].\n")
        children = self._running.enter_context(Children(self.folder))
        self._node = children.start("rabbitmq", [f"{_SCRIPTS}/rabbitmq-server"], env=self._env())
        eventually(self._answers, within=_START_SECONDS, every=0.2)

    def kill(self) -> None:
        """End it as a crash would."""
        assert self._node is not None
        self._node.process.kill()
        self._node.process.wait(30)
        self._running.close()
        eventually(self._mapper_is_gone, within=10)

    def _mapper_is_gone(self) -> bool:
        """End the node's port mapper, a daemon on a port of ours alone; tell whether it is gone."""
        port = self._ports["epmd"]
        command = ["epmd", "-port", str(port), "-kill"]
        subprocess.run(command, capture_output=True, check=False, timeout=30)
        with socket.socket() as probe:
            return probe.connect_ex((HOST, port)) != 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _answers(self) -> bool:
        assert self._node is not None
        assert self._node.process.poll() is None, self._node.last_lines()
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1) as probe:
            probe.sendall(b"AMQP\x00\x00\x09\x01")
            return probe.recv(1) == b"\x01"
        return False

    def _env(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder),
            "PATH": f"{os.environ['PATH']}:{_SCRIPTS}",
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(self._ports["epmd"]),
            # It may be ended while it still takes a killed node for a living one.
            "ERL_EPMD_RELAXED_COMMAND_CHECK": "1",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_DIST_PORT": str(self._ports["dist"]),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_NODENAME": f"tests{self.port}@localhost",
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
        }
