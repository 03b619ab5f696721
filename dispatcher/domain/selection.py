"""Which of a campaign's recipients are meant: for results, and for sending again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from dispatcher.domain.campaign import RecipientResult
from dispatcher.domain.fates import Exclusion, ReceiptCode, RecipientState
from dispatcher.errors import InputError, Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Some of a campaign's results; whatever is not given does not matter.

    Attributes:
        states: any of these.
        reasons: any of these, or what begins with one of them and a colon, such as `invalid`; a
            status's words for rows that were dropped, such as `duplicated row`, mean these.
        since: sent, or heard of, at this time or later.
        ids: the producer's own ids of them.
    """

    states: frozenset[RecipientState] = frozenset()
    reasons: frozenset[str] = frozenset()
    since: datetime | None = None
    ids: frozenset[str] = frozenset()

    def __contains__(self, result: RecipientResult) -> bool:
        """Tell whether a result is one of them."""
        return (
            (not self.states or result.state in self.states)
            and (not self.reasons or _has_reason(result, self.reasons))
            and (self.since is None or _is_since(result, self.since))
            and (not self.ids or result.id in self.ids)
        )


EVERYBODY = Selection()
"""All of a campaign's results."""

RESENDABLE = frozenset(
    {
        RecipientState.UNDELIVERED,
        RecipientState.REFUSED,
        RecipientState.CANCELLED,
        RecipientState.EXPIRED,
        RecipientState.NOT_SENT,
    }
)
"""States of recipients who certainly did not get the message."""

NOT_REACHED = RESENDABLE - {RecipientState.UNDELIVERED}
"""States of recipients whom the message was certainly not sent to."""

_SUCCESSES = (ReceiptCode.NOT_SENT, ReceiptCode.SENT, ReceiptCode.DELIVERED)
# Whoever is left out as a duplicate, or as reached, is somebody who gets the message otherwise.
_OTHERWISE = (Exclusion.DUPLICATED, Exclusion.REACHED)
_NEVER = frozenset(each.name.lower() for each in _OTHERWISE)
_REASONS = {
    **{
        code.name.lower(): RecipientState.UNDELIVERED
        for code in ReceiptCode
        if code not in _SUCCESSES
    },
    **{each.name.lower(): RecipientState.NOT_SENT for each in Exclusion if each not in _OTHERWISE},
}
# What a status counts them as, and what begins the reasons of such rows.
_OF_ROWS = {
    "invalid row": "invalid:",
    "duplicated row": "duplicate",
    "suppressed row": "suppressed",
}


class _Kind(NamedTuple):
    """Recipients in a state, for a reason or any."""

    state: RecipientState
    reason: str | None

    def __str__(self) -> str:
        return self.state.value if self.reason is None else f"{self.state.value}:{self.reason}"


@dataclass(frozen=True, slots=True)
class Only:
    """Who is to be sent to again."""

    kinds: frozenset[_Kind]

    def __contains__(self, result: RecipientResult) -> bool:
        """Tell whether somebody is; never one who may have got the message."""
        return self.takes(result.state, result.reason)

    def takes(self, state: RecipientState, reason: str | None) -> bool:
        """Tell whether those in a state are, for a reason; never such as may have got it."""
        if state not in RESENDABLE or reason in _NEVER:
            return False
        return any(kind.state is state and kind.reason in (None, reason) for kind in self.kinds)

    def __str__(self) -> str:
        """Give the same text for the same people, however they were asked for."""
        return ",".join(sorted(map(str, self.kinds)))


def only(words: Iterable[str | RecipientState]) -> Only:
    """Read states, reasons, or both such as `undelivered:expired`.

    Raises:
        InputError: one is neither, or means people who may have got the message.
    """
    if isinstance(words, str):
        words = words.split(",")
    found, problems = set(), []
    for word in words:
        kind = _kind(word)
        if isinstance(kind, Problem):
            problems.append(kind)
        else:
            found.add(kind)
    if not found and not problems:
        problems.append(_problem("nothing is chosen"))
    if problems:
        raise InputError(problems)
    return Only(frozenset(found))


def _kind(word: str | RecipientState) -> _Kind | Problem:
    name = word.value if isinstance(word, RecipientState) else str(word).strip().lower()
    state_name, _, reason = name.partition(":")
    reason = reason.replace("-", "_").replace(" ", "_")
    state = _STATES.get(_plain(state_name))
    if state is None and not reason:
        reason = state_name.replace("-", "_")
        state = _REASONS.get(reason)
    if state is None:
        return _problem(f"{name!r} is neither a state nor a reason")
    if state not in RESENDABLE:
        return _problem(f"{state.value} recipients got the message, or may get it")
    if reason and _REASONS.get(reason) is not state:
        return _problem(f"{reason!r} is no reason for which somebody is {state.value}")
    return _Kind(state, reason or None)


def _problem(message: str) -> Problem:
    states = ", ".join(sorted(state.value for state in RESENDABLE))
    reasons = ", ".join(sorted(_REASONS))
    return Problem(
        field="only", message=message, fix=f"choose states ({states}) or reasons ({reasons})"
    )


def _plain(word: str) -> str:
    return word.strip().replace("-", " ").replace("_", " ")


_STATES = {_plain(state.value): state for state in RecipientState}


REASONS = frozenset({*_REASONS, *_NEVER, *_OF_ROWS, *_OF_ROWS.values()})
"""Words that may be a recipient's reason, whatever the campaign; the API's words come on top."""


def _has_reason(result: RecipientResult, reasons: frozenset[str]) -> bool:
    found = result.reason or ""
    first, colon, _ = found.partition(":")
    wanted = {_OF_ROWS.get(reason, reason) for reason in reasons}
    return not wanted.isdisjoint((found, first, first + colon))


def _is_since(result: RecipientResult, since: datetime) -> bool:
    times = [at for at in (result.sent_at, result.receipt_at) if at is not None]
    return bool(times) and max(times) >= since
