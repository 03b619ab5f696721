import re
from collections.abc import Mapping

from tests.support.sandbox import HEADERS, XML, Sandbox


def create(sandbox: Sandbox, *contacts: Mapping[str, object], **fields: object) -> str:
    body = {"list": {**fields, "contacts": {"gsm": list(contacts)}}}
    answer = sandbox.call("POST", "/list", body).json
    assert answer["status"] == 1
    return str(answer["id"])


JEAN: dict[str, object] = {
    "value": "33639980001",
    "info1": "Jean",
    "info2": "Martin",
    "info3": "Monsieur",
    "info4": "Nice",
}
HELENE: dict[str, object] = {"value": "33639980002", "info1": "Hélène"}


def test_a_list_is_created_in_the_shape_of_the_document(sandbox: Sandbox) -> None:
    body = {"list": {"name": "Liste API", "contacts": {"gsm": [JEAN, HELENE]}}}

    answer = sandbox.call("POST", "/list", body)

    assert re.fullmatch(rb'{"status":1,"message":"OK","contacts":2,"id":"\d+"}', answer.body)


def test_a_list_without_a_name_is_named_after_its_creation(sandbox: Sandbox) -> None:
    create(sandbox, JEAN)

    (only,) = sandbox.call("GET", "/lists").json["lists"]
    assert list(only) == ["id", "name", "date"]
    assert only["name"] == only["date"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", only["date"])


def test_a_list_shows_its_contacts(sandbox: Sandbox) -> None:
    id_ = create(sandbox, JEAN, HELENE)

    answer = sandbox.call("GET", f"/list/{id_}").json

    assert [list(contact) for contact in answer["list"]] == [
        ["id", "destination", "info1", "info2", "info3", "info4"]
    ] * 2
    assert answer["list"][0]["destination"] == "33639980001"
    assert [answer["list"][1][f"info{n}"] for n in (1, 2)] == ["Hélène", ""]


def test_lists_in_xml_repeat_their_element(sandbox: Sandbox) -> None:
    id_ = create(sandbox, JEAN, HELENE, name="A & B")
    create(sandbox, JEAN, name="C")

    every = sandbox.call("GET", "/lists", headers={**HEADERS, **XML}).xml
    one = sandbox.call("GET", f"/list/{id_}", headers={**HEADERS, **XML}).xml

    assert [tag for tag, _ in every] == ["status", "message", "lists", "lists"]
    assert dict(every[2][1])["name"] == "A & B"
    assert [dict(contact)["destination"] for tag, contact in one if tag == "list"] == [
        "33639980001",
        "33639980002",
    ]


def test_contacts_are_added_in_both_xml_forms(sandbox: Sandbox) -> None:
    id_ = create(sandbox, JEAN)
    body = (
        f"<list><listId>{id_}</listId><contacts>"
        '<gsm info1="Cassandre"  info4="Nice">33639980006\n  </gsm>'
        "<gsm><value>33639980007</value><info1>Ada</info1></gsm>"
        "</contacts></list>"
    )

    answer = sandbox.call("POST", "/list", body, headers={**HEADERS, **XML})

    assert answer.xml == [("status", "1"), ("message", "OK"), ("contacts", "2"), ("id", id_)]
    contacts = sandbox.call("GET", f"/list/{id_}").json["list"]
    assert [(c["destination"], c["info1"], c["info4"]) for c in contacts] == [
        ("33639980001", "Jean", "Nice"),
        ("33639980006", "Cassandre", "Nice"),
        ("33639980007", "Ada", ""),
    ]


def test_an_insert_does_not_deduplicate_but_a_deduplication_does(sandbox: Sandbox) -> None:
    id_ = create(sandbox, JEAN, HELENE, JEAN)
    assert len(sandbox.call("GET", f"/list/{id_}").json["list"]) == 3

    removed = [sandbox.call("PUT", f"/list/deduplicate/{id_}").json for _ in range(2)]

    assert removed == [
        {"status": 1, "message": "OK", "removed": 1},
        {"status": 1, "message": "OK", "removed": 0},
    ]
    assert len(sandbox.call("GET", f"/list/{id_}").json["list"]) == 2


def test_a_contact_is_removed_by_its_own_id(sandbox: Sandbox) -> None:
    id_ = create(sandbox, JEAN, HELENE)
    contact = sandbox.call("GET", f"/list/{id_}").json["list"][0]["id"]

    answers = [sandbox.call("DELETE", f"/list/contact/{contact}").json for _ in range(2)]

    assert answers[0] == {"status": 1, "message": "OK"}
    assert answers[1]["status"] == -5
    (left,) = sandbox.call("GET", f"/list/{id_}").json["list"]
    assert left["destination"] == "33639980002"


def test_unknown_lists_and_empty_inserts_are_refused(sandbox: Sandbox) -> None:
    wrong_key = {"list": {"contacts": {"gsm": [{"number": "33639980001"}]}}}
    wrong_list = {"list": {"listId": "1", "contacts": {"gsm": [JEAN]}}}

    answers = [
        sandbox.call("GET", "/list/1"),
        sandbox.call("PUT", "/list/deduplicate/1"),
        sandbox.call("POST", "/list", wrong_key),
        sandbox.call("POST", "/list", wrong_list),
        sandbox.call("POST", "/list", {"contacts": [JEAN]}),
    ]

    assert [answer.json["status"] for answer in answers] == [-5, -5, -5, -5, -7]
    assert sandbox.call("GET", "/lists").json["lists"] == []


def test_contacts_under_a_wrong_key_are_not_added(sandbox: Sandbox) -> None:
    id_ = create(sandbox, JEAN)
    body = {"list": {"listId": id_, "contacts": {"gsm": [{"number": "33639980002"}]}}}

    assert sandbox.call("POST", "/list", body).json["status"] == -5
    assert len(sandbox.call("GET", f"/list/{id_}").json["list"]) == 1


def test_a_send_to_lists_is_personalised_and_priced_contact_by_contact(sandbox: Sandbox) -> None:
    long_name = {"value": "33639980003", "info1": "x" * 160}
    first = create(sandbox, JEAN, {"value": "33639980002"})
    second = create(sandbox, long_name, JEAN)
    message = {"text": "Bonjour [info1] [info2]"}
    body = {"sms": {"message": message, "lists": [{"value": int(first)}, {"value": second}]}}

    quote = sandbox.call("POST", "/send/lists/simulate", body).json
    answer = sandbox.call("POST", "/send/lists", body).json

    assert (answer["cost"], answer["total"], answer["sent"], answer["duplicated"]) == (4, 4, 3, 1)
    assert {**answer, "credits": 1000} == {**quote, "ticket": "1001"}
    (campaign,) = sandbox.ledger()
    assert [(m["text"][:20], m["segments"]) for m in campaign["messages"]] == [
        ("Bonjour Jean Martin", 1),
        ("Bonjour  ", 1),
        ("Bonjour " + "x" * 12, 2),
    ]
    assert campaign["messages"][0]["gsmsmsid"] is None


def test_lists_may_be_named_in_every_xml_way(sandbox: Sandbox) -> None:
    ids = [create(sandbox, JEAN), create(sandbox, HELENE)]
    repeated = "".join(f"<lists><value>{id_}</value></lists>" for id_ in ids)
    together = "<lists>" + "".join(f"<value>{id_}</value>" for id_ in ids) + "</lists>"
    sent = []
    for lists in (repeated, together):
        body = f"<sms><message><text>Bonjour</text></message>{lists}</sms>"
        answer = sandbox.call("POST", "/send/lists", body, headers={**HEADERS, **XML})
        sent.append(dict(answer.xml)["sent"])

    assert sent == ["2", "2"]


def test_a_send_to_no_or_unknown_lists_is_refused(sandbox: Sandbox) -> None:
    message = {"text": "Bonjour"}
    bodies: list[object] = [
        {"sms": {"message": message, "lists": lists}} for lists in ([{"value": 1}], [], "", None)
    ]

    statuses = [sandbox.call("POST", "/send/lists", body).json["status"] for body in bodies]

    assert statuses == [-5, -5, -5, -5]


def test_the_blacklist_has_the_shape_of_a_list(sandbox: Sandbox) -> None:
    sandbox.control("POST", "blacklist", {"destinations": ["+33639980001"]})

    contacts = sandbox.call("GET", "/blacklist").json["list"]

    assert len(contacts) == 11
    assert {**contacts[-1], "id": ""} == {
        "id": "",
        "destination": "33639980001",
        "info1": "",
        "info2": "",
        "info3": "",
        "info4": "",
    }


def test_the_tag_of_a_short_link_is_escaped_in_xml(sandbox: Sandbox) -> None:
    for kind in ("advertising", "alert"):
        path = f"/link/short/{kind}/tag"
        answer = sandbox.call("GET", path)
        assert answer.body == b'{"status":1,"message":"OK","tag":"<-----short----->"}'
        escaped = sandbox.call("GET", path, headers={**HEADERS, **XML})
        assert b"<tag>&lt;-----short-----&gt;</tag>" in escaped.body


def test_a_text_that_would_grow_without_bounds_is_refused(sandbox: Sandbox) -> None:
    contacts = {"gsm": [{"value": "33639980001", "info1": "x" * 100_000}]}
    created = sandbox.call("POST", "/list", {"list": {"contacts": contacts}}).json
    message = {"text": "[info1]" * 1000}

    order = {"sms": {"message": message, "lists": [{"value": created["id"]}]}}
    answer = sandbox.call("POST", "/send/lists/simulate", order)

    assert answer.json["status"] == -7
