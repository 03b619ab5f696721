"""One worker without Celery or broker, beside a real store and a real sandbox."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dispatcher.domain.campaign import Campaign, CampaignStatus
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.queueing import Task
from dispatcher.settings import Settings
from tests.support.bench import Bench
from tests.support.books import check_counters, check_money, check_transitions
from tests.support.polling import eventually
from tests.support.sandbox import Receiver, Sandbox
from workers.resources import Account, Resources
from workers.steps.credits import check_credits
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.receipts import merge_next
from workers.steps.send import send_next

FOUR = [f"3363998000{n}" for n in range(4)]


@dataclass
class Hints:
    """Remembers what workers would have been asked to look at."""

    nudges: list[tuple[Task, tuple[str, ...]]] = field(default_factory=list)
    moves: list[tuple[str, CampaignState]] = field(default_factory=list)
    behind: int = 0

    def nudge(self, task: Task, *ids: str, copies: int = 1) -> bool:
        self.nudges += [(task, ids)] * copies
        return True

    def move_on(
        self,
        account: str,
        campaign: str,
        state: CampaignState,
        *,
        waiting: int,
        most: int | None = None,
    ) -> int:
        assert account == "default"
        assert waiting >= 0
        assert most is None or most > 0
        self.moves.append((campaign, state))
        return 1

    def backlog(self) -> int:
        return self.behind


@dataclass
class Works:
    """One worker without Celery, on a clock that tests move, beside a real sandbox."""

    bench: Bench
    sandbox: Sandbox
    receiver: Receiver
    resources: Resources
    hints: Hints

    @property
    def account(self) -> Account:
        account = self.resources.account("default")
        assert account is not None
        return account

    def submit(self, recipients: Sequence[str] = FOUR, text: str = "Bonjour") -> str:
        return self.resources.dispatcher.submit(
            Campaign(recipients=recipients, text=text), idempotency_key=f"{text} {recipients}"
        )

    def run(self, campaign: str) -> CampaignStatus:
        """Quote and send until nothing is due."""
        while quote_next(self.account, campaign) is Progress.MADE:
            pass
        while send_next(self.account, campaign) is Progress.MADE:
            pass
        return self.check(campaign)

    def check(self, campaign: str) -> CampaignStatus:
        check_counters(self.bench, campaign)
        check_money(self.bench, [campaign])
        check_transitions(self.bench, campaign)
        return self.bench.status(campaign)

    def check_credits(self) -> None:
        self.bench.advance(60_000)
        check_credits(self.account)

    def fail(self, route: str, fault: str, *, times: int = 1) -> None:
        """Have the API's next calls of a route go wrong."""
        order = {"faults": {fault: 1.0}, "route": route, "count": times}
        self.sandbox.control("POST", "faults", order)

    def receive(self, count: int) -> None:
        """Wait for receipts, and merge them."""
        eventually(lambda: len(self.receiver.events) >= count)
        self.account.store.receipts.append(
            [json.dumps(event).encode() for event in self.receiver.events]
        )
        assert merge_next(self.account) is Progress.MADE
        assert merge_next(self.account) is Progress.NONE

    def posts(self) -> int:
        return len(self.sandbox.ledger())


def settings_for(url: str, sandbox: Sandbox, folder: Path) -> Settings:
    return Settings.model_validate(
        {
            "redis_url": url,
            "api_url": sandbox.url,
            "accounts": {"default": {"username": "sandbox@example.com", "password": "sandbox"}},
            "batch_size": 2,
            "blacklist_sync_every": 0,
            "journal_dir": folder,
        }
    )
