"""Batches: claiming them for a quote or a send, and recording how that ended."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec

from dispatcher.domain.fates import Exclusion
from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.domain.packing import unpack
from dispatcher.domain.routes import Render
from dispatcher.domain.windows import WindowPolicy
from dispatcher.errors import StoreUnavailableError
from dispatcher.store.claims import NothingToDo, QuoteClaim, SendClaim, UnreadClaim
from dispatcher.store.connection import translated
from dispatcher.store.contact_lists import read_progress
from dispatcher.store.durability import Barrier
from dispatcher.store.keys import Key
from dispatcher.store.nudges import Nudge, read_nudge
from dispatcher.store.preamble import UNREAD
from dispatcher.store.records import moment
from dispatcher.store.replies import blob, text_fields
from dispatcher.store.scripts import Script, Scripts
from dispatcher.store.server_clock import ServerClock
from dispatcher.store.submissions import read_lists, read_message

_CLAIMED = b"claimed"
_UNREAD = b"unread"
_YES = b"1"
_NONE = b"none"
_GO = b"go"
SUPPRESSIONS_CHANGED = "suppressions"
"""Why a POST may not begin before the suppression list is looked at again."""

SLOT_MISSED = "slot"
"""Why a POST may not begin before it has another slot."""

_UNCONFIRMED_PAUSE_MS = 5000
_TIMES_ASKED = 3


class Outcome(enum.Enum):
    """How a POST ended; see `BatchState` for what follows."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_SENT = "not sent"
    NO_CREDITS = "no credits"
    NO_CREDENTIALS = "no credentials"
    UNKNOWN = "unknown"
    CLOSED = "closed"
    EXPIRED = "expired"


class QuoteFailure(enum.Enum):
    """What follows when a batch cannot be simulated."""

    RETRY = "retry"
    REJECT = "reject"
    NO_CREDITS = "credits"
    NO_CREDENTIALS = "credentials"


class LeftOut(NamedTuple):
    """People the API did not send a batch to, as its reply counts them.

    Attributes:
        people: all of them.
        blacklisted: those of them who are on its blacklist.
        duplicated: those of them it takes for duplicates.
    """

    people: int
    blacklisted: int
    duplicated: int


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
        surplus: people the API sent to beyond those it was asked to.
        left_out: people it did not send to, who are to be named; None for nobody.
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
    surplus: int = 0
    left_out: LeftOut | None = None


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

    def __init__(
        self, scripts: Scripts, barrier: Barrier, clock: ServerClock | None = None
    ) -> None:
        self._scripts = scripts
        self._barrier = barrier
        self._clock = clock or ServerClock()
        self._client = scripts.client
        self._keys = scripts.keys

    def claim_quote(
        self, campaign: str, *, lease_ms: int
    ) -> QuoteClaim | UnreadClaim | NothingToDo:
        """Take the next batch to simulate, or lists to read; others may after `lease_ms`."""
        what, *reply = self._scripts.run(Script.CLAIM_QUOTE, campaign, lease_ms)
        if what == _UNREAD:
            message, lists, tries, render, replaces, skips = reply
            return UnreadClaim(
                campaign=campaign,
                message=read_message(message),
                lists=read_lists(lists),
                tries=int(tries),
                render=Render(render.decode()),
                replaces=replaces == _YES,
                skips_bad_rows=skips == _YES,
            )
        if what != _CLAIMED:
            return _nothing(what)
        n, packed, message, lists, spent, fates, tries, progress, prefix, heeded, listed = reply
        return QuoteClaim(
            campaign=campaign,
            n=n,
            message=read_message(message),
            batch=unpack(packed),
            lists=read_lists(lists),
            spent=int(spent),
            fates=fates,
            tries=int(tries),
            progress=read_progress(progress),
            list_name=f"{prefix.decode()}-{n}",
            heeded=int(heeded),
            listed=int(listed),
        )

    def record_quote(
        self,
        claim: QuoteClaim,
        *,
        cost: int,
        credits_left: int | None,
        exclusions: Mapping[int, Exclusion],
        weight: int | None = None,
    ) -> Nudge:
        """Record what simulate said; the campaign's last quote reserves its whole cost.

        The claim's `heeded` is what the exclusions heed of the suppression list.

        `exclusions` maps places in the batch to why the API would not send to them; `weight` is
        how many segments the others get, and None takes the cost for it.
        """
        reply = self._scripts.run(
            Script.RECORD_QUOTE,
            claim.campaign,
            claim.n,
            len(claim.batch.numbers),
            cost,
            "" if credits_left is None else credits_left,
            claim.spent,
            _packed(exclusions),
            claim.heeded,
            "" if weight is None else weight,
        )
        return read_nudge(claim.campaign, reply)

    def fail_quote(
        self,
        claim: QuoteClaim | UnreadClaim,
        failure: QuoteFailure,
        *,
        code: str = "",
        why: str,
        pause_ms: int = 0,
    ) -> None:
        """Record that a batch could not be simulated, or lists not read, and what follows."""
        n = claim.n if isinstance(claim, QuoteClaim) else UNREAD
        self._scripts.run(Script.FAIL_QUOTE, claim.campaign, n, failure.value, code, why, pause_ms)

    def claim_send(
        self,
        campaign: str,
        *,
        operation: str,
        deadline_ms: int,
        reading_ms: int | None = None,
        rate: float | None = None,
        early_ms: int = 0,
    ) -> SendClaim | NothingToDo:
        """Take the next batch to send, durably.

        Under a budget it may be one of another campaign, whose turn it is.

        Args:
            campaign: the campaign's id.
            operation: a fresh token for each claim; the same token gets the same batch.
            deadline_ms: after which a claim without a recorded outcome is `unknown`.
            reading_ms: after which a claim of a batch that goes to lists is over, unless its POST
                has begun; as `deadline_ms` when not given.
            rate: segments a second the account may send; None for any.
            early_ms: how much more than usual whoever claims has to do before a slot.

        Raises:
            StoreUnavailableError: Redis did not answer; claim again with the same token.
        """
        if rate is not None and not self._clock.is_known:
            self._learn_time()
        asked = self._clock.monotonic()
        reply, durable = self._scripts.run_durably(
            Script.CLAIM_SEND,
            campaign,
            operation,
            deadline_ms,
            deadline_ms if reading_ms is None else reading_ms,
            rate or 0,
            early_ms,
            barrier=self._barrier,
        )
        if reply[0] != _CLAIMED:
            return _nothing(reply[0])
        _, n, attempt, packed, message, lists, fates, first, progress, due, *rest = reply
        windows, heeded, listed, owner, slot, begins_later, source, early, now = rest
        self._clock.heed(int(now), asked=asked, answered=self._clock.monotonic())
        if not durable:
            self._give_back(owner.decode(), n, int(attempt))
            return NothingToDo.NOT_DURABLE
        return SendClaim(
            campaign=owner.decode(),
            n=n,
            attempt=int(attempt),
            message=read_message(message),
            batch=unpack(packed),
            lists=read_lists(lists),
            fates=fates,
            first=int(first),
            progress=read_progress(progress),
            delay=moment(due.decode()) if int(due) else None,
            window_policy=WindowPolicy(windows.decode()) if windows else None,
            heeded=int(heeded),
            listed=int(listed),
            post_at=self._clock.moment(int(slot)) if int(slot) else None,
            begins_later=begins_later == _YES,
            early_ms=int(early),
            resend_of=source.decode() or None,
        )

    def cut(self, claim: SendClaim, exclusions: Mapping[int, Exclusion]) -> int | None:
        """Take people out of a claimed batch by their places; give how many are left.

        A batch of nobody ends here, and its credits are free again. None when the claim is over.
        """
        packed = _packed(exclusions)
        left = int(self._scripts.run(Script.CUT, claim.campaign, claim.n, claim.attempt, packed))
        return None if left < 0 else left

    def begin_post(self, claim: SendClaim, *, deadline_ms: int) -> str | None:
        """Look once more, right before its POST, whether a claimed batch may go; say why not.

        `SUPPRESSIONS_CHANGED` asks to look at the suppression list again: it is not what the claim
        `heeded`. `SLOT_MISSED` asks for another slot; see `Pacing.renew`. A batch that goes to
        lists, or had to wait for a slot, counts as perhaps sent from here on, durably.

        Args:
            claim: the batch.
            deadline_ms: after which such a batch is `unknown` unless an outcome is recorded.

        Raises:
            StoreUnavailableError: Redis did not answer, or not durably; asking again is safe.
        """
        answer, durable = self._scripts.run_durably(
            Script.BEGIN_POST,
            claim.campaign,
            claim.n,
            claim.attempt,
            deadline_ms,
            claim.heeded,
            barrier=self._barrier if claim.begins_later else Barrier(),
        )
        if not durable:
            raise StoreUnavailableError("Redis did not confirm that the POST may begin")
        return None if answer == _GO else str(answer.decode())

    def _learn_time(self) -> None:
        """Ask for the time by itself: an answer that waits for the disk tells it less well."""
        for _ in range(_TIMES_ASKED):
            asked = self._clock.monotonic()
            now = self._scripts.run(Script.READ_CLOCK)
            self._clock.heed(int(now), asked=asked, answered=self._clock.monotonic())

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
            record.surplus,
            b"" if record.left_out is None else msgspec.json.encode(record.left_out),
        )
        if batch == _NONE:
            return None
        return BatchState(batch.decode()), CampaignState(campaign.decode())

    def exclude(self, campaign: str, n: int, exclusions: Mapping[int, Exclusion]) -> None:
        """Record recipients of an accepted batch whom the API left out."""
        self._scripts.run(Script.EXCLUDE, campaign, n, _packed(exclusions))

    def numbers(self, campaign: str, n: int) -> Sequence[int]:
        """Read the E.164 numbers of a batch."""
        with translated():
            packed = self._client.hget(self._keys.of(Key.RECIPIENTS, campaign), str(n))
        return unpack(blob(packed)).numbers

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


def _packed(exclusions: Mapping[int, Exclusion]) -> bytes:
    flat = [part for place, exclusion in exclusions.items() for part in (place, int(exclusion))]
    return msgspec.msgpack.encode(flat)


def _nothing(reply: bytes) -> NothingToDo:
    word = reply.decode()
    known = {each.value for each in (NothingToDo.IDLE, NothingToDo.FENCED, NothingToDo.PACED)}
    return NothingToDo(word) if word in known else NothingToDo.OTHER_STATE
