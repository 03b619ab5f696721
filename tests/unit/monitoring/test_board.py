"""The board: what asks for a person comes with its command, and no markup comes from outside."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dispatcher.monitoring.board import board_page
from dispatcher.monitoring.concerns import Weight, age, concerns_of, concerns_of_account
from tests.support.views import AWAY, QUIET, SERVER, TROUBLED, view

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def board(**changes: object) -> str:
    return board_page(view(**changes), now=NOW).body


def test_it_is_whole_in_itself_and_renews_itself() -> None:
    body = board()

    assert re.findall(r'(?:src|href|url\()[="]', body) == []
    assert "<script" not in body
    assert '<meta http-equiv="refresh" content="10">' in body
    assert "2026-11-28 12:00:00 UTC" in body


def test_what_comes_from_outside_is_no_markup() -> None:
    body = board()

    assert "spring-<b>" not in body
    assert "spring-&lt;b&gt;sale&lt;/b&gt;" in body


def test_a_quiet_account_says_so() -> None:
    assert list(concerns_of_account(QUIET)) == []
    assert "Everything moves." in board(accounts=(QUIET,))


def test_everything_that_asks_for_a_person_names_what_to_run() -> None:
    found = list(concerns_of_account(TROUBLED)) + list(concerns_of(view()))

    says = [each.says for each in found]
    assert len(found) == 17
    assert "2 answers lost, 2,000 credits at stake" in says
    assert "no tick for 5 min" in says
    commands = {each.command for each in found if each.command}
    assert "dispatcher unknown list --account shop" in commands
    assert "dispatcher start --account shop" in commands
    assert [each.says for each in found if not each.command] == [
        "older campaigns are still being counted"
    ]


def test_a_fresh_loss_is_a_note_and_an_old_one_is_grave() -> None:
    fresh = replace(QUIET, unknown=replace(TROUBLED.unknown, oldest=20))
    old = replace(QUIET, unknown=TROUBLED.unknown)

    assert [each.weight for each in concerns_of_account(fresh)] == [Weight.NOTE]
    assert [each.weight for each in concerns_of_account(old)] == [Weight.GRAVE]


def test_the_tab_says_how_many_grave_things_there_are() -> None:
    assert "<title>SMS dispatcher</title>" in board(
        accounts=(QUIET,), server=replace(SERVER, is_log_fine=True, max_memory=0)
    )
    assert re.search(r"<title>\(\d+\) SMS dispatcher</title>", board())


@pytest.mark.parametrize(
    ("budget", "effective", "shown"),
    [
        (0.5, 0.25, ("0.25/s", "of 0.5 segments a second")),
        (2.5, 2.5, ("2.5/s", "of 2.5 segments a second")),
        (0.02, 0.0123, ("0.012/s", "of 0.02 segments a second")),
        (1500, 999.6, ("1,000/s", "of 1,500 segments a second")),
    ],
)
def test_a_slow_rate_is_not_shown_as_none(
    budget: float, effective: float, shown: tuple[str, str]
) -> None:
    rate = replace(TROUBLED.rate, budget=budget, effective=effective)
    body = board(accounts=(replace(TROUBLED, rate=rate),))

    assert all(f">{each}" in body for each in shown)


def test_what_more_workers_would_not_help_with_is_told_apart() -> None:
    assert "0 in POSTs under way, 11 kept waiting" in board()
    assert "kept waiting" not in board(accounts=(QUIET,))


def test_without_redis_the_board_says_so_and_what_to_do() -> None:
    body = board_page(AWAY, now=NOW).body

    assert "Redis away" in body
    assert "Broker away" in body
    assert "dispatcher doctor" in body


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"),
        (0.4, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7200, "2 h"),
        (200_000, "2 d"),
    ],
)
def test_spans_are_written_for_people(seconds: float | None, shown: str) -> None:
    assert age(seconds) == shown
