"""What of a view asks for a person, and the command that helps."""

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from dispatcher.domain.lifecycle import HoldReason
from dispatcher.domain.vitals import AccountVitals, ServerVitals
from dispatcher.monitoring.state import View

_TICK_SECONDS = 60.0
_LAG_SECONDS = 60.0
_UNKNOWN_SECONDS = 900.0
_FULL_AT = 0.8


class Weight(enum.Enum):
    """How much it matters."""

    GRAVE = "grave"
    """Something does not move, or money may be lost."""

    NOTE = "note"
    """It waits for a person, or goes over by itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Concern:
    """One thing to look at.

    Attributes:
        weight: how much it matters.
        says: what it is.
        command: what to run; "" when that is no command of ours.
    """

    weight: Weight
    says: str
    command: str = ""


def concerns_of(view: View) -> Iterator[Concern]:
    """Tell what is the matter with Redis and the broker."""
    if view.server is None:
        yield _grave(f"Redis is away: {view.why}", "dispatcher doctor")
    else:
        yield from _of_server(view.server)
    if view.broker is None:
        yield _grave("the broker is away: what is sent waits until it is back", "dispatcher doctor")


def concerns_of_account(found: AccountVitals) -> Iterator[Concern]:
    """Tell what is the matter with an account, the worst first."""
    yield from _of_movement(found)
    yield from _of_gates(found)
    yield from concerns_of_losses(found)
    yield from _of_people(found)


def concerns_of_losses(found: AccountVitals) -> Iterator[Concern]:
    """Tell what was lost on an account, or contradicts what was believed."""
    if found.unknown.count:
        weigh = _grave if (found.unknown.oldest or 0) > _UNKNOWN_SECONDS else _note
        lost = _count(found.unknown.count, "answer")
        command = f"dispatcher unknown list --account {found.account}"
        yield weigh(f"{lost} lost, {found.money.at_stake:,} credits at stake", command)
    if found.alarms:
        says = f"{_count(found.alarms, 'alarm')}: a proof contradicted what was believed"
        yield _grave(says, "dispatcher check ID")
    if found.dead:
        yield _note(f"{_count(found.dead, 'callback')} given up", "dispatcher callbacks list")


def _of_server(server: ServerVitals) -> Iterator[Concern]:
    if not server.is_log_fine:
        yield _grave(
            "the append-only file of Redis is off or cannot be written", "dispatcher doctor"
        )
    if server.max_memory and server.used_memory > server.max_memory * _FULL_AT:
        yield _grave("Redis is full: nothing new is taken", "dispatcher doctor")


def _of_movement(found: AccountVitals) -> Iterator[Concern]:
    if found.ticked is None:
        yield _grave("no tick ever came", "dispatcher beat")
    elif found.ticked > _TICK_SECONDS:
        yield _grave(f"no tick for {age(found.ticked)}", "dispatcher beat")
    for what, waiting in found.overdue.items():
        if (waiting.oldest or 0) > _LAG_SECONDS:
            yield _grave(f"{what} wait for {age(waiting.oldest)} too long", "dispatcher worker")
    for what, waiting in (("receipts", found.receipts), ("replies", found.replies)):
        if (waiting.oldest or 0) > _LAG_SECONDS:
            yield _grave(f"{what} wait for {age(waiting.oldest)}", "dispatcher worker")


def _of_gates(found: AccountVitals) -> Iterator[Concern]:
    at = f"--account {found.account}"
    if found.stopped_by is not None:
        yield _note("all sends are stopped", f"dispatcher start {at}")
    if found.parked is not None:
        yield _grave(f"nothing is sent: {found.parked}", "dispatcher doctor")
    if found.is_breaker_open:
        yield _grave("nothing is sent: too many answers were lost", f"dispatcher credits {at}")
    if found.rate.paused:
        says = f"the API asked for a pause, {age(found.rate.paused)} are left"
        yield _note(says, f"dispatcher credits {at}")
    if held := found.standing[HoldReason.CREDITS].count:
        yield _note(
            f"{_count(held, 'campaign')} held for credits: top up", f"dispatcher credits {at}"
        )


def _of_people(found: AccountVitals) -> Iterator[Concern]:
    at = f"--account {found.account}"
    if paused := found.standing[HoldReason.PAUSED].count:
        yield _note(f"{_count(paused, 'campaign')} paused by somebody", "dispatcher resume ID")
    if waits := found.standing[HoldReason.APPROVAL].count:
        yield _note(f"{_count(waits, 'campaign')} to be approved", "dispatcher approve ID")
    if found.to_review:
        yield _note(f"{found.to_review:,} replies to be read", f"dispatcher replies review {at}")
    if bodies := sum(found.malformed.values()):
        yield _note(f"{bodies:,} webhook bodies nobody could read", "dispatcher doctor")
    if not found.is_counted:
        yield _note("older campaigns are still being counted")


def age(seconds: float | None) -> str:
    """Write a span for people."""
    if seconds is None:
        return "-"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _grave(says: str, command: str = "") -> Concern:
    return Concern(weight=Weight.GRAVE, says=says, command=command)


def _note(says: str, command: str = "") -> Concern:
    return Concern(weight=Weight.NOTE, says=says, command=command)
