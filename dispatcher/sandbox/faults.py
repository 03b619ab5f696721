"""Trouble on request: by magic words in a text, or by rates set through the control routes.

A fault is written `kind_moment` or `kind_moment:number`, for instance `drop_after` or
`slow_before:2.5`. *Before* means that nothing was accepted, *after* that all was.
"""

import enum
import random
import re
from collections import Counter
from dataclasses import dataclass, field

_SPECIFICATION = re.compile(r"([a-z_]+)_(before|after)(?::(-?\d+(?:\.\d+)?))?")
_MAGIC = re.compile(r"sandbox(-simulate)?=([a-z_]+_(?:before|after)(?::-?\d+(?:\.\d+)?)?)")


class FaultKind(enum.Enum):
    """What goes wrong."""

    SLOW = "slow"
    """The answer takes `number` seconds (3); `slow_before` accepts at the end, not at the start."""

    DROP = "drop"
    """The connection is closed without an answer."""

    STATUS = "status"
    """The API's error status `number` (-99), whatever really happened."""

    HTTP = "http"
    """HTTP status `number` (502) and an HTML page; 429 and 503 with Retry-After."""

    HTML = "html"
    """An HTML page, with 200."""

    GARBAGE = "garbage"
    """A reply cut off in the middle, with a matching Content-Length."""

    MISSING_COMMA = "missing_comma"
    """The document's own mistake: a comma is missing (an end tag, in XML)."""

    TRUNCATED = "truncated"
    """Half of the reply, then the connection is closed."""

    TRICKLE = "trickle"
    """The reply, one byte every `number` seconds (0.5)."""

    HUGE = "huge"
    """The reply, followed by `number` bytes (64 MiB) of blanks."""


_USUAL_NUMBER = {
    FaultKind.SLOW: 3.0,
    FaultKind.STATUS: -99.0,
    FaultKind.HTTP: 502.0,
    FaultKind.TRICKLE: 0.5,
    FaultKind.HUGE: 64.0 * 1024 * 1024,
}
_LARGEST = 1024.0 * 1024 * 1024
_NUMBERS = {
    FaultKind.SLOW: (0.0, 3600.0),
    FaultKind.STATUS: (-99.0, 99.0),
    FaultKind.HTTP: (200.0, 599.0),
    FaultKind.TRICKLE: (0.0, 60.0),
}
"""From the lowest to the highest number a fault may have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing that goes wrong, before or after the call takes effect."""

    kind: FaultKind
    before: bool
    number: float

    @property
    def name(self) -> str:
        """The fault as it is written, without its number."""
        return f"{self.kind.value}_{'before' if self.before else 'after'}"

    @property
    def accepting(self) -> bool:
        """Say whether the call takes effect at all."""
        return not self.before or self.kind is FaultKind.SLOW

    @classmethod
    def parse(cls, specification: str) -> "Fault":
        """Read a written fault.

        Raises:
            ValueError: there is no such fault.
        """
        parts = _SPECIFICATION.fullmatch(specification)
        if parts is None:
            raise ValueError(f"{specification!r} is not kind_before or kind_after")
        kind = FaultKind(parts[1])
        number = float(parts[3]) if parts[3] else _USUAL_NUMBER.get(kind, 0.0)
        lowest, highest = _NUMBERS.get(kind, (0.0, _LARGEST))
        if not lowest <= number <= highest:
            raise ValueError(f"{specification!r}: the number goes from {lowest:g} to {highest:g}")
        return cls(kind=kind, before=parts[2] == "before", number=number)


@dataclass(slots=True, kw_only=True)
class FaultPlan:
    """How often each fault hits the calls of one route.

    Attributes:
        rates: share of calls (0 to 1) per fault.
        left: faults that are still to come; None for no limit.
    """

    rates: dict[str, float]
    seed: int
    left: int | None = None
    _dice: random.Random = field(init=False)
    _faults: list[tuple[float, Fault]] = field(init=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)  # noqa: S311 - repeatable, not secret
        self._faults = [(rate, Fault.parse(name)) for name, rate in self.rates.items()]

    def draw(self) -> Fault | None:
        """Decide the fate of one call."""
        throw = self._dice.random()
        if self.left == 0:
            return None
        for rate, fault in self._faults:
            throw -= rate
            if throw < 0:
                self.left = None if self.left is None else self.left - 1
                return fault
        return None


class Faults:
    """The plans in force, and what they did so far."""

    def __init__(self) -> None:
        self._plans: dict[str, FaultPlan] = {}
        self.injected: Counter[str] = Counter()

    def plan(self, route: str, plan: FaultPlan) -> None:
        """Put a plan in force for a route such as `POST /send`, or `*` for all others."""
        self._plans[route] = plan

    def clear(self) -> None:
        """Let everything go well again."""
        self._plans.clear()
        self.injected.clear()

    def draw(self, route: str) -> Fault | None:
        """Decide the fate of one call."""
        plan = self._plans.get(route) or self._plans.get("*")
        fault = plan.draw() if plan else None
        if fault is not None:
            self.injected[f"{route} {fault.name}"] += 1
        return fault


def fault_in(text: str, *, simulating: bool) -> Fault | None:
    """Find the fault a text asks for: `sandbox=…` on sends, `sandbox-simulate=…` on simulations."""
    for words in _MAGIC.finditer(text):
        if bool(words[1]) is simulating:
            try:
                return Fault.parse(words[2])
            except ValueError:
                return None
    return None


def is_moderated(text: str) -> bool:
    """Say whether a text asks to be accepted under moderation (-8)."""
    return "sandbox=moderated" in text
