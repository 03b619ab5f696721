"""What real clients send, and what nobody should send."""

import json
import socket
import time
from urllib.parse import quote_plus, urlsplit

import pytest

from tests.support.sandbox import HEADERS, JSON, XML, Sandbox, sms

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CREDENTIALS = (
    "<authentication><username>sandbox@example.com</username><password>sandbox</password>"
    "</authentication>"
)
MESSAGE = (
    "<message><text>Bonjour</text></message>"
    '<recipients><gsm gsmsmsid="1">33639980001</gsm></recipients>'
)
JSON_SEND = '{"sms":{"message":{"text":"Bonjour"},"recipients":{"gsm":[{"value":"33639980001"}]}}}'


@pytest.mark.parametrize("path", ["/credits?null", "//credits", "/credits/", "/credits?a=b&a=c"])
def test_junk_around_a_path_is_forgiven(sandbox: Sandbox, path: str) -> None:
    assert sandbox.call("GET", path).json["credits"] == "1000"


@pytest.mark.parametrize("body", ["[]", "", "{}", "null", "what"])
def test_a_body_where_none_belongs_is_ignored(sandbox: Sandbox, body: str) -> None:
    headers = {**HEADERS, **JSON, **FORM}

    assert sandbox.call("GET", "/credits", body, headers=headers).json["status"] == 1
    delayed = sandbox.send("33639980001", delay="2099-01-01T00:00:00Z").json["ticket"]
    deleted = sandbox.call("DELETE", f"/send/{delayed}", body, headers=headers)
    assert deleted.json["status"] == 1
    listing = {"list": {"contacts": {"gsm": [{"value": "33639980001"}]}}}
    id_ = sandbox.call("POST", "/list", listing).json["id"]
    put = sandbox.call("PUT", f"/list/deduplicate/{id_}", body, headers=headers)
    assert put.json["removed"] == 0


def test_a_deletion_with_a_form_type_and_no_body_works(sandbox: Sandbox) -> None:
    ticket = sandbox.send("33639980001", delay="2099-01-01T00:00:00Z").json["ticket"]

    answer = sandbox.call("DELETE", f"/send/{ticket}", headers={**HEADERS, **JSON, **FORM})

    assert answer.json["credits"] == "1000"


@pytest.mark.parametrize("order", [CREDENTIALS + MESSAGE, MESSAGE + CREDENTIALS])
def test_the_form_variable_data_holds_xml(sandbox: Sandbox, order: str) -> None:
    document = f'<?xml version="1.0" encoding="UTF-8"?><sms>{order}</sms>'

    answer = sandbox.call("POST", "/send", f"data={quote_plus(document)}", headers={**FORM, **XML})

    assert dict(answer.xml)["ticket"] == "1001"


@pytest.mark.parametrize("first", [True, False])
def test_the_form_variable_data_holds_json_with_its_credentials_anywhere(
    sandbox: Sandbox, *, first: bool
) -> None:
    own = {"authentication": {"username": "sandbox@example.com", "password": "sandbox"}}
    message = json.loads(JSON_SEND)["sms"]
    document = json.dumps({"sms": {**own, **message} if first else {**message, **own}})

    answer = sandbox.call("POST", "/send", f"data={quote_plus(document)}", headers={**FORM, **JSON})

    assert answer.json["ticket"] == "1001"


def test_the_form_variable_data_holds_json_beside_other_variables(sandbox: Sandbox) -> None:
    body = f"x=1&data={quote_plus(JSON_SEND)}&y=2"

    assert (
        sandbox.call("POST", "/send", body, headers={**HEADERS, **JSON, **FORM}).json["sent"] == 1
    )


def test_a_multipart_form_holds_data_too(sandbox: Sandbox) -> None:
    body = (
        '--frontier\r\nContent-Disposition: form-data; name="data"\r\n\r\n'
        f"{JSON_SEND}\r\n--frontier--\r\n"
    )
    headers = {**HEADERS, **JSON, "Content-Type": "multipart/form-data; boundary=frontier"}

    assert sandbox.call("POST", "/send", body, headers=headers).json["sent"] == 1


@pytest.mark.parametrize("media", [{}, FORM, {"Content-Type": "application/xml"}])
def test_the_content_type_is_not_believed(sandbox: Sandbox, media: dict[str, str]) -> None:
    headers = {**HEADERS, **JSON, **media}

    as_json = sandbox.call("POST", "/send", f"\ufeff \n{JSON_SEND}", headers=headers)
    as_xml = sandbox.call("POST", "/send", f"<sms>{MESSAGE}</sms>", headers=headers)

    assert (as_json.json["ticket"], as_xml.json["ticket"]) == ("1001", "1002")


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, "application/xml"),
        ("*/*", "application/xml"),
        ("application/xml", "application/xml"),
        ("application/json", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        ("text/html, application/json;q=0.9, */*;q=0.8", "application/json"),
        ("application/json;q=0.5, application/xml;q=0.9", "application/xml"),
        ("application/json;q=much", "application/json"),
        ("nonsense", "application/xml"),
    ],
)
def test_the_accept_header_chooses_the_reply(
    sandbox: Sandbox, accept: str | None, media: str
) -> None:
    headers = {**HEADERS, **({} if accept is None else {"Accept": accept})}

    assert sandbox.call("GET", "/credits", headers=headers).headers["content-type"] == media


def test_empty_options_and_unknown_keys_are_ignored(sandbox: Sandbox) -> None:
    answer = sandbox.send("33639980001", sender="", delay="", pushtype="", colour="red", links=None)

    assert answer.json["sent"] == 1


def test_a_payload_without_its_root_is_a_data_error(sandbox: Sandbox) -> None:
    flat = sandbox.call("POST", "/send", {"message": {"text": "Bonjour"}})
    empty = sandbox.call("POST", "/send", "")

    assert [flat.json["status"], empty.json["status"]] == [-7, -7]


def test_an_unknown_route_is_not_found(sandbox: Sandbox) -> None:
    for method, path in (("GET", "/nothing"), ("PUT", "/send"), ("GET", "/campaigns")):
        answer = sandbox.call(method, path)
        assert (answer.status, answer.json["status"]) == (404, -99)


@pytest.mark.parametrize(
    "body",
    [
        "{",
        '{"sms":',
        '{"sms": {"message": {"text": "a" "pushtype": "alert"}}}',
        '{"sms": {"message": {"text": "\xe9"}}}'.encode("latin-1"),
        '{"a":' * 100_000,
        "[" * 100_000,
        '{"sms": {"message": {"text": "\\ud800"}}}',
    ],
)
def test_malformed_json_is_refused(sandbox: Sandbox, body: str | bytes) -> None:
    assert sandbox.call("POST", "/send", body).json["status"] in {-6, -7}
    assert sandbox.ledger() == []


@pytest.mark.parametrize(
    "body",
    [
        "<sms>",
        "<sms><message><text>voici <-short-></text></message></sms>",
        "<sms>&undefined;</sms>",
        "<!DOCTYPE sms><sms/>",
        '<!DOCTYPE sms [<!ENTITY a "b">]><sms><message><text>&a;</text></message></sms>',
        '<!DOCTYPE sms SYSTEM "http://127.0.0.1:1/x.dtd"><sms/>',
        '<!DOCTYPE sms [<!ENTITY a SYSTEM "file:///etc/hostname">]><sms>&a;</sms>',
        "<sms>" * 200_000,
        "<sms>" + "<a>" * 100 + "</a>" * 100 + "</sms>",
    ],
)
def test_malformed_or_scheming_xml_is_refused(sandbox: Sandbox, body: str) -> None:
    assert sandbox.call("POST", "/send", body).json["status"] == -2
    assert sandbox.ledger() == []


def test_a_billion_laughs_are_refused_quickly(sandbox: Sandbox) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(12))
    began = time.monotonic()

    answers = [
        sandbox.call("POST", "/send", f"<!DOCTYPE sms [{laughs}]>{root}").json["status"]
        for root in ("<sms>&l11;</sms>", '<sms a="&l11;"/>')
    ]

    assert answers == [-2, -2]
    assert time.monotonic() - began < 20


def test_thousands_of_attributes_are_refused_without_looking_at_each(sandbox: Sandbox) -> None:
    attributes = " ".join(f'a{n}="1"' for n in range(100_000))
    began = time.monotonic()

    answer = sandbox.call("POST", "/send", f"<sms {attributes}/>")

    assert answer.json["status"] == -2
    assert time.monotonic() - began < 20


def test_a_body_of_100_megabytes_is_refused_before_it_is_read(sandbox: Sandbox) -> None:
    netloc = urlsplit(sandbox.url)
    head = b"POST /send HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n"

    with socket.create_connection((netloc.hostname, netloc.port), timeout=60) as connection:
        connection.sendall(head + b"Content-Length: 104857600\r\n\r\n{")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"status":-7' in answer


def test_a_body_of_unknown_length_is_cut_off_at_the_limit(sandbox: Sandbox) -> None:
    netloc = urlsplit(sandbox.url)
    head = b"POST /send HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    taken = 0

    with socket.create_connection((netloc.hostname, netloc.port), timeout=60) as connection:
        connection.sendall(head)
        try:
            while taken < 100:
                connection.sendall(chunk)
                taken += 1
        except ConnectionError:
            pass

    assert 16 <= taken < 64
    assert sandbox.call("GET", "/credits").status == 200


def test_long_numbers_in_paths_and_queries_do_no_harm(sandbox: Sandbox) -> None:
    digits = "9" * 6000

    assert sandbox.call("DELETE", f"/send/{digits}").json["status"] == -5
    assert sandbox.call("GET", f"/_sandbox/ledger?after={digits}&limit={digits}").body == b""


def test_a_large_send_is_one_campaign(sandbox: Sandbox) -> None:
    sandbox.control("POST", "credits", {"credits": 100_000})
    numbers = [str(33_639_000_000 + place) for place in range(50_000)]

    answer = sandbox.call("POST", "/send", sms(*numbers)).json

    assert (answer["cost"], answer["sent"]) == (50_000, 50_000)
    summary = sandbox.control("GET", "ledger?summary=1")
    assert (summary["messages"], summary["repeated"]) == (50_000, 0)
