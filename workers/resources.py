"""What tasks work with, opened in the process that runs them and closed when it ends."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from threading import BoundedSemaphore, Event

import structlog

from dispatcher.domain.replies import ReplyReader
from dispatcher.domain.timing import utc_now
from dispatcher.kin import Kin
from dispatcher.preparing import Preparation
from dispatcher.producer import Dispatcher
from dispatcher.queueing import Hints
from dispatcher.settings import Settings
from dispatcher.smsfactor import SmsFactor
from dispatcher.smsfactor.opening import open_client
from dispatcher.smsfactor.watching import Watch, ignore
from dispatcher.store.account import AccountStore, Store
from dispatcher.store.tickets import Addressees
from dispatcher.tracing import Tracing
from workers.blacklist import Blacklist
from workers.callbacks.posting import Poster
from workers.journal import Journal
from workers.leads import Leads
from workers.limits import Limits, heeding
from workers.milestones import Milestone, Trace
from workers.tracing import calls_traced, milestones_traced

_log = structlog.get_logger("workers")

_FAILOVER_MARGIN = 5.0
_BATCHES_KEPT = 32
# Producers' endpoints may hang, and the other threads are for submits, ticks and cancels.
_CALLBACK_SHARE = 4


def trace_to_log(milestone: Milestone, campaign: str, n: int) -> None:
    """Write a milestone to the log, where the level asks for that much."""
    _log.debug(milestone.value, campaign=campaign, batch=n)


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account as the steps see it."""

    name: str
    store: AccountStore
    api: SmsFactor
    hints: Hints
    settings: Settings
    journal: Journal
    preparation: Preparation
    trace: Trace = field(default=trace_to_log)
    stopping: Event = field(default_factory=Event)
    callback_room: BoundedSemaphore = field(default_factory=BoundedSemaphore)
    now: Callable[[], datetime] = utc_now
    tracing: Tracing = field(default_factory=Tracing)
    limits: Limits = field(default_factory=Limits)

    @cached_property
    def receipt_key(self) -> bytes:
        """The secret that signs this account's `gsmsmsid`s."""
        return self.store.ledger.receipt_key()

    @property
    def is_held(self) -> bool:
        """Whether the API asked this worker for a pause of which Redis does not know."""
        return self.limits.holds(self.store.pacing)

    @cached_property
    def leads(self) -> Leads:
        """How long before its slot a POST is begun."""
        return Leads()

    @cached_property
    def poster(self) -> Poster:
        """What posts callbacks."""
        return Poster()

    @cached_property
    def blacklist(self) -> Blacklist:
        """The numbers the API will not send to."""
        return Blacklist(lambda: frozenset(contact.destination for contact in self.api.blacklist()))

    @cached_property
    def reply_reader(self) -> ReplyReader:
        """What reads the bodies of replies."""
        return ReplyReader(self.settings.default_region, self.settings.stop_words)

    @cached_property
    def kin(self) -> Kin:
        """Tells whom campaigns that send again are to leave out by now."""
        return Kin(self.store)

    @cached_property
    def addressees(self) -> Callable[[str], Addressees]:
        """Who got a batch that was sent to a list, by `campaign/batch`; the last few are kept."""
        return lru_cache(maxsize=_BATCHES_KEPT)(self.store.tickets.addressees)

    @property
    def quiet_ms(self) -> int:
        """How long sends wait after a failover, which may have forgotten claims in flight."""
        if not self.settings.redis_replicas:
            return 0
        return int((self.settings.send_lease + _FAILOVER_MARGIN) * 1000)


class Resources:
    """Everything a worker process shares between its tasks; safe to use from many threads."""

    def __init__(  # noqa: PLR0913 - tests put their own in the place of each
        self,
        settings: Settings,
        hints: Hints,
        *,
        trace: Trace = trace_to_log,
        open_store: Callable[[Settings], Store] = Store.open,
        now: Callable[[], datetime] = utc_now,
        watch: Callable[[str], Watch] = lambda _: ignore,
        tracing: Tracing | None = None,
    ) -> None:
        """Open; `watch` gives what is told of the calls of an account."""
        self.settings = settings
        self.hints = hints
        self.store = open_store(settings)
        self.tracing = tracing or Tracing()
        self.dispatcher = Dispatcher(self.store, hints, settings, now=now, tracing=self.tracing)
        self.journal = Journal(settings.journal_dir)
        self.stopping = Event()
        callback_room = BoundedSemaphore(max(1, settings.concurrency // _CALLBACK_SHARE))
        preparation = Preparation(settings, now=now)
        stores = {name: self.store.account(name) for name in settings.accounts}
        limits = {name: Limits() for name in settings.accounts}

        def watch_of(name: str) -> Watch:
            told = calls_traced(self.tracing, name, watch(name))
            return heeding(name, stores[name].pacing, limits[name], told)

        self._accounts = {
            name: Account(
                name=name,
                store=store,
                api=open_client(
                    settings, name, listing=settings.http_deadline, watch=watch_of(name)
                ),
                limits=limits[name],
                hints=hints,
                settings=settings,
                journal=self.journal,
                preparation=preparation,
                trace=milestones_traced(self.tracing, trace),
                tracing=self.tracing,
                stopping=self.stopping,
                callback_room=callback_room,
                now=now,
            )
            for name, store in stores.items()
        }

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Every configured account."""
        return tuple(self._accounts.values())

    def account(self, name: str) -> Account | None:
        """Give an account by name; None when this worker has no credentials for it."""
        return self._accounts.get(name)

    def close(self) -> None:
        """Close what was opened."""
        self.journal.close()
        self.store.close()
        self.tracing.close()
