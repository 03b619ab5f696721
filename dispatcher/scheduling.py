"""What a producer does with schedules: create, look, pause, resume, edit, delete."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import islice

from dispatcher.domain.campaign import Campaign
from dispatcher.domain.schedules import (
    PREVIEWED,
    FromTask,
    Handled,
    Planned,
    Schedule,
    ScheduleState,
    ScheduleStatus,
    check_schedule,
)
from dispatcher.domain.template import parse_template
from dispatcher.errors import InputError, Problem, StateError, StoreUnavailableError
from dispatcher.preparing import Preparation
from dispatcher.store.account import Store
from dispatcher.store.schedules import (
    Frozen,
    Put,
    ScheduleRecord,
    Step,
    stored_definition,
    stored_frozen,
)
from dispatcher.store.schedules import Schedules as StoredSchedules

# Only ticks and other people get in the way of a change, and neither does so for long.
_ATTEMPTS = 20
_A_MOMENT = timedelta(milliseconds=1)


class Schedules:
    """Campaigns that recur. Every call may be made again after an error that says so."""

    def __init__(
        self, store: Store, preparation: Preparation, account_name: Callable[[str | None], str]
    ) -> None:
        self._store = store
        self._preparation = preparation
        self._account_name = account_name

    def create(self, schedule: Schedule) -> Planned:
        """Let a campaign recur; once this returns its id, the schedule is durable.

        The same id with the same content gives the same schedule back, so a call whose answer
        was lost may be repeated.

        Raises:
            InputError: the schedule, its campaign or its recipients are not valid; nothing was
                kept.
            ConflictError: the id exists with other content.
            StoreUnavailableError: Redis did not answer; without an id, look at `list` first.
        """
        account = self._account_of(schedule)
        store = self._store.account(account).schedules
        now = store.now()
        self._check(schedule, now=now)
        made = _placed(schedule, schedule.id or secrets.token_hex(6), account)
        frozen = self._freeze(made, account)
        step = Step.to(made, version="", last=now, runs=0, changes=_definition(made, frozen))
        store.put(Put(step=step, fingerprint=_fingerprint(made, frozen), frozen=frozen))
        return self._planned(made, now, runs=0)

    def edit(self, schedule: Schedule) -> Planned:
        """Give a schedule another definition, for every occurrence after the last one handled.

        Change what `show` gives by `dataclasses.replace`. Without recipients, lists or an
        audience, the recipients that were taken in before stay. A paused schedule stays paused.

        Raises:
            InputError: the definition is not valid, or the recipients that were taken in do not
                fit it; nothing was changed.
            StateError: a producer is being asked for an occurrence, which another audience would
                lose; nothing was changed.
            UnknownScheduleError: there is none of that id on the campaign's account.
            StoreUnavailableError: Redis did not answer; edit again.
        """
        account, name = self._account_of(schedule), schedule.id or ""
        store = self._store.account(account).schedules
        keeps = _brings_nobody(schedule) and store.read(name).frozen is not None
        self._check(schedule, now=store.now(), keeps_recipients=keeps)
        schedule = _placed(schedule, name, account)
        taken = None if keeps else self._freeze(schedule, account)
        for _ in range(_ATTEMPTS):
            record = store.read(name)
            if not isinstance(schedule.audience, FromTask) and store.awaits(name):
                raise _is_asking(name)
            frozen = self._kept(schedule, record, account) if keeps else taken
            put = Put(
                step=_edited(schedule, record, store.now(), frozen),
                fingerprint=_fingerprint(schedule, frozen),
                frozen=taken,
                keeps_audience=keeps,
            )
            if store.put(put):
                return self._planned(schedule, store.now(), runs=record.status.runs)
        raise _too_busy(name)

    def show(self, schedule: str, *, account: str | None = None) -> ScheduleStatus:
        """Tell how a schedule stands, and what became of its last occurrences.

        Raises:
            UnknownScheduleError: there is none of that id on that account.
        """
        store = self._open(account)
        return replace(store.read(schedule).status, history=store.history(schedule))

    def next(
        self, schedule: str, count: int = PREVIEWED, *, account: str | None = None
    ) -> tuple[datetime, ...]:
        """Give the next runs of a schedule, in its own zone; none when it is paused or over."""
        status = self._open(account).read(schedule).status
        if status.state is not ScheduleState.ACTIVE:
            return ()
        return tuple(islice(status.schedule.after(status.last, runs=status.runs), count))

    def pause(self, schedule: str, *, account: str | None = None) -> ScheduleStatus:
        """Let a schedule not run until it is resumed; its campaigns go on.

        Raises:
            StateError: it is over.
        """

        def paused(record: ScheduleRecord, now: datetime) -> Step | None:
            del now
            if record.status.state is ScheduleState.OVER:
                raise StateError(f"schedule {schedule} is over: there is nothing to pause")
            if record.status.state is ScheduleState.PAUSED:
                return None
            changes: dict[str, str | int] = {"state": ScheduleState.PAUSED.value, "next": 0}
            return Step(schedule=schedule, version=record.version, look_at=None, changes=changes)

        return self._change(schedule, account, paused)

    def resume(self, schedule: str, *, account: str | None = None) -> ScheduleStatus:
        """Let a paused schedule run again, from its next occurrence on."""

        def resumed(record: ScheduleRecord, now: datetime) -> Step | None:
            status = record.status
            if status.state is not ScheduleState.PAUSED:
                return None
            return Step.to(
                status.schedule,
                version=record.version,
                last=max(now, status.last),
                runs=status.runs,
                history=_missed_while_paused(status, now),
            )

        return self._change(schedule, account, resumed)

    def delete(self, schedule: str, *, account: str | None = None) -> None:
        """Forget a schedule; campaigns of its occurrences stay as they are.

        Raises:
            UnknownScheduleError: there is none of that id on that account.
        """
        store = self._open(account)
        store.read(schedule)
        store.delete(schedule)

    def list(self, *, account: str | None = None) -> tuple[ScheduleStatus, ...]:
        """List the schedules of an account, oldest first."""
        return tuple(record.status for record in self._open(account).all())

    def _change(
        self,
        schedule: str,
        account: str | None,
        decide: Callable[[ScheduleRecord, datetime], Step | None],
    ) -> ScheduleStatus:
        store = self._open(account)
        for _ in range(_ATTEMPTS):
            step = decide(store.read(schedule), store.now())
            if step is None or store.advance(step):
                return self.show(schedule, account=account)
        raise _too_busy(schedule)

    def _account_of(self, schedule: Schedule) -> str:
        # Before anything is checked, so that it may not even be a campaign.
        return self._account_name(getattr(schedule.campaign, "account", None))

    def _check(self, schedule: Schedule, *, now: datetime, keeps_recipients: bool = False) -> None:
        floor = self._preparation.settings.schedule_floor
        check_schedule(schedule, now=now, floor=floor, keeps_recipients=keeps_recipients)

    def _freeze(self, schedule: Schedule, account: str) -> Frozen | None:
        """Take recipients in, if it brings any."""
        if not schedule.has_recipients:
            return None
        store = self._store.account(account)
        found = self._preparation.gather(schedule.campaign, account, store, whole=True)
        if found.taken is None:
            return None
        return Frozen(filling=found.taken.filling, digest=found.taken.digest, zones=found.zones)

    def _kept(self, schedule: Schedule, record: ScheduleRecord, account: str) -> Frozen:
        """Fit the recipients that were taken in before to a new text.

        Raises:
            InputError: they cannot be, as they were read for something else.
        """
        old, new = record.status.schedule.campaign, schedule.campaign
        if record.frozen is None or not _takes_alike(old, new):
            raise InputError([_needs_recipients()])
        if old.text == new.text:
            return record.frozen
        message = self._preparation.message_of(new)
        census = self._preparation.census_of(message, account)
        census.add_many(parse_template(message.text).render(()), record.frozen.filling.recipients)
        filling = replace(record.frozen.filling, estimate=census.summary().segments)
        return replace(record.frozen, filling=filling)

    def _planned(self, schedule: Schedule, now: datetime, *, runs: int) -> Planned:
        following = islice(schedule.after(now, runs=runs), PREVIEWED)
        return Planned(id=schedule.id or "", runs=tuple(following))

    def _open(self, account: str | None) -> StoredSchedules:
        return self._store.account(self._account_name(account)).schedules


def _placed(schedule: Schedule, name: str, account: str) -> Schedule:
    return replace(schedule, id=name, campaign=replace(schedule.campaign, account=account))


def _brings_nobody(schedule: Schedule) -> bool:
    campaign = getattr(schedule, "campaign", None)
    if not isinstance(campaign, Campaign) or schedule.audience is not None:
        return False
    return not (schedule.has_recipients or campaign.lists)


def _edited(
    schedule: Schedule, record: ScheduleRecord, now: datetime, frozen: Frozen | None
) -> Step:
    """Take an edit from the last occurrence on that is handled.

    What lies behind is the old definition's. Its next occurrence, if it is due already and
    nobody has handled it, is the first that the new one may have.
    """
    status = record.status
    ahead = now if status.next is None else min(now, status.next - _A_MOMENT)
    # After a failover the clock may be behind what was handled.
    last = max(status.last, ahead)
    step = Step.to(
        schedule,
        version=record.version,
        last=last,
        runs=status.runs,
        changes=_definition(schedule, frozen),
    )
    if status.state is not ScheduleState.PAUSED:
        return step
    paused = {**step.changes, "state": ScheduleState.PAUSED.value, "next": 0}
    return replace(step, look_at=None, changes=paused, history=_missed_while_paused(status, now))


def _is_asking(schedule: str) -> StateError:
    return StateError(
        f"schedule {schedule} is asking its producer for an occurrence: give it another audience "
        "once that campaign is there, or too late"
    )


def _missed_while_paused(status: ScheduleStatus, now: datetime) -> Sequence[Handled]:
    missed = status.schedule.missed_between(status.last, now)
    return [Handled.missing(missed, "the schedule was paused")] if missed else []


def _definition(schedule: Schedule, frozen: Frozen | None) -> dict[str, str | int]:
    return {"definition": stored_definition(schedule), "frozen": stored_frozen(frozen)}


def _fingerprint(schedule: Schedule, frozen: Frozen | None) -> str:
    content = blake2b(stored_definition(schedule).encode(), digest_size=16)
    content.update(frozen.digest if frozen else b"")
    return content.hexdigest()


def _takes_alike(old: Campaign, new: Campaign) -> bool:
    """Tell whether the same recipients are kept, and batched alike, for both."""
    texts = (old.text, new.text)
    has_fields = any(not parse_template(text).is_plain for text in texts)
    if has_fields and (old.text != new.text or bool(old.links) != bool(new.links)):
        return False
    names = ("pushtype", "render", "replace_characters", "bad_rows")
    return all(getattr(old, name) is getattr(new, name) for name in names)


def _needs_recipients() -> Problem:
    return Problem(
        field="campaign.recipients",
        message="those taken in before were read for other fields or another kind of message",
        fix="give the recipients again, or leave fields, pushtype and render as they were",
    )


def _too_busy(schedule: str) -> StoreUnavailableError:
    return StoreUnavailableError(f"schedule {schedule} is being changed by others: try again")
