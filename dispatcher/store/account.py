"""Opens everything the store keeps about one account."""

from collections.abc import Mapping
from dataclasses import dataclass

from redis import Redis

from dispatcher.domain.erasure import LogState
from dispatcher.settings import Settings
from dispatcher.store.append_log import rewrite_log
from dispatcher.store.batches import Batches
from dispatcher.store.callbacks import Callbacks
from dispatcher.store.campaigns import Campaigns
from dispatcher.store.checks import Checks
from dispatcher.store.connection import connect
from dispatcher.store.contact_lists import ContactLists
from dispatcher.store.durability import Barrier, barrier_for
from dispatcher.store.erasure import Erasure
from dispatcher.store.events import Events
from dispatcher.store.finder import Finder
from dispatcher.store.heard import Heard
from dispatcher.store.keys import Keys
from dispatcher.store.ledger import Ledger
from dispatcher.store.mobile_replies import MobileReplies
from dispatcher.store.outbox import Outbox
from dispatcher.store.pacing import Pacing
from dispatcher.store.people import People
from dispatcher.store.preamble import SERVER_CLOCK, OutboxLimits
from dispatcher.store.proof import Search
from dispatcher.store.quarantine import Quarantine
from dispatcher.store.reach import Reach
from dispatcher.store.receipts import Receipts
from dispatcher.store.results import Results
from dispatcher.store.schedules import Schedules
from dispatcher.store.scripts import Scripts
from dispatcher.store.server_clock import ServerClock
from dispatcher.store.suppressions import SuppressionList
from dispatcher.store.tickets import Tickets
from dispatcher.store.traces import Traces
from dispatcher.store.unknowns import Unknowns
from dispatcher.store.unnamed import Unnamed
from dispatcher.store.withdrawals import Withdrawals


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountStore:
    """The store's view of one account."""

    campaigns: Campaigns
    batches: Batches
    lists: ContactLists
    ledger: Ledger
    pacing: Pacing
    receipts: Receipts
    replies: MobileReplies
    reach: Reach
    quarantine: Quarantine
    tickets: Tickets
    withdrawals: Withdrawals
    unknowns: Unknowns
    events: Events
    results: Results
    finder: Finder
    schedules: Schedules
    suppressions: SuppressionList
    outbox: Outbox
    callbacks: Callbacks
    checks: Checks
    unnamed: Unnamed
    heard: Heard
    people: People
    erasure: Erasure
    traces: Traces


class Store:
    """One Redis, and the accounts kept in it."""

    def __init__(
        self,
        client: Redis,
        *,
        namespace: str = "sms",
        barrier: Barrier | None = None,
        clock: str = SERVER_CLOCK,
        sources: Mapping[str, str] | None = None,
        outbox: OutboxLimits | None = None,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._barrier = barrier or Barrier()
        self._clock = clock
        self._sources = sources
        self._outbox = outbox
        self._accounts: dict[str, AccountStore] = {}

    @classmethod
    def open(cls, settings: Settings) -> "Store":
        """Connect to the Redis of the settings.

        Raises:
            StoreUnsafeError: it evicts or does not persist, and `demo` is off.
            StoreUnavailableError: it does not answer.
        """
        client = connect(settings.store_address)
        barrier = barrier_for(client, replicas=settings.redis_replicas, demo=settings.demo)
        limits = OutboxLimits(
            entries=settings.outbox_entries,
            age_ms=int(settings.outbox_age.total_seconds() * 1000),
        )
        return cls(client, namespace=settings.namespace, barrier=barrier, outbox=limits)

    def account(self, name: str) -> AccountStore:
        """Give one account's part of the store."""
        if name not in self._accounts:
            self._accounts[name] = self._open_account(name)
        return self._accounts[name]

    def search(self) -> Search:
        """Give what looks through every key of every account."""
        return Search(self._client, self._namespace)

    def rewrite_log(self) -> LogState:
        """Have Redis write its append-only file anew, without what was erased."""
        return rewrite_log(self._client)

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def _open_account(self, name: str) -> AccountStore:
        keys = Keys(self._namespace, name)
        scripts = Scripts(
            self._client, keys, clock=self._clock, sources=self._sources, outbox=self._outbox
        )
        campaigns = Campaigns(scripts, self._barrier)
        clock = ServerClock()
        batches = Batches(scripts, self._barrier, clock)
        ledger, finder = Ledger(scripts), Finder(scripts)
        results = Results(scripts, campaigns, batches)
        outbox = Outbox(scripts)
        suppressions = SuppressionList(scripts, self._barrier)
        return AccountStore(
            campaigns=campaigns,
            batches=batches,
            lists=ContactLists(scripts),
            ledger=ledger,
            pacing=Pacing(scripts, clock),
            receipts=Receipts(scripts),
            replies=MobileReplies(scripts),
            reach=Reach(scripts, finder, ledger, results),
            quarantine=Quarantine(scripts),
            tickets=Tickets(scripts),
            withdrawals=Withdrawals(scripts),
            unknowns=Unknowns(scripts),
            events=Events(scripts),
            results=results,
            finder=finder,
            schedules=Schedules(scripts, self._barrier),
            suppressions=suppressions,
            outbox=outbox,
            callbacks=Callbacks(scripts, outbox),
            checks=Checks(scripts),
            unnamed=Unnamed(scripts),
            heard=Heard(scripts),
            people=People(scripts, campaigns, finder, results),
            erasure=Erasure(scripts, suppressions),
            traces=Traces(scripts),
        )
