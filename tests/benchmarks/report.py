"""The figures of a run, their ratios, and the table that shows both."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_MEBIBYTE = 1024 * 1024
_AIMS = {"producer": "   (aim below 200)", "worker": "   (aim below 300)"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """How long one way of sending took for so many recipients; `processor` as in `Usage`."""

    recipients: int
    seconds: float
    processor: float = 0.0

    @property
    def per_second(self) -> float:
        return self.recipients / self.seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Where our dispatch spent its time, in seconds."""

    submit: float
    quote: float
    send: float

    @property
    def total(self) -> float:
        return self.submit + self.quote + self.send


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What a process took: at most so many bytes of memory, and so much processor time.

    The latter, in seconds, hardly depends on what else the machine is busy with.
    """

    peak: int
    processor: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """Everything one run measured.

    Attributes:
        bare: a loop posting bodies built before.
        split: our dispatch, from `submit` to the last ticket.
        usages: what the processes of our dispatch took, by their roles.
        redis_bytes: by how much `used_memory` grew with the campaign.
        singles: a script that posts one recipient per request.
        tasks: a Celery task per recipient.
        problems: what the sandbox's ledger does not confirm; empty if all is well.
    """

    recipients: int
    bare: Measured
    split: Split
    usages: Mapping[str, Usage]
    redis_bytes: int
    singles: Measured
    tasks: Measured
    problems: tuple[str, ...]

    @property
    def ours(self) -> Measured:
        return Measured(recipients=self.recipients, seconds=self.split.total)


def rendered(figures: Figures) -> str:
    """Lay the figures out for people; the aims are those of a million recipients."""
    parts = (_speeds(figures), _shares(figures), _processes(figures), _verdict(figures))
    return "\n\n".join("\n".join(lines) for lines in parts)


def _speeds(figures: Figures) -> Iterator[str]:
    ours = figures.ours
    yield f"{'':<42}{'recipients':>11}{'seconds':>9}{'a second':>11}"
    for name, measured, aim in (
        ("a  loop posting bodies built before", figures.bare, "a (aim at least 0.5)"),
        ("b  dispatch, from submit to last ticket", ours, ""),
        ("c  script, one recipient per request", figures.singles, "c"),
        ("d  Celery task per recipient", figures.tasks, "d (aim at least 300)"),
    ):
        speed = f"{measured.recipients:>11,}{measured.seconds:>9.2f}{measured.per_second:>11,.0f}"
        ratio = f"   b = {ours.per_second / measured.per_second:.2f} x {aim}" if aim else ""
        yield f"{name:<42}{speed}{ratio}"


def _shares(figures: Figures) -> Iterator[str]:
    split, many = figures.split, figures.recipients
    yield (
        f"b in parts: submit {split.submit:.2f} s, quote {split.quote:.2f} s, "
        f"send {split.send:.2f} s"
    )
    each = figures.redis_bytes / many
    yield f"Redis memory: {each:.1f} bytes per recipient (aim below 40)"
    processor = sum(usage.processor for usage in figures.usages.values())
    yield (
        f"Processor time per recipient: a {1e6 * figures.bare.processor / many:.2f} us, "
        f"b {1e6 * processor / many:.2f} us"
    )


def _processes(figures: Figures) -> Iterator[str]:
    yield f"{'processes of b':<20}{'processor s':>12}{'peak MiB':>10}"
    for role, usage in figures.usages.items():
        peak = usage.peak / _MEBIBYTE
        yield f"  {role:<18}{usage.processor:>12.2f}{peak:>10.0f}{_AIMS.get(role, '')}"


def _verdict(figures: Figures) -> Iterator[str]:
    yield from (f"WRONG: {problem}" for problem in figures.problems)
    if not figures.problems:
        yield f"Correct: {figures.recipients:,} recipients, each sent to once, for the cost quoted."
