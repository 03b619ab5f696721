"""Posts receipts to the receiver and to what it is compared with, in turn."""

import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from redis import Redis

from dispatcher.embedded import HOST, EmbeddedRedis
from dispatcher.store.keys import Key
from tests.benchmarks.merging import bodies_of, sent_campaign
from tests.benchmarks.posting import Answered, Plan
from tests.benchmarks.processes import ROOT, processor_time, running
from tests.support.access import server_with_users
from tests.support.bench import Bench
from tests.support.polling import eventually

SECRET = "a-webhook-secret-of-benchmarks"
_RECIPIENTS = 5000
_MODES = ("always", "everysec")
_STREAM = b"benchmark"

NO_WORK = "the same server, no work"
NO_STORE = "the same receiver, no store"
RECEIVER = "receiver"
BARE = "bare XADD of each"


@dataclass(frozen=True, kw_only=True)
class Target:
    """Something that answers.

    Attributes:
        questions: what to ask it; see `Plan`.
        pids: the processes that work for an answer.
    """

    port: int
    questions: Sequence[bytes]
    good: bytes
    mark: bytes
    pids: Sequence[int]


@dataclass
class Rounds:
    """What a target did in every round; `processor` in seconds per answer, of all its processes."""

    answers: list[Answered] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return statistics.median(answered.per_second for answered in self.answers)

    @property
    def spread(self) -> tuple[float, float]:
        speeds = [answered.per_second for answered in self.answers]
        return min(speeds), max(speeds)

    @property
    def each(self) -> float:
        return statistics.median(self.processor)

    def delay(self, name: str) -> float:
        return statistics.median(float(getattr(answered, name)) for answered in self.answers)


class Arena:
    """Every target at once on this machine, and the client that asks them."""

    def __init__(self, stack: ExitStack, folder: Path, *, seconds: float, connections: int) -> None:
        self._seconds = seconds
        self._connections = connections
        self.servers = {mode: stack.enter_context(_redis(folder, mode)) for mode in _MODES}
        self.bench = Bench(self.servers["always"].url)
        stack.callback(self.bench.close)
        tickets = sent_campaign(self.bench, _RECIPIENTS)
        self._bodies = list(bodies_of(self.bench, _RECIPIENTS, tickets))
        self.receivers: dict[str, Target] = {}
        for name, words, server in _processes(self.servers):
            environment = environment_of(server or self.servers["always"], folder / name)
            process = stack.enter_context(running(*words, environment=environment))
            self.receivers[name] = self._receiver(process, server)
        self.bare = {f"{BARE}, {mode}": self._bare(server) for mode, server in self.servers.items()}

    def compare(
        self,
        targets: Mapping[str, Target],
        rounds: int,
        *,
        rates: Mapping[str, float] | None = None,
        keeps_alive: bool = True,
    ) -> dict[str, Rounds]:
        """Ask every target in turn, in short rounds, so that all see the same machine."""
        found = {name: Rounds() for name in targets}
        for _ in range(rounds):
            for name, target in targets.items():
                plan = self.plan(target, rate=(rates or {}).get(name, 0.0), keeps_alive=keeps_alive)
                busy = sum(map(processor_time, target.pids))
                answered = carried_out(plan)
                found[name].answers.append(answered)
                busy = sum(map(processor_time, target.pids)) - busy
                found[name].processor.append(busy / max(1, answered.count))
                self._clear()
        return found

    def keep_up(self, target: Target, rate: float) -> tuple[int, float]:
        """Post while a consumer merges; give the entries left at the end, and their seconds."""
        environment = environment_of(self.servers["always"], Path())
        with running("tests.faults.receipt_consumer", environment=environment):
            carried_out(self.plan(target, rate=rate))
            began, left = time.monotonic(), self.bench.account.receipts.waiting()
            eventually(lambda: not self.bench.account.receipts.waiting(), within=120)
            return left, time.monotonic() - began

    def plan(self, target: Target, *, rate: float = 0.0, keeps_alive: bool = True) -> Plan:
        """Say how a target is asked."""
        questions = target.questions
        if not keeps_alive:
            closing = b"\r\nConnection: close\r\n\r\n"
            questions = [question.replace(b"\r\n\r\n", closing, 1) for question in questions]
        return Plan(
            host=HOST,
            port=target.port,
            questions=questions,
            good=target.good,
            mark=target.mark,
            connections=self._connections,
            seconds=self._seconds,
            rate=rate,
            keeps_alive=keeps_alive,
        )

    def _receiver(self, process: "subprocess.Popen[str]", server: EmbeddedRedis | None) -> Target:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2])
        head = f"POST /webhooks/{SECRET}/dlr HTTP/1.1\r\nHost: {HOST}:{port}\r\n"
        head += "Content-Type: application/json\r\nContent-Length: "
        return Target(
            port=port,
            questions=[b"%b%d\r\n\r\n%b" % (head.encode(), len(b), b) for b in self._bodies],
            good=b"HTTP/1.1 200 ",
            mark=b"\r\n\r\n",
            pids=[process.pid] + ([server.pid] if server else []),
        )

    def _bare(self, server: EmbeddedRedis) -> Target:
        questions = [
            b"*5\r\n$4\r\nXADD\r\n$%d\r\n%b\r\n$1\r\n*\r\n$6\r\nbodies\r\n$%d\r\n%b\r\n"
            % (len(_STREAM), _STREAM, len(body), body)
            for body in self._bodies
        ]
        # An entry's id has one dash.
        return Target(
            port=server.port, questions=questions, good=b"$", mark=b"-", pids=[server.pid]
        )

    def _clear(self) -> None:
        for server in self.servers.values():
            with Redis.from_url(server.url) as client:
                client.delete(_STREAM, self.bench.keys.of(Key.RECEIPTS))


def carried_out(plan: Plan) -> Answered:
    """Have a plan worked off by a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.posting"],
        input=msgspec.msgpack.encode(plan),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        check=True,
    )
    return msgspec.json.decode(done.stdout, type=Answered)


def redis_benchmark(server: EmbeddedRedis) -> float | None:
    """Give the XADDs a second that Redis' own tool makes; None when it is not on PATH."""
    tool = shutil.which("redis-benchmark") or shutil.which("valkey-benchmark")
    if tool is None:
        return None
    words = ("-p", str(server.port), "-q", "-n", "50000", "-c", "50", "XADD", "benchmark", "*")
    done = subprocess.run(
        [tool, *words, "bodies", "x" * 150], capture_output=True, text=True, check=False
    )
    found = re.findall(r"([\d.]+) requests per second", done.stdout)
    return float(found[-1]) if found else None


def environment_of(server: EmbeddedRedis, folder: Path) -> dict[str, str]:
    """Give the settings of a process that works with a server."""
    return {
        "DISPATCHER_REDIS_URL": server.url,
        "DISPATCHER_BROKER_URL": server.url.removesuffix("0") + "1",
        "DISPATCHER_ACCOUNTS__DEFAULT__TOKEN": "sandbox-token",
        "DISPATCHER_ACCOUNTS__DEFAULT__WEBHOOK_SECRET": SECRET,
        "DISPATCHER_SPOOL_DIR": str(folder / "spool"),
        "DISPATCHER_JOURNAL_DIR": str(folder / "journal"),
    }


def _redis(folder: Path, mode: str) -> EmbeddedRedis:
    options = {"appendfsync": mode, "maxmemory": "4gb"}
    return server_with_users(folder / f"redis-{mode}", options=options)


def _processes(
    servers: Mapping[str, EmbeddedRedis],
) -> Iterator[tuple[str, tuple[str, ...], EmbeddedRedis | None]]:
    """Give the name of each receiver, how it is started, and the Redis that works for it."""
    bare = "tests.benchmarks.bare_receiver"
    yield NO_WORK, (bare, "nothing"), None
    yield NO_STORE, (bare, "unkept"), None
    for mode, server in servers.items():
        yield f"{RECEIVER}, {mode}", ("dispatcher.web", "--port", "0"), server
