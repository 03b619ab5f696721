from tests.support.polling import eventually
from tests.support.sandbox import HEADERS, XML, Receiver, Sandbox, sms


def test_a_send_has_more_counters_and_a_simulation_a_null_ticket(live: Sandbox) -> None:
    sent = live.send("33639980001", pushtype="marketing").json
    quoted = live.call("POST", "/send/simulate", sms("33639980001")).json

    assert list(sent)[-4:] == ["npai", "not_allowed", "flood", "country_limit"]
    assert quoted["ticket"] is None
    in_xml = live.call("POST", "/send/simulate", sms("33639980001"), headers={**HEADERS, **XML}).xml
    assert ("ticket", "") in in_xml


def test_list_ids_look_like_object_ids_and_inserts_are_judged(live: Sandbox) -> None:
    gsm = [{"value": v} for v in ("33639980001", "33639980001", "0639980002")]

    answer = live.call("POST", "/list", {"list": {"contacts": {"gsm": gsm}}}).json

    assert list(answer) == ["status", "message", "contacts", "invalid", "duplicates", "id"]
    assert (answer["contacts"], answer["invalid"], answer["duplicates"]) == (2, 1, 1)
    assert len(answer["id"]) == 24
    assert len(live.call("GET", f"/list/{answer['id']}").json["list"]) == 2


def test_a_list_can_be_deleted(live: Sandbox) -> None:
    gsm = [{"value": "33639980001"}]
    id_ = live.call("POST", "/list", {"list": {"contacts": {"gsm": gsm}}}).json["id"]

    answers = [live.call("DELETE", f"/list/{id_}").json for _ in range(2)]

    assert [answer["status"] for answer in answers] == [1, -5]
    assert live.call("GET", "/lists").json["lists"] == []


def test_the_blacklist_can_be_changed(live: Sandbox) -> None:
    gsm = [{"value": v} for v in ("33639980001", "33639980001", "33639989800")]
    added = live.call("POST", "/blacklist", {"blacklist": {"contacts": {"gsm": gsm}}}).json
    assert added == {"status": 1, "message": "OK", "added_contacts": 1}
    blacklist = live.call("GET", "/blacklist").json
    assert (blacklist["totalRecords"], len(blacklist["list"])) == (11, 11)
    (contact,) = [c for c in blacklist["list"] if c["destination"] == "33639980001"]

    answers = [live.call("DELETE", f"/blacklist/contact/{contact['id']}").json for _ in range(2)]

    assert [answer["status"] for answer in answers] == [1, -5]
    assert live.send("33639980001").json["blacklisted"] == 0


def test_numbers_are_blacklisted_in_xml_under_list(live: Sandbox) -> None:
    body = "<list><contacts><gsm info1='x'>33639980001</gsm></contacts></list>"

    answer = live.call("POST", "/blacklist", body, headers={**HEADERS, **XML})

    assert dict(answer.xml)["added_contacts"] == "1"


def test_campaigns_are_filtered_sorted_and_paged(live: Sandbox) -> None:
    live.send("33639980001", text="Premier")
    live.send("33639980002", "33639980003", text="Second")
    live.send("33639980001", text="Troisième", delay="2099-07-01 12:00:00")

    def ids(query: str = "") -> list[str]:
        return [c["id"] for c in live.call("GET", f"/campaigns{query}").json["campaigns"]]

    assert ids() == ["1003", "1002", "1001"]
    assert ids("?sort=id&start=1&length=1") == ["1002"]
    assert ids("?sort=-cost&length=1") == ["1002"]
    assert ids("?destination=33639980001") == ["1003", "1001"]
    assert ids("?text=eco") == ["1002"]
    assert ids("?date_start=2099-01-01%2000:00:00") == ["1003"]
    assert ids("?date_end=2099-01-01%2000:00:00") == ["1002", "1001"]
    totals = live.call("GET", "/campaigns?text=eco").json
    assert (totals["totalRecords"], totals["totalDisplayRecords"]) == (3, 1)
    assert live.call("GET", "/campaigns?sort=colour").json["status"] == -7


def test_a_campaign_counts_the_receipts_it_caused(live: Sandbox, receiver: Receiver) -> None:
    live.control("POST", "webhooks", {"urls": [receiver.url]})
    live.send("33639980001", "33639989002", "33639989012", "33639989800", sender="Boutique")
    eventually(lambda: len(receiver.events) == 3)

    (campaign,) = live.call("GET", "/campaign/1001").json["campaign"]

    assert list(campaign) == [
        "id",
        "sender",
        "text",
        "creation_date",
        "date",
        "cost",
        "lists",
        "status",
        "delivery_rate",
        "delivered",
        "error",
        "expired",
        "network_error",
        "stop",
        "npai",
        "total",
    ]
    counters = [campaign[k] for k in ("cost", "delivered", "error", "expired", "stop", "total")]
    assert counters == ["3", "1", "1", "1", "1", "4"]
    assert (campaign["status"], campaign["sender"]) == ("Sent", "Boutique")
    assert live.call("GET", "/campaign/9").json["status"] == -5


def test_webhooks_are_managed_and_signed(live: Sandbox, receiver: Receiver) -> None:
    wanted = {"type": "DLR", "url": receiver.url, "signature": "mysignature123"}

    created = live.call("POST", "/webhook", {"webhook": wanted}).json["webhook"]
    live.send("33639980001")

    eventually(lambda: receiver.events)
    assert receiver.headers[0]["x-smsfactor-signature"] == "mysignature123"
    assert {**created, "webhook_id": ""} == {"webhook_id": "", **wanted}
    id_ = created["webhook_id"]
    changed = {"type": "MO", "url": receiver.url}
    assert live.call("PUT", f"/webhook/{id_}", {"webhook": changed}).json["status"] == 1
    assert live.call("GET", "/webhook").json["webhooks"] == [{"webhook_id": id_, **changed}]
    assert [live.call("DELETE", f"/webhook/{id_}").json["status"] for _ in "12"] == [1, -5]


def test_a_webhook_needs_a_known_type_and_a_url(live: Sandbox) -> None:
    for wanted in ({"type": "X", "url": "http://127.0.0.1/"}, {"type": "MO", "url": "x"}, {}):
        assert live.call("POST", "/webhook", {"webhook": wanted}).json["status"] == -7


def test_a_stop_has_a_webhook_of_its_own(live: Sandbox, receiver: Receiver) -> None:
    live.call("POST", "/webhook", {"webhook": {"type": "STOP", "url": receiver.url}})
    live.send("33639980009", "33639980001")

    live.control("POST", "replies", {"from": "33639980001", "message": "STOP"})

    (event,) = eventually(lambda: receiver.events)
    assert list(event) == ["date", "message", "from", "account_id", "last_message_id"]
    assert (event["account_id"], event["last_message_id"]) == ("1", "m1")


def test_a_signature_that_is_no_header_is_refused(live: Sandbox, receiver: Receiver) -> None:
    for signature in ("s€", "a\r\nb: c"):
        wanted = {"type": "DLR", "url": receiver.url, "signature": signature}

        assert live.call("POST", "/webhook", {"webhook": wanted}).json["status"] == -7
