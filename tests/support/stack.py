"""The whole service in real processes of one test: Redis, sandbox, workers, beat, receiver."""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self
from unittest.mock import patch

from redis import Redis, RedisError

from dispatcher import Dispatcher, Settings
from dispatcher.cli.children import Child, Children
from dispatcher.embedded import HOST, EmbeddedRedis
from tests.support.access import as_user, denials, server_with_users
from tests.support.sandbox import Sandbox
from tests.support.warm import WarmPopen

WEBHOOK_SECRET = "a-webhook-secret-of-tests"
SANDBOX_READY = r"sandbox listening on (\S+)"
WORKER_READY = r"\S+@\S+ ready"
BEAT_READY = r"maxinterval"
RECEIVER_READY = r"receiver listening on ([^\s\"]+)"
WORKER_FLAGS = ("--without-gossip", "--without-mingle")
# Who signs in to the store and to the broker, of deploy/users.acl.
_USUAL = ("dispatcher", "broker")
_PRODUCER = ("dispatcher", "publisher")
_RECEIVER = ("receiver", "publisher")


class Stack:
    """Starts Redis and the sandbox at once, and the rest when asked; stops everything.

        with Stack(tmp_path, credits=5000) as stack:
            stack.start_worker(2)
            stack.start_beat()
            campaign = stack.dispatcher.submit(...)

    Attributes:
        redis: db 0 is the store, db 1 the broker.
        web: the receiver that was started last.
        env: the `DISPATCHER_*` variables that every process gets; add to it before starting one.
    """

    def __init__(
        self,
        directory: Path,
        *,
        credits: int = 100_000,  # noqa: A002 - the word of the glossary
        sandbox_options: tuple[str, ...] = (),
        env: Mapping[str, str] | None = None,
        redis: EmbeddedRedis | None = None,
        address: Callable[[str, int], str] | None = None,
    ) -> None:
        """Choose what `start` will run.

        Args:
            directory: where all of it keeps its files.
            credits: what the account has.
            sandbox_options: further ones of the sandbox's command line.
            env: variables of every process.
            redis: the server, prepared, instead of a usual one.
            address: where a user finds one of its logical databases, unless it is a usual one.
        """
        self.directory = directory
        self.redis = redis or server_with_users(directory / "redis")
        self._address = address or self._plain
        self.children = Children(directory, popen=WarmPopen)
        self.env: dict[str, str] = dict(env or {})
        self.web: Child | None = None
        self._sandbox_options = ("--credits", str(credits), *sandbox_options)
        self._started = ExitStack()
        self._sandbox: Sandbox | None = None
        self._dispatcher: Dispatcher | None = None
        self._names: dict[str, int] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._check_access()
        finally:
            self.stop()

    def start(self) -> None:
        """Start Redis and the sandbox."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with ExitStack() as started:
            started.enter_context(self.redis)
            started.enter_context(self.children)
            self.env = {**self._addresses(self.start_sandbox()), **self.env}
            self._started = started.pop_all()

    def stop(self) -> None:
        """End everything."""
        if self._dispatcher is not None:
            self._dispatcher.close()
            self._dispatcher = None
        self._started.close()

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox, to plan faults and read its ledger."""
        assert self._sandbox is not None, "start the stack first"
        return self._sandbox

    @property
    def sandbox_url(self) -> str:
        return self.sandbox.url

    def broker_url(self, user: str) -> str:
        """Give the address of the broker for one of its users."""
        return self._sign_in("dispatcher", user)["DISPATCHER_BROKER_URL"]

    @property
    def settings(self) -> Settings:
        """What every process of the stack has for settings."""
        return settings_of(self.env)

    @property
    def dispatcher(self) -> Dispatcher:
        """A dispatcher of this process, on the stack's Redis."""
        if self._dispatcher is None:
            variables = {**self.env, **self._instead(*_PRODUCER)}
            self._dispatcher = Dispatcher.from_settings(settings_of(variables))
        return self._dispatcher

    def start_sandbox(self) -> str:
        """Start a sandbox; give its address."""
        child = self._start("sandbox", "-m", "dispatcher.sandbox", *self._sandbox_options)
        url = child.announcement(SANDBOX_READY)
        self._sandbox = Sandbox(url=url, process=child.process)
        return url

    def start_worker(self, count: int = 1, *options: str) -> list[Child]:
        """Start workers and wait until they are ready; kill one by `child.process.kill()`."""
        workers = [
            self._start_celery("worker", "-n", f"{self._next('node')}@%h", *WORKER_FLAGS, *options)
            for _ in range(count)
        ]
        for worker in workers:
            worker.announcement(WORKER_READY)
        return workers

    def start_beat(self) -> Child:
        beat = self._start_celery("beat")
        beat.announcement(BEAT_READY)
        return beat

    def start_web(self, *, port: int = 0) -> str:
        """Start the webhook receiver, have the sandbox post to it; give its address."""
        options = ("--host", "127.0.0.1", "--port", str(port))
        receiver = self._instead(*_RECEIVER)
        self.web = self._start("web", "-m", "dispatcher.web", *options, **receiver)
        url = self.web.announcement(RECEIVER_READY)
        hooks = f"{url}/webhooks/{WEBHOOK_SECRET}"
        order = {"urls": [f"{hooks}/dlr"], "reply_urls": [f"{hooks}/mo"]}
        self.sandbox.control("POST", "webhooks", order)
        return url

    def logs(self) -> str:
        """Give everything that was logged so far, Redis' own words included."""
        files = sorted(self.directory.rglob("*.log"))
        return "\n".join(path.read_text(errors="replace") for path in files)

    def _start_celery(self, command: str, *options: str) -> Child:
        return self._start(command, "-m", "celery", "-A", "workers.celery", command, *options)

    def _start(self, name: str, *arguments: str, **env: str) -> Child:
        place = self._next(name)
        return self.children.start(
            f"{name}{place or ''}", [sys.executable, *arguments], env={**self.env, **env}
        )

    def _next(self, name: str) -> int:
        self._names[name] = self._names.get(name, -1) + 1
        return self._names[name]

    def _check_access(self) -> None:
        """Make sure that nobody needed what deploy/users.acl does not grant."""
        with Redis(port=self.redis.port) as client, suppress(RedisError):
            refused = denials(client)
            assert not refused, refused

    def _sign_in(self, store: str, broker: str) -> dict[str, str]:
        return {
            "DISPATCHER_REDIS_URL": self._address(store, 0),
            "DISPATCHER_BROKER_URL": self._address(broker, 1),
        }

    def _instead(self, store: str, broker: str) -> dict[str, str]:
        """Sign in as others, where a test has not put another address."""
        usual = self._sign_in(*_USUAL)
        others = self._sign_in(store, broker).items()
        return {name: url for name, url in others if self.env[name] == usual[name]}

    def _plain(self, user: str, database: int) -> str:
        return as_user(f"redis://{HOST}:{self.redis.port}/{database}", user)

    def _addresses(self, sandbox: str) -> dict[str, str]:
        return {
            **self._sign_in(*_USUAL),
            "DISPATCHER_API_URL": sandbox,
            "DISPATCHER_ACCOUNTS__DEFAULT__USERNAME": "sandbox@example.com",
            "DISPATCHER_ACCOUNTS__DEFAULT__PASSWORD": "sandbox",
            "DISPATCHER_ACCOUNTS__DEFAULT__WEBHOOK_SECRET": WEBHOOK_SECRET,
            "DISPATCHER_CONCURRENCY": "4",
            "DISPATCHER_NUDGE_AFTER": "1",
            "DISPATCHER_BLACKLIST_SYNC_EVERY": "PT0S",
            "DISPATCHER_JOURNAL_DIR": str(self.directory / "journal"),
        }


def settings_of(variables: Mapping[str, str]) -> Settings:
    """Read settings from these variables alone."""
    with patch.dict(os.environ):
        for name in [name for name in os.environ if name.startswith("DISPATCHER_")]:
            del os.environ[name]
        os.environ.update(variables)
        return Settings.from_env()
