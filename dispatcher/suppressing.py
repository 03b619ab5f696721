"""What producers and operators do with suppression lists: add, remove, look, compare."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dispatcher.blacklist_sync import Synced, synchronise
from dispatcher.domain.campaign import BadRows, Recipient
from dispatcher.domain.numbers import NumberProblem
from dispatcher.domain.suppressions import Lift, Suppression, SuppressionSource
from dispatcher.errors import InputError, Problem
from dispatcher.preparing import Preparation
from dispatcher.smsfactor.dialect import Dialect
from dispatcher.smsfactor.opening import open_client
from dispatcher.store.account import Store
from dispatcher.store.suppressions import Addition, SuppressionList

_MOST_PROBLEMS = 10_000
_LONGEST_WORDS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppressed:
    """What came of adding people to a suppression list.

    Attributes:
        rows: rows that came in.
        new: people who were not on the list before.
        known: people who were, and rows that name somebody twice.
        bad: rows that were skipped, the first 10,000 of them.
    """

    rows: int
    new: int
    known: int
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

    def add(
        self,
        people: Iterable[Recipient | str],
        *,
        reason: str = "",
        by: str = "",
        source: SuppressionSource = SuppressionSource.OPERATOR,
        bad_rows: BadRows = BadRows.REJECT,
        account: str | None = None,
    ) -> Suppressed:
        """Put people onto a suppression list, durably; repeating it changes nothing.

        Args:
            people: their numbers in any usual form, a million if need be.
            reason: why, in words without personal data.
            by: who says so.
            source: how they came to us.
            bad_rows: refuse all for rows without a valid number, or skip these.
            account: whose list; None for the default account.

        Raises:
            InputError: a number is not valid and bad rows are refused, or words are too long.
            StoreUnavailableError: Redis did not confirm all of them; add again.
        """
        _check_words(reason=reason, by=by)
        listed = self._open(account)
        numbers, rows, problems = self._read(people, skips=bad_rows is BadRows.SKIP)
        new = listed.add(
            Addition(numbers=numbers, source=source, at=self._now(), reason=reason, by=by)
        )
        known = rows - len(problems) - new
        return Suppressed(rows=rows, new=new, known=known, bad=problems[:_MOST_PROBLEMS])

    def remove(self, number: str, *, reason: str, by: str, account: str | None = None) -> bool:
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
        _check_words(reason=reason, by=by)
        if not reason.strip():
            fix = "say why they may be sent to again"
            raise InputError([Problem(field="reason", message="is missing", fix=fix)])
        return self._open(account).remove(self._numbers([number])[0], reason=reason, by=by)

    def check(self, numbers: Iterable[str], *, account: str | None = None) -> list[Standing]:
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

    def _numbers(self, texts: Iterable[str]) -> list[int]:
        return list(self._read(texts, skips=False)[0])

    def _read(
        self, people: Iterable[Recipient | str], *, skips: bool
    ) -> tuple[dict[int, None], int, list[Problem]]:
        """Give the numbers, in order and once, how many rows there were, and what is bad."""
        numbers: dict[int, None] = {}
        problems: list[Problem] = []
        rows = 0
        for rows, person in enumerate(people, start=1):
            row = Recipient(person) if isinstance(person, str) else person
            found = self._preparation.normalise(row.number)
            if isinstance(found, NumberProblem):
                place = rows if row.row is None else row.row
                problem = Problem(field="number", row=place, message=found.message, fix=found.fix)
                problems.append(problem)
            else:
                numbers[found] = None
        if problems and not skips:
            raise InputError(problems[:_MOST_PROBLEMS], total=len(problems))
        return numbers, rows, problems


def _check_words(**words: str) -> None:
    problems = [
        Problem(
            field=name,
            message=f"is longer than {_LONGEST_WORDS} characters, or has some that cannot be kept",
            fix="use fewer and plain words",
        )
        for name, said in words.items()
        if len(said) > _LONGEST_WORDS or not said.isprintable()
    ]
    if problems:
        raise InputError(problems)
