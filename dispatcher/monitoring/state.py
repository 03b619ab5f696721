"""What the monitor sees: every account, the Redis that holds them, and the broker."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import structlog

from dispatcher.broker import Broker, BrokerVitals
from dispatcher.domain.vitals import AccountVitals, ServerVitals
from dispatcher.errors import StoreError
from dispatcher.settings import Settings
from dispatcher.store.vitals import Looker

_log = structlog.get_logger("dispatcher.monitoring")


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """One look at everything.

    Attributes:
        server: the Redis that holds campaigns; None when it is away.
        accounts: those that could be read.
        broker: None when it is away.
        why: Redis is away; "" when it is not.
    """

    server: ServerVitals | None
    accounts: Sequence[AccountVitals]
    broker: BrokerVitals | None
    why: str = ""

    @property
    def batches(self) -> int:
        """Batches to be quoted or sent that more workers would help with."""
        return sum(account.waiting - account.paced for account in self.accounts)

    @property
    def paced(self) -> int:
        """Batches that wait for a rate, a pause or whoever stopped them, and not for workers."""
        return sum(account.paced for account in self.accounts)

    @property
    def receipts(self) -> int:
        """Packs of receipts and replies to be merged."""
        return sum(account.receipts.count + account.replies.count for account in self.accounts)

    @property
    def hints(self) -> int:
        """Hints that wait or are being worked on."""
        return self.broker.hints if self.broker else 0


class Monitor:
    """Looks, for one caller at a time; those who come meanwhile share the next look."""

    def __init__(self, settings: Settings) -> None:
        """Prepare; nothing is dialled before the first look."""
        self._names = tuple(dict.fromkeys([*settings.accounts, *settings.monitor_accounts]))
        self._looker = Looker(settings)
        self._broker = Broker(settings)
        self._lock = Lock()
        self._seen: View | None = None
        self._began_at = 0.0

    @property
    def accounts(self) -> Sequence[str]:
        """Whom it looks at."""
        return self._names

    def look(self) -> View:
        """Look at everything; what is away is not there, and no error."""
        asked_at = time.monotonic()
        with self._lock:
            # What somebody else began to see since is as fresh, and saves those who wait a turn.
            if self._seen is None or self._began_at < asked_at:
                self._began_at = time.monotonic()
                self._seen = self._look()
            return self._seen

    def _look(self) -> View:
        broker = self._broker.look()
        try:
            server = self._looker.server()
            accounts = tuple(self._looker.account(name) for name in self._names)
        except StoreError as error:
            _log.warning("redis away", why=str(error))
            return View(server=None, accounts=(), broker=broker, why=str(error))
        return View(server=server, accounts=accounts, broker=broker)

    def close(self) -> None:
        """Close every connection."""
        self._looker.close()
        self._broker.close()
