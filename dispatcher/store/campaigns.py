"""Campaign records: uploading, submitting, reading, approving and cancelling."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from dispatcher.domain.campaign import CampaignStatus, DroppedRow
from dispatcher.domain.lifecycle import CampaignState, HoldReason
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
from dispatcher.store.submissions import (
    NOT_FILLED,
    Definition,
    Submission,
    read_definition,
    record_fields,
)

# Long enough for a producer that reads a million recipients from a slow source.
_UPLOAD_LIFETIME = 3600
# Batches start at "0"; dropped rows are kept beside them under "dropped:0" and so on.
_DROPPED = "dropped:"


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
            StateError: the schedule has moved on, or its family has; nothing was made.
            StoreFullError: Redis is over 80 % full; nothing new begins.
            StoreUnavailableError: the upload expired, or Redis did not confirm; submit again.
        """
        filling = submission.filling or NOT_FILLED
        raw, durable = self._scripts.run_durably(
            Script.SUBMIT,
            submission.id,
            filling.upload,
            submission.fingerprint,
            msgspec.msgpack.encode(record_fields(submission, filling)),
            filling.batches,
            filling.recipients,
            filling.dropped_chunks,
            filling.starts,
            step,
            *_kin(submission),
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
        if reply == "outdated":
            raise StateError("others were sent to again meanwhile")
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
        return status_of(campaign, self._keys.account_name, self._record(campaign))

    def exists(self, campaign: str) -> bool:
        """Tell whether there is a campaign of that id."""
        with translated():
            return bool(self._client.exists(self._keys.of(Key.CAMPAIGN, campaign)))

    def definition(self, campaign: str) -> Definition:
        """Read what a campaign was submitted with, but for its recipients.

        Raises:
            UnknownCampaignError: there is none of that id.
        """
        return read_definition(self._record(campaign))

    def _record(self, campaign: str) -> dict[str, str]:
        with translated():
            raw = self._client.hgetall(self._keys.of(Key.CAMPAIGN, campaign))
        if not raw:
            raise UnknownCampaignError(
                f"no campaign {campaign} on account {self._keys.account_name}"
            )
        return text_fields(raw)

    def family(self, root: str) -> tuple[str, ...]:
        """List the campaigns that send to some of another again, and to some of these."""
        with translated():
            found = self._client.hget(self._keys.of(Key.CAMPAIGN, root), "family")
        return tuple(text(found).split()) if found else ()

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


def _kin(submission: Submission) -> tuple[str, str, str]:
    kinship = submission.kinship
    if kinship is None:
        return "", "", ""
    return kinship.source, kinship.root, " ".join(kinship.family)
