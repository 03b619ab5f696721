"""Campaign records: uploading, submitting, reading, approving and cancelling."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from dispatcher.domain.campaign import CampaignStatus, DroppedRow
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.domain.message import Message, PushType
from dispatcher.errors import (
    ConflictError,
    StateError,
    StoreFullError,
    StoreUnavailableError,
    UnknownCampaignError,
)
from dispatcher.store.connection import translated
from dispatcher.store.durability import Barrier
from dispatcher.store.keys import Key
from dispatcher.store.nudges import Nudge, read_nudge
from dispatcher.store.records import status_of
from dispatcher.store.replies import blob, text, text_fields
from dispatcher.store.scripts import Script, Scripts

# Long enough for a producer that reads a million recipients from a slow source.
_UPLOAD_LIFETIME = 3600
# Batches start at "0"; dropped rows are kept beside them under "dropped:0" and so on.
_DROPPED = "dropped:"


class _StoredMessage(msgspec.Struct, omit_defaults=True):
    text: str
    sender: str | None = None
    pushtype: PushType = PushType.ALERT
    links: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """Everything about a campaign but its recipients, which were uploaded before.

    Attributes:
        id: the campaign's id.
        upload: id of the upload that holds its recipients.
        fingerprint: the same for the same content.
        message: what it says.
        batches: how many batches were uploaded.
        batch_size: recipients in each batch but the last.
        recipients: rows kept, `rows` those that came in.
        rows: see `recipients`.
        invalid: rows dropped as invalid.
        duplicated: rows dropped as duplicates.
        dropped_chunks: how often `upload_dropped` was called.
        needs_approval: wait for approval once quoted.
        nudge_after_ms: how long it may stand still.
        receipt_wait_ms: how long receipts are awaited.
    """

    id: str
    upload: str
    fingerprint: str
    message: Message
    batches: int
    batch_size: int
    recipients: int
    rows: int
    invalid: int
    duplicated: int
    dropped_chunks: int
    needs_approval: bool
    nudge_after_ms: int
    receipt_wait_ms: int


class Campaigns:
    """The campaigns of one account."""

    def __init__(self, scripts: Scripts, barrier: Barrier) -> None:
        self._scripts = scripts
        self._barrier = barrier
        self._client = scripts.client
        self._keys = scripts.keys

    def upload(self, upload: str, batches: Mapping[int, bytes]) -> None:
        """Put packed batches aside until `submit` makes a campaign of them.

        Raises:
            StoreFullError: no memory is left.
            StoreUnavailableError: Redis did not answer; uploading again is safe.
        """
        name = self._keys.of(Key.UPLOAD, upload)
        with translated(), self._client.pipeline(transaction=False) as pipe:
            pipe.hset(name, mapping={str(n): packed for n, packed in batches.items()})
            pipe.expire(name, _UPLOAD_LIFETIME)
            pipe.execute()

    def upload_dropped(self, upload: str, chunk: int, rows: Sequence[DroppedRow]) -> None:
        """Put rows aside that were not kept, for the results."""
        packed = msgspec.msgpack.encode([(row.number, row.id, row.reason) for row in rows])
        name = self._keys.of(Key.UPLOAD, upload)
        with translated(), self._client.pipeline(transaction=False) as pipe:
            pipe.hset(name, f"{_DROPPED}{chunk}", packed)
            pipe.expire(name, _UPLOAD_LIFETIME)
            pipe.execute()

    def discard(self, upload: str) -> None:
        """Forget an upload that will not be submitted."""
        with translated():
            self._client.unlink(self._keys.of(Key.UPLOAD, upload))

    def submit(self, submission: Submission) -> bool:
        """Make the campaign exist, durably; tell whether it is new.

        Raises:
            ConflictError: the id exists with other content.
            StoreFullError: Redis is over 80 % full; nothing new begins.
            StoreUnavailableError: the upload expired, or Redis did not confirm; submit again.
        """
        raw, durable = self._scripts.run_durably(
            Script.SUBMIT,
            submission.id,
            submission.upload,
            submission.fingerprint,
            msgspec.msgpack.encode(_record(submission)),
            submission.batches,
            submission.recipients,
            submission.dropped_chunks,
            barrier=self._barrier,
        )
        reply = raw.decode()
        if reply == "conflict":
            raise ConflictError(
                f"campaign {submission.id} exists with other content: "
                "use another id or idempotency key, or submit the same content"
            )
        if reply == "full":
            self.discard(submission.upload)
            raise StoreFullError("Redis is over 80 % full: free memory or raise maxmemory")
        if reply == "expired":
            raise StoreUnavailableError("the uploaded recipients expired")
        if not durable:
            raise StoreUnavailableError("Redis did not confirm the campaign in time")
        return bool(reply == "created")

    def status(self, campaign: str) -> CampaignStatus:
        """Read how a campaign stands.

        Raises:
            UnknownCampaignError: there is none of that id.
        """
        with translated():
            raw = self._client.hgetall(self._keys.of(Key.CAMPAIGN, campaign))
        if not raw:
            raise UnknownCampaignError(
                f"no campaign {campaign} on account {self._keys.account_name}"
            )
        return status_of(campaign, self._keys.account_name, text_fields(raw))

    def newest(self, count: int) -> list[str]:
        """List the ids of the newest campaigns, newest first."""
        with translated():
            found: Any = self._client.zrevrange(self._keys.of(Key.CAMPAIGNS), 0, count - 1)
        return [text(name) for name in found]

    def approve(self, campaign: str, *, by: str) -> Nudge:
        """Let a campaign spend what it was quoted.

        Raises:
            StateError: it does not wait for approval.
            UnknownCampaignError: there is none of that id.
        """
        self.status(campaign)
        next_up = read_nudge(campaign, self._scripts.run(Script.APPROVE, campaign, by))
        if next_up.waiting < 0:
            raise StateError(
                f"campaign {campaign} is {next_up.state.value} and does not wait for approval"
            )
        return next_up

    def cancel(self, campaign: str) -> None:
        """Cancel a campaign of which nothing was claimed for sending.

        Raises:
            StateError: it is too late for that.
            StoreUnavailableError: it may be forgotten again; cancel once more.
            UnknownCampaignError: there is none of that id.
        """
        self.status(campaign)
        raw, durable = self._scripts.run_durably(Script.CANCEL, campaign, barrier=self._barrier)
        reply = [part.decode() for part in raw]
        if reply[0] != CampaignState.CANCELLED.value:
            raise StateError(f"campaign {campaign} is {reply[1]}: too late to cancel")
        if not durable:
            raise StoreUnavailableError("Redis did not confirm the cancellation: cancel again")

    def dropped(self, campaign: str) -> Iterator[DroppedRow]:
        """Read the rows that were not kept."""
        name = self._keys.of(Key.RECIPIENTS, campaign)
        for chunk in range(1_000_000_000):
            with translated():
                packed = self._client.hget(name, f"{_DROPPED}{chunk}")
            if packed is None:
                return
            for number, own_id, reason in msgspec.msgpack.decode(blob(packed)):
                yield DroppedRow(number=number, id=own_id, reason=reason)


def stored_message(message: Message) -> bytes:
    """Write a message the way records keep it; equal messages give equal bytes."""
    return msgspec.json.encode(
        _StoredMessage(message.text, message.sender, message.pushtype, message.links)
    )


def read_message(stored: bytes) -> Message:
    """Read what `stored_message` wrote."""
    found = msgspec.json.decode(stored, type=_StoredMessage)
    return Message(text=found.text, sender=found.sender, pushtype=found.pushtype, links=found.links)


def _record(submission: Submission) -> list[str]:
    fields = {
        "message": stored_message(submission.message).decode(),
        "batch_size": submission.batch_size,
        "rows": submission.rows,
        "invalid": submission.invalid,
        "duplicated": submission.duplicated,
        "needs_approval": int(submission.needs_approval),
        "nudge_after": submission.nudge_after_ms,
        "receipt_wait": submission.receipt_wait_ms,
    }
    return [str(part) for pair in fields.items() for part in pair]
