"""What producers and operators do with suppression lists: add, remove, look, compare."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dispatcher.blacklist_sync import Synced, synchronise
from dispatcher.domain.campaign import BadRows, Recipient
from dispatcher.domain.numbers import NumberProblem
from dispatcher.domain.suppressions import Evidence, Lift, Suppression, SuppressionSource
from dispatcher.errors import InputError, Problem
from dispatcher.preparing import Preparation
from dispatcher.smsfactor.dialect import Dialect
from dispatcher.smsfactor.opening import open_client
from dispatcher.store.account import Store
from dispatcher.store.suppressions import Addition, SuppressionList

_MOST_PROBLEMS = 10_000
_LONGEST_WORDS = 200
_NOT_PLAIN = f"is longer than {_LONGEST_WORDS} characters, or has some that cannot be kept"
_CLOCKS_DIFFER = timedelta(hours=1)
_PLAIN = "use fewer and plain words"

EVIDENCE = ("since", "source", "reason")
"""The columns of an export that say how it is known that somebody must not be sent to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppressed:
    """What came of adding people to a suppression list.

    Attributes:
        rows: rows that came in.
        new: people who were not on the list before.
        known: people who were, and rows that name somebody twice.
        skipped: rows without a valid number.
        bad: what is wrong with those, the first 10,000 of them.
    """

    rows: int
    new: int
    known: int
    skipped: int = 0
    bad: Sequence[Problem] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Whether somebody may be sent to; its repr does not tell whom it is about.

    Attributes:
        number: E.164 digits.
        suppression: why not; None for whoever may be.
        lift: when they were taken off the list, if they were.
    """

    number: str = field(repr=False)
    suppression: Suppression | None
    lift: Lift | None


class Suppressions:
    """The suppression lists of the configured accounts.

    Nobody on an account's list is sent to: they are left out of campaigns when these are
    submitted, quoted, and right before each POST. Threads may share it.
    """

    def __init__(
        self,
        store: Store,
        preparation: Preparation,
        account_name: Callable[[str | None], str],
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._preparation = preparation
        self._account_name = account_name
        self._now = now

    def add(  # noqa: PLR0913 - people, what is known of them, and what to do about bad rows
        self,
        people: Iterable[Recipient | str | int],
        *,
        reason: str = "",
        by: str = "",
        source: SuppressionSource = SuppressionSource.OPERATOR,
        bad_rows: BadRows = BadRows.REJECT,
        on_bad: Callable[[Problem], object] | None = None,
        account: str | None = None,
    ) -> Suppressed:
        """Put people onto a suppression list, durably; repeating it changes nothing.

        Args:
            people: their numbers in any usual form, a million if need be. A `Recipient` may have
                the fields `since`, `source` and `reason`, as an export has them: they are kept
                in the place of what is said here.
            reason: why, in words without personal data.
            by: who says so.
            source: how they came to us.
            bad_rows: refuse all for rows without a valid number, or skip these.
            on_bad: told of each of these rows, however many.
            account: whose list; None for the default account.

        Raises:
            InputError: a number is not valid and bad rows are refused, or words are too long.
            StoreUnavailableError: Redis did not confirm all of them; add again.
        """
        _check_words(reason=reason, by=by)
        listed = self._open(account)
        usual = Evidence(at=self._now(), source=source, reason=reason)
        numbers, rows, problems = self._read(
            people, usual, skips=bad_rows is BadRows.SKIP, on_bad=on_bad or _nobody
        )
        new = sum(
            listed.add(
                Addition(numbers=some, source=each.source, at=each.at, reason=each.reason, by=by)
            )
            for each, some in _by_evidence(numbers)
        )
        known = rows - len(problems) - new
        return Suppressed(
            rows=rows, new=new, known=known, skipped=len(problems), bad=problems[:_MOST_PROBLEMS]
        )

    def remove(
        self, number: str | int, *, reason: str, by: str, account: str | None = None
    ) -> bool:
        """Let somebody be sent to again; False if they were not on the list.

        Campaigns that have left them out already stay as they are. The API's own blacklist is told
        by the next `sync` where it can be (live dialect).

        Args:
            number: in any usual form.
            reason: why, for the record; it must say something.
            by: who decided it.
            account: whose list; None for the default account.

        Raises:
            InputError: the number is not valid, or the reason is missing.
            StoreUnavailableError: Redis did not confirm it; remove again.
        """
        return bool(self.remove_all([number], reason=reason, by=by, account=account))

    def remove_all(
        self,
        people: Iterable[Recipient | str | int],
        *,
        reason: str,
        by: str,
        account: str | None = None,
    ) -> int:
        """Let many be sent to again, as `remove` does; give how many were on the list.

        Raises:
            InputError: a number is not valid, or the reason is missing; nobody was taken off.
            StoreUnavailableError: Redis did not confirm all of it; remove again.
        """
        _check_words(reason=reason, by=by)
        if not reason.strip():
            fix = "say why they may be sent to again"
            raise InputError([Problem(field="reason", message="is missing", fix=fix)])
        return self._open(account).remove_all(self._numbers(people), reason=reason, by=by)

    def check(self, numbers: Iterable[str | int], *, account: str | None = None) -> list[Standing]:
        """Tell for each of some numbers whether it may be sent to, and why not.

        Raises:
            InputError: a number is not valid.
        """
        listed, read = self._open(account), self._numbers(numbers)
        found, lifts = listed.look_up(read), listed.lifts(read)
        return [
            Standing(number=str(number), suppression=found[number], lift=lifts.get(number))
            for number in read
        ]

    def all(self, *, account: str | None = None) -> Iterator[Suppression]:
        """Give everybody on a list, in no order; a million take seconds and little memory."""
        return self._open(account).entries()

    def count(self, *, account: str | None = None) -> int:
        """Count the people on a list."""
        return self._open(account).count()

    def sync(self, *, account: str | None = None) -> Synced:
        """Take in the API's blacklist and, with the live dialect, tell it ours.

        Workers do so by themselves, as often as the setting `blacklist_sync_every` says.

        Raises:
            ApiError: a call did not succeed; what was done before stays, so sync again.
        """
        name, settings = self._account_name(account), self._preparation.settings
        with open_client(settings, name, listing=settings.http_deadline) as api:
            return synchronise(
                self._open(account),
                api,
                self._preparation.normalise,
                is_live=settings.dialect == Dialect.LIVE.value,
                now=self._now(),
            )

    def _open(self, account: str | None) -> SuppressionList:
        return self._store.account(self._account_name(account)).suppressions

    def _numbers(self, numbers: Iterable[Recipient | str | int]) -> list[int]:
        nothing = Evidence(at=self._now(), source=SuppressionSource.OPERATOR)
        return list(self._read(numbers, nothing, skips=False, on_bad=_nobody)[0])

    def _read(
        self,
        people: Iterable[Recipient | str | int],
        usual: Evidence,
        *,
        skips: bool,
        on_bad: Callable[[Problem], object],
    ) -> tuple[dict[int, Evidence], int, list[Problem]]:
        """Give the numbers, in order and once, how many rows there were, and what is bad."""
        if isinstance(people, str):
            fix = "give a list, be it of one number"
            raise InputError([Problem(field="numbers", message="it is a str", fix=fix)])
        numbers: dict[int, Evidence] = {}
        problems: list[Problem] = []
        rows = 0
        for rows, person in enumerate(people, start=1):
            row = person if isinstance(person, Recipient) else Recipient(str(person))
            place = rows if row.row is None else row.row
            found = self._preparation.normalise(row.number)
            evidence = usual if row.fields is None else read_evidence(row.fields, usual)
            problem = None
            if isinstance(found, NumberProblem):
                problem = Problem(field="number", row=place, message=found.message, fix=found.fix)
            elif isinstance(evidence, Problem):
                problem = replace(evidence, row=place)
            else:
                numbers.setdefault(found, evidence)
            if problem is not None:
                problems.append(problem)
                on_bad(problem)
        if problems and not skips:
            raise InputError(problems[:_MOST_PROBLEMS], total=len(problems))
        return numbers, rows, problems


def read_evidence(fields: Mapping[str, str], usual: Evidence) -> Evidence | Problem:
    """Read what a row of an export says, or what is wrong with it.

    Args:
        fields: `since`, `source` and `reason`; what is missing or empty is as usual.
        usual: what is said of those that say nothing themselves.
    """
    since, source, reason = (fields.get(name, "") for name in EVIDENCE)
    try:
        at = datetime.fromisoformat(since) if since else usual.at
        is_clear = at.tzinfo is not None and at <= usual.at + _CLOCKS_DIFFER
    except ValueError:
        is_clear = False
    if not is_clear:
        fix = "write it as export does, in the past: 2026-11-22T20:00:00+00:00"
        return Problem(field="since", message="no time with a time zone, or one to come", fix=fix)
    kinds = {each.value: each for each in SuppressionSource}
    if source and source not in kinds:
        return Problem(field="source", message="no such source", fix=f"one of {', '.join(kinds)}")
    if not _is_plain(reason):
        return Problem(field="reason", message=_NOT_PLAIN, fix=_PLAIN)
    kind = kinds[source] if source else usual.source
    return Evidence(at=min(at, usual.at), source=kind, reason=reason or usual.reason)


def _by_evidence(numbers: Mapping[int, Evidence]) -> Iterator[tuple[Evidence, list[int]]]:
    """Put those together of whom the same is known."""
    found: defaultdict[Evidence, list[int]] = defaultdict(list)
    for number, evidence in numbers.items():
        found[evidence].append(number)
    yield from found.items()


def _is_plain(words: str) -> bool:
    return len(words) <= _LONGEST_WORDS and words.isprintable()


def _nobody(_: Problem) -> None:
    """Be told of a bad row, and do nothing."""


def _check_words(**words: str) -> None:
    problems = [
        Problem(field=name, message=_NOT_PLAIN, fix=_PLAIN)
        for name, said in words.items()
        if not _is_plain(said)
    ]
    if problems:
        raise InputError(problems)
