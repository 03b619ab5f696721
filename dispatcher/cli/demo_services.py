"""Everything the demo starts on this machine, and stops again whatever happens."""

import os
import secrets
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from tempfile import mkdtemp
from typing import Self
from urllib.parse import urlsplit

import msgspec

from dispatcher.cli.children import Child, ChildError, Children
from dispatcher.embedded import EmbeddedRedis, find_server

SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
_OURS = "DISPATCHER_"
_CONTROL_TIMEOUT = 30
_CELERY = ("-m", "celery", "-A", "workers.celery")


class LedgerMessage(msgspec.Struct, frozen=True):
    """One message the sandbox accepted."""

    destination: str


class LedgerEntry(msgspec.Struct, frozen=True):
    """One POST the sandbox accepted."""

    cost: int
    messages: list[LedgerMessage]


class Signals:
    """Turns SIGINT, SIGTERM and SIGHUP into exits, so that contexts are left in good order."""

    def __init__(self) -> None:
        self._received: int | None = None

    def catch(self) -> None:
        """From now on, leave when one comes."""
        for number in SIGNALS:
            signal.signal(number, self._leave)

    def ignore(self) -> None:
        """From now on, do nothing when one comes."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def check(self) -> None:
        """Leave now, if Python lost the exit: it drops exceptions in callbacks of its own."""
        if self._received is not None:
            raise SystemExit(128 + self._received)

    def _leave(self, number: int, _: object) -> None:
        self._received = number
        self.check()


class DemoServices:
    """Valkey, sandbox, receiver, worker and beat, in a directory of their own.

    Attributes:
        directory: holds data and logs.
        env: the settings all of them share; no other `DISPATCHER_*` variable reaches them.
    """

    directory: Path
    env: dict[str, str]

    def __init__(self, *, credits_at_start: int, keep: bool, is_fast: bool) -> None:
        self._credits = credits_at_start
        self._keep = keep
        self._is_fast = is_fast
        self._stack = ExitStack()
        self._signals = Signals()

    def __enter__(self) -> Self:
        self._signals.catch()
        # A signal between making the directory and having it guarded would leave it behind.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            self.directory = Path(mkdtemp(prefix="dispatcher-demo-"))
            self._children = Children(self.directory, remove=not self._keep)
            self._stack.enter_context(self._children)
            if not self._keep:
                self._stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        return self

    def __exit__(self, *_: object) -> None:
        self._signals.ignore()
        self._stack.close()

    def start(self) -> Iterator[str]:
        """Start one after the other; tell what stands, once it does.

        Raises:
            ChildError: one did not come up.
            SettingsError: there is no Valkey or Redis to run.
        """
        redis = self._stack.enter_context(EmbeddedRedis(self.directory / "redis"))
        self._stack.callback(self._children.stop)
        yield f"{find_server().name:<22} {redis.url}"
        self.env = _settings(redis.url, self.directory, is_fast=self._is_fast)
        sandbox = self._start("sandbox", "-m", "dispatcher.sandbox", *self._sandbox_options())
        self._sandbox = sandbox.announcement(r"sandbox listening on (\S+)")
        self.env["DISPATCHER_API_URL"] = self._sandbox
        yield f"sandbox of the API     {self._sandbox}"
        yield from self._start_ours()

    def check(self) -> None:
        """Make sure that all of them still run, and that nobody wants us to end.

        Raises:
            ChildError: one ended, with its last words.
        """
        self._signals.check()
        self._children.check()

    def ledger(self) -> list[LedgerEntry]:
        """Read what the sandbox accepted."""
        lines = self._control("GET", "/_sandbox/ledger").splitlines()
        return [msgspec.json.decode(line, type=LedgerEntry) for line in lines]

    def last_words(self) -> str:
        """Give the end of every log, for people who look for a cause."""
        return "\n".join(f"{path.name}:\n{_tail(path)}" for path in self.directory.glob("*.log"))

    def _start_ours(self) -> Iterator[str]:
        address = ("--host", "127.0.0.1", "--port", "0")
        receiver = self._start("receiver", "-m", "dispatcher.web", *address)
        quick = ("--without-gossip", "--without-mingle")
        worker = self._start("worker", *_CELERY, "worker", *quick)
        self._start("beat", *_CELERY, "beat")
        url = receiver.announcement(r"receiver listening on (\S+)")
        secret = self.env["DISPATCHER_ACCOUNTS__DEFAULT__WEBHOOK_SECRET"]
        hooks = f"{url}/webhooks/{secret}"
        order = {"urls": [f"{hooks}/dlr"], "reply_urls": [f"{hooks}/mo"]}
        self._control("POST", "/_sandbox/webhooks", msgspec.json.encode(order))
        yield f"webhook receiver       {url}"
        worker.announcement(r"\S+@\S+ ready")
        yield f"Celery worker and beat process {worker.process.pid}"

    def _sandbox_options(self) -> tuple[str, ...]:
        # Slow enough for eyes: the real API takes about as long.
        pace = ("0.2", "0") if self._is_fast else ("1.5", "0.15")
        delay, latency = ("--receipt-delay", pace[0]), ("--latency", pace[1])
        return ("--credits", str(self._credits), "--undelivered-rate", "0.03", *delay, *latency)

    def _start(self, name: str, *arguments: str) -> Child:
        return self._children.start(name, [sys.executable, *arguments], env=self.env)

    def _control(self, method: str, path: str, body: bytes | None = None) -> bytes:
        address = urlsplit(self._sandbox).netloc
        connection = HTTPConnection(address, timeout=_CONTROL_TIMEOUT)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status != 200:  # noqa: PLR2004 - HTTP's own
            raise ChildError(f"the sandbox answered {response.status} to {method} {path}")
        return answer


def use_only(env: dict[str, str]) -> None:
    """Make these the only settings of this process: those of the caller are for the real thing."""
    for name in [name for name in os.environ if name.startswith(_OURS)]:
        del os.environ[name]
    os.environ.update(env)


def _settings(redis_url: str, directory: Path, *, is_fast: bool) -> dict[str, str]:
    account = "DISPATCHER_ACCOUNTS__DEFAULT__"
    return {
        "DISPATCHER_REDIS_URL": redis_url,
        "DISPATCHER_BROKER_URL": redis_url.removesuffix("0") + "1",
        "DISPATCHER_BATCH_SIZE": "50",
        # Whom the API leaves out is part of what it shows.
        "DISPATCHER_BLACKLIST_SYNC_EVERY": "PT0S",
        "DISPATCHER_CONCURRENCY": "16" if is_fast else "4",
        "DISPATCHER_NUDGE_AFTER": "2",
        "DISPATCHER_JOURNAL_DIR": str(directory / "journal"),
        account + "USERNAME": "sandbox@example.com",
        account + "PASSWORD": "sandbox",
        account + "WEBHOOK_SECRET": secrets.token_urlsafe(24),
    }


def _tail(path: Path, lines: int = 12) -> str:
    return "\n".join(f"  {line}" for line in path.read_text(errors="replace").splitlines()[-lines:])
