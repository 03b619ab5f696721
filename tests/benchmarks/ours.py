"""Our dispatch as it runs in production: workers, beat, and a Redis that syncs every write."""

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec
from redis import Redis

from dispatcher.embedded import HOST, EmbeddedRedis
from tests.benchmarks.processes import await_workers, peak_memory, processor_time, running
from tests.benchmarks.producer import Outcome
from tests.benchmarks.report import Usage
from tests.benchmarks.workload import HEADERS, Workload

_CELERY = ("celery", "-A", "workers.celery")


@dataclass(frozen=True, kw_only=True, slots=True)
class Dispatched:
    """What our dispatch of a workload took, and how it ended.

    Attributes:
        usages: what each process took for it, by its role.
        redis_bytes: by how much `used_memory` grew.
    """

    outcome: Outcome
    usages: Mapping[str, Usage]
    redis_bytes: int


def dispatch(
    url: str, workload: Workload, folder: Path, *, workers: int, sandbox: int
) -> Dispatched:
    """Dispatch one campaign; the clock runs from `submit` until every batch has its ticket.

    Args:
        url: where the sandbox is.
        workload: what to send.
        folder: where Redis keeps its files.
        workers: how many worker processes there are.
        sandbox: its process id.
    """
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedRedis(folder / "redis"))
        environment = environment_of(url, server, folder, workload)
        pids = {
            name: stack.enter_context(running(*_CELERY, *words, environment=environment)).pid
            for name, words in commands_of(workers).items()
        }
        pids |= {"Redis": server.pid, "sandbox": sandbox}
        numbers = folder / "numbers"
        with numbers.open("w") as file:
            file.writelines(f"{number}\n" for number in workload.numbers())
        await_workers(environment["DISPATCHER_BROKER_URL"], count=workers)
        memory_before = _used_memory(server)
        busy_before = {name: processor_time(pid) for name, pid in pids.items()}
        outcome = _submit(numbers, environment)
        usages = {
            name: Usage(peak=peak_memory(pid), processor=processor_time(pid) - busy_before[name])
            for name, pid in pids.items()
        }
        grown = _used_memory(server) - memory_before
    return Dispatched(
        outcome=outcome, usages={"producer": outcome.usage, **usages}, redis_bytes=grown
    )


def environment_of(
    url: str, server: EmbeddedRedis, folder: Path, workload: Workload
) -> dict[str, str]:
    """Give what our processes are told of each other."""
    return {
        "DISPATCHER_REDIS_URL": server.url,
        "DISPATCHER_BROKER_URL": f"redis://{HOST}:{server.port}/1",
        "DISPATCHER_ACCOUNTS__DEFAULT__USERNAME": HEADERS["sfusername"],
        "DISPATCHER_ACCOUNTS__DEFAULT__PASSWORD": HEADERS["sfpassword"],
        "DISPATCHER_API_URL": url,
        "DISPATCHER_BATCH_SIZE": str(workload.batch_size),
        "DISPATCHER_JOURNAL_DIR": str(folder / "journal"),
    }


def commands_of(workers: int) -> dict[str, tuple[str, ...]]:
    """Give what Celery is started with, by the role of each process."""
    names = ["worker", *(f"worker {place}" for place in range(2, workers + 1))]
    flags = ("-l", "warning", "--without-gossip", "--without-mingle")
    commands = {name: ("worker", *flags, "-n", f"{name.replace(' ', '')}@%h") for name in names}
    return commands | {"beat": ("beat", "-l", "warning")}


def _submit(numbers: Path, environment: Mapping[str, str]) -> Outcome:
    with running("tests.benchmarks.producer", str(numbers), environment=environment) as producer:
        printed, _ = producer.communicate()
    if producer.returncode:
        sys.exit("the producer failed")
    return msgspec.json.decode(printed, type=Outcome)


def _used_memory(server: EmbeddedRedis) -> int:
    with Redis.from_url(server.url) as client:
        return int(client.info("memory")["used_memory"])
