"""Keeps the books of a dedicated account, and settles lost answers by them (GET /credits).

While nothing moves, the balance is read and entered as the base. What it has lost since, beyond
what answered sends cost, can only be batches whose answer was lost: if nobody else spends, if
nothing was taken back (DELETE /send/:id), and if the books balanced before. When that is in doubt,
nothing is said.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from dispatcher.domain.bookkeeping import MOST, SPENDER_HEEDED, decide
from dispatcher.domain.unknowns import Decision, Finding, Source, UnknownBatch
from dispatcher.errors import ApiError
from dispatcher.store.records import moment
from dispatcher.store.unknowns import Books
from workers.resources import Account

_log = structlog.get_logger("workers.reconcile")

# How long the API may take to debit what it took, or a frozen worker to wake up.
_UNTIL_DEBITED = timedelta(seconds=60)
_UNTIL_DEAD = timedelta(minutes=5)
# A batch that is not decided by then will not be, and sends nothing any more.
_FRESH = timedelta(hours=1)
_BETWEEN_READINGS_MS = 15_000
_READING_KEEPS_MS = 120_000
_QUIET_MS = 45_000
_BETWEEN_ROUNDS_MS = 300_000
_BETWEEN_BASES_MS = 30_000
_BASE_KEEPS_MS = 600_000
_RETURN_TAKES_MS = 60_000
_DEBIT_TAKES_MS = 60_000
_READING = ("read", "read_at", "read_books")


def audit(account: Account) -> None:
    """Take one reading of the balance, when one is due, and draw what follows from it."""
    books = account.store.unknowns.open_books()
    batches = account.store.unknowns.newest()
    fresh = [batch for batch in batches if moment(books.now) - batch.since < _FRESH]
    if not fresh:
        _renew_base(account, books, batches)
    elif doubt := _doubt(books, batches, fresh):
        _say_open(account, fresh, doubt)
    else:
        _look_closer(account, books, _since_base(books, batches))


def _entry(books: Books, name: str) -> int:
    return int(books.entries.get(name, 0))


def _since_base(books: Books, batches: Sequence[UnknownBatch]) -> list[UnknownBatch]:
    base_at = moment(_entry(books, "base_at"))
    return [batch for batch in batches if batch.claimed_at >= base_at]


def _is_still(books: Books) -> bool:
    is_back = books.withdrawing == 0 and books.now - books.withdrawn_at >= _RETURN_TAKES_MS
    return books.inflight == 0 and is_back


def _ask(account: Account) -> int | None:
    try:
        return account.api.credits()
    except ApiError as error:
        _log.warning("balance not known", account=account.name, error=type(error).__name__)
        return None


def _renew_base(account: Account, books: Books, batches: Sequence[UnknownBatch]) -> None:
    age = books.now - _entry(books, "base_at")
    is_spent = books.spent != _entry(books, "base_spent")
    if age < (_BETWEEN_BASES_MS if is_spent else _BASE_KEEPS_MS) or not _is_still(books):
        return
    balance = _ask(account)
    if balance is None:
        return
    open_quotes = sum(batch.quote for batch in _since_base(books, batches))
    entries = _base(books, balance)
    if not _is_debited_late(books, batches):
        entries.update(_compared(account, books, balance, open_quotes))
    account.store.unknowns.close_books(books.name, entries, strike=_READING)


def _base(books: Books, balance: int) -> dict[str, str | int]:
    return {
        "base": balance,
        "base_at": books.now,
        "base_spent": books.spent,
        "base_guessed": books.guessed,
        "base_guesses": books.guesses,
    }


def _lost(books: Books, balance: int) -> int:
    """Give what the balance lost since the base beyond what is known to have been spent."""
    spent = books.spent - _entry(books, "base_spent")
    return _entry(books, "base") - spent - balance


def _is_debited_late(books: Books, batches: Sequence[UnknownBatch]) -> bool:
    """Tell whether sends may be debited that the base takes for debited (undocumented).

    Those that were answered for later or under moderation, and those for later of before the base
    whose answer was lost.
    """
    base_at = _entry(books, "base_at") or books.now
    until = books.debits_until
    if until > 0 and until + _DEBIT_TAKES_MS >= base_at:
        return True
    before = moment(base_at - _DEBIT_TAKES_MS)
    return any(
        batch.due_at is not None and batch.due_at >= before and batch.claimed_at < moment(base_at)
        for batch in batches
    )


def _guessed(books: Books) -> int:
    return books.guessed - _entry(books, "base_guessed")


def _compared(account: Account, books: Books, balance: int, uncertain: int) -> Mapping[str, int]:
    """Say whether the books balance: that debits come at once, and that nobody else spends."""
    base_at = _entry(books, "base_at")
    if not base_at or books.withdrawn_at >= base_at:
        return {}
    lost = _lost(books, balance)
    slack = _guessed(books) + uncertain
    if lost == slack == 0:
        was_tested = books.spent > _entry(books, "base_spent")
        return {"explained": _entry(books, "explained") + was_tested}
    if -slack <= lost <= slack:
        return {}
    _log.warning("the balance differs from the books", account=account.name, credits=lost)
    return {"foreign_at": books.now, "explained": 0} if lost > 0 else {}


def _doubt(
    books: Books, batches: Sequence[UnknownBatch], fresh: Sequence[UnknownBatch]
) -> str | None:
    """Say why the balance can prove nothing; None when it may."""
    base_at = _entry(books, "base_at")
    foreign_at = _entry(books, "foreign_at")
    counted = _since_base(books, batches)
    doubts = {
        "sends for later or under moderation may be debited at their time": _is_debited_late(
            books, batches
        ),
        "the balance was not read before it was sent": not base_at
        or any(batch.claimed_at < moment(base_at) for batch in fresh),
        "batches were taken back meanwhile, which changes the balance too": (
            books.withdrawn_at >= base_at
        ),
        "somebody else spends from this account": foreign_at > 0
        and moment(books.now) - moment(foreign_at) < SPENDER_HEEDED,
        "the books of this account have not balanced after a send yet": not _entry(
            books, "explained"
        ),
        "people left a batch after its quote, so that nobody knows its price": any(
            batch.is_cut for batch in counted
        ),
        "too many batches are without an answer": len(counted) > MOST,
    }
    return next((words for words, applies in doubts.items() if applies), None)


def _look_closer(account: Account, books: Books, batches: Sequence[UnknownBatch]) -> None:
    """Read the balance twice while nothing is sent, then decide."""
    if any(moment(books.now) < _ripe_at(batch) for batch in batches):
        return
    if books.now - _entry(books, "round_at") < _BETWEEN_ROUNDS_MS or books.withdrawing:
        return
    is_begun = books.entries.get("read_books") == books.name
    since = books.now - _entry(books, "read_at")
    if is_begun and since < _BETWEEN_READINGS_MS:
        return
    if is_begun and since < _READING_KEEPS_MS:
        _close_round(account, books, batches)
        return
    # Asked first without keeping sends back, so that an API that is down does not hold them.
    if _ask(account) is not None:
        _open_round(account)


def _open_round(account: Account) -> None:
    """Keep sends back, and read the balance for the first time."""
    unknowns = account.store.unknowns
    books = unknowns.open_books(quiet_ms=_QUIET_MS)
    if not _is_still(books):
        return
    if (balance := _ask(account)) is None:
        unknowns.close_books("", {})
        return
    entries: dict[str, str | int] = {
        "read": balance,
        "read_at": books.now,
        "read_books": books.name,
    }
    unknowns.close_books(books.name, entries, keep_quiet=True)


def _ripe_at(batch: UnknownBatch) -> datetime:
    return batch.since + (_UNTIL_DEAD if batch.is_traceless else _UNTIL_DEBITED)


def _close_round(account: Account, books: Books, batches: Sequence[UnknownBatch]) -> None:
    unknowns = account.store.unknowns
    balance = _ask(account)
    if balance is None:
        unknowns.close_books("", {}, strike=_READING)
        return
    lost = _lost(books, balance)
    said = None
    if balance == _entry(books, "read"):
        said = decide(lost, [batch.quote for batch in batches], guessed=_guessed(books))
    if said is None:
        _say_open(account, batches, "the balance moved by more than sends of ours")
        entries: dict[str, str | int] = {"foreign_at": books.now, "explained": 0}
        unknowns.close_books("", entries, strike=("base", "base_at", *_READING))
        return
    is_moderated = _entry(books, "moderated_at") > 0
    findings = [
        _finding(batch, said.get(place), lost, is_moderated=is_moderated)
        for place, batch in enumerate(batches)
    ]
    unknowns.settle(findings, books=books.name)
    unknowns.close_books("", {"round_at": books.now}, strike=_READING)


def _finding(
    batch: UnknownBatch,
    was_sent: bool | None,  # noqa: FBT001 - one of three
    lost: int,
    *,
    is_moderated: bool,
) -> Finding:
    words = f"the balance lost {lost} more than answered sends cost"
    if was_sent is None:
        says = f"{words}, which may mean several things"
        return batch.finding(Decision.OPEN, Source.CREDITS, says)
    if was_sent:
        return batch.finding(Decision.SENT, Source.CREDITS, words, cost=batch.quote)
    if batch.due_at is not None:
        # Nobody documents when what is sent later is debited.
        says = f"{words}; but it may be debited at its time"
        return batch.finding(Decision.OPEN, Source.CREDITS, says)
    if is_moderated:
        # Nor of what the API looks at first, as it did with sends of this account.
        says = f"{words}; but it may be under moderation, and be debited later"
        return batch.finding(Decision.OPEN, Source.CREDITS, says)
    return batch.finding(Decision.NOT_SENT, Source.CREDITS, words)


def _say_open(account: Account, batches: Sequence[UnknownBatch], says: str) -> None:
    """Note once why credits do not tell."""
    account.store.unknowns.settle(
        [
            batch.finding(Decision.OPEN, Source.CREDITS, says)
            for batch in batches
            if (seen := batch.evidence.get(Source.CREDITS)) is None or seen.says != says
        ]
    )
