from dispatcher.cli.account import pace_rows
from dispatcher.store.pacing import Pace


def pace(*, rate: float | None = None, effective: float | None = None, paused_ms: int = 0) -> Pace:
    return Pace(
        rate=rate, effective=effective, paused_ms=paused_ms, waits=0, waited_ms=0, lowered=0
    )


def test_an_account_that_nothing_slows_down_says_nothing_of_it() -> None:
    assert pace_rows(pace(), None) == []


def test_a_budget_is_told_before_anything_was_sent_under_it() -> None:
    assert pace_rows(pace(), 100.0) == [("budget", "100 segments a second")]


def test_what_a_429_left_of_a_budget_is_told() -> None:
    rows = dict(pace_rows(pace(rate=100, effective=62.5, paused_ms=7_400), 100.0))

    assert rows["of it just now"].startswith("62.5 a second")
    assert rows["nothing is sent"].startswith("for 7 s more")
