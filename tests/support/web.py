"""A real webhook receiver process, and how tests post to it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.warm import WarmPopen

SECRET = "new-secret-of-tests"
OLD_SECRET = "old-secret-of-tests"


@dataclass(frozen=True, kw_only=True)
class WebReceiver:
    """A running receiver.

    Attributes:
        log: file with all it wrote to standard error.
    """

    url: str
    log: Path
    process: "subprocess.Popen[str]"

    def connect(self) -> HTTPConnection:
        return HTTPConnection(urlsplit(self.url).netloc, timeout=60)

    def call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Make one request; give the status and body of the answer."""
        connection = self.connect()
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def post(self, body: bytes, *, secret: str = SECRET, hook: str = "dlr") -> int:
        """Post a receipt, or to another hook; give the status of the answer."""
        return self.call("POST", f"/webhooks/{secret}/{hook}", body)[0]

    def logged(self) -> str:
        return self.log.read_text()

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait(60)

    def stop(self) -> int:
        """End it in good order; give its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextmanager
def running_web(redis_url: str, folder: Path, **settings: object) -> Iterator[WebReceiver]:
    """Run `python -m dispatcher.web` on a free port; its spool is `folder / "spool"`."""
    log = folder / "receiver.log"
    with log.open("a") as stderr:
        process = WarmPopen[str](
            [sys.executable, "-m", "dispatcher.web", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, **_environment(redis_url, folder, settings)},
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        prefix = "receiver listening on "
        assert line.startswith(prefix), log.read_text()
        yield WebReceiver(url=line.removeprefix(prefix).strip(), log=log, process=process)
    finally:
        process.kill()
        process.wait(60)
        process.stdout.close()


def _environment(redis_url: str, folder: Path, settings: Mapping[str, object]) -> dict[str, str]:
    ours = {
        "redis_url": redis_url,
        "broker_url": redis_url,
        "accounts__default__token": "sandbox-token",
        "accounts__default__webhook_secret": SECRET,
        "accounts__default__old_webhook_secret": OLD_SECRET,
        "spool_dir": folder / "spool",
        "log_level": "DEBUG",
        **settings,
    }
    return {f"DISPATCHER_{name.upper()}": str(value) for name, value in ours.items()}
