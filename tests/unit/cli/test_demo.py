import csv
import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from dispatcher import CampaignState, RecipientResult, RecipientState
from dispatcher.cli.demo_data import write_recipients
from dispatcher.cli.demo_services import LedgerEntry, LedgerMessage
from dispatcher.cli.demo_verdict import Outcome, claims_of, tally_of
from dispatcher.cli.demo_view import closing_table
from dispatcher.domain.numbers import NumberProblem, normaliser
from tests.support.statuses import a_status

RESULTS = (
    RecipientResult(number="33639980001", id="a", state=RecipientState.DELIVERED),
    RecipientResult(
        number="33639980002", id="b", state=RecipientState.UNDELIVERED, reason="expired"
    ),
    RecipientResult(
        number="33639989800", id="c", state=RecipientState.NOT_SENT, reason="blacklisted"
    ),
)
LEDGER = (
    LedgerEntry(cost=1, messages=[LedgerMessage("33639980001")]),
    LedgerEntry(cost=1, messages=[LedgerMessage("33639980002")]),
)
GOOD = Outcome(
    status=a_status(
        state=CampaignState.FINISHED,
        rows=3,
        quote=2,
        cost=2,
        recipient_states={
            RecipientState.DELIVERED: 1,
            RecipientState.UNDELIVERED: 1,
            RecipientState.NOT_SENT: 1,
        },
    ),
    tally=tally_of(RESULTS),
    ledger=LEDGER,
    rows=3,
    balance_before=10,
    balance_after=8,
    seconds=1.25,
)


def wrong(outcome: Outcome) -> set[str]:
    return {claim.words for claim in claims_of(outcome) if not claim.holds}


def test_a_campaign_that_adds_up_is_good() -> None:
    assert wrong(GOOD) == set()


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (
            replace(GOOD, status=replace(GOOD.status, state=CampaignState.SENT)),
            "the campaign is finished",
        ),
        (replace(GOOD, rows=4), "rows in = the sum of all states"),
        (replace(GOOD, tally=tally_of(RESULTS[:2])), "results row by row = counters"),
        (
            replace(GOOD, ledger=(*LEDGER, LedgerEntry(cost=0, messages=[LedgerMessage("33")]))),
            "each recipient kept was sent to, and nobody else",
        ),
        (
            replace(
                GOOD,
                ledger=(*LEDGER, LedgerEntry(cost=0, messages=[LedgerMessage("33639980001")])),
            ),
            "each of them exactly once",
        ),
        (
            replace(GOOD, balance_after=7),
            "cost = debited by the API = difference of balances",
        ),
        (
            replace(GOOD, status=replace(GOOD.status, alarms=1)),
            "nothing contradicts anything",
        ),
    ],
)
def test_each_thing_that_is_wrong_is_named(outcome: Outcome, words: str) -> None:
    assert wrong(outcome) == {words}


def test_a_campaign_of_which_nothing_was_sent_is_not_good() -> None:
    nothing = replace(GOOD, ledger=(), tally=tally_of(RESULTS[2:]))

    assert "each of them exactly once" in wrong(nothing)


def test_the_closing_table_tells_every_state_reason_and_credit() -> None:
    console = Console(width=80, record=True, file=io.StringIO())

    console.print(closing_table(GOOD, claims_of(GOOD)))

    lines = [" ".join(line.split()) for line in console.export_text().splitlines()]
    assert lines[:12] == [
        "What became of it",
        "rows in 3",
        "sent 2",
        "delivered 1",
        "undelivered 1",
        "expired 1",
        "not sent 1",
        "blacklisted 1",
        "cost quoted 2 credits",
        "cost real 2 credits",
        "balance before 10 credits",
        "balance after 8 credits",
    ]
    assert lines.count("ok the campaign is finished") == 1


def test_the_file_has_the_rows_asked_for_and_some_of_every_kind(tmp_path: Path) -> None:
    file = write_recipients(tmp_path / "demo.csv", 1000)

    with file.path.open(newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream, delimiter=";")
    normalise = normaliser("FR")
    found = [normalise(number) for _, number in rows]
    numbers = Counter(number for number in found if isinstance(number, int))
    assert header == ["id client", "téléphone mobile"]
    assert (file.rows, len(rows)) == (1000, 1000)
    assert sum(isinstance(each, NumberProblem) for each in found) == 15
    assert sum(times - 1 for times in numbers.values()) == 20
    assert sum(33639989800 <= number <= 33639989809 for number in numbers) == 10
    assert {number // 1_000_000 for number in numbers} == {33639}


def test_the_file_is_the_same_every_time(tmp_path: Path) -> None:
    first = write_recipients(tmp_path / "1.csv", 200).path.read_bytes()
    second = write_recipients(tmp_path / "2.csv", 200).path.read_bytes()

    assert first == second
