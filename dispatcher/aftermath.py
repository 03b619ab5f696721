"""What a producer asks about recipients afterwards, and does for those who got nothing."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from dispatcher.checking import Check, check
from dispatcher.domain.campaign import RecipientResult
from dispatcher.domain.explanation import Explanation
from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.domain.selection import EVERYBODY, Selection
from dispatcher.errors import InputError, Problem
from dispatcher.explaining import explain
from dispatcher.preparing import Preparation
from dispatcher.queueing import Hints
from dispatcher.resending import AS_IT_WAS, Changes, Resend, Resending
from dispatcher.settings import Settings
from dispatcher.store.account import AccountStore, Store


class Aftermath:
    """The part of `Dispatcher` that is about recipients."""

    def __init__(
        self, store: Store, hints: Hints, settings: Settings, *, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._hints = hints
        self._settings = settings
        self._preparation = Preparation(settings, now=now)
        self._now = now

    def results(
        self, campaign: str, *, account: str | None = None, selection: Selection = EVERYBODY
    ) -> Iterator[RecipientResult]:
        """Give what became of the rows that came in, a batch at a time; of all or some.

        Raises:
            UnknownCampaignError: there is none of that id on that account.
            ErasedError: its recipients were erased.
        """
        found = self._open(account).results.of(campaign)
        return (result for result in found if result in selection)

    def explain(
        self, campaign: str, number: str | int, *, account: str | None = None
    ) -> Explanation:
        """Tell everything that happened to one recipient, with reasons, and what is next.

        Raises:
            InputError: that is no phone number.
            UnknownCampaignError: there is none of that id on that account.
            UnknownRecipientError: the number did not come in with that campaign.
        """
        normalise = self._preparation.normalise
        return explain(self._open(account), campaign, str(number), normalise=normalise)

    def resend(
        self,
        source: str,
        only: Iterable[str | RecipientState],
        *,
        changes: Changes = AS_IT_WAS,
        account: str | None = None,
    ) -> Resend:
        """Make a campaign of those of another who did not get it, such as `undelivered`.

        Calling it again gives the same campaign; nobody gets two of them.

        Raises:
            InputError: nobody is chosen, or people who may have got the message.
            ConflictError: the id of the changes names another campaign.
            UnconfirmedSubmitError: it may be made already; call again.
            UnknownCampaignError: there is none of that id on that account.
        """
        name = self._account_name(account)
        resending = Resending(self._store.account(name), name, self._preparation, now=self._now)
        made = resending.resend(source, only, changes)
        if made.is_new:
            self._hints.move_on(name, made.id, CampaignState.QUEUED, waiting=1)
        return made

    def check(self, campaign: str, *, account: str | None = None) -> Check:
        """Count a campaign's recipients anew and compare, in the live dialect with the API too.

        Raises:
            ApiError: the API did not tell its figures.
            UnknownCampaignError: there is none of that id on that account.
        """
        name = self._account_name(account)
        store = self._store.account(name)
        return check(store, self._settings, name, campaign, now=self._now())

    def _account_name(self, account: str | None) -> str:
        if account is None:
            return self._settings.default_account
        if account not in self._settings.accounts:
            known = ", ".join(self._settings.accounts)
            raise InputError(
                [
                    Problem(
                        field="account", message="it is not configured", fix=f"use one of: {known}"
                    )
                ]
            )
        return account

    def _open(self, account: str | None) -> AccountStore:
        return self._store.account(self._account_name(account))
