"""One account with schedules, a worker without Celery, and a clock that tests move."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dispatcher.domain.campaign import Campaign
from dispatcher.domain.schedules import Schedule
from dispatcher.preparing import Preparation
from dispatcher.producer import Dispatcher
from dispatcher.scheduling import Schedules
from dispatcher.settings import Settings
from dispatcher.smsfactor.opening import open_client
from dispatcher.store.keys import Key
from tests.support.bench import _CLOCK_KEY, ACCOUNT, START_MS, Bench
from tests.support.works import Hints
from workers.journal import Journal
from workers.resources import Account
from workers.steps.progress import Progress
from workers.steps.schedules import run_next

PEOPLE = ("33639980001", "33639980002", "33639980003")
START = datetime.fromtimestamp(START_MS / 1000, UTC)


class JoinedBench(Bench):
    """A bench on a clock that another process may have set."""

    def advance(self, milliseconds: int) -> None:
        self.now_ms = int(self.client.get(_CLOCK_KEY) or START_MS) + milliseconds
        if milliseconds:
            self.client.set(_CLOCK_KEY, self.now_ms)


@dataclass
class AskingHints(Hints):
    """Remembers what producers would have been asked for, too."""

    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def ask(self, task: str, queue: str, document: Mapping[str, str], *, lifetime: float) -> bool:
        assert lifetime > 0
        self.asked.append((task, queue, dict(document)))
        return True


@dataclass
class Timetable:
    """Short ways to make schedules and let time pass."""

    bench: Bench
    settings: Settings
    account: Account
    hints: AskingHints
    dispatcher: Dispatcher

    @property
    def schedules(self) -> Schedules:
        return self.dispatcher.schedules

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.bench.now_ms / 1000, UTC)

    def go_to(self, moment: datetime) -> None:
        """Set the clock, and let nobody tick meanwhile."""
        self.bench.advance(int((moment - self.now) / timedelta(milliseconds=1)))

    def tick(self, account: Account | None = None) -> None:
        """Do all that is due."""
        while run_next(account or self.account) is Progress.MADE:
            pass

    def pass_time(self, until: datetime, *, every: timedelta) -> None:
        """Let time pass, and tick every so often."""
        while self.now < until:
            self.go_to(min(until, self.now + every))
            self.tick()

    def campaigns(self) -> list[str]:
        """Give every campaign there is, oldest first."""
        return self.account.store.campaigns.newest(100_000)[::-1]

    def finish(self, campaign: str) -> None:
        """Have a campaign be over, as far as the next occurrence cares."""
        self.bench.client.hset(self.bench.keys.of(Key.CAMPAIGN, campaign), "state", "sent")

    def history(self, schedule: str) -> list[tuple[str, int]]:
        """Give what became of occurrences, oldest first, with how many."""
        found = self.schedules.show(schedule).history[::-1]
        return [(each.outcome.value, each.count) for each in found]


@contextmanager
def opened_timetable(url: str, folder: Path, *, joins: bool = False) -> Iterator[Timetable]:
    """Open one on an empty database, or where another process has brought it."""
    settings = Settings.model_validate(
        {
            "redis_url": url,
            "api_url": "http://127.0.0.1:9",
            "accounts": {ACCOUNT: {"username": "sandbox@example.com", "password": "sandbox"}},
            "batch_size": 2,
            "blacklist_sync_every": 0,
            "journal_dir": folder,
        }
    )
    bench, hints, journal = (JoinedBench if joins else Bench)(url), AskingHints(), Journal(folder)
    dispatcher = Dispatcher(bench.store, hints, settings)  # type: ignore[arg-type]  # a stand-in for the broker
    account = Account(
        name=ACCOUNT,
        store=bench.account,
        api=open_client(settings, ACCOUNT),
        hints=hints,  # type: ignore[arg-type]  # as above
        settings=settings,
        journal=journal,
        preparation=Preparation(settings),
    )
    yield Timetable(bench, settings, account, hints, dispatcher)
    account.api.close()
    journal.close()
    bench.close()


def paris(cron: str = "0 * * * *", **more: Any) -> Schedule:  # noqa: ANN401 - any field of a schedule
    """Make a schedule with some recipients."""
    campaign = Campaign(text="Bonjour", recipients=PEOPLE)
    fields: dict[str, Any] = {"campaign": campaign, "id": "news", **more}
    return Schedule(cron, "Europe/Paris", **fields)


def saying(schedule: Schedule, text: str, **more: Any) -> Schedule:  # noqa: ANN401 - any field of a campaign
    """Give a schedule another text, and no recipients unless told."""
    campaign = replace(schedule.campaign, text=text, **{"recipients": (), **more})
    return replace(schedule, campaign=campaign)
