"""A worker, its store and a real sandbox whose clocks jump together."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from dispatcher.domain.campaign import Campaign, CampaignStatus, Cancellation
from dispatcher.domain.lifecycle import CampaignState
from tests.faults.rig import Interruptions
from tests.support.timed import check_books
from tests.support.works import FOUR, Works
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.send import send_next
from workers.steps.tick import tick
from workers.steps.withdraw import withdraw_next

IN_TWO_HOURS = timedelta(hours=2)


@dataclass
class Journey:
    """Brings campaigns for later through their time."""

    works: Works
    interrupt: Interruptions = field(default_factory=Interruptions)

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.works.bench.now_ms / 1000, UTC)

    def submit(self, send_at: datetime | None = None, **more: Any) -> str:  # noqa: ANN401 - any field of a campaign
        due = send_at or self.now + IN_TWO_HOURS
        campaign = Campaign(**{"recipients": FOUR, "text": "Bonjour", "send_at": due, **more})
        return self.works.resources.dispatcher.submit(campaign)

    def scheduled(self, **more: Any) -> str:  # noqa: ANN401 - as above
        """Submit a campaign and give it to the API."""
        campaign = self.submit(**more)
        assert self.work(campaign).state is CampaignState.SCHEDULED
        return campaign

    def work(self, campaign: str) -> CampaignStatus:
        """Quote, send and take back until nothing is due."""
        account = self.works.account
        while quote_next(account, campaign) is Progress.MADE:
            pass
        while send_next(account, campaign) is Progress.MADE:
            pass
        while withdraw_next(account) is Progress.MADE:
            pass
        return self.check(campaign)

    def check(self, campaign: str) -> CampaignStatus:
        bench = self.works.bench
        check_books(bench, *bench.account.campaigns.newest(100))
        return bench.status(campaign)

    def cancel(self, campaign: str) -> Cancellation:
        return self.works.resources.dispatcher.cancel(campaign)

    def cancellation(self, campaign: str) -> Cancellation:
        return self.works.resources.dispatcher.cancellation(campaign)

    def jump(self, by: timedelta, *, tick_after: bool = True) -> None:
        """Let time pass on both sides."""
        self.works.sandbox.control("POST", "clock", {"advance": by.total_seconds()})
        self.works.bench.advance(int(by / timedelta(milliseconds=1)))
        if tick_after:
            tick(self.works.account)

    def sent(self) -> list[str]:
        """Give everybody the API has sent to, in the order of tickets."""
        return [
            message["destination"]
            for entry in self.works.sandbox.ledger()
            if entry["state"] == "sent"
            for message in entry["messages"]
        ]

    def states(self) -> list[str]:
        """Give the API's states of everything it ever accepted."""
        return [entry["state"] for entry in self.works.sandbox.ledger()]
