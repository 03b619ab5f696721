"""A whole service under load, each process of which can be ended and started again."""

import contextlib
import itertools
import json
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from kombu.exceptions import OperationalError

from dispatcher import Campaign, Recipient
from dispatcher.cli.children import Child
from dispatcher.domain.campaign import Cancellation
from dispatcher.domain.routes import Render
from dispatcher.domain.timing import Handover
from dispatcher.embedded import free_port
from dispatcher.errors import StateError, StoreUnavailableError
from dispatcher.queueing import QueueName
from tests.faults.list_path import Mailing
from tests.faults.storm import let_time_pass
from tests.faults.time_storm import sent_at_its_time
from tests.support.foreign import ForeignProducer
from tests.support.people import generated
from tests.support.polling import eventually
from tests.support.stack import Stack
from workers.milestones import Milestone

SENDING_QUEUES = frozenset({"express", QueueName.DISPATCH.value})
"""What workers that send consume."""

LONGEST_END = 45.0
"""Seconds from SIGTERM to the end of a process; a container is given a minute."""

_PEOPLE = 1_000_000
_PUBLISH_AGAIN = 10.0
_OPENS = {Milestone.BEGUN.value, Milestone.WRITTEN.value}
_CLOSES = {Milestone.ANSWERED.value, Milestone.RECORDED.value}
_BROKER_TROUBLE = (OperationalError, OSError, redis.RedisError)


@dataclass
class Member:
    """One process of the fleet."""

    role: str
    start: Callable[[], Child]
    child: Child

    def posts_under_way(self) -> int:
        """Count the POSTs it has begun and no answer of which was read, by its own log."""
        found: set[tuple[str, int]] = set()
        for line in self.child.log.read_text().splitlines():
            if not line.startswith("{"):
                continue
            entry = json.loads(line)
            if entry.get("event") in _OPENS:
                found.add((entry["campaign"], entry["batch"]))
            elif entry.get("event") in _CLOSES:
                found.discard((entry["campaign"], entry["batch"]))
        return len(found)


class Fleet:
    """Workers of both roles, two beats and a receiver.

    Attributes:
        hit: POSTs under way in workers that were told to end.
        slowest: most seconds that processes of a role took to end.
        ended: how many were told to end, by role and exit code.
        badly: those of them that did not end in good order. One that is told again while Python is
            being torn down, with all its work done, dies of that: nobody handles signals then.
        exits: how many ended by themselves, as Celery does when it meets its broker's end at a bad
            moment; whoever runs it in earnest has it started again.
    """

    def __init__(self, stack: Stack) -> None:
        queues = {name.value for name in QueueName}
        port = free_port()
        ways: list[tuple[str, Callable[[], Child]]] = [
            ("sender", lambda: _worker(stack, queues & SENDING_QUEUES)),
            ("sender", lambda: _worker(stack, queues & SENDING_QUEUES)),
            ("control", lambda: _worker(stack, queues - SENDING_QUEUES)),
            ("control", lambda: _worker(stack, queues - SENDING_QUEUES)),
            ("beat", stack.start_beat),
            ("beat", stack.start_beat),
            ("web", lambda: _receiver(stack, port)),
        ]
        self.members = [Member(role, start, start()) for role, start in ways]
        self.hit: list[int] = []
        self.slowest: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.badly: list[str] = []
        self.exits = 0

    def restart(
        self, member: Member, *, signals: int = 1, meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        """End a process by SIGTERM, senders in the middle of a POST, and start it again.

        Args:
            member: which one.
            signals: how often it is told.
            meanwhile: what happens until it has ended.
        """
        if member.role == "sender":
            self.hit.append(eventually(lambda: self._posts_of(member), every=0.005))
        began, process = time.monotonic(), member.child.process
        process.send_signal(signal.SIGTERM)
        for _ in range(signals - 1):
            let_time_pass(0.05)
            process.send_signal(signal.SIGTERM)
        meanwhile()
        code = process.wait(LONGEST_END)
        name = f"{member.role} {code}"
        self.ended[name] += 1
        if code and not (signals > 1 and code == -signal.SIGTERM):
            self.badly.append(name)
        took = time.monotonic() - began
        self.slowest[member.role] = max(self.slowest[member.role], took)  # type: ignore[assignment]  # seconds
        member.child = member.start()
        self.replace_the_dead()

    def replace_the_dead(self) -> None:
        """Start a process for each that ended by itself."""
        for member in self.members:
            if member.child.process.poll() is not None:
                self.exits += 1
                member.child = member.start()

    def _posts_of(self, member: Member) -> int:
        self.replace_the_dead()
        return member.posts_under_way()


def _worker(stack: Stack, queues: set[str]) -> Child:
    return stack.start_worker(1, "-Q", ",".join(sorted(queues)))[0]


def _receiver(stack: Stack, port: int) -> Child:
    stack.start_web(port=port)
    assert stack.web is not None
    return stack.web


@dataclass(kw_only=True)
class Load:
    """Producers that go on whatever happens: they repeat what was not confirmed.

    Attributes:
        confirmed: how many people each campaign has.
        mailings: campaigns whose messages go by lists.
        answers: what each cancellation was told; None for `too late`.
        published: documents of which no result is known, with their message and its time.
    """

    stack: Stack
    foreign: ForeignProducer
    dice: random.Random
    pause: float
    confirmed: dict[str, int] = field(default_factory=dict)
    mailings: list[Mailing] = field(default_factory=list)
    answers: dict[str, Cancellation | None] = field(default_factory=dict)
    published: dict[str, tuple[dict[str, Any], str, float]] = field(default_factory=dict)
    _later: list[str] = field(default_factory=list)
    _people: Iterator[str] = field(default_factory=lambda: generated(_PEOPLE, seed=27))
    _over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Submit until told to end; then take back what is still for another day."""
        ways = (self._directly, self._by_lists, self._for_later, self._soon, self._publish)
        for place in itertools.count():
            if self._over.is_set():
                break
            ways[place % len(ways)](f"campaign {place}")
            self._listen()
            if len(self._later) > 2:
                self._cancel(self._later.pop(0))
            let_time_pass(self.pause)
        while self._later:
            self._cancel(self._later.pop())

    def end(self) -> None:
        """Submit no more."""
        self._over.set()

    def has_every_result(self) -> bool:
        """Tell whether everything published was confirmed; publish again what was not."""
        self._listen()
        return not self.published

    def _directly(self, key: str) -> None:
        people = self._some(self.dice.randint(1, 250))
        self._submit(Campaign(recipients=people, text="Bonjour"), key, len(people))

    def _by_lists(self, key: str) -> None:
        people = self._some(self.dice.randint(2, 60))
        named = [Recipient(number, fields={"nom": f"N{n}"}) for n, number in enumerate(people)]
        campaign = Campaign(recipients=named, text="Bonjour {nom}", render=Render.LISTS)
        name = self._submit(campaign, key, len(people))
        texts = {number: f"Bonjour N{n}" for n, number in enumerate(people)}
        self.mailings.append(Mailing(campaign=name, texts=texts))

    def _for_later(self, key: str) -> None:
        people = self._some(self.dice.randint(1, 120))
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        campaign = Campaign(recipients=people, text="Bonjour", send_at=tomorrow)
        self._later.append(self._submit(campaign, key, len(people)))

    def _soon(self, key: str) -> None:
        people = self._some(self.dice.randint(1, 120))
        soon = datetime.now(UTC) + timedelta(seconds=self.dice.uniform(1, 8))
        campaign = Campaign(
            recipients=people, text="Bonjour", send_at=soon, handover=Handover.LOCAL
        )
        sent_at_its_time(campaign, lambda timed: self._submit(timed, key, len(people)))

    def _publish(self, key: str) -> None:
        document = {
            "idempotency_key": key,
            "text": "Bonjour",
            "recipients": self._some(self.dice.randint(1, 60)),
        }
        self.published[key] = (document, "", -_PUBLISH_AGAIN)

    def _listen(self) -> None:
        """Look for results; publish what has none yet, and again what has had none for long."""
        for key in list(self.published):
            with contextlib.suppress(*_BROKER_TROUBLE):
                self._listen_for(key)

    def _listen_for(self, key: str) -> None:
        document, task, at = self.published[key]
        answer = self.foreign.result(task) if task and self.foreign.has_result(task) else None
        if answer and "id" in answer:
            self.confirmed[answer["id"]] = len(document["recipients"])
            del self.published[key]
        elif answer or time.monotonic() - at > _PUBLISH_AGAIN:
            assert not answer or answer["state"] == "unavailable", answer
            self.published[key] = (document, self.foreign.publish(document), time.monotonic())

    def _submit(self, campaign: Campaign, key: str, size: int) -> str:
        while True:
            with contextlib.suppress(StoreUnavailableError):
                name = self.stack.dispatcher.submit(campaign, idempotency_key=key)
                self.confirmed[name] = size
                return name

    def _cancel(self, campaign: str) -> None:
        while campaign not in self.answers:
            with contextlib.suppress(StoreUnavailableError):
                try:
                    self.answers[campaign] = self.stack.dispatcher.cancel(campaign)
                except StateError:
                    self.answers[campaign] = None

    def _some(self, count: int) -> list[str]:
        return list(itertools.islice(self._people, count))


@contextmanager
def under(load: Load) -> Iterator[None]:
    """Keep a load up; wait for its last confirmation at the end."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            load.run()
        except BaseException as error:  # noqa: BLE001 - raised below, where it is seen
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        load.end()
        thread.join()
        if failures:
            raise failures[0]
    eventually(load.has_every_result, within=60, every=0.2)
