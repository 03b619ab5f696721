"""Our processes beside a sandbox, for benchmarks that look at when things happen."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from dispatcher import Dispatcher
from dispatcher.embedded import EmbeddedRedis
from dispatcher.settings import Settings
from tests.benchmarks.door import slow_door
from tests.benchmarks.oracle import Oracle
from tests.benchmarks.ours import commands_of, environment_of
from tests.benchmarks.processes import await_workers, running
from tests.benchmarks.workload import Workload

_CELERY = ("celery", "-A", "workers.celery")
_READY = "sandbox listening on "


@dataclass(frozen=True, kw_only=True, slots=True)
class Fleet:
    """What runs, and who is asked what it did."""

    dispatcher: Dispatcher
    oracle: Oracle
    server: EmbeddedRedis


@contextmanager
def fleet(
    folder: Path, *, workers: int, latency: float, budget: Mapping[str, str], connecting: float = 0
) -> Iterator[Fleet]:
    """Run a sandbox, a durable Redis, beat and so many workers, until the block ends.

    Args:
        folder: where they keep their files.
        workers: how many worker processes.
        latency: seconds each call of the API takes.
        budget: further settings, by their variables.
        connecting: seconds that a connection to the API takes at most; 0 for one without TLS.
    """
    with ExitStack() as stack:
        told = ("--port", "0", "--credits", "100000000", "--latency", str(latency))
        sandbox = stack.enter_context(running("dispatcher.sandbox", *told))
        line = sandbox.stdout.readline() if sandbox.stdout else ""
        if not line.startswith(_READY):
            sys.exit("the sandbox did not start")
        url = line.removeprefix(_READY).strip()
        server = stack.enter_context(EmbeddedRedis(folder / "redis"))
        environment = environment_of(url, server, folder, Workload(recipients=0)) | dict(budget)
        if connecting:
            door = slow_door(url, folder / "door", most=connecting)
            environment |= stack.enter_context(door)
        for words in commands_of(workers).values():
            stack.enter_context(running(*_CELERY, *words, environment=environment))
        await_workers(environment["DISPATCHER_BROKER_URL"], count=workers)
        os.environ.update(environment)
        dispatcher = Dispatcher.from_settings(Settings.from_env())
        stack.callback(dispatcher.close)
        yield Fleet(dispatcher=dispatcher, oracle=Oracle(url), server=server)
