"""Campaign records: uploading, submitting, reading, approving and cancelling."""

import struct
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

import msgspec

from dispatcher.domain.campaign import CampaignStatus, DroppedRow
from dispatcher.domain.lifecycle import CampaignState, HoldReason
from dispatcher.domain.message import Message, PushType
from dispatcher.domain.routes import Render
from dispatcher.domain.timing import AT_ONCE, Timing
from dispatcher.domain.windows import WindowPolicy
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
from dispatcher.store.records import moment, status_of
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
class Filling:
    """Recipients that were uploaded, ready to become a campaign's.

    Attributes:
        upload: id of the upload.
        batches: how many batches it has.
        batch_size: recipients in each batch but the last; 0 when the batches differ.
        starts: what `starts_of` gives for batches that differ, else nothing.
        recipients: rows kept, `rows` those that came in.
        rows: see `recipients`.
        invalid: rows dropped as invalid.
        duplicated: rows dropped as duplicates.
        dropped_chunks: how often `upload_dropped` was called.
        list_batches: how many batches are sent by a list at the API.
        estimate: segments of all the texts by our own count.
    """

    upload: str
    batches: int
    batch_size: int
    starts: bytes = b""
    recipients: int
    rows: int
    invalid: int
    duplicated: int
    dropped_chunks: int
    list_batches: int = 0
    estimate: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """A campaign to be made.

    Attributes:
        id: the campaign's id.
        fingerprint: the same for the same content.
        message: what it says; its text is a template.
        filling: its recipients, uploaded before; None for those of `lists`.
        lists: ids of lists of the account to send to.
        render: who puts the fields of such lists into the text.
        replaces: whether characters that force UCS-2 are replaced by look-alikes.
        skips_bad_rows: whether recipients without a value for a field are left out.
        needs_approval: wait for approval once quoted.
        cleans_lists: whether lists made for it are emptied when it is over.
        timing: when it is to be sent.
        heeds_hours: whether it is advertising, which has its hours.
        window_policy: what becomes of it outside these.
        nudge_after_ms: how long it may stand still.
        receipt_wait_ms: how long receipts are awaited.
    """

    id: str
    fingerprint: str
    message: Message
    filling: Filling | None
    lists: tuple[str, ...] = ()
    render: Render = Render.AUTO
    replaces: bool = False
    skips_bad_rows: bool = False
    needs_approval: bool = False
    cleans_lists: bool = True
    timing: Timing = AT_ONCE
    heeds_hours: bool = False
    window_policy: WindowPolicy = WindowPolicy.HOLD
    nudge_after_ms: int
    receipt_wait_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Which times a campaign keeps to.

    Attributes:
        policy: what becomes of it outside the hours of advertising; None if it has none.
        latest: after which nothing of it may be given to the API; None for no limit.
    """

    policy: WindowPolicy | None
    latest: datetime | None


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

    def submit(self, submission: Submission, *, step: bytes = b"") -> bool:
        """Make the campaign exist, durably; tell whether it is new.

        Args:
            submission: what to make.
            step: of the schedule that it is an occurrence of, taken together with it.

        Raises:
            ConflictError: the id exists with other content.
            StateError: the schedule has moved on; nothing was made.
            StoreFullError: Redis is over 80 % full; nothing new begins.
            StoreUnavailableError: the upload expired, or Redis did not confirm; submit again.
        """
        filling = submission.filling or _NOT_FILLED
        raw, durable = self._scripts.run_durably(
            Script.SUBMIT,
            submission.id,
            filling.upload,
            submission.fingerprint,
            msgspec.msgpack.encode(_record(submission, filling)),
            filling.batches,
            filling.recipients,
            filling.dropped_chunks,
            filling.starts,
            step,
            barrier=self._barrier,
        )
        reply = raw.decode()
        if reply == "conflict":
            raise ConflictError(
                f"campaign {submission.id} exists with other content: "
                "use another id or idempotency key, or submit the same content"
            )
        if reply == "full":
            self.discard(filling.upload)
            raise StoreFullError("Redis is over 80 % full: free memory or raise maxmemory")
        if reply == "stale":
            raise StateError(f"the schedule of {submission.id} has moved on")
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

    def exists(self, campaign: str) -> bool:
        """Tell whether there is a campaign of that id."""
        with translated():
            return bool(self._client.exists(self._keys.of(Key.CAMPAIGN, campaign)))

    def limits(self, campaign: str) -> Limits:
        """Read which times a campaign keeps to."""
        with translated():
            raw = self._client.hmget(self._keys.of(Key.CAMPAIGN, campaign), ["windows", "latest"])
        windows, latest = (text(value) if value else "" for value in raw)
        return Limits(
            policy=WindowPolicy(windows) if windows else None,
            latest=moment(latest) if int(latest or 0) else None,
        )

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

    def cancel(self, campaign: str) -> CampaignState:
        """Cancel what is not sent yet; give the campaign's state, which tells what is left to do.

        Raises:
            StateError: it is too late for all of it.
            StoreUnavailableError: it may be forgotten again; cancel once more.
            UnknownCampaignError: there is none of that id.
        """
        self.status(campaign)
        raw, durable = self._scripts.run_durably(Script.CANCEL, campaign, barrier=self._barrier)
        state = CampaignState(raw[0].decode())
        if not raw[1]:
            raise StateError(f"campaign {campaign} is {state.value}: too late to cancel")
        if not durable:
            raise StoreUnavailableError("Redis did not confirm the cancellation: cancel again")
        return state

    def pause(self, campaign: str) -> None:
        """Let nothing more of a campaign be sent until it is resumed.

        Raises:
            StateError: nothing is left to pause.
            StoreUnavailableError: it may be forgotten again; pause once more.
            UnknownCampaignError: there is none of that id.
        """
        self.status(campaign)
        raw, durable = self._scripts.run_durably(Script.PAUSE, campaign, barrier=self._barrier)
        state, hold = (part.decode() for part in raw)
        if hold != HoldReason.PAUSED.value:
            raise StateError(f"campaign {campaign} is {state}: there is nothing to pause")
        if not durable:
            raise StoreUnavailableError("Redis did not confirm the pause: pause again")

    def resume(self, campaign: str) -> Nudge:
        """Let a paused campaign go on.

        Raises:
            StateError: it is not paused.
            UnknownCampaignError: there is none of that id.
        """
        self.status(campaign)
        next_up = read_nudge(
            campaign, self._scripts.run(Script.UNPAUSE, campaign, uuid.uuid4().hex)
        )
        if next_up.waiting < 0:
            raise StateError(f"campaign {campaign} is {next_up.state.value} and is not paused")
        return next_up

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


def read_lists(stored: bytes) -> tuple[str, ...]:
    """Read the ids of the lists a campaign was submitted with."""
    return msgspec.json.decode(stored, type=tuple[str, ...])


def starts_of(sizes: Iterable[int]) -> bytes:
    """Write where batches of these sizes begin, four bytes each."""
    *starts, _ = accumulate(sizes, initial=0)
    return struct.pack(f">{len(starts)}I", *starts)


def flat_fields(filling: Filling) -> list[str]:
    """Write what a campaign's record says of its recipients."""
    return _flat(_fields_of(filling))


def _fields_of(filling: Filling) -> dict[str, str | int]:
    return {
        "batch_size": filling.batch_size,
        "rows": filling.rows,
        "invalid": filling.invalid,
        "duplicated": filling.duplicated,
        "list_batches": filling.list_batches,
        "estimate": filling.estimate,
        "list_prefix": f"dispatch-{filling.upload}",
    }


def _record(submission: Submission, filling: Filling) -> list[str]:
    return _flat(
        {
            **_fields_of(filling),
            "message": stored_message(submission.message).decode(),
            "lists": msgspec.json.encode(submission.lists).decode(),
            "render": submission.render.value,
            "replaces": int(submission.replaces),
            "skips_bad_rows": int(submission.skips_bad_rows),
            "needs_approval": int(submission.needs_approval),
            "clean_lists": int(submission.cleans_lists),
            "nudge_after": submission.nudge_after_ms,
            "receipt_wait": submission.receipt_wait_ms,
            "windows": submission.window_policy.value if submission.heeds_hours else "",
            "send_at": _milliseconds(submission.timing.send_at),
            "handover_at": _milliseconds(submission.timing.handover_at),
            "latest": _milliseconds(submission.timing.latest),
        }
    )


def _milliseconds(when: datetime | None) -> int:
    return 0 if when is None else int(when.timestamp() * 1000)


def _flat(fields: Mapping[str, str | int]) -> list[str]:
    return [str(part) for pair in fields.items() for part in pair]


_NOT_FILLED = Filling(
    upload="",
    batches=0,
    batch_size=0,
    recipients=0,
    rows=0,
    invalid=0,
    duplicated=0,
    dropped_chunks=0,
)
