"""Advertising through the real sandbox, on one clock that tests move."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from dispatcher.domain.campaign import Campaign
from dispatcher.domain.lifecycle import CampaignState, HoldReason
from dispatcher.domain.message import PushType
from dispatcher.domain.windows import WindowPolicy
from tests.support.bench import Bench
from tests.support.books import check_counters, check_money, check_transitions
from tests.support.french_calendar import may_advertise
from tests.support.sandbox import Sandbox
from tests.support.works import Hints
from workers.resources import Account, Resources
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.send import send_next
from workers.steps.tick import tick
from workers.steps.withdraw import withdraw_next

C, H, P = CampaignState, HoldReason, WindowPolicy
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LEAD = timedelta(minutes=10)
# The sandbox's clock runs on by itself between two moves.
SLACK = timedelta(minutes=2)
# The zones of numbers by their first digits; of the last nobody knows any.
PLACES = {
    "336": ("Europe/Paris",),
    "262692": ("Indian/Reunion",),
    "590690": ("America/Guadeloupe",),
    "8816": (),
}
HEADS = {"336": "3363998", "262692": "262692", "590690": "590690", "8816": "88161234"}
_DIGITS_LEFT = {"336": 4, "262692": 6, "590690": 6, "8816": 4}


def utc(text: str) -> datetime:
    """Read "2031-01-13 07:00", in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _in_utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def people(*places: str) -> list[str]:
    """Make up a number for each place."""
    return [f"+{HEADS[place]}{n:0{_DIGITS_LEFT[place]}}" for n, place in enumerate(places)]


def place_of(number: str) -> str:
    return next(place for place in PLACES if number.startswith(place))


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A POST the sandbox accepted: when it is to arrive, and where."""

    campaign: str
    at: datetime
    posted_at: datetime
    pushtype: str
    places: tuple[str, ...]

    @property
    def is_allowed(self) -> bool:
        return all(PLACES[place] and may_advertise(PLACES[place], self.at) for place in self.places)


@dataclass
class World:
    """A worker, its store and the sandbox, all on one clock."""

    bench: Bench
    sandbox: Sandbox
    hints: Hints = field(default_factory=Hints)
    resources: Resources = field(init=False)
    campaigns: list[str] = field(default_factory=list)

    @property
    def account(self) -> Account:
        account = self.resources.account("default")
        assert account is not None
        return account

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.bench.now_ms / 1000, UTC)

    def begin(self, moment: datetime) -> None:
        """Forget everything, and set all clocks."""
        self.sandbox.control("POST", "reset")
        self.bench.reset()
        self.campaigns.clear()
        self.bench.now_ms = 0
        self.bench.advance(round(moment.timestamp() * 1000))
        self.sandbox.control("POST", "clock", {"advance": moment.timestamp() - time.time()})

    def move(self, span: timedelta) -> None:
        """Let time pass, and the worker do what is due then."""
        self.bench.advance(round(span / timedelta(milliseconds=1)))
        self.sandbox.control("POST", "clock", {"advance": span.total_seconds()})
        self.work()

    def move_to(self, moment: datetime) -> None:
        self.move(moment - self.now())

    def submit(self, *recipients: str, **more: object) -> str:
        """Submit a campaign; its text is its id, so that the sandbox shows whose a POST is."""
        identity = f"c{len(self.campaigns)}"
        arguments = {"recipients": recipients, "pushtype": PushType.ADVERTISING, **more}
        self.resources.dispatcher.submit(Campaign(text=identity, id=identity, **arguments))  # type: ignore[arg-type]  # any of its arguments
        self.campaigns.append(identity)
        return identity

    def work(self) -> None:
        """Do all that is due now, as a tick and its nudges would."""
        tick(self.account)
        for campaign in self.campaigns:
            while quote_next(self.account, campaign) is Progress.MADE:
                pass
            while send_next(self.account, campaign) is Progress.MADE:
                pass
        while withdraw_next(self.account) is Progress.MADE:
            pass

    def sent(self) -> list[Sent]:
        return [
            Sent(
                campaign=str(entry["text"]),
                at=_in_utc(entry["delay"] or entry["accepted_at"]),
                posted_at=_in_utc(entry["accepted_at"]),
                pushtype=str(entry["pushtype"]),
                places=tuple(place_of(message["destination"]) for message in entry["messages"]),
            )
            for entry in self.sandbox.ledger()
        ]

    def stands(self, campaign: str) -> tuple[CampaignState, HoldReason | None]:
        """Check a campaign's books, and tell where it stands."""
        check_counters(self.bench, campaign)
        check_transitions(self.bench, campaign)
        check_money(self.bench, self.campaigns)
        status = self.bench.status(campaign)
        assert status.alarms == 0
        return status.state, status.hold
