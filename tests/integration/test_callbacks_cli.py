"""`dispatcher callbacks`, on a real store."""

import json
from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from dispatcher.cli.main import app
from dispatcher.errors import InputError
from dispatcher.store.keys import Key
from tests.support.bench import Bench

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `dispatcher callbacks`; give exit code, output and errors."""
    monkeypatch.setenv("DISPATCHER_REDIS_URL", redis_url)
    monkeypatch.setenv("DISPATCHER_ACCOUNTS__DEFAULT__USERNAME", "sandbox@example.com")
    monkeypatch.setenv("DISPATCHER_ACCOUNTS__DEFAULT__PASSWORD", "sandbox")
    monkeypatch.setenv("DISPATCHER_CALLBACKS__SHOP__URL", "https://shop.example.com/events")
    monkeypatch.setenv("DISPATCHER_CALLBACKS__SHOP__SECRETS", "whsec_" + "YWFh" * 11)

    def run_it(*arguments: str) -> tuple[int, str, str]:
        found = CliRunner().invoke(app, ["callbacks", *arguments])
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found.exit_code, found.stdout, found.stderr

    return run_it


def test_a_replay_tells_that_delivery_goes_on_after_410(run: Run, redis_url: str) -> None:
    bench = Bench(redis_url)
    record = bench.keys.of(Key.PRODUCER, "shop")
    bench.client.hset(record, "gone", "1")

    code, output, errors = run("replay", "shop")

    assert (code, output) == (0, "dead letters to be delivered again: 0\n")
    assert "had answered 410; delivery to it is resumed" in errors
    assert run("replay", "shop")[2] == ""
    bench.client.hset(record, "gone", "1")
    assert json.loads(run("replay", "shop", "--json")[1])["resumed"] is True
    bench.close()


@pytest.mark.parametrize("command", ["replay", "dead"])
def test_an_unknown_producer_is_refused_with_those_there_are(run: Run, command: str) -> None:
    with pytest.raises(InputError) as refusal:
        run(command, "shpo")

    (problem,) = refusal.value.problems
    assert problem.message == "shpo has no callbacks, and was never told anything"
    assert problem.fix == "choose one of these: shop"
