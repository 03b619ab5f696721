"""A store on a real Redis whose clock stands still until a test moves it."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from redis import Redis

from dispatcher.domain.campaign import CampaignStatus, RecipientResult
from dispatcher.domain.fates import Exclusion
from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.domain.message import Message
from dispatcher.domain.packing import Batch, pack
from dispatcher.store.account import AccountStore, Store
from dispatcher.store.batches import Outcome, SendRecord
from dispatcher.store.claims import QuoteClaim, SendClaim
from dispatcher.store.connection import connect
from dispatcher.store.durability import Barrier
from dispatcher.store.keys import Key, Keys
from dispatcher.store.nudges import Nudge
from dispatcher.store.submissions import Filling, Submission
from tests.support.access import as_user

ACCOUNT = "default"
START_MS = 1_800_000_000_000
NUDGE_AFTER_MS = 10_000
RECEIPT_WAIT_MS = 3_600_000
QUOTE_LEASE_MS = 45_000
SEND_LEASE_MS = 75_000
READING_LEASE_MS = 600_000
FIRST_NUMBER = 33_639_980_000

_CLOCK_KEY = "test:now"
CLOCK = f"return tonumber(redis.call('GET', '{_CLOCK_KEY}'))"


class Bench:
    """One account of such a store, and short ways to bring a campaign where a test needs it."""

    def __init__(self, url: str, *, barrier: Barrier | None = None) -> None:
        self.client: Redis = connect(url)
        self.keys = Keys("sms", ACCOUNT)
        self.store = Store(connect(as_user(url, "dispatcher")), barrier=barrier, clock=CLOCK)
        self.account: AccountStore = self.store.account(ACCOUNT)
        self._names = itertools.count(1)
        self.now_ms = START_MS
        self.advance(0)

    def reset(self) -> None:
        """Empty the database and turn the clock back."""
        self.client.flushdb()
        self.now_ms = START_MS
        self.advance(0)

    def close(self) -> None:
        self.store.close()
        self.client.close()

    def advance(self, milliseconds: int) -> None:
        self.now_ms += milliseconds
        self.client.set(_CLOCK_KEY, self.now_ms)

    def upload(self, upload: str, recipients: int, batch_size: int, *, first: int = 0) -> int:
        """Upload consecutive numbers; give how many batches they make."""
        numbers = range(FIRST_NUMBER + first, FIRST_NUMBER + first + recipients)
        batches = {
            n: pack(Batch(numbers=numbers[start : start + batch_size]))
            for n, start in enumerate(range(0, recipients, batch_size))
        }
        self.account.campaigns.upload(upload, batches)
        return len(batches)

    def submission(
        self,
        campaign: str,
        recipients: int,
        batch_size: int,
        **more: Any,  # noqa: ANN401 - any field of a submission
    ) -> Submission:
        filling: dict[str, Any] = {
            "upload": f"upload-{next(self._names)}",
            "batches": -(-recipients // batch_size),
            "batch_size": batch_size,
            "recipients": recipients,
            "rows": recipients + more.get("invalid", 0) + more.get("duplicated", 0),
            "invalid": 0,
            "duplicated": 0,
            "dropped_chunks": 0,
        }
        of_filling = {field.name for field in fields(Filling)}
        filling |= {name: value for name, value in more.items() if name in of_filling}
        others: dict[str, Any] = {
            "fingerprint": "same",
            "message": Message(text="Bonjour"),
            "nudge_after_ms": NUDGE_AFTER_MS,
            "receipt_wait_ms": RECEIPT_WAIT_MS,
        }
        others |= {name: value for name, value in more.items() if name not in of_filling}
        return Submission(id=campaign, filling=Filling(**filling), **others)

    def submit(
        self,
        campaign: str = "c1",
        *,
        recipients: int = 4,
        batch_size: int = 2,
        **more: Any,  # noqa: ANN401 - as above
    ) -> str:
        """Upload and submit a campaign."""
        submission = self.submission(campaign, recipients, batch_size, **more)
        self.upload(upload_of(submission), recipients, batch_size)
        assert self.account.campaigns.submit(submission)
        return campaign

    def claim_quote(self, campaign: str) -> QuoteClaim:
        claim = self.account.batches.claim_quote(campaign, lease_ms=QUOTE_LEASE_MS)
        assert isinstance(claim, QuoteClaim), claim
        return claim

    def quote(
        self,
        campaign: str,
        *,
        credits_left: int | None = 1000,
        cost: int | None = None,
        exclusions: Mapping[int, Exclusion] | None = None,
    ) -> Nudge:
        """Claim and record the next quote; a recipient costs one credit unless told."""
        claim = self.claim_quote(campaign)
        left_out = exclusions or {}
        price = len(claim.batch.numbers) - len(left_out) if cost is None else cost
        return self.account.batches.record_quote(
            claim, cost=price, credits_left=credits_left, exclusions=left_out
        )

    def quote_all(self, campaign: str, *, credits_left: int | None = 1000) -> Nudge:
        """Quote every batch of a campaign."""
        next_up: Nudge | None = None
        for _ in range(self.status(campaign).batches):
            next_up = self.quote(campaign, credits_left=credits_left)
        assert next_up is not None
        return next_up

    def ready(self, campaign: str = "c1", *, credits_left: int = 1000, **more: Any) -> str:  # noqa: ANN401 - as above
        """Bring a campaign to `sending`, its server approved and nothing claimed."""
        self.account.ledger.approve_server(quiet_ms=0)
        self.submit(campaign, **more)
        self.quote_all(campaign, credits_left=credits_left)
        return campaign

    def claim(self, campaign: str = "c1", *, operation: str | None = None) -> SendClaim:
        claim = self.account.batches.claim_send(
            campaign,
            operation=operation or f"op-{next(self._names)}",
            deadline_ms=SEND_LEASE_MS,
            reading_ms=READING_LEASE_MS,
        )
        assert isinstance(claim, SendClaim), claim
        return claim

    def begin(self, claim: SendClaim) -> str | None:
        """Begin the POST of a claimed batch; give why not."""
        return self.account.batches.begin_post(claim, deadline_ms=SEND_LEASE_MS)

    def begin_heeding(self, claim: SendClaim) -> str | None:
        """Begin the POST of a batch none of whose people is on the suppression list."""
        version = self.account.suppressions.version()
        return self.begin(replace(claim, heeded=version))

    def record(
        self,
        claim: SendClaim,
        outcome: Outcome,
        **more: Any,  # noqa: ANN401 - any field of a record
    ) -> tuple[BatchState, CampaignState]:
        states = self.account.batches.record_send(record_of(claim, outcome, **more))
        assert states is not None
        return states

    def accept(self, claim: SendClaim, *, ticket: str = "t1") -> tuple[BatchState, CampaignState]:
        return self.record(claim, Outcome.ACCEPTED, ticket=ticket, cost=len(claim.batch.numbers))

    def status(self, campaign: str = "c1") -> CampaignStatus:
        return self.account.campaigns.status(campaign)

    def results(self, campaign: str = "c1") -> list[RecipientResult]:
        return list(self.account.results.of(campaign))

    def record_field(self, campaign: str, name: str) -> int:
        """Read a number from a campaign's record that its status does not show."""
        return int(self.client.hget(self.keys.of(Key.CAMPAIGN, campaign), name) or 0)

    def account_field(self, name: str) -> int:
        return int(self.client.hget(self.keys.of(Key.ACCOUNT), name) or 0)

    def listed(self, key: Key) -> set[str]:
        """Give the members of one of the account's sorted sets."""
        members: Any = self.client.zrange(self.keys.of(key), 0, -1)
        return {member.decode() for member in members}

    def alarms(self) -> list[str]:
        """Give what the account's alarms say, oldest first."""
        entries: Sequence[Any] = self.client.xrange(self.keys.of(Key.ALARMS))  # type: ignore[assignment]  # redis-py's sync and async types in one
        return [fields[b"what"].decode() for _, fields in entries]


def upload_of(submission: Submission) -> str:
    """Give the id of the upload a submission is to be made from."""
    assert submission.filling is not None
    return submission.filling.upload


def record_of(claim: SendClaim, outcome: Outcome, **more: Any) -> SendRecord:  # noqa: ANN401 - as above
    return SendRecord(
        campaign=claim.campaign, n=claim.n, attempt=claim.attempt, outcome=outcome, **more
    )
