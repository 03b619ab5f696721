"""What a producer does with the events it is told: read them, and look after its callbacks."""

from collections.abc import Callable, Collection, Iterator, Sequence

from dispatcher.domain.feed import DEFAULT_PRODUCER, Extent, FeedEvent, is_producer
from dispatcher.errors import InputError, Problem
from dispatcher.store.account import AccountStore, Store
from dispatcher.store.callbacks import CallbackStatus, DeadLetter


class Feed:
    """Reads the streams of events, one for each producer of an account."""

    def __init__(self, store: Store, account_name: Callable[[str | None], str]) -> None:
        self._open = _opener(store, account_name)

    def __call__(
        self,
        producer: str = DEFAULT_PRODUCER,
        *,
        after: int = 0,
        follow: bool = False,
        account: str | None = None,
    ) -> Iterator[FeedEvent]:
        """Give what a producer is told, oldest first, one number after the other.

        An event more than one above the one before, or above `after`, means that those between
        are not kept any more: see `extent`.

        Args:
            producer: as campaigns name it.
            after: number of the last event already seen.
            follow: go on with those to come, for ever.
            account: whose campaigns; None for the default.

        Raises:
            InputError: no producer can be called so.
        """
        outbox = self._open(producer, account).outbox
        while True:
            news = outbox.read(producer, after=after, block=follow)
            yield from news
            after = news[-1].sequence if news else after
            if not news and not follow:
                return

    def extent(self, producer: str = DEFAULT_PRODUCER, *, account: str | None = None) -> Extent:
        """Tell the numbers of the oldest event that is kept and of the newest."""
        return self._open(producer, account).outbox.extent(producer)


class Callbacks:
    """Looks after the callbacks to producers; workers make them, see `callback_settings`."""

    def __init__(
        self,
        store: Store,
        account_name: Callable[[str | None], str],
        configured: Collection[str],
    ) -> None:
        self._open = _opener(store, account_name)
        self._configured = configured

    def list(self, *, account: str | None = None) -> "Sequence[CallbackStatus]":
        """Tell how callbacks stand, of every producer that has them or was told anything."""
        store = self._open(DEFAULT_PRODUCER, account)
        return [store.callbacks.status(producer) for producer in self._known(store)]

    def status(self, producer: str, *, account: str | None = None) -> CallbackStatus:
        """Tell how the callbacks to one producer stand.

        Raises:
            InputError: it has none, and was never told anything.
        """
        return self._of(producer, account).callbacks.status(producer)

    def dead(self, producer: str, *, account: str | None = None) -> "Sequence[DeadLetter]":
        """Give the events that were given up and not delivered since, for a month.

        Raises:
            InputError: it has no callbacks, and was never told anything.
        """
        return self._of(producer, account).callbacks.dead(producer)

    def replay(
        self,
        producer: str,
        sequences: Collection[int] = (),
        *,
        after: int | None = None,
        account: str | None = None,
    ) -> int:
        """Deliver events again, under the same ids; what they waited for, or a 410, is over.

        Args:
            producer: to whom.
            sequences: which dead letters, by their numbers; none for all.
            after: deliver what comes after this number again, delivered or not, as far as it is
                kept; then dead letters only if `sequences` names some.
            account: whose campaigns; None for the default.

        Returns:
            How many dead letters will be delivered.

        Raises:
            InputError: there is no such producer, or no dead letter of such a number; nothing was
                changed.
        """
        callbacks = self._of(producer, account).callbacks
        letters = callbacks.dead(producer) if sequences or after is None else []
        wanted = set(sequences) or {letter.event.sequence for letter in letters}
        if missing := wanted - {letter.event.sequence for letter in letters}:
            raise InputError(
                [
                    Problem(
                        field="sequences",
                        message=f"{min(missing)} is no dead letter of {producer}",
                        fix=f"see: dispatcher callbacks dead {producer}",
                    )
                ]
            )
        chosen = [letter.entry for letter in letters if letter.event.sequence in wanted]
        return callbacks.replay(producer, chosen, after=after)

    def _known(self, store: AccountStore) -> "Sequence[str]":
        return sorted({*self._configured, *store.outbox.producers()})

    def _of(self, producer: str, account: str | None) -> AccountStore:
        store = self._open(producer, account)
        known = self._known(store)
        if producer not in known:
            message = f"{producer} has no callbacks, and was never told anything"
            fix = f"choose one of these: {', '.join(known)}" if known else "there is none yet"
            raise InputError([Problem(field="producer", message=message, fix=fix)])
        return store


def _opener(
    store: Store, account_name: Callable[[str | None], str]
) -> Callable[[str, str | None], AccountStore]:
    def open_account(producer: str, account: str | None) -> AccountStore:
        if not is_producer(producer):
            message, fix = "no producer is called so", "give 1 to 32 of a-z 0-9 _ -"
            raise InputError([Problem(field="producer", message=message, fix=fix)])
        return store.account(account_name(account))

    return open_account
