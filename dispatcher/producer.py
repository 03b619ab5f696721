"""What a producer does with campaigns: submit, look, wait, approve, cancel, read results."""

import base64
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import Self

from dispatcher.aftermath import Aftermath
from dispatcher.domain.campaign import (
    Campaign,
    CampaignStatus,
    Cancellation,
    Event,
    cancellation_of,
)
from dispatcher.domain.checks import problems_of, problems_of_key
from dispatcher.domain.erasure import Forgotten
from dispatcher.domain.lifecycle import BatchState, CampaignState, HoldReason
from dispatcher.domain.quotes import CampaignQuote
from dispatcher.domain.timing import problems_of_time, utc_now
from dispatcher.erasing import Erasure
from dispatcher.errors import (
    InputError,
    Problem,
    StoreUnavailableError,
    UnconfirmedSubmitError,
    WaitTimeoutError,
)
from dispatcher.feeding import Callbacks, Feed
from dispatcher.planning import Departure, gates_of, plan
from dispatcher.queueing import Hints, Task, make_app
from dispatcher.quoting import Observer, Payer, quote
from dispatcher.replies import Replies
from dispatcher.scheduling import Schedules
from dispatcher.settings import Settings
from dispatcher.smsfactor.opening import open_client
from dispatcher.store.account import Store
from dispatcher.store.ledger import Credits
from dispatcher.store.pacing import Pace
from dispatcher.suppressing import Suppressions
from dispatcher.tracing import Tracing, open_tracing
from dispatcher.unknowns import Unknowns


class Dispatcher(Aftermath):
    """Queues campaigns and tells what became of them.

    One may be shared by threads. Every call may be made again after an error that says so.

    Attributes:
        schedules: campaigns that recur.
        suppressions: who must not be sent to.
        replies: what people answered.
        unknowns: batches whose answer was lost.
        feed: what producers are told, as it happens; call it.
        callbacks: how the delivery of that to their endpoints stands.
        erasure: erases people.
    """

    def __init__(
        self,
        store: Store,
        hints: Hints,
        settings: Settings,
        *,
        now: Callable[[], datetime] = utc_now,
        tracing: Tracing | None = None,
    ) -> None:
        super().__init__(store, hints, settings, now=now)
        self._tracing = tracing or Tracing()
        self.erasure = Erasure(store, settings, self._preparation.normalise)
        self.schedules = Schedules(store, self._preparation, self._account_name)
        self.suppressions = Suppressions(store, self._preparation, self._account_name, now=now)
        self.replies = Replies(store, self._account_name)
        self.unknowns = Unknowns(store, hints, self._account_name)
        self.feed = Feed(store, self._account_name)
        self.callbacks = Callbacks(store, self._account_name, settings.callbacks)

    @classmethod
    def from_env(cls) -> Self:
        """Open the dispatcher the environment describes; see `Settings`.

        Raises:
            SettingsError: a setting is missing or wrong.
            StoreUnsafeError: the Redis would lose campaigns.
            StoreUnavailableError: the Redis does not answer.
        """
        return cls.from_settings(Settings.from_env())

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Open the dispatcher some settings describe."""
        tracing = open_tracing(settings, service="producer")
        hints = Hints(make_app(settings), fan_out=settings.fan_out)
        return cls(Store.open(settings), hints, settings, tracing=tracing)

    def submit(self, campaign: Campaign, *, idempotency_key: str | None = None) -> str:
        """Queue a campaign; once this returns its id, the campaign is durable.

        The same key or campaign id with the same content gives the same campaign back, so a
        call whose answer was lost may be repeated.

        Args:
            campaign: what to send to whom; its recipients are read once.
            idempotency_key: any text that names this campaign and no other; instead of an id.

        Raises:
            InputError: the campaign or its recipients are not valid; nothing was kept.
            ConflictError: the key or id was used with other content.
            StoreFullError: Redis is over 80 % full.
            UnconfirmedSubmitError: it may be queued already; its `campaign` is the id to submit
                again with. Without one, a repetition would be a second campaign.
            StoreUnavailableError: Redis did not answer; nothing is queued.
        """
        problems = problems_of(campaign)
        if campaign.id is not None and idempotency_key is not None:
            problems.append(_one_name_only())
        problems += problems_of_key(idempotency_key)
        now = self._now()
        furthest = self._settings.furthest_ahead
        if problems:
            raise InputError(problems)
        account = self._account_name(campaign.account)
        store = self._store.account(account)
        identity = campaign.id or _id_from_key(idempotency_key)
        problems = problems_of_time(campaign.send_at, now=now, furthest=furthest)
        # Repeating a call is safe even when its time has come meanwhile.
        if problems and not store.campaigns.exists(identity):
            raise InputError(problems)
        with self._tracing.span("campaigns.submit", account=account, campaign=identity):
            made = self._preparation.prepare(campaign, identity, account, store)
            try:
                is_new = store.campaigns.submit(replace(made, trace=self._tracing.here()))
            except StoreUnavailableError as error:
                raise UnconfirmedSubmitError(identity, str(error)) from error
            if is_new:
                # Contacts of lists are read first, which may take long.
                waiting = 0 if made.filling is None else made.filling.batches
                self._hints.move_on(account, identity, CampaignState.QUEUED, waiting=waiting)
        return identity

    def quote(
        self, campaign: Campaign, *, simulate: bool = True, observer: Observer | None = None
    ) -> CampaignQuote:
        """Tell what a campaign would say and cost; nothing is kept and nothing is spent.

        Recipients are read once, in constant memory, and every text is rendered. What the API
        would charge is found by free simulations (document, POST /send/simulate).

        Args:
            campaign: as for `submit`.
            simulate: ask the API; else only count here.
            observer: told of every row; see `Observer`.

        Raises:
            InputError: the campaign is not valid. Bad rows raise nothing: they are counted.
            ApiError: contacts of the account's lists cannot be read.
            StoreError: Redis does not tell who is suppressed.
        """
        if problems := problems_of(campaign):
            raise InputError(problems)
        account = self._account_name(campaign.account)
        listed = self._store.account(account).suppressions
        with open_client(self._settings, account) as api:
            return quote(
                campaign,
                self._preparation,
                Payer(name=account, api=api, suppressions=listed),
                observer=observer or Observer(),
                simulate=simulate,
            )

    def forget(self, number: str | int, *, by: str = "", timeout: float = 30) -> Forgotten:
        """Erase one person everywhere, and look whether they are nowhere; see `Erasure.forget`."""
        return self.erasure.forget(str(number), by=by, timeout=timeout)

    def contact_lists(self, campaign: str, *, account: str | None = None) -> list[str]:
        """Give the ids of the lists at the API that were made for a campaign.

        Raises:
            UnknownCampaignError: there is none of that id on that account.
        """
        store = self._open(account)
        store.campaigns.status(campaign)
        return store.lists.made_for(campaign)

    def status(self, campaign: str, *, account: str | None = None) -> CampaignStatus:
        """Tell how a campaign stands.

        Raises:
            UnknownCampaignError: there is none of that id on that account.
        """
        store = self._open(account)
        status = store.campaigns.status(campaign)
        if status.state is not CampaignState.SENDING or not status.batch_states.get(_READY):
            return status
        return replace(status, blocked=gates_of(store, status.account))

    def wait(
        self,
        campaign: str,
        timeout: float,
        *,
        account: str | None = None,
        until: CampaignState = CampaignState.FINISHED,
    ) -> CampaignStatus:
        """Wait until a campaign is over, or held for what nothing but a person ends.

        Args:
            campaign: its id.
            timeout: seconds to wait.
            account: its account; None for the default.
            until: `SENT` returns as soon as the API has it all; receipts may take days.

        Raises:
            WaitTimeoutError: it took longer.
        """
        events = self._open(account).events
        deadline = time.monotonic() + timeout
        after = "0"
        while True:
            status = self.status(campaign, account=account)
            if status.is_over or status.hold in _FOR_A_PERSON or status.state is until:
                return status
            if time.monotonic() >= deadline:
                raise WaitTimeoutError(
                    f"campaign {campaign} is still {status.state.value} after {timeout:g} s"
                )
            news = events.read(campaign, after=after, block=True)
            after = news[-1].id if news else after

    def events(
        self, campaign: str, *, account: str | None = None, follow: bool = False, after: str = "0"
    ) -> Iterator[Event]:
        """Give the transitions of a campaign and its batches, oldest first.

        Args:
            campaign: its id.
            account: its account; None for the default.
            follow: go on with those to come until the campaign is over.
            after: id of the last event already seen.
        """
        store = self._open(account)
        while True:
            is_over = store.campaigns.status(campaign).is_over
            news = store.events.read(campaign, after=after, block=follow and not is_over)
            yield from news
            after = news[-1].id if news else after
            if not news and (is_over or not follow):
                return

    def approve(self, campaign: str, *, by: str, account: str | None = None) -> CampaignState:
        """Let a campaign spend its quote; `by` names who allows it, for the record.

        Raises:
            StateError: it does not wait for approval; nothing was changed.
        """
        name = self._account_name(account)
        next_up = self._store.account(name).campaigns.approve(campaign, by=by)
        self._hints.move_on(name, campaign, next_up.state, waiting=next_up.waiting)
        return next_up.state

    def plan(self, campaign: str, *, account: str | None = None) -> Sequence[Departure]:
        """Tell when what is left of a campaign goes out, how many, and why it waits."""
        status = self.status(campaign, account=account)
        return plan(self._open(account), status, self._settings, now=self._now())

    def cancel(self, campaign: str, *, account: str | None = None) -> Cancellation:
        """Cancel what is not sent yet: stop it here, or take it back from the API.

        The answer tells how far that has come; `cancellation` asks again.

        Raises:
            StateError: it is too late for all of it; nothing was changed.
            StoreUnavailableError: Redis did not answer; cancel again.
        """
        name = self._account_name(account)
        self._store.account(name).campaigns.cancel(campaign)
        self._hints.nudge(Task.WITHDRAW, name)
        return self.cancellation(campaign, account=account)

    def cancellation(self, campaign: str, *, account: str | None = None) -> Cancellation:
        """Tell how far the cancellation of a campaign has come."""
        return cancellation_of(self.status(campaign, account=account))

    def pause(self, campaign: str, *, account: str | None = None) -> CampaignStatus:
        """Let nothing more of a campaign be sent until it is resumed.

        What the API has for later is taken back, and given to it again on resuming.

        Raises:
            StateError: nothing of it is left to pause.
        """
        name = self._account_name(account)
        self._store.account(name).campaigns.pause(campaign)
        self._hints.nudge(Task.WITHDRAW, name)
        return self.status(campaign, account=account)

    def resume(self, campaign: str, *, account: str | None = None) -> CampaignStatus:
        """Let a paused campaign go on where it stood.

        Raises:
            StateError: it is not paused.
        """
        name = self._account_name(account)
        next_up = self._store.account(name).campaigns.resume(campaign)
        self._hints.move_on(name, campaign, next_up.state, waiting=next_up.waiting)
        return self.status(campaign, account=account)

    def stop(self, *, by: str, account: str | None = None) -> list[str]:
        """Let nothing more be sent on an account, or on any when it is None; `start` ends it.

        It holds from the next POST of any worker on. Returns the accounts.
        """
        names = list(self._settings.accounts) if account is None else [self._account_name(account)]
        for name in names:
            self._store.account(name).ledger.stop(by=by)
        return names

    def start(self, *, account: str | None = None) -> list[str]:
        """Let accounts send again that were stopped; None for all. Returns those it released.

        It also ends the wait after too many lost answers.
        """
        names = list(self._settings.accounts) if account is None else [self._account_name(account)]
        return [name for name in names if self._store.account(name).ledger.start()]

    def credits(self, *, account: str | None = None) -> Credits:
        """Tell what is known of an account's credits, without asking the API."""
        return self._open(account).ledger.credits()

    def pace(self, *, account: str | None = None) -> Pace:
        """Tell how fast an account may send just now, and how long workers waited for it."""
        return self._open(account).pacing.read()

    def campaigns(self, *, account: str | None = None, count: int = 20) -> list[CampaignStatus]:
        """List the newest campaigns of an account, newest first."""
        store = self._open(account).campaigns
        return [store.status(campaign) for campaign in store.newest(count)]

    def close(self) -> None:
        """Close every connection."""
        self._store.close()
        self._tracing.close()


_READY = BatchState.READY.value
_FOR_A_PERSON = (HoldReason.APPROVAL, HoldReason.PAUSED)


def _id_from_key(key: str | None) -> str:
    raw = secrets.token_bytes(15) if key is None else blake2b(key.encode(), digest_size=15).digest()
    return base64.b32encode(raw).decode().lower()


def _one_name_only() -> Problem:
    return Problem(
        field="idempotency_key",
        message="the campaign has an id of its own",
        fix="give the id or the key, not both",
    )
