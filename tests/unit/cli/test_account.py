from datetime import UTC, datetime, timedelta

from dispatcher.cli.account import proof
from dispatcher.domain.unknowns import UnknownTally

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def tally(*, is_balanced: bool, spent_ago: timedelta | None = None) -> UnknownTally:
    return UnknownTally(
        count=0,
        oldest=None,
        credits=0,
        breaker_since=None,
        is_balanced=is_balanced,
        spender_at=None if spent_ago is None else NOW - spent_ago,
    )


def test_books_that_balanced_settle_lost_answers() -> None:
    assert proof(tally(is_balanced=True), now=NOW) == "settled by the balance"


def test_before_the_first_sends_they_settle_none() -> None:
    assert proof(tally(is_balanced=False), now=NOW).startswith("not settled by the balance yet")


def test_who_else_spends_is_told_for_a_day() -> None:
    told = proof(tally(is_balanced=True, spent_ago=timedelta(hours=23)), now=NOW)

    assert "somebody else spent from it, 2026-05-03 13:00 UTC" in told
    assert proof(tally(is_balanced=True, spent_ago=timedelta(hours=25)), now=NOW) == (
        "settled by the balance"
    )
