"""An account that sends nothing says so wherever somebody asks, with what ends it."""

import json
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from dispatcher.cli.account_checks import check_standing
from dispatcher.cli.findings import Grade
from dispatcher.cli.main import app
from dispatcher.settings import Settings
from dispatcher.store.batches import Outcome
from dispatcher.store.unknowns import Precautions
from tests.support.bench import Bench

PRECAUTIONS = Precautions(dedicated=False, most=3, span_ms=600_000, cool_down_ms=60_000)
CREDENTIALS = ("USERNAME", "someone@example.com"), ("PASSWORD", "a-password")

Run = Callable[..., Result]


@pytest.fixture
def run(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("DISPATCHER_REDIS_URL", redis_url)
    for name, value in CREDENTIALS:
        monkeypatch.setenv(f"DISPATCHER_ACCOUNTS__DEFAULT__{name}", value)
    return lambda *arguments: CliRunner().invoke(app, arguments)


def lose_three(bench: Bench) -> None:
    bench.account.unknowns.review(PRECAUTIONS)
    bench.ready(recipients=20, batch_size=2)
    for _ in range(3):
        bench.record(bench.claim(), Outcome.UNKNOWN, why="the answer was lost")


def test_too_many_lost_answers_are_told_everywhere_until_it_is_started(
    bench: Bench, run: Run
) -> None:
    lose_three(bench)

    shown, told = run("status", "c1"), json.loads(run("status", "c1", "--json").stdout)

    assert "nothing is sent  too many answers were lost" in " ".join(shown.stdout.split("\n"))
    assert "Nothing is sent: too many answers were lost" in shown.stderr
    assert "dispatcher start\n" in shown.stderr
    assert [each["gate"] for each in told["blocked"]] == ["breaker"]
    assert "too many answers were lost" in run("plan", "c1").stdout
    sends, lost = check_standing(Settings.from_env())
    assert (sends.grade, lost.grade) == (Grade.PROBLEM, Grade.WARNING)
    assert sends.message == "nothing is sent: too many answers were lost"
    assert lost.message == "3 answers lost, 6 credits at stake"
    assert lost.fix == "dispatcher unknown list --account default"

    assert run("start").stdout == "released: default\n"

    assert json.loads(run("status", "c1", "--json").stdout)["blocked"] == []
    assert "nothing is sent" not in run("status", "c1").stdout
    assert next(iter(check_standing(Settings.from_env()))).grade is Grade.FINE


def test_a_campaign_that_waits_for_nothing_of_its_account_is_told_nothing_of_it(
    bench: Bench, run: Run
) -> None:
    bench.submit("c1")
    bench.account.ledger.stop(by="ada")

    assert json.loads(run("status", "c1", "--json").stdout)["blocked"] == []


def test_a_pause_of_the_api_is_no_problem(bench: Bench, run: Run) -> None:
    bench.ready(recipients=2)
    bench.account.pacing.lower(retry_after_ms=600_000)

    assert "Nothing is sent: the API asked for a pause" in run("status", "c1").stderr
    (sends,) = check_standing(Settings.from_env())
    assert (sends.grade, sends.message) == (
        Grade.WARNING,
        "nothing is sent: the API asked for a pause",
    )


def test_who_stopped_an_account_is_told_with_the_command_that_starts_it(
    bench: Bench, run: Run
) -> None:
    bench.ready(recipients=2)
    bench.account.ledger.stop(by="ada")

    assert "Nothing is sent: stopped by ada. To go on: dispatcher start\n" in (
        run("status", "c1").stderr
    )
    (sends,) = check_standing(Settings.from_env())
    assert (sends.grade, sends.fix) == (Grade.PROBLEM, "To go on: dispatcher start")
