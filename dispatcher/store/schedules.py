"""Schedules in Redis: their definition, how far they have come, and what became of occurrences.

Whatever is decided about a schedule is decided on its record as it was at some `version`, and
taken by one script that compares it. See `workers.steps.schedules` for why nothing is lost or
doubled.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any, Self, get_type_hints

import msgspec

from dispatcher.domain.campaign import Campaign
from dispatcher.domain.schedules import (
    Audience,
    FromFile,
    FromTask,
    Handled,
    Schedule,
    ScheduleState,
    ScheduleStatus,
    moment_of,
)
from dispatcher.domain.zones import Zone
from dispatcher.errors import (
    ConflictError,
    StoreFullError,
    StoreUnavailableError,
    UnknownScheduleError,
)
from dispatcher.store.connection import translated
from dispatcher.store.durability import Barrier
from dispatcher.store.keys import Key
from dispatcher.store.records import moment
from dispatcher.store.replies import blob, text
from dispatcher.store.scripts import Script, Scripts
from dispatcher.store.submissions import Filling

# Long enough to submit the copy right away.
_COPY_LIFETIME = 3600
# These are the occurrences' own, or kept as an upload.
_NOT_KEPT = {"id", "send_at", "recipients"}
_NO_CHANGES: Mapping[str, str | int] = MappingProxyType({})
_KINDS: Mapping[str, type[Audience]] = {"file": FromFile, "task": FromTask}


@dataclass(frozen=True, kw_only=True, slots=True)
class Frozen:
    """An audience taken in when its schedule was made.

    Attributes:
        filling: what every occurrence is filled with, under uploads of their own.
        digest: the same for the same recipients.
        zones: where they may be, by kinds that are sent together.
    """

    filling: Filling
    digest: bytes
    zones: tuple[frozenset[Zone], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleRecord:
    """A schedule as it was at one moment.

    Attributes:
        status: what its producer is told.
        version: stands for this moment; any step takes another.
        frozen: its audience; None when it is read at each run.
        error_at: the occurrence that could not run because of the status' error.
    """

    status: ScheduleStatus
    version: str
    frozen: Frozen | None
    error_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What becomes of a schedule, if it is still as it was.

    Attributes:
        schedule: its id.
        version: as it was; "" when it does not exist.
        look_at: when a tick has to look at it; None for never.
        changes: fields of its record.
        history: occurrences that are handled with it, oldest first.
        awaits: the campaign that its producer is asked to submit.
    """

    schedule: str
    version: str
    look_at: datetime | None
    changes: Mapping[str, str | int] = field(default_factory=dict, repr=False)
    history: Sequence[Handled] = ()
    awaits: str | None = None

    @classmethod
    def to(
        cls,
        schedule: Schedule,
        *,
        version: str,
        last: datetime,
        runs: int,
        changes: Mapping[str, str | int] = _NO_CHANGES,
        history: Sequence[Handled] = (),
    ) -> Self:
        """Bring an active schedule to where everything up to a moment is handled.

        Args:
            schedule: what it says; it has an id.
            version: as it was.
            last: the newest occurrence handled.
            runs: how often it has run by then.
            changes: further fields of its record.
            history: what is handled with it.
        """
        following = next(schedule.after(last, runs=runs), None)
        state = ScheduleState.OVER if following is None else ScheduleState.ACTIVE
        return cls(
            schedule=schedule.id or "",
            version=version,
            look_at=following,
            changes={
                "last": milliseconds(last),
                "next": milliseconds(following),
                "runs": runs,
                "state": state.value,
                "error": "",
                "error_at": 0,
                **changes,
            },
            history=history,
        )

    def packed(self) -> bytes:
        """Write it for the scripts."""
        return msgspec.msgpack.encode(
            {
                "id": self.schedule,
                "version": self.version,
                "look_at": None if self.look_at is None else milliseconds(self.look_at),
                "fields": [str(part) for pair in self.changes.items() for part in pair],
                "history": [_written(handled) for handled in self.history],
                "awaits": self.awaits,
            }
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Put:
    """A schedule to be made, or an edit of one.

    Attributes:
        step: with `stored_definition` among its changes.
        fingerprint: the same for the same content.
        frozen: a new audience that is uploaded; None for none.
        keeps_audience: the audience it has stays.
    """

    step: Step
    fingerprint: str
    frozen: Frozen | None = None
    keeps_audience: bool = False


class Schedules:
    """The schedules of one account."""

    def __init__(self, scripts: Scripts, barrier: Barrier) -> None:
        self._scripts = scripts
        self._barrier = barrier
        self._client = scripts.client
        self._keys = scripts.keys

    def put(self, put: Put) -> bool:
        """Make a schedule exist or take an edit, durably; tell whether it was still current.

        Raises:
            ConflictError: the id exists with other content.
            UnknownScheduleError: it was deleted before the edit.
            StoreFullError: Redis is over 80 % full; nothing new begins.
            StoreUnavailableError: the upload expired, or Redis did not confirm; try again.
        """
        filling = put.frozen.filling if put.frozen else None
        reply = self._durably(
            Script.PUT_SCHEDULE,
            put.step.packed(),
            put.fingerprint,
            filling.upload if filling else "",
            filling.batches + filling.dropped_chunks if filling else 0,
            int(put.keeps_audience),
        ).decode()
        if reply == "conflict":
            known = f"schedule {put.step.schedule}"
            if put.step.version:
                raise UnknownScheduleError(f"{known} was deleted")
            raise ConflictError(f"{known} exists with other content: edit it, or take another id")
        if reply == "full":
            raise StoreFullError("Redis is over 80 % full: free memory or raise maxmemory")
        if reply == "expired":
            raise StoreUnavailableError("the uploaded recipients expired")
        return bool(reply != "stale")

    def advance(self, step: Step) -> bool:
        """Take a step, durably; tell whether the schedule was still as the step supposes.

        Raises:
            StoreUnavailableError: Redis did not confirm; look again whether it was taken.
        """
        return bool(self._durably(Script.ADVANCE_SCHEDULE, step.packed()))

    def delete(self, schedule: str) -> bool:
        """Forget a schedule; tell whether there was one."""
        return bool(self._durably(Script.DELETE_SCHEDULE, schedule))

    def claim(self, *, lease_ms: int) -> tuple[datetime, ScheduleRecord] | None:
        """Lease the schedule due for longest; give the time, and how it stands."""
        found = self._scripts.run(Script.CLAIM_SCHEDULE, lease_ms)
        if not found:
            return None
        now, schedule, flat = found
        raw = dict(zip(flat[::2], flat[1::2], strict=True))
        return moment(now), self._record(text(schedule), raw)

    def awaits(self, schedule: str) -> bool:
        """Tell whether a producer is being asked for an occurrence of a schedule."""
        with translated():
            awaited: Any = self._client.zrange(self._keys.of(Key.AWAITED), 0, -1)
        return any(moment_of(text(campaign))[0] == schedule for campaign in awaited)

    def claim_awaited(self, *, again_ms: int) -> tuple[datetime, str, bool] | None:
        """Give the time, a campaign that a producer is asked to submit, and whether it exists."""
        found = self._scripts.run(Script.CLAIM_AWAITED, again_ms)
        if not found:
            return None
        now, campaign, exists = found
        return moment(now), text(campaign), bool(exists)

    def settle_awaited(self, campaign: str, schedule: str, handled: Handled) -> None:
        """End the wait for a campaign."""
        self._scripts.run(Script.SETTLE_AWAITED, campaign, schedule, _written(handled))

    def is_awaited(self, campaign: str) -> bool:
        """Tell whether a producer is still asked to submit a campaign."""
        with translated():
            return self._client.zscore(self._keys.of(Key.AWAITED), campaign) is not None

    def read(self, schedule: str) -> ScheduleRecord:
        """Read how a schedule stands.

        Raises:
            UnknownScheduleError: there is none of that id.
        """
        with translated():
            raw: Any = self._client.hgetall(self._keys.of(Key.SCHEDULE, schedule))
        if not raw:
            raise UnknownScheduleError(
                f"no schedule {schedule} on account {self._keys.account_name}"
            )
        return self._record(schedule, raw)

    def all(self) -> Iterator[ScheduleRecord]:
        """Read every schedule, oldest first."""
        with translated():
            found: Any = self._client.zrange(self._keys.of(Key.SCHEDULES), 0, -1)
        for name in found:
            with translated():
                raw: Any = self._client.hgetall(self._keys.of(Key.SCHEDULE, text(name)))
            if raw:
                yield self._record(text(name), raw)

    def history(self, schedule: str) -> tuple[Handled, ...]:
        """Read what became of the last occurrences, newest first."""
        with translated():
            found: Any = self._client.lrange(self._keys.of(Key.HISTORY, schedule), 0, -1)
        return tuple(msgspec.json.decode(entry, type=Handled) for entry in found)

    def now(self) -> datetime:
        """Tell the time that steps are judged by."""
        return moment(self._scripts.run(Script.READ_CLOCK))

    def copy_audience(self, schedule: str) -> str:
        """Copy a frozen audience to an upload of its own, inside Redis; give the upload's id."""
        upload = secrets.token_hex(12)
        name = self._keys.of(Key.UPLOAD, upload)
        with translated(), self._client.pipeline(transaction=True) as pipe:
            pipe.copy(self._keys.of(Key.AUDIENCE, schedule), name)
            pipe.expire(name, _COPY_LIFETIME)
            pipe.execute()
        return upload

    def _durably(self, script: Script, *args: str | bytes | float) -> Any:  # noqa: ANN401 - each script has its own reply
        reply, durable = self._scripts.run_durably(script, *args, barrier=self._barrier)
        if not durable:
            raise StoreUnavailableError("Redis did not confirm the schedule in time: try again")
        return reply

    def _record(self, schedule: str, raw: Mapping[Any, Any]) -> ScheduleRecord:
        found = {text(name): blob(value) for name, value in raw.items()}
        frozen = _read_frozen(found.get("frozen", b""))
        status = ScheduleStatus(
            id=schedule,
            account=self._keys.account_name,
            schedule=read_definition(schedule, found["definition"]),
            state=ScheduleState(found["state"].decode()),
            recipients=frozen.filling.recipients if frozen else None,
            runs=int(found["runs"]),
            last=moment(found["last"].decode()),
            next=_moment_or_none(found.get("next")),
            previous=found.get("previous", b"").decode() or None,
            error=found.get("error", b"").decode() or None,
            created_at=moment(found["created_at"].decode()),
            changed_at=moment(found["changed_at"].decode()),
        )
        return ScheduleRecord(
            status=status,
            version=found["version"].decode(),
            frozen=frozen,
            error_at=_moment_or_none(found.get("error_at")),
        )


def milliseconds(when: datetime | None) -> int:
    """Write a moment the way records keep it; 0 for none."""
    return 0 if when is None else round(when.timestamp() * 1000)


def stored_definition(schedule: Schedule) -> str:
    """Write what a schedule says, but its id and recipients; equal ones give equal texts."""
    audience = schedule.audience
    kind = next((kind for kind, of in _KINDS.items() if isinstance(audience, of)), None)
    kept = {each.name: getattr(schedule.campaign, each.name) for each in fields(Campaign)}
    document = {each.name: getattr(schedule, each.name) for each in fields(Schedule)} | {
        "campaign": {name: value for name, value in kept.items() if name not in _NOT_KEPT},
        "audience": None if kind is None else {kind: audience},
    }
    del document["id"]
    return msgspec.json.encode(document, enc_hook=str, order="deterministic").decode()


def read_definition(schedule: str, stored: bytes) -> Schedule:
    """Read what `stored_definition` wrote."""
    document = msgspec.json.decode(stored)
    campaign = Campaign(**_typed(Campaign, document.pop("campaign")))
    audience: Audience | None = None
    for kind, values in (document.pop("audience") or {}).items():
        audience = _KINDS[kind](**_typed(_KINDS[kind], values))
    return Schedule(id=schedule, campaign=campaign, audience=audience, **_typed(Schedule, document))


def stored_frozen(frozen: Frozen | None) -> str:
    """Write what is kept of an audience beside its batches; "" for none."""
    return "" if frozen is None else msgspec.json.encode(frozen).decode()


def _typed(of: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Give values read from JSON the types that a dataclass says they have."""
    hints = get_type_hints(of)
    return {
        name: msgspec.convert(value, hints[name], dec_hook=_made)
        for name, value in values.items()
        if name in hints
    }


def _made(of: type, value: Any) -> Any:  # noqa: ANN401 - msgspec's own signature
    return of(value)


def _read_frozen(stored: bytes) -> Frozen | None:
    return msgspec.json.decode(stored, type=Frozen) if stored else None


def _moment_or_none(stored: bytes | None) -> datetime | None:
    return moment(stored.decode()) if stored and int(stored) else None


def _written(handled: Handled) -> str:
    return msgspec.json.encode(handled).decode()
