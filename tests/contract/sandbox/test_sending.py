import pytest

from tests.support.sandbox import HEADERS, XML, Sandbox, sms


def test_a_send_is_answered_in_the_shape_of_the_document(sandbox: Sandbox) -> None:
    answer = sandbox.send("33639980001", "33639980002")

    assert answer.body == (
        b'{"status":1,"message":"OK","ticket":"1001","cost":2,"credits":998,"total":2,'
        b'"sent":2,"blacklisted":0,"duplicated":0,"invalid":0}'
    )


def test_an_xml_send_is_answered_in_the_shape_of_the_document(sandbox: Sandbox) -> None:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><sms><message><text>Bonjour</text></message>'
        '<recipients><gsm gsmsmsid="100"> 33639980001 </gsm><gsm>33639980002</gsm></recipients>'
        "</sms>"
    )

    answer = sandbox.call("POST", "/send", body, headers={**HEADERS, **XML})

    assert answer.body == (
        b'<?xml version="1.0" encoding="UTF-8"?><response><status>1</status><message>OK</message>'
        b"<ticket>1001</ticket><cost>2</cost><credits>998</credits><total>2</total><sent>2</sent>"
        b"<blacklisted>0</blacklisted><duplicated>0</duplicated><invalid>0</invalid></response>"
    )
    assert [m["gsmsmsid"] for m in sandbox.ledger()[0]["messages"]] == ["100", None]


def test_a_simulation_has_no_ticket_and_changes_nothing(sandbox: Sandbox) -> None:
    answer = sandbox.call("POST", "/send/simulate", sms("33639980001"))

    assert answer.json == {
        "status": 1,
        "message": "OK",
        "cost": 1,
        "credits": 1000,
        "total": 1,
        "sent": 1,
        "blacklisted": 0,
        "duplicated": 0,
        "invalid": 0,
    }
    assert sandbox.ledger() == []
    assert sandbox.credits == 1000


def test_a_simulation_tells_the_cost_of_what_cannot_be_paid(sandbox: Sandbox) -> None:
    sandbox.control("POST", "credits", {"credits": 1})

    answer = sandbox.call("POST", "/send/simulate", sms("33639980001", "33639980002"))

    assert (answer.json["status"], answer.json["cost"], answer.json["credits"]) == (1, 2, 1)


def test_invalid_duplicated_and_blacklisted_recipients_are_counted_not_sent(
    sandbox: Sandbox,
) -> None:
    answer = sandbox.send(
        "33639980001",
        "+33 6 39 98 00 01",
        "0639980002",
        "abc",
        "33639989700",
        "33639989800",
    )

    counters = {
        k: answer.json[k] for k in ("total", "sent", "blacklisted", "duplicated", "invalid")
    }
    assert counters == {"total": 6, "sent": 1, "blacklisted": 1, "duplicated": 1, "invalid": 3}
    assert [m["destination"] for m in sandbox.ledger()[0]["messages"]] == ["33639980001"]


def test_a_campaign_without_a_valid_recipient_still_has_a_ticket(sandbox: Sandbox) -> None:
    answer = sandbox.send("0639980001")

    assert answer.json == {
        "status": 1,
        "message": "OK",
        "ticket": "1001",
        "cost": 0,
        "credits": 1000,
        "total": 1,
        "sent": 0,
        "blacklisted": 0,
        "duplicated": 0,
        "invalid": 1,
    }
    assert sandbox.ledger()[0]["messages"] == []


def test_tickets_rise_by_one(sandbox: Sandbox) -> None:
    tickets = [sandbox.send("33639980001").json["ticket"] for _ in range(3)]

    assert tickets == ["1001", "1002", "1003"]


def test_a_send_costs_the_segments_of_every_message(sandbox: Sandbox) -> None:
    answer = sandbox.send("33639980001", "33639980002", text="é" * 161)

    assert (answer.json["cost"], answer.json["credits"]) == (4, 996)


def test_what_cannot_be_paid_is_refused_and_not_sent(sandbox: Sandbox) -> None:
    sandbox.control("POST", "credits", {"credits": 1})

    answer = sandbox.send("33639980001", "33639980002")

    assert answer.status == 200
    assert answer.json == {
        "status": -3,
        "message": "Le nombre de crédits n\u2019est pas suffisant",
        "details": "2 crédits requis, 1 restants",
    }
    assert (sandbox.credits, sandbox.ledger()) == (1, [])


def test_marketing_with_a_sender_pays_for_its_stop_mention(sandbox: Sandbox) -> None:
    text = "x" * 150

    plain = sandbox.send("33639980001", text=text, pushtype="advertising")
    signed = sandbox.send("33639980001", text=text, pushtype="advertising", sender="Boutique")

    assert (plain.json["cost"], signed.json["cost"]) == (1, 2)
    assert sandbox.ledger()[1]["sent_text"] == text + "\nSTOP SMS: 36180"


def test_a_short_link_costs_its_own_length_not_its_tags(sandbox: Sandbox) -> None:
    text = "x" * 143 + "<--short-->"

    sent = sandbox.send("33639980001", text=text, links=[" https://example.com/long "])

    assert sent.json["cost"] == 1
    assert sandbox.ledger()[0]["sent_text"] == "x" * 143 + "sbx.example/00001"


def test_get_send_takes_one_message_from_the_query(sandbox: Sandbox) -> None:
    path = (
        "/send?username=sandbox%40example.com&password=sandbox&text=Bonjour&to=33639980001"
        "&gsmsmsid=7&sender=Boutique&delay="
    )

    answer = sandbox.call("GET", path, headers={"Accept": "application/json"})

    assert (answer.json["ticket"], answer.json["sent"]) == ("1001", 1)
    (campaign,) = sandbox.ledger()
    assert (campaign["sender"], campaign["messages"][0]["gsmsmsid"]) == ("Boutique", "7")


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ({"delay": "demain"}, -4),
        ({"delay": "2014-13-45T15:00:00+00:00"}, -4),
        ({"delay": "9999-12-31T23:59:59-12:00"}, -4),
        ({"pushtype": "urgent"}, -7),
        ({"sender": "LongerThanEleven"}, -7),
        ({"sender": "a/b"}, -7),
        ({"text": ""}, -7),
        ({"text": {"fr": "Bonjour"}}, -7),
    ],
)
def test_a_message_that_cannot_be_sent_is_refused(
    sandbox: Sandbox, message: dict[str, object], status: int
) -> None:
    body = {
        "sms": {
            "message": {"text": "Bonjour", **message},
            "recipients": {"gsm": [{"value": "33639980001"}]},
        }
    }

    answer = sandbox.call("POST", "/send", body)

    assert answer.json["status"] == status
    assert sandbox.ledger() == []


@pytest.mark.parametrize("recipients", [{}, {"gsm": []}, "", None])
def test_a_send_to_nobody_is_a_recipient_list_error(sandbox: Sandbox, recipients: object) -> None:
    body = {"sms": {"message": {"text": "Bonjour"}, "recipients": recipients}}

    assert sandbox.call("POST", "/send", body).json["status"] == -5


@pytest.mark.parametrize(
    "delay", ["2014-06-15T15:00:00+00:00", "2014-06-15T15:00:00Z", "2014-06-15 15:00:00", "", None]
)
def test_a_delay_that_has_passed_or_is_empty_means_now(sandbox: Sandbox, delay: str | None) -> None:
    sandbox.send("33639980001", delay=delay)

    (campaign,) = sandbox.ledger()
    assert (campaign["state"], campaign["delay"]) == ("sent", None)


def test_a_naive_delay_is_paris_time(sandbox: Sandbox) -> None:
    sandbox.send("33639980001", delay="2099-07-01 12:00:00")
    sandbox.send("33639980001", delay="2099-07-01T10:00:00Z")

    assert [c["delay"] for c in sandbox.ledger()] == ["2099-07-01T12:00:00+02:00"] * 2


def test_a_scheduled_campaign_is_paid_at_once_and_refunded_when_cancelled(sandbox: Sandbox) -> None:
    ticket = sandbox.send("33639980001", delay="2099-07-01T12:00:00Z").json["ticket"]
    assert (sandbox.credits, sandbox.ledger()[0]["state"]) == (999, "scheduled")

    answer = sandbox.call("DELETE", f"/send/{ticket}")

    assert answer.json == {"status": 1, "message": "OK", "credits": "1000"}
    assert (sandbox.credits, sandbox.ledger()[0]["state"]) == (1000, "cancelled")


def test_only_a_waiting_campaign_can_be_cancelled(sandbox: Sandbox) -> None:
    sent = sandbox.send("33639980001").json["ticket"]
    waiting = sandbox.send("33639980001", delay="2099-07-01T12:00:00Z").json["ticket"]
    sandbox.call("DELETE", f"/send/{waiting}")

    answers = [sandbox.call("DELETE", f"/send/{id_}").json for id_ in (sent, waiting, "9", "x")]

    assert [answer["status"] for answer in answers] == [-5, -5, -5, -5]
    assert [answer["details"] for answer in answers] == [
        "Campagne déjà envoyée",
        "Campagne déjà annulée",
        "Campagne inconnue",
        "Campagne inconnue",
    ]
    assert sandbox.credits == 999


def test_a_scheduled_campaign_starts_when_the_clock_reaches_it(sandbox: Sandbox) -> None:
    sandbox.send("33639980001", delay="2099-07-01T12:00:00Z")

    sandbox.control("POST", "clock", {"advance": 80 * 366 * 86400})

    assert sandbox.ledger()[0]["state"] == "sent"
    assert sandbox.call("DELETE", "/send/1001").json["status"] == -5


def test_an_id_may_be_a_number_and_a_number_may_have_no_id(sandbox: Sandbox) -> None:
    gsm = [{"value": 33639980001, "gsmsmsid": 7}, {"value": "33639980002"}]
    body = {"sms": {"message": {"text": "Bonjour"}, "recipients": {"gsm": gsm}}}

    sandbox.call("POST", "/send", body)

    messages = sandbox.ledger()[0]["messages"]
    assert [(m["destination"], m["gsmsmsid"]) for m in messages] == [
        ("33639980001", "7"),
        ("33639980002", None),
    ]


@pytest.mark.parametrize("text", ["%C3%A9t%C3%A9", "%E9", "a+b", "%"])
def test_any_query_is_read(sandbox: Sandbox, text: str) -> None:
    answer = sandbox.call("GET", f"/send/simulate?text={text}&to=%2B33639980001")

    assert (answer.json["status"], answer.json["sent"]) == (1, 1)
