"""Batches: claiming them for a quote or a send, and recording how that ended."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from dispatcher.domain.fates import FOLLOWS_BATCH, Exclusion
from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.domain.message import Message
from dispatcher.domain.packing import Batch, unpack
from dispatcher.store.campaigns import read_message
from dispatcher.store.connection import translated
from dispatcher.store.durability import Barrier
from dispatcher.store.keys import Key
from dispatcher.store.nudges import Nudge, read_nudge
from dispatcher.store.records import moment
from dispatcher.store.replies import text_fields
from dispatcher.store.scripts import Script, Scripts

_CLAIMED = b"claimed"
_NONE = b"none"
_UNCONFIRMED_PAUSE_MS = 5000


class NothingToDo(enum.Enum):
    """Why a claim got no batch."""

    IDLE = "idle"
    """None is due: all are taken, or wait for their next try."""

    FENCED = "fenced"
    """Redis restarted or failed over; its run id has to be approved first."""

    NOT_DURABLE = "not durable"
    """Redis could not confirm the claim, so nothing was sent and the batch was given back."""

    OTHER_STATE = "other state"
    """The campaign has moved on, is held, or does not exist."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuoteClaim:
    """A batch to simulate.

    Attributes:
        campaign: its campaign's id.
        n: number of the batch, from 0.
        message: what to simulate.
        batch: its recipients.
        spent: what the account had spent before the API was asked.
        fates: a byte per recipient.
        tries: quotes of the campaign that failed in a row.
    """

    campaign: str
    n: int
    message: Message
    batch: Batch
    spent: int
    fates: bytes
    tries: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SendClaim:
    """A batch that may be posted once, by whoever holds this.

    Attributes:
        campaign: its campaign's id.
        n: number of the batch, from 0.
        attempt: the fence; which claim of this batch it is.
        message: what to send.
        batch: its recipients.
        fates: a byte per recipient; those not `FOLLOWS_BATCH` are left out.
        first: sequence number, on the account, of the batch's first recipient.
    """

    campaign: str
    n: int
    attempt: int
    message: Message
    batch: Batch
    fates: bytes
    first: int


class Outcome(enum.Enum):
    """How a POST ended; see `BatchState` for what follows."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_SENT = "not sent"
    NO_CREDITS = "no credits"
    NO_CREDENTIALS = "no credentials"
    UNKNOWN = "unknown"


class QuoteFailure(enum.Enum):
    """What follows when a batch cannot be simulated."""

    RETRY = "retry"
    REJECT = "reject"
    NO_CREDITS = "credits"
    NO_CREDENTIALS = "credentials"


class SendRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one POST, as recorded and as journalled.

    Attributes:
        campaign: its campaign's id.
        n: number of the batch.
        attempt: the fence.
        outcome: how it ended.
        ticket: the API's campaign id, when accepted.
        cost: credits debited; None when the reply could not be read so far.
        code: the API's status, "" when it gave none.
        why: what went wrong, without personal data.
        pause_ms: before a batch that was not sent is tried again.
    """

    campaign: str
    n: int
    attempt: int
    outcome: Outcome
    ticket: str = ""
    cost: int | None = None
    code: str = ""
    why: str = ""
    pause_ms: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchRecord:
    """A batch as it stands; `quote` and `cost` in credits."""

    state: BatchState
    attempt: int = 0
    quote: int = 0
    cost: int | None = None
    ticket: str | None = None
    why: str | None = None
    settled_at: datetime | None = None


class Batches:
    """The batches of one account's campaigns."""

    def __init__(self, scripts: Scripts, barrier: Barrier) -> None:
        self._scripts = scripts
        self._barrier = barrier
        self._client = scripts.client
        self._keys = scripts.keys

    def claim_quote(self, campaign: str, *, lease_ms: int) -> QuoteClaim | NothingToDo:
        """Take the next batch to simulate; others may after `lease_ms`."""
        reply = self._scripts.run(Script.CLAIM_QUOTE, campaign, lease_ms)
        if reply[0] != _CLAIMED:
            return _nothing(reply[0])
        _, n, packed, message, spent, fates, tries = reply
        return QuoteClaim(
            campaign=campaign,
            n=n,
            message=read_message(message),
            batch=unpack(packed),
            spent=int(spent),
            fates=fates,
            tries=int(tries),
        )

    def record_quote(
        self,
        claim: QuoteClaim,
        *,
        cost: int,
        credits_left: int | None,
        exclusions: Mapping[int, Exclusion],
    ) -> Nudge:
        """Record what simulate said; the campaign's last quote reserves its whole cost.

        `exclusions` maps places in the batch to why the API would not send to them.
        """
        reply = self._scripts.run(
            Script.RECORD_QUOTE,
            claim.campaign,
            claim.n,
            len(claim.batch.numbers),
            cost,
            "" if credits_left is None else credits_left,
            claim.spent,
            self._positions(claim.campaign, claim.n, exclusions),
        )
        return read_nudge(claim.campaign, reply)

    def fail_quote(
        self, claim: QuoteClaim, failure: QuoteFailure, *, code: str, why: str, pause_ms: int = 0
    ) -> None:
        """Record that a batch could not be simulated, and what follows."""
        self._scripts.run(
            Script.FAIL_QUOTE, claim.campaign, claim.n, failure.value, code, why, pause_ms
        )

    def claim_send(
        self, campaign: str, *, operation: str, deadline_ms: int
    ) -> SendClaim | NothingToDo:
        """Take the next batch to send, durably.

        Args:
            campaign: the campaign's id.
            operation: a fresh token for each claim; the same token gets the same batch.
            deadline_ms: after which a claim without a recorded outcome is `unknown`.

        Raises:
            StoreUnavailableError: Redis did not answer; claim again with the same token.
        """
        reply, durable = self._scripts.run_durably(
            Script.CLAIM_SEND, campaign, operation, deadline_ms, barrier=self._barrier
        )
        if reply[0] != _CLAIMED:
            return _nothing(reply[0])
        _, n, attempt, packed, message, fates, first = reply
        if not durable:
            self._give_back(campaign, n, int(attempt))
            return NothingToDo.NOT_DURABLE
        return SendClaim(
            campaign=campaign,
            n=n,
            attempt=int(attempt),
            message=read_message(message),
            batch=unpack(packed),
            fates=fates,
            first=int(first),
        )

    def _give_back(self, campaign: str, n: int, attempt: int) -> None:
        self.record_send(
            SendRecord(
                campaign=campaign,
                n=n,
                attempt=attempt,
                outcome=Outcome.NOT_SENT,
                why="Redis did not confirm the claim",
                pause_ms=_UNCONFIRMED_PAUSE_MS,
            )
        )

    def record_send(self, record: SendRecord) -> tuple[BatchState, CampaignState] | None:
        """Record how a POST ended; give the states that follow, None when it is not kept here."""
        batch, campaign = self._scripts.run(
            Script.RECORD_SEND,
            record.campaign,
            record.n,
            record.attempt,
            record.outcome.value,
            record.ticket,
            "" if record.cost is None else record.cost,
            record.code,
            record.why,
            record.pause_ms,
        )
        if batch == _NONE:
            return None
        return BatchState(batch.decode()), CampaignState(campaign.decode())

    def exclude(self, campaign: str, n: int, exclusions: Mapping[int, Exclusion]) -> None:
        """Record recipients of an accepted batch whom the API left out."""
        self._scripts.run(Script.EXCLUDE, campaign, n, self._positions(campaign, n, exclusions))

    def read(self, campaign: str, n: int) -> BatchRecord | None:
        """Read how a batch stands; None while it has no quote."""
        with translated():
            raw = self._client.hgetall(self._keys.of(Key.BATCH, campaign, n))
        if not raw:
            return None
        fields = text_fields(raw)
        return BatchRecord(
            state=BatchState(fields["state"]),
            attempt=int(fields.get("attempt", 0)),
            quote=int(fields.get("quote", 0)),
            cost=int(fields["cost"]) if "cost" in fields else None,
            ticket=fields.get("ticket") or None,
            why=fields.get("why"),
            settled_at=moment(fields["settled_at"]) if "settled_at" in fields else None,
        )

    def _positions(self, campaign: str, n: int, exclusions: Mapping[int, Exclusion]) -> bytes:
        if not exclusions:
            return msgspec.msgpack.encode([])
        with translated():
            size = self._client.hget(self._keys.of(Key.CAMPAIGN, campaign), "batch_size")
        start = n * int(size or 0)
        pairs = [(start + place, int(exclusion)) for place, exclusion in exclusions.items()]
        return msgspec.msgpack.encode([part for pair in pairs for part in pair])


def left_in(fates: bytes) -> Sequence[int]:
    """List the places of a batch's recipients that nothing is known against."""
    if fates.count(FOLLOWS_BATCH) == len(fates):
        return range(len(fates))
    return [place for place, fate in enumerate(fates) if fate == FOLLOWS_BATCH]


def _nothing(reply: bytes) -> NothingToDo:
    word = reply.decode()
    known = {NothingToDo.IDLE.value, NothingToDo.FENCED.value}
    return NothingToDo(word) if word in known else NothingToDo.OTHER_STATE
