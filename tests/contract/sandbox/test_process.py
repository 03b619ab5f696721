import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dispatcher.sandbox.__main__ import main
from tests.support.polling import eventually
from tests.support.sandbox import JSON, Receiver, Sandbox, running_sandbox, sms


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(number: signal.Signals) -> None:
    with running_sandbox() as sandbox:
        sandbox.process.send_signal(number)

        assert sandbox.process.wait(60) == 0


def test_concurrent_sends_never_overspend(sandbox: Sandbox) -> None:
    sandbox.control("POST", "credits", {"credits": 25})
    body = sms("33639980001", "33639980002")

    with ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(sandbox.call, "POST", "/send", body) for _ in range(60)]
        statuses = [call.result().json["status"] for call in calls]

    assert (statuses.count(1), statuses.count(-3)) == (12, 48)
    summary = sandbox.control("GET", "ledger?summary=1")
    assert summary == {
        "campaigns": 12,
        "cancelled": 0,
        "answered": 12,
        "messages": 24,
        "repeated": 22,
        "cost": 24,
        "credits": {"sandbox@example.com": 1},
    }


def test_the_ledger_is_read_from_a_ticket_on(sandbox: Sandbox) -> None:
    for place in range(5):
        sandbox.send(f"3363998000{place}")

    assert [c["ticket"] for c in sandbox.ledger("?after=1003")] == ["1004", "1005"]
    assert [c["ticket"] for c in sandbox.ledger("?after=1001&limit=2")] == ["1002", "1003"]
    assert "messages" not in sandbox.ledger("?messages=0")[0]
    assert sandbox.control("GET", "ledger?summary=1&after=1003")["campaigns"] == 2


def test_accounts_can_be_configured() -> None:
    with running_sandbox("--account", "b@example.com:secret:token-b:7") as sandbox:
        headers = {"Authorization": "Bearer token-b", **JSON}

        assert sandbox.call("GET", "/credits", headers=headers).json["credits"] == "7"


def test_a_latency_is_kept() -> None:
    with running_sandbox("--latency", "5") as sandbox, pytest.raises(TimeoutError):
        sandbox.call("GET", "/credits", timeout=0.5)


def test_campaigns_and_their_receipts_survive_a_kill(tmp_path: Path, receiver: Receiver) -> None:
    options = ("--state", str(tmp_path / "state"), "--receipt-delay", "0", "--credits", "100")
    with running_sandbox(*options, "--webhook", receiver.url) as sandbox:
        sandbox.send("33639980001", "33639989103")
        eventually(lambda: len(receiver.events) == 3)
        sandbox.send("33639980002", delay="2099-01-01T00:00:00Z")
        sandbox.send("33639980003", delay="2099-01-01T00:00:00Z")
        sandbox.call("DELETE", "/send/1003")
        before = sandbox.ledger()
        sandbox.process.kill()
        sandbox.process.wait()

    with (tmp_path / "state").open("ab") as state:
        state.write(b'{"type":"CreditsSet","account":"sand')

    with running_sandbox(*options, "--webhook", receiver.url) as sandbox:
        assert sandbox.ledger() == before
        assert [c["state"] for c in before] == ["sent", "scheduled", "cancelled"]
        assert before[0]["messages"][1]["receipts"] == [3, 3]
        assert sandbox.credits == 97
        assert sandbox.send("33639980001").json["ticket"] == "1004"
        sandbox.control("POST", "clock", {"advance": 80 * 366 * 86400})
        eventually(lambda: len(receiver.events) == 5)
        assert sandbox.ledger()[1]["state"] == "sent"


def test_accounts_lists_and_the_blacklist_survive_a_kill(tmp_path: Path) -> None:
    options = ("--state", str(tmp_path / "state"))
    account = {"account": {"email": "jean@example.com", "password": "p"}}
    with running_sandbox(*options) as sandbox:
        sandbox.call("POST", "/account", account)
        contacts = {"gsm": [{"value": "33639980001"}, {"value": "33639980002"}]}
        list_id = sandbox.call("POST", "/list", {"list": {"contacts": contacts}}).json["id"]
        first = sandbox.call("GET", f"/list/{list_id}").json["list"][0]["id"]
        sandbox.call("DELETE", f"/list/contact/{first}")
        sandbox.control("POST", "replies", {"from": "33639980009", "message": "STOP"})
        sandbox.process.kill()
        sandbox.process.wait()

    with running_sandbox(*options) as sandbox:
        assert len(sandbox.call("GET", f"/list/{list_id}").json["list"]) == 1
        assert sandbox.send("33639980009", "33639980001").json["blacklisted"] == 1
        assert sandbox.call("POST", "/account", account).json["status"] == -7
        another = sandbox.call("POST", "/list", {"list": {"contacts": contacts}}).json["id"]
        assert another != list_id


def test_receipts_that_were_due_when_it_was_killed_are_posted_after_the_restart(
    tmp_path: Path, receiver: Receiver
) -> None:
    options = ("--state", str(tmp_path / "state"), "--webhook", receiver.url)
    with running_sandbox(*options, "--receipt-delay", "60") as sandbox:
        sandbox.send("33639980001")
        sandbox.process.kill()
        sandbox.process.wait()

    with running_sandbox(*options, "--receipt-delay", "0"):
        eventually(lambda: [e["campaign_id"] for e in receiver.events] == ["1001"])


@pytest.mark.parametrize(
    ("route", "order"),
    [
        ("credits", {"account": "nobody"}),
        ("credits", "{"),
        ("webhooks", {"urls": ["ftp://x"]}),
        ("webhooks", {"colour": "red"}),
        ("replies", {"from": "0639980001", "message": "STOP"}),
        ("clock", {}),
    ],
)
def test_a_control_order_that_makes_no_sense_is_refused(
    sandbox: Sandbox, route: str, order: object
) -> None:
    answer = sandbox.call("POST", f"/_sandbox/{route}", order, headers={})

    assert answer.status == 400
    assert answer.json["error"]


def test_an_unknown_control_route_is_not_found(sandbox: Sandbox) -> None:
    assert sandbox.call("GET", "/_sandbox/nothing", headers={}).status == 404


@pytest.mark.parametrize("port", ["70000", "-1", "http"])
def test_a_port_that_is_none_is_a_wrong_option(
    capsys: pytest.CaptureFixture[str], port: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([f"--port={port}"])

    assert ended.value.code == 2
    assert f"'{port}' is not a number from 0 to 65535" in capsys.readouterr().err
