import http.client
import json
import time

import pytest

from tests.support.polling import eventually
from tests.support.sandbox import HEADERS, XML, Sandbox, sms


@pytest.mark.parametrize("status", [-1, -2, -3, -4, -5, -6, -7, -99])
def test_a_text_can_ask_for_each_error(sandbox: Sandbox, status: int) -> None:
    answer = sandbox.send("33639980001", text=f"sandbox=status_before:{status}")

    assert (answer.status, answer.json["status"]) == (200, status)
    assert list(answer.json) == ["status", "message", "details"]
    assert sandbox.ledger() == []


def test_an_error_can_be_answered_although_all_was_accepted(sandbox: Sandbox) -> None:
    answer = sandbox.send("33639980001", text="sandbox=status_after")

    assert answer.json["status"] == -99
    (campaign,) = sandbox.ledger()
    assert (campaign["state"], campaign["answered"]) == ("sent", False)


@pytest.mark.parametrize(("moment", "accepted"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("kind", ["drop", "truncated"])
def test_a_connection_can_be_cut(sandbox: Sandbox, kind: str, moment: str, accepted: int) -> None:
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        sandbox.send("33639980001", text=f"sandbox={kind}_{moment}")

    assert [c["answered"] for c in sandbox.ledger()] == [False] * accepted
    assert sandbox.credits == 1000 - accepted


@pytest.mark.parametrize(("moment", "accepted"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("kind", ["html", "http:502", "http:429", "garbage", "missing_comma"])
def test_an_answer_can_be_unreadable(
    sandbox: Sandbox, kind: str, moment: str, accepted: int
) -> None:
    name, _, number = kind.partition(":")

    answer = sandbox.send(
        "33639980001", text=f"sandbox={name}_{moment}" + (number and f":{number}")
    )

    assert answer.status == int(number or 200)
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.body)
    assert len(sandbox.ledger()) == accepted


def test_too_many_requests_come_with_a_retry_after(sandbox: Sandbox) -> None:
    answer = sandbox.send("33639980001", text="sandbox=http_before:429")

    assert answer.headers["retry-after"] == "1"


def test_a_missing_comma_is_the_documents_own(sandbox: Sandbox) -> None:
    answer = sandbox.send("33639980001", text="sandbox=missing_comma_after")

    assert answer.body.endswith(b'"duplicated":0"invalid":0}')


def test_xml_can_be_spoilt_too(sandbox: Sandbox) -> None:
    body = sms("33639980001", text="sandbox=missing_comma_after")

    answer = sandbox.call("POST", "/send", body, headers={**HEADERS, **XML})

    assert answer.body.endswith(b"<invalid>0</invalid>")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_slow_send_is_accepted_even_if_nobody_waits_for_it(sandbox: Sandbox, moment: str) -> None:
    with pytest.raises(TimeoutError):
        sandbox.call(
            "POST",
            "/send",
            sms("33639980001", text=f"sandbox=slow_{moment}:4"),
            timeout=1.5,
        )

    accepted_already = bool(sandbox.ledger())
    assert accepted_already is (moment == "after")
    eventually(lambda: len(sandbox.ledger()) == 1)


def test_an_answer_can_trickle(sandbox: Sandbox) -> None:
    began = time.monotonic()

    answer = sandbox.send("33639980001", text="sandbox=trickle_after:0.002")

    assert answer.json["status"] == 1
    assert time.monotonic() - began > 0.2


def test_an_answer_can_be_huge(sandbox: Sandbox) -> None:
    answer = sandbox.send("33639980001", text="sandbox=huge_after:3000000")

    assert len(answer.body) >= 3_000_000
    assert answer.json["ticket"] == "1001"


def test_a_text_does_not_disturb_its_simulation_unless_it_says_so(sandbox: Sandbox) -> None:
    quoted = sandbox.call("POST", "/send/simulate", sms("33639980001", text="sandbox=drop_before"))
    text = "sandbox-simulate=status_before:-99"
    refused = sandbox.call("POST", "/send/simulate", sms("33639980001", text=text))
    sent = sandbox.send("33639980001", text=text)

    assert [a.json["status"] for a in (quoted, refused, sent)] == [1, -99, 1]


def test_a_moderated_campaign_is_taken_under_its_own_status(sandbox: Sandbox) -> None:
    answer = sandbox.send("33639980001", text="sandbox=moderated")

    assert (answer.json["status"], answer.json["ticket"]) == (-8, "1001")
    assert sandbox.ledger()[0]["answered"] is True


def test_faults_hit_a_share_of_the_calls_the_same_ones_each_time(sandbox: Sandbox) -> None:
    runs = []
    for _ in range(2):
        order = {"route": "POST /send", "faults": {"status_before:-99": 0.3}, "seed": 3}
        sandbox.control("POST", "faults", order)
        runs.append([sandbox.send("33639980001").json["status"] for _ in range(20)])

    assert runs[0] == runs[1]
    assert 2 <= runs[0].count(-99) <= 12
    assert sandbox.call("GET", "/credits").json["status"] == 1
    injected = sandbox.control("GET", "faults")["injected"]
    assert injected == {"POST /send status_before": 2 * runs[0].count(-99)}


def test_faults_can_be_limited_in_number_and_cleared(sandbox: Sandbox) -> None:
    sandbox.control("POST", "faults", {"faults": {"http_before:503": 1.0}, "count": 1})
    limited = [sandbox.call("GET", "/credits").status for _ in range(2)]

    sandbox.control("POST", "faults", {"faults": {"http_before:503": 1.0}})
    sandbox.control("DELETE", "faults")

    assert limited == [503, 200]
    assert sandbox.call("GET", "/credits").status == 200


@pytest.mark.parametrize("fault", ["drop", "explode_before", "drop_before:x"])
def test_a_fault_that_does_not_exist_is_refused(sandbox: Sandbox, fault: str) -> None:
    order = {"faults": {fault: 1.0}}

    assert sandbox.call("POST", "/_sandbox/faults", order, headers={}).status == 400


@pytest.mark.parametrize(
    ("route", "order"),
    [
        ("faults", {"faults": {"http_after:99999": 1}}),
        ("faults", {"faults": {"http_after:100": 1}}),
        ("faults", {"faults": {"status_before:300": 1}}),
        ("faults", {"faults": {"drop_after": 2}}),
        ("faults", {"faults": {"drop_after": -1}}),
        ("faults", {"route": "POST /nope", "faults": {"drop_after": 1}}),
        ("webhooks", {"receipt_delay": -5}),
        ("webhooks", {"repeat": -1}),
        ("webhooks", {"signature": "a\r\nb: c"}),
        ("webhooks", {"urls": ["http://127.0.0.1/a\r\nb"]}),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(
    sandbox: Sandbox, route: str, order: dict[str, object]
) -> None:
    answer = sandbox.call("POST", f"/_sandbox/{route}", order, headers={})

    assert answer.status == 400
    assert sandbox.send("33639980001").status == 200
