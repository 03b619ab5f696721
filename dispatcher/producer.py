"""What a producer does with campaigns: submit, look, wait, approve, cancel, read results."""

import base64
import secrets
import time
from collections.abc import Iterator
from hashlib import blake2b
from typing import Self

from dispatcher.domain.campaign import Campaign, CampaignStatus, Event, RecipientResult
from dispatcher.domain.checks import problems_of, problems_of_key
from dispatcher.domain.lifecycle import CampaignState, HoldReason
from dispatcher.domain.numbers import normaliser
from dispatcher.errors import (
    InputError,
    Problem,
    StoreUnavailableError,
    UnconfirmedSubmitError,
    WaitTimeoutError,
)
from dispatcher.intake import Intake, Taken
from dispatcher.queueing import Hints, make_app
from dispatcher.settings import Settings
from dispatcher.store.account import AccountStore, Store
from dispatcher.store.campaigns import Submission, stored_message
from dispatcher.store.ledger import Credits


class Dispatcher:
    """Queues campaigns and tells what became of them.

    One may be shared by threads. Every call may be made again after an error that says so.
    """

    def __init__(self, store: Store, hints: Hints, settings: Settings) -> None:
        self._store = store
        self._hints = hints
        self._settings = settings
        self._normalise = normaliser(settings.default_region)

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
        return cls(
            Store.open(settings), Hints(make_app(settings), fan_out=settings.fan_out), settings
        )

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
        if problems:
            raise InputError(problems)
        account = self._account_name(campaign.account)
        store = self._store.account(account)
        identity = campaign.id or _id_from_key(idempotency_key)
        intake = Intake(
            store.campaigns,
            self._normalise,
            batch_size=self._settings.batch_size,
            bad_rows=campaign.bad_rows,
        )
        taken = intake.take(campaign.recipients)
        try:
            is_new = store.campaigns.submit(self._submission(campaign, identity, taken))
        except StoreUnavailableError as error:
            raise UnconfirmedSubmitError(identity, str(error)) from error
        if is_new:
            state = CampaignState.QUEUED
            self._hints.move_on(account, identity, state, waiting=taken.batches)
        return identity

    def status(self, campaign: str, *, account: str | None = None) -> CampaignStatus:
        """Tell how a campaign stands.

        Raises:
            UnknownCampaignError: there is none of that id on that account.
        """
        return self._open(account).campaigns.status(campaign)

    def wait(
        self,
        campaign: str,
        timeout: float,
        *,
        account: str | None = None,
        until: CampaignState = CampaignState.FINISHED,
    ) -> CampaignStatus:
        """Wait until a campaign is over, or held for approval, which nothing but a person ends.

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
            if status.is_over or status.hold is HoldReason.APPROVAL or status.state is until:
                return status
            if time.monotonic() >= deadline:
                raise WaitTimeoutError(
                    f"campaign {campaign} is still {status.state.value} after {timeout:g} s"
                )
            news = events.read(campaign, after=after, block=True)
            after = news[-1].id if news else after

    def results(self, campaign: str, *, account: str | None = None) -> Iterator[RecipientResult]:
        """Give what became of every row that came in, a batch at a time.

        Raises:
            UnknownCampaignError: there is none of that id on that account.
        """
        return self._open(account).results.of(campaign)

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

    def cancel(self, campaign: str, *, account: str | None = None) -> CampaignStatus:
        """Cancel a campaign that has not begun to send.

        Raises:
            StateError: it is too late; nothing was changed.
        """
        self._open(account).campaigns.cancel(campaign)
        return self.status(campaign, account=account)

    def credits(self, *, account: str | None = None) -> Credits:
        """Tell what is known of an account's credits, without asking the API."""
        return self._open(account).ledger.credits()

    def campaigns(self, *, account: str | None = None, count: int = 20) -> list[CampaignStatus]:
        """List the newest campaigns of an account, newest first."""
        store = self._open(account).campaigns
        return [store.status(campaign) for campaign in store.newest(count)]

    def close(self) -> None:
        """Close every connection."""
        self._store.close()

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

    def _submission(self, campaign: Campaign, identity: str, taken: Taken) -> Submission:
        content = blake2b(stored_message(campaign.message), digest_size=16)
        content.update(b"%d %d" % (taken.rows, taken.duplicated))
        content.update(taken.digest)
        return Submission(
            id=identity,
            upload=taken.upload,
            fingerprint=content.hexdigest(),
            message=campaign.message,
            batches=taken.batches,
            batch_size=self._settings.batch_size,
            recipients=taken.recipients,
            rows=taken.rows,
            invalid=taken.invalid,
            duplicated=taken.duplicated,
            dropped_chunks=taken.dropped_chunks,
            needs_approval=campaign.needs_approval,
            nudge_after_ms=int(self._settings.nudge_after * 1000),
            receipt_wait_ms=int(self._settings.receipt_wait.total_seconds() * 1000),
        )


def _id_from_key(key: str | None) -> str:
    raw = secrets.token_bytes(15) if key is None else blake2b(key.encode(), digest_size=15).digest()
    return base64.b32encode(raw).decode().lower()


def _one_name_only() -> Problem:
    return Problem(
        field="idempotency_key",
        message="the campaign has an id of its own",
        fix="give the id or the key, not both",
    )
