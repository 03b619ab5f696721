"""Takes batches back in a thread of its own, so that a cancellation never waits for a free slot."""

from collections.abc import Callable, Iterable
from threading import Event, Thread

import structlog

from workers.resources import Account
from workers.steps.progress import Progress
from workers.steps.withdraw import withdraw_next

_log = structlog.get_logger("workers.withdrawer")

_EVERY = 0.5


class Withdrawer:
    """Looks for batches to take back, as long as its process lives."""

    def __init__(
        self,
        accounts: Iterable[Account],
        *,
        step: Callable[[Account], Progress] = withdraw_next,
        every: float = _EVERY,
    ) -> None:
        self._accounts = tuple(accounts)
        self._step = step
        self._every = every
        self._waiting: set[str] = set()
        self._ended = Event()
        self._thread = Thread(target=self._run, name="withdrawer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End, with the call that is being made."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            for account in self._accounts:
                self._take_back(account)

    def _take_back(self, account: Account) -> None:
        try:
            while not self._ended.is_set() and self._step(account) is Progress.MADE:
                pass
        except Exception as error:  # noqa: BLE001 - whatever ails one look, the thread goes on
            # Mostly Redis is away, for many looks; the batches wait there.
            if account.name not in self._waiting:
                _log.warning("taking back waits", account=account.name, error=type(error).__name__)
            self._waiting.add(account.name)
        else:
            self._waiting.discard(account.name)
