"""`dispatcher results`, `explain`, `check` and `resend`."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from dispatcher import Campaign, Recipient
from dispatcher.cli.main import app
from dispatcher.domain.campaign import BadRows
from dispatcher.domain.fates import Receipt
from dispatcher.errors import UnknownRecipientError
from dispatcher.store.keys import Key
from tests.support.bench import START_MS
from tests.support.works import FOUR, Works

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(works: Works, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `dispatcher`; give exit code, output and errors."""
    settings = works.resources.settings
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("DISPATCHER_REDIS_URL", settings.redis_url.get_secret_value())
    monkeypatch.setenv("DISPATCHER_BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("DISPATCHER_API_URL", settings.api_url)
    monkeypatch.setenv("DISPATCHER_ACCOUNTS__DEFAULT__USERNAME", "sandbox@example.com")
    monkeypatch.setenv("DISPATCHER_ACCOUNTS__DEFAULT__PASSWORD", "sandbox")

    def run_it(*arguments: str) -> tuple[int, str, str]:
        found = CliRunner().invoke(app, arguments)
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found.exit_code, found.stdout, found.stderr

    return run_it


@pytest.fixture
def campaign(works: Works) -> str:
    """Four sent to: delivered, not delivered, nothing heard, a network error."""
    people = [Recipient(number, id=f"c{n}") for n, number in enumerate(FOUR)]
    made = works.resources.dispatcher.submit(
        Campaign(recipients=people, text="Bonjour", id="orders")
    )
    works.run(made)
    first = works.bench.record_field(made, "first")
    for n, code in ((0, 3), (1, 2), (3, 11)):
        ticket = works.bench.results(made)[n].ticket or ""
        at = datetime.fromtimestamp(START_MS / 1000 + 60 * n, UTC)
        receipt = Receipt(sequence=first + n, code=code, ticket=ticket, at=at)
        works.account.store.receipts.merge([receipt])
    return made


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ((), ["c0", "c1", "c2", "c3"]),
        (("--state", "undelivered"), ["c1", "c3"]),
        (("--reason", "network_error"), ["c3"]),
        (("--state", "undelivered", "--reason", "expired"), []),
        (("--since", "2027-01-15T08:00:30+00:00"), ["c1", "c3"]),
        (("--id", "c2", "--id", "c3"), ["c2", "c3"]),
    ],
)
def test_results_are_filtered(
    run: Run, campaign: str, options: tuple[str, ...], ids: list[str]
) -> None:
    code, output, _ = run("results", campaign, "--csv", *options)

    assert code == 0
    assert [row["id"] for row in csv.DictReader(output.splitlines())] == ids


@pytest.mark.parametrize("word", ["delivered", "nonsense", "network error"])
def test_a_word_that_is_no_reason_is_refused_with_those_found(
    run: Run, campaign: str, word: str
) -> None:
    code, output, errors = run("results", campaign, "--reason", word)

    assert (code, output) == (2, "")
    told = " ".join(errors.replace("│", " ").split())
    assert f"--reason {word!r} is no reason in campaign orders" in told
    assert "choose from network_error, not_delivered" in told


@pytest.mark.parametrize(
    ("word", "ids"),
    [
        ("invalid row", ["bad"]),
        ("duplicated row", ["twice"]),
        ("suppressed row", ["never"]),
        ("duplicate", ["twice"]),
        ("invalid", ["bad"]),
    ],
)
def test_words_of_the_status_choose_rows_that_were_dropped(
    run: Run, works: Works, word: str, ids: list[str]
) -> None:
    dispatcher = works.resources.dispatcher
    dispatcher.suppressions.add([FOUR[1]])
    rows = {"good": FOUR[0], "twice": FOUR[0], "never": FOUR[1], "bad": "12"}
    people = [Recipient(number, id=name) for name, number in rows.items()]
    made = dispatcher.submit(
        Campaign(recipients=people, text="Bonjour", id="mixed", bad_rows=BadRows.SKIP)
    )
    works.run(made)

    code, output, errors = run("results", "mixed", "--reason", word)

    assert code == 0, errors
    assert [row["id"] for row in csv.DictReader(output.splitlines())] == ids


@pytest.mark.parametrize("since", ["yesterday", "2027-01-15T08:00:30"])
def test_a_time_that_is_not_one_moment_is_refused(run: Run, campaign: str, since: str) -> None:
    code, _, errors = run("results", campaign, "--since", since)

    assert code == 2
    assert "is not one moment" in errors


def test_one_recipient_is_explained(run: Run, campaign: str) -> None:
    code, output, _ = run("explain", campaign, "06 39 98 00 01")

    assert code == 0
    assert output.splitlines()[0] == "33639980001 in campaign orders"
    assert "because  not_delivered" in output
    assert "batch 0: sent: the API has it" in output
    assert output.rstrip().splitlines()[-1].split("  ")[1].startswith("receipt: not_delivered, of")
    document = json.loads(run("explain", campaign, "+33639980001", "--json")[1])
    assert (document["state"], document["reason"]) == ("undelivered", "not_delivered")
    with pytest.raises(UnknownRecipientError):
        run("explain", campaign, "+33639980999")


def test_a_check_ends_with_one_when_something_does_not_add_up(
    run: Run, works: Works, campaign: str
) -> None:
    code, output, errors = run("check", campaign)
    assert (code, output) == (0, "campaign orders adds up\n")
    assert "only the live dialect" in errors
    works.bench.client.hincrby(works.bench.keys.of(Key.CAMPAIGN, campaign), "b:accepted", 2)

    code, output, _ = run("check", campaign)

    assert code == 1
    assert "counter b:accepted is 3, and recounted 1" in output
    assert json.loads(run("check", campaign, "--json")[1])["is_whole"] is True


def test_findings_and_resends_show_in_the_status(run: Run, works: Works, campaign: str) -> None:
    works.account.store.checks.record(campaign, ["odd"], asked=0, has_more=False, took_ms=0)
    made = works.resources.dispatcher.resend(campaign, ["undelivered"])

    output = run("status", campaign)[1]
    assert "adds up" in output
    assert "no: odd" in output
    assert f"to some, by {made.id}" in output
    assert "to some of campaign orders" in run("status", made.id)[1]
    assert json.loads(run("status", campaign, "--json")[1])["findings"] == ["odd"]


def test_sending_again_waits_for_a_yes(run: Run, works: Works, campaign: str) -> None:
    code, output, errors = run(
        "resend", campaign, "--only", "undelivered,refused", "--no-wait", "--json"
    )

    assert code == 0
    made = json.loads(output)["status"]["id"]
    assert f"campaign {made} sends to 2 recipients again" in errors
    assert works.run(made).hold is not None
    _, _, errors = run("resend", campaign, "--only", "refused,undelivered", "--no-wait")
    assert f"campaign {made} was made for them before, of 2 recipients" in errors
    assert works.posts() == 2


def test_a_yes_beforehand_needs_no_other(run: Run, works: Works, campaign: str) -> None:
    code, _, _ = run(
        "resend", campaign, "--only", "network_error", "--yes", "--no-wait", "--id", "again"
    )

    assert code == 0
    assert works.run("again").state.value == "sent"
    assert [row.id for row in works.bench.results("again")] == ["c3"]


def test_whoever_may_have_got_it_cannot_be_asked_for(run: Run, campaign: str) -> None:
    code, _, errors = run("resend", campaign, "--only", "undelivered,unknown", "--no-wait")

    assert code == 3
    assert "unknown recipients got the message, or may get it" in errors
