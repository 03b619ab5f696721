"""One account, driven step by step without Celery, on a clock the test moves."""

import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from redis import Redis

from dispatcher import Campaign
from dispatcher.account_settings import AccountSettings
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.queueing import Hints, QueueName, Task, make_app
from dispatcher.settings import Settings
from dispatcher.store.account import Store
from dispatcher.store.connection import connect
from dispatcher.store.keys import Keys
from tests.support.invariants import World
from tests.support.people import generated
from tests.support.polling import eventually
from tests.support.sandbox import Receiver, Sandbox
from workers.milestones import Milestone
from workers.resources import Account, Resources
from workers.steps.credits import check_credits
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.receipts import merge_next
from workers.steps.schedules import run_next
from workers.steps.send import send_next
from workers.steps.tick import tick
from workers.steps.withdraw import withdraw_next

ACCOUNT = "default"
CREDITS = 100_000
TEXT = "Bonjour"

_NOW = "clock"
_CLOCK = f"return tonumber(redis.call('GET', '{_NOW}'))"
# Longer than every lease and pause of the settings below.
_A_WHILE = 120
_UNQUOTED = (CampaignState.QUEUED, CampaignState.QUOTING)

OpenStore = Callable[[Settings], Store]

_STEPS = {Task.QUOTE: quote_next, Task.SEND: send_next}
_ACCOUNT_STEPS = {Task.WITHDRAW: withdraw_next, Task.RUN_SCHEDULES: run_next}


Hint = tuple[Task, *tuple[str, ...]]


class WorkerDiedError(BaseException):
    """Ends a step where a kill would end its process; not even the step's own handlers see it."""


class Interruptions:
    """A trace that does something, once, as a milestone is passed."""

    def __init__(self) -> None:
        self._actions: dict[Milestone, Callable[[], object]] = {}

    def __call__(self, milestone: Milestone, _campaign: str, _n: int) -> None:
        self._actions.pop(milestone, lambda: None)()

    def at(self, milestone: Milestone, action: Callable[[], object]) -> None:
        """Let something happen when the milestone is passed next."""
        self._actions[milestone] = action

    def die_at(self, milestone: Milestone) -> None:
        """Let the worker die when the milestone is passed next."""
        self.at(milestone, _die)


class Inbox(Hints):
    """Keeps hints instead of publishing them."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(make_app(settings), fan_out=1)
        self._waiting: dict[Hint, None] = {}

    def nudge(self, task: Task, *ids: str, copies: int = 1, queue: QueueName | None = None) -> bool:
        del copies, queue
        self._waiting[task, *ids] = None
        return True

    def ask(self, task: str, queue: str, document: Mapping[str, str], *, lifetime: float) -> bool:
        del task, queue, document, lifetime
        return True

    def backlog(self) -> int:
        return len(self._waiting)

    def take(self) -> Iterator[Hint]:
        """Give hints, oldest first, until there are none."""
        while self._waiting:
            found = next(iter(self._waiting))
            del self._waiting[found]
            yield found


@dataclass(kw_only=True)
class Rig:
    """A worker's resources beside the sandbox they work with."""

    resources: Resources
    hints: Inbox
    interrupt: Interruptions
    client: Redis
    sandbox: Sandbox
    receiver: Receiver
    _lock: Lock = field(default_factory=Lock)
    _numbers: Iterator[str] = field(default_factory=lambda: generated(1_000_000))

    @property
    def account(self) -> Account:
        return self.resources.accounts[0]

    @property
    def keys(self) -> Keys:
        return Keys(self.resources.settings.namespace, ACCOUNT)

    def submit(self, recipients: int, *, text: str = TEXT) -> str:
        """Submit a campaign to people who are in no other."""
        with self._lock:
            people = list(itertools.islice(self._numbers, recipients))
        return self.resources.dispatcher.submit(Campaign(recipients=people, text=text))

    def submit_quoted(self, recipients: int) -> str:
        """Submit a campaign, let a worker quote it, and the server be approved for sending."""
        campaign = self.submit(recipients)
        while self.account.store.campaigns.status(campaign).state in _UNQUOTED:
            while quote_next(self.account, campaign) is Progress.MADE:
                pass
            self.advance(_A_WHILE)
        self.account.store.ledger.approve_server(quiet_ms=0)
        return campaign

    def plan(self, route: str, fault: str) -> None:
        """Let the next call of a route fail."""
        self.sandbox.control("POST", "faults", {"faults": {fault: 1}, "route": route, "count": 1})

    def advance(self, seconds: float) -> None:
        """Let time pass for every script."""
        self.client.incrby(_NOW, int(seconds * 1000))

    def settle(self, *, rounds: int = 4) -> None:
        """Let time pass and do what ticks and hints ask for, as a healthy worker would."""
        for _ in range(rounds):
            self.advance(_A_WHILE)
            tick(self.account)
            self.follow_hints()

    def follow_hints(self) -> None:
        """Do what hints ask for until there are none."""
        for task, *ids in self.hints.take():
            with suppress(WorkerDiedError):
                self._perform(task, *ids)

    def receive(self) -> None:
        """Merge every receipt of what the sandbox accepted."""
        eventually(self._is_all_posted)
        bodies = [json.dumps(event).encode() for event in self.receiver.events]
        self.account.store.receipts.append(bodies)
        while merge_next(self.account) is Progress.MADE:
            pass

    def world(self, *, credits_given: int = CREDITS) -> World:
        """Give both sides for the checkers."""
        return World(
            store=self.account.store,
            client=self.client,
            keys=self.keys,
            ledger=self.sandbox.ledger(),
            credits_given=credits_given,
            credits_left=self.sandbox.credits,
        )

    def _perform(self, task: Task, *ids: str) -> None:
        if task in _STEPS:
            while _STEPS[task](self.account, ids[1]) is Progress.MADE:
                pass
        elif task in _ACCOUNT_STEPS:
            while _ACCOUNT_STEPS[task](self.account) is Progress.MADE:
                pass
        elif task is Task.CHECK_CREDITS:
            check_credits(self.account)

    def _is_all_posted(self) -> bool:
        posting = self.sandbox.control("GET", "receipts")
        return not posting["waiting"] and not posting["planned"]


@contextmanager
def rigged(
    settings: Settings, sandbox: Sandbox, receiver: Receiver, open_store: OpenStore
) -> Iterator[Rig]:
    """Open a rig on an empty Redis and a sandbox put back to its first day."""
    receiver.events.clear()
    sandbox.control("POST", "reset")
    client = connect(settings.store_address)
    client.set(_NOW, int(time.time() * 1000))
    hints, interrupt = Inbox(settings), Interruptions()
    resources = Resources(settings, hints, trace=interrupt, open_store=open_store)
    try:
        yield Rig(
            resources=resources,
            hints=hints,
            interrupt=interrupt,
            client=client,
            sandbox=sandbox,
            receiver=receiver,
        )
    finally:
        client.close()
        resources.close()


def store_on_test_clock(
    settings: Settings, *, client: Redis | None = None, sources: Mapping[str, str] | None = None
) -> Store:
    """Open a store whose scripts take the time from the rig, and perhaps are other ones."""
    return Store(
        client or connect(settings.store_address),
        namespace=settings.namespace,
        clock=_CLOCK,
        sources=sources,
    )


def make_settings(redis_url: str, api_url: str, folder: Path) -> Settings:
    """Give settings for small campaigns of several batches."""
    account = AccountSettings.model_validate(
        {"username": "sandbox@example.com", "password": "sandbox"}
    )
    return Settings.model_validate(
        {
            "redis_url": redis_url,
            "accounts": {ACCOUNT: account},
            "api_url": api_url,
            "journal_dir": folder / "journal",
            "batch_size": 3,
            "blacklist_sync_every": 0,
            "list_size": 4,
            "nudge_after": 1,
            # Faults are the rule here, so that they must not stop the account.
            "breaker_unknowns": 0,
        }
    )


def _die() -> None:
    raise WorkerDiedError
