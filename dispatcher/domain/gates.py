"""What keeps a whole account from sending, and what ends that."""

import enum
from collections.abc import Iterator
from dataclasses import dataclass


class Gate(enum.Enum):
    """Where the sends of an account are held up."""

    STOPPED = "stopped"
    """Somebody stopped them."""

    PARKED = "parked"
    """The API refuses the account's credentials."""

    BREAKER = "breaker"
    """Too many answers were lost."""

    PAUSE = "pause"
    """The API asked for one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShutGate:
    """One reason for which nothing is sent.

    Attributes:
        gate: where.
        why: the reason in a few words.
        fix: what ends it, as a sentence.
    """

    gate: Gate
    why: str
    fix: str


def shut_gates(
    account: str,
    *,
    stopped_by: str | None,
    parked: str | None,
    is_breaker_open: bool,
    paused: float,
) -> Iterator[ShutGate]:
    """Tell why nothing is sent on an account; nothing when it sends.

    Args:
        account: its name.
        stopped_by: who stopped it, if somebody did.
        parked: what the API refuses, if it does.
        is_breaker_open: whether too many answers were lost.
        paused: seconds that are left of a pause the API asked for.
    """
    of_it = "" if account == "default" else f" --account {account}"
    if stopped_by is not None:
        fix = f"To go on: dispatcher start{of_it}"
        yield ShutGate(gate=Gate.STOPPED, why=f"stopped by {stopped_by}", fix=fix)
    if parked is not None:
        why = f"the API refuses the {parked} of account {account}"
        fix = "Correct them and restart the workers; to test them: dispatcher doctor"
        yield ShutGate(gate=Gate.PARKED, why=why, fix=fix)
    if is_breaker_open:
        fix = (
            f"It is tried again by itself, or by: dispatcher start{of_it}\n"
            f"Which answers: dispatcher unknown list{of_it}"
        )
        yield ShutGate(gate=Gate.BREAKER, why="too many answers were lost", fix=fix)
    if paused > 0:
        yield ShutGate(
            gate=Gate.PAUSE, why="the API asked for a pause", fix="It goes on by itself."
        )
