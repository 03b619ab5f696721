import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from dispatcher.cli.account_checks import check_replies
from dispatcher.cli.findings import Grade
from dispatcher.cli.main import app
from dispatcher.domain.replies import Reached, ReplyReader
from dispatcher.domain.timing import utc_now
from dispatcher.errors import SettingsError, UnknownCampaignError, UnknownReplyError
from dispatcher.settings import Settings
from dispatcher.smsfactor import WebhookType
from dispatcher.smsfactor.opening import open_client
from dispatcher.store.keys import Key
from tests.support.bench import Bench
from tests.support.sandbox import Sandbox, running_sandbox

SECRET, OLD, SIGNATURE = "a-secret-of-cli-tests", "an-old-secret-of-tests", "a-signature-of-tests"
ACCOUNT = "DISPATCHER_ACCOUNTS__DEFAULT__"
HOOKS = "https://hooks.example.com"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def live() -> Iterator[Sandbox]:
    with running_sandbox("--port", "0", "--dialect", "live") as sandbox:
        yield sandbox


@pytest.fixture
def run(redis_url: str, live: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command of `dispatcher`; give exit code, output and errors."""
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("DISPATCHER_REDIS_URL", redis_url)
    monkeypatch.setenv("DISPATCHER_API_URL", live.url)
    monkeypatch.setenv("DISPATCHER_DIALECT", "live")
    monkeypatch.setenv(f"{ACCOUNT}USERNAME", "sandbox@example.com")
    monkeypatch.setenv(f"{ACCOUNT}PASSWORD", "sandbox")
    monkeypatch.setenv(f"{ACCOUNT}WEBHOOK_SECRET", SECRET)

    def run_it(*arguments: str) -> tuple[int, str, str]:
        found = CliRunner().invoke(app, arguments)
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found.exit_code, found.stdout, found.stderr

    return run_it


@pytest.fixture
def texts(redis_url: str) -> dict[str, str]:
    """Keep a few replies; give the id of each text."""
    bench, reader, names = Bench(redis_url), ReplyReader("FR"), {}
    bench.submit("c1")
    for place, text in enumerate(("OUI", "ne stoppez \x1b[31m pas [red]", "STOP")):
        document = {
            "date": f"2026-11-22T20:00:0{place}+01:00",
            "message": text,
            "from": f"063998000{place}",
        }
        reply = reader.read(json.dumps(document).encode(), is_stop=False, received_at=utc_now())
        names[text] = reply.identity(b"k")
        bench.account.replies.keep(
            names[text], reply, reached=Reached("c1", place) if place else None
        )
    bench.close()
    return names


def listed(run: Run, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("replies", *arguments, "--json")[1])
    return found


def webhooks() -> set[tuple[str, str]]:
    with open_client(Settings.from_env(), "default") as api:
        return {(each.type, each.url) for each in api.webhooks()}


def test_replies_are_listed_and_those_to_be_read_are_pointed_out(
    run: Run, texts: dict[str, str]
) -> None:
    code, output, errors = run("replies", "list")

    assert code == 0
    assert all(name in output for name in texts.values())
    assert "33639980000" in output
    assert "ne stoppez [31m pas [red]" in output
    assert "doubtful, to be read" in output
    assert "\x1b" not in output
    assert "1 reply waits to be read: dispatcher replies review" in errors
    assert [reply["text"] for reply in listed(run, "list", "--campaign", "c1")] == [
        "STOP",
        "ne stoppez \x1b[31m pas [red]",
    ]
    assert len(listed(run, "list", "--count", "1")) == 1


def test_what_is_doubtful_is_read_and_marked(
    run: Run, redis_url: str, texts: dict[str, str]
) -> None:
    (waiting,) = listed(run, "review")
    assert waiting["intent"] == "doubtful"

    code, output, _ = run("replies", "mark", waiting["id"], "--stop", "--by", "ada")

    assert (code, "its number is never written to again" in output) == (0, True)
    assert listed(run, "review") == []
    bench = Bench(redis_url)
    assert bench.account.suppressions.contains([int(waiting["number"])])
    bench.close()
    marked = next(each for each in listed(run, "list") if each["id"] == waiting["id"])
    assert (marked["verdict"], marked["by"]) == ("stop", "ada")
    assert "harmless" in run("replies", "mark", texts["OUI"], "--harmless")[1]


def test_who_is_harmless_after_a_stop_is_told_to_stay_suppressed(
    run: Run, texts: dict[str, str]
) -> None:
    name = texts["OUI"]
    assert run("replies", "mark", name, "--harmless")[2] == ""
    run("replies", "mark", name, "--stop")

    code, output, errors = run("replies", "mark", name, "--harmless")

    assert (code, output) == (0, f"reply {name} is harmless\n")
    assert "stays suppressed" in errors
    assert "dispatcher suppressions remove NUMBER --reason WORDS" in errors


def test_one_reply_is_shown_whole(run: Run, texts: dict[str, str]) -> None:
    code, output, _ = run("replies", "show", texts["STOP"])

    assert code == 0
    told = " ".join(output.split())
    assert "campaign c1 place 2, as `results` tells taken for stop text STOP" in told
    with pytest.raises(UnknownReplyError, match="no reply nobody"):
        run("replies", "show", "nobody")


def test_replies_to_a_campaign_that_is_not_there_are_no_empty_list(run: Run) -> None:
    with pytest.raises(UnknownCampaignError):
        run("replies", "list", "--campaign", "nope")


def test_a_mark_needs_a_verdict_and_a_reply(run: Run) -> None:
    assert run("replies", "mark", "nobody")[0] == 2
    with pytest.raises(UnknownReplyError, match="no reply nobody on account default"):
        run("replies", "mark", "nobody", "--stop")


def test_the_doctor_tells_of_unreadable_bodies_and_unread_replies(
    run: Run, redis_url: str, texts: dict[str, str]
) -> None:
    assert run is not None
    assert texts
    bench = Bench(redis_url)
    bench.account.quarantine.add("mo", [b"\xff", b"{}"])
    key = bench.keys.of(Key.QUARANTINE)
    bench.close()

    unreadable, unread = check_replies(Settings.from_env())

    assert {unreadable.grade, unread.grade} == {Grade.WARNING}
    assert unreadable.message == "bodies that could not be read: 2 of mo"
    assert unreadable.fix.endswith(f"key {key}")
    assert unread.message == "1 to be read by a person"


def test_webhooks_are_registered_once_and_old_secrets_removed(
    run: Run, live: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.control("POST", "reset")
    monkeypatch.setenv(f"{ACCOUNT}WEBHOOK_SECRET", OLD)
    assert run("webhooks", "register", HOOKS)[0] == 0
    with open_client(Settings.from_env(), "default") as api:
        api.create_webhook(WebhookType.REPLY, "https://elsewhere.example.com/mo")
    monkeypatch.setenv(f"{ACCOUNT}WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv(f"{ACCOUNT}WEBHOOK_SIGNATURE", SIGNATURE)

    code, output, errors = run("webhooks", "register", f"{HOOKS}/")
    again = run("webhooks", "register", HOOKS)

    assert code == 0
    assert (output.count(" registered"), output.count("removed")) == (3, 3)
    assert again[1].count("was registered") == 3
    assert "removed" not in again[1]
    assert not any(word in output + errors for word in (SECRET, OLD, SIGNATURE))
    assert webhooks() == {
        *((kind, f"{HOOKS}/webhooks/{SECRET}/{kind.lower()}") for kind in ("DLR", "MO", "STOP")),
        ("MO", "https://elsewhere.example.com/mo"),
    }


def test_without_the_live_dialect_the_addresses_are_shown(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPATCHER_DIALECT", "v1")

    code, output, errors = run("webhooks", "register", HOOKS)

    assert code == 0
    assert f"{HOOKS}/webhooks/SECRET/mo" in output
    assert "back office" in errors
    assert SECRET not in output + errors


def test_nothing_is_registered_without_a_secret_or_a_url(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("webhooks", "register", "hooks.example.com")[0] == 2
    monkeypatch.delenv(f"{ACCOUNT}WEBHOOK_SECRET")
    with pytest.raises(SettingsError, match="WEBHOOK_SECRET"):
        run("webhooks", "register", HOOKS)
