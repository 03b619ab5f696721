"""`dispatcher api` as a shell runs it, against a sandbox of either dialect."""

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import warm
from tests.support.sandbox import Sandbox, running_sandbox

WIRES = ("json", "xml")
HOLDER = (
    *("--email", "ada@example.com", "--firstname", "Ada", "--lastname", "Martin"),
    *("--city", "Lyon", "--phone", "0639980001", "--address", "1 rue Haute", "--zip", "69001"),
)


@pytest.fixture(scope="module")
def v1_server() -> Iterator[Sandbox]:
    with running_sandbox("--credits", "1000") as running:
        yield running


@pytest.fixture(scope="module")
def live_server() -> Iterator[Sandbox]:
    with running_sandbox("--credits", "1000", "--dialect", "live") as running:
        yield running


@pytest.fixture
def v1(v1_server: Sandbox) -> Sandbox:
    v1_server.control("POST", "reset")
    return v1_server


@pytest.fixture
def live(live_server: Sandbox) -> Sandbox:
    live_server.control("POST", "reset")
    return live_server


def environment(sandbox: Sandbox) -> dict[str, str]:
    """No Redis runs at this address: the commands do without."""
    return os.environ | {
        "DISPATCHER_REDIS_URL": "redis://127.0.0.1:1/0",
        "DISPATCHER_BROKER_URL": "redis://127.0.0.1:1/1",
        "DISPATCHER_API_URL": sandbox.url,
        "DISPATCHER_ACCOUNTS__DEFAULT__USERNAME": "sandbox@example.com",
        "DISPATCHER_ACCOUNTS__DEFAULT__PASSWORD": "sandbox",
    }


def run(sandbox: Sandbox, *arguments: str, given: str = "") -> tuple[int, str, str]:
    """Give exit code, output and errors of a command."""
    done = warm.run([warm.DISPATCHER, *arguments], environment(sandbox), given.encode())
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def told(sandbox: Sandbox, *arguments: str, given: str = "") -> Any:  # noqa: ANN401 - what JSON holds
    """Give what a command of the group tells as JSON."""
    code, output, errors = run(sandbox, "api", *arguments, "--json", given=given)
    assert code == 0, errors
    return json.loads(output)


@pytest.mark.parametrize("wire", WIRES)
def test_the_document_s_routes_work_in_either_format(v1: Sandbox, wire: str) -> None:
    table = "mobile;info1\n06 39 98 00 01;Ada\n+33639980002;Bo\n+33639980002;Bo\n"
    same = ("--wire", wire)

    assert told(v1, "credits", *same) == {"credits": 1000}
    assert told(v1, "link-tag", "alert", *same) == {"tag": "<-----short----->"}
    quoted = told(v1, "simulate", "--to", "+33639980001", "--text", "Bonjour", *same)
    assert (quoted["ticket"], quoted["cost"], quoted["credits"]) == (None, 1, 1000)

    made = told(v1, "list", "create", "-", "--name", "Lyon", "--yes", *same, given=table)
    assert made["contacts"] == 3
    added = told(v1, "list", "add", made["id"], "-", "--yes", *same, given="+33639980003\n")
    assert added == {"id": made["id"], "contacts": 1, "other": {}}
    assert told(v1, "list", "deduplicate", made["id"], "--yes", *same) == {"removed": 1}
    contacts = told(v1, "list", "show", made["id"], *same)
    assert [(each["destination"], each["infos"][0]) for each in contacts] == [
        ("33639980001", "Ada"),
        ("33639980002", "Bo"),
        ("33639980003", ""),
    ]
    told(v1, "contact", "delete", contacts[0]["id"], "--yes", *same)
    assert [each["name"] for each in told(v1, "list", "all", *same)] == ["Lyon"]
    quoted = told(v1, "simulate-lists", "--list", made["id"], "--text", "Bonjour", *same)
    assert quoted["sent"] == 2
    assert told(v1, "blacklist", *same)[0]["destination"] == "33639989800"
    assert v1.ledger() == []


@pytest.mark.parametrize("wire", WIRES)
def test_the_live_routes_work_in_either_format(live: Sandbox, wire: str) -> None:
    same = ("--dialect", "live", "--wire", wire)
    live.send("33639980001", "33639980002")

    page = told(live, "campaigns", *same)
    assert page["displayed"] == 1
    ticket = page["campaigns"][0]["id"]
    assert told(live, "campaign", ticket, *same)["counters"]["total"] == 2

    assert told(live, "blacklist", "add", "06 39 98 00 07", "--yes", *same) == {"added": 1}
    added = told(live, "blacklist", *same)[-1]
    assert added["destination"] == "33639980007"
    told(live, "blacklist", "remove", added["id"], "--yes", *same)
    assert told(live, "blacklist", *same)[-1]["destination"] != "33639980007"

    url = "https://hooks.example.com/dlr"
    hook = told(live, "webhook", "create", "DLR", url, "--signed", "--yes", *same, given="s3cret\n")
    assert told(live, "webhook", "list", *same) == [{"id": hook["id"], "type": "DLR", "url": url}]
    told(live, "webhook", "delete", hook["id"], "--yes", *same)
    assert told(live, "webhook", "list", *same) == []

    made = told(live, "list", "create", "-", "--yes", *same, given="+33639980001\n")
    told(live, "list", "delete", made["id"], "--yes", *same)
    assert told(live, "list", "all", *same) == []


def test_an_account_is_created_with_a_password_from_standard_input(v1: Sandbox) -> None:
    told(v1, "account", "create-sub", "--unlimited", *HOLDER, "--yes", given="an-unseen-password\n")

    own = {"sfusername": "ada@example.com", "sfpassword": "an-unseen-password"}
    answer = v1.call("GET", "/credits", headers={**own, "Accept": "application/json"})
    assert answer.json["credits"] == "1000"


def test_a_scheduled_campaign_is_cancelled_and_refunded(v1: Sandbox) -> None:
    ticket = v1.send("33639980001", delay="2099-01-05T10:00:00+01:00").json["ticket"]

    code, output, _ = run(v1, "api", "cancel", ticket, "--yes")

    assert (code, output) == (0, f"{ticket} is cancelled; the balance is 1,000 credits\n")
    code, _, errors = run(v1, "api", "cancel", ticket, "--yes")
    assert code == 6
    assert "Nothing was done." in errors


@pytest.mark.parametrize(("typed", "code", "left"), [("y", 0, []), ("n", 1, ["Lyon"])])
def test_at_a_terminal_it_asks_before_it_deletes(
    live: Sandbox, *, typed: str, code: int, left: list[str]
) -> None:
    made = told(live, "list", "create", "-", "--name", "Lyon", "--yes", given="+33639980001\n")
    keyboard, terminal = pty.openpty()
    try:
        command = [warm.DISPATCHER, "api", "list", "delete", made["id"], "--dialect", "live"]
        with warm.WarmPopen[str](
            command, env=environment(live), stdin=terminal, stderr=subprocess.PIPE, text=True
        ) as process:
            os.write(keyboard, f"{typed}\n".encode())
            _, errors = process.communicate(timeout=60)
    finally:
        os.close(keyboard)
        os.close(terminal)

    assert f"Delete list {made['id']} and its contacts? [y/N]" in errors
    assert process.returncode == code
    assert [each["name"] for each in told(live, "list", "all")] == left


def test_tables_are_for_people(v1: Sandbox) -> None:
    code, output, _ = run(v1, "api", "blacklist")

    header, first, *_ = (line.split() for line in output.splitlines()[1:])
    assert code == 0
    assert header[:2] == ["contact", "number"]
    assert first[1] == "33639989800"


@pytest.mark.parametrize("setting", ["v1", "live"])
@pytest.mark.parametrize("spoken", ["v1", "live"])
def test_the_doctor_finds_out_which_dialect_an_account_speaks(
    v1: Sandbox, live: Sandbox, monkeypatch: pytest.MonkeyPatch, *, spoken: str, setting: str
) -> None:
    monkeypatch.setenv("DISPATCHER_DIALECT", setting)

    _, output, _ = run(live if spoken == "live" else v1, "doctor", "--json")

    (found,) = [each for each in json.loads(output) if each["subject"] == "dialect of default"]
    if spoken == setting:
        assert (found["grade"], found["message"]) == ("ok", f"{spoken}, as it is set")
    else:
        assert found["grade"] == "warning"
        assert found["message"] == f"the account speaks {spoken}, the setting is {setting}"
        assert found["fix"] == f"set DISPATCHER_DIALECT={spoken}"
