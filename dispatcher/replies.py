"""What people answered: look through it, and judge what a program could not."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

from dispatcher.domain.replies import Reply, Verdict
from dispatcher.domain.suppressions import SuppressionSource
from dispatcher.errors import UnknownReplyError
from dispatcher.store.account import AccountStore, Store
from dispatcher.store.suppressions import Addition


class Replies:
    """The replies of every account. Every call may be made again after an error that says so."""

    def __init__(self, store: Store, account_name: Callable[[str | None], str]) -> None:
        self._store = store
        self._account_name = account_name

    def list(
        self, *, account: str | None = None, campaign: str | None = None, count: int = 20
    ) -> Sequence[Reply]:
        """List the newest replies, newest first.

        Args:
            account: whose; None for the default.
            campaign: only those that answer it; None for all.
            count: at most so many.

        Raises:
            UnknownCampaignError: there is none of that id on that account.
        """
        store = self._open(account)
        if campaign is not None:
            store.campaigns.status(campaign)
        found = store.replies.newest()
        wanted = (reply for reply in found if campaign in (None, reply.campaign))
        return list(islice(wanted, count))

    def get(self, reply: str, *, account: str | None = None) -> Reply:
        """Give one reply, such as one that an event tells of.

        Args:
            reply: its id.
            account: whose; None for the default.

        Raises:
            UnknownReplyError: there is none of that id on that account.
        """
        found = self._open(account).replies.read(reply)
        if found is None:
            raise UnknownReplyError(f"no reply {reply} on account {self._account_name(account)}")
        return found

    def to_review(self, *, account: str | None = None) -> Iterator[Reply]:
        """Give the replies that mention stopping without saying just that, newest first.

        Who wrote them is written to until `judge` says otherwise.
        """
        return self._open(account).replies.to_review()

    def judge(self, reply: str, verdict: Verdict, *, by: str, account: str | None = None) -> Reply:
        """Say what a reply means; with `Verdict.STOP`, its number is never written to again.

        Only taking the number off the suppression list undoes that.

        Args:
            reply: its id.
            verdict: what it means.
            by: who says so, for the record.
            account: whose; None for the default.

        Raises:
            UnknownReplyError: there is none of that id on that account.
            StoreUnavailableError: Redis did not answer; judge again.
        """
        store = self._open(account)
        found = store.replies.read(reply)
        if found is not None and verdict is Verdict.STOP and found.number is not None:
            # First: a reply that is judged and not heeded is looked at by nobody.
            _suppress(store, int(found.number), by=by)
        if found is None or not store.replies.judge(reply, verdict, by=by):
            raise UnknownReplyError(f"no reply {reply} on account {self._account_name(account)}")
        return store.replies.read(reply) or found

    def _open(self, account: str | None) -> AccountStore:
        return self._store.account(self._account_name(account))


def _suppress(store: AccountStore, number: int, *, by: str) -> None:
    store.suppressions.add(
        Addition(
            numbers=[number],
            source=SuppressionSource.REPLY,
            at=datetime.now(UTC),
            reason="a person read it in a reply",
            by=by,
        )
    )
