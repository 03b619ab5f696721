from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from lxml import etree

from dispatcher.domain.message import Message, PushType
from dispatcher.errors import InputError
from dispatcher.smsfactor import (
    Credentials,
    Destination,
    Dialect,
    NewAccount,
    NewContact,
    SmsFactor,
    Wire,
)
from dispatcher.smsfactor.bodies import Gsm, Gsms, MessageBody, SendBody
from dispatcher.smsfactor.transport import ApiRequest

Answering = Callable[..., SmsFactor]

DELAY = datetime(2026, 7, 14, 9, 30, 15, 999_999, tzinfo=UTC)
MESSAGE = Message(
    text="Bonjour <-short-> & à bientôt",
    sender="SENDER",
    pushtype=PushType.ADVERTISING,
    links=("https://example.com/?a=1&b=2",),
)


def _client(wire: Wire = Wire.JSON, dialect: Dialect = Dialect.V1) -> SmsFactor:
    return SmsFactor(Credentials(token="a-token"), wire=wire, dialect=dialect)


def _send_body(api: SmsFactor, delay: datetime | None = DELAY) -> bytes:
    body = api._to_destinations(MESSAGE, [Destination("33639980001", "m1")], delay)
    return api._request("POST", "/send", ("sms", body)).body or b""


def test_send_in_json_is_written_as_documented() -> None:
    assert (
        _send_body(_client())
        == (
            '{"sms":{"message":{"text":"Bonjour <-short-> & à bientôt","pushtype":"advertising",'
            '"delay":"2026-07-14T09:30:15+00:00","sender":"SENDER",'
            '"links":["https://example.com/?a=1&b=2"]},'
            '"recipients":{"gsm":[{"value":"33639980001","gsmsmsid":"m1"}]}}}'
        ).encode()
    )


def test_send_in_xml_is_written_as_documented_with_tags_in_cdata() -> None:
    assert (
        _send_body(_client(Wire.XML))
        == (
            "<?xml version='1.0' encoding='UTF-8'?>\n"
            "<sms><message><text><![CDATA[Bonjour <-short-> & à bientôt]]></text>"
            "<pushtype>advertising</pushtype><delay>2026-07-14T09:30:15+00:00</delay>"
            "<sender>SENDER</sender><links>https://example.com/?a=1&amp;b=2</links></message>"
            '<recipients><gsm gsmsmsid="m1">33639980001</gsm></recipients></sms>'
        ).encode()
    )


def test_the_live_dialect_has_its_own_word_and_clock() -> None:
    body = _send_body(_client(dialect=Dialect.LIVE))

    assert b'"pushtype":"marketing"' in body
    assert b'"delay":"2026-07-14 11:30:15"' in body


@pytest.mark.parametrize("wire", Wire)
@pytest.mark.parametrize("dialect", Dialect)
def test_without_a_delay_there_is_no_delay_at_all(wire: Wire, dialect: Dialect) -> None:
    assert b"delay" not in _send_body(_client(wire, dialect), delay=None)


@pytest.mark.parametrize("dialect", Dialect)
def test_a_naive_delay_is_refused(dialect: Dialect) -> None:
    naive = DELAY.replace(tzinfo=None)

    with pytest.raises(InputError, match="delay: has no timezone"):
        _send_body(_client(dialect=dialect), naive)


def test_an_offset_is_kept_in_the_document_s_form() -> None:
    moment = DELAY.astimezone(timezone(timedelta(hours=-3, minutes=-30)))

    assert b'"delay":"2026-07-14T06:00:15-03:30"' in _send_body(_client(), moment)


@pytest.mark.parametrize("text", ["a ]]> b <", "line\r\nline <", "é€\U0001f600", " padded "])
def test_any_text_survives_xml(text: str) -> None:
    body = Wire.XML.encode("sms", SendBody(MessageBody(text, "alert"), Gsms([Gsm("33639980001")])))

    assert etree.fromstring(body).findtext("message/text") == text


@pytest.mark.parametrize("text", ["\x00", "\x1b[0m", "\ud83d"])
def test_a_text_xml_cannot_carry_is_refused_by_name(text: str) -> None:
    body = SendBody(MessageBody(text, "alert"), Gsms([]))

    with pytest.raises(InputError, match="text: has a control character"):
        Wire.XML.encode("sms", body)


def test_half_a_character_is_refused_in_json() -> None:
    with pytest.raises(InputError, match="lone surrogate"):
        Wire.JSON.encode("sms", MessageBody("\ud83d", "alert"))


Call = Callable[[SmsFactor], object]
CONTACT = NewContact("33639980001", ("Jean", "", "", ""))
ACCOUNT = NewAccount(
    email="user@example.com",
    password="a-password",
    firstname="Jean",
    lastname="Martin",
    city="Nice",
    phone="0639980001",
    address1="1 rue Droite",
    zip="06000",
    country_code="fr",
)
REPLY = (
    b'{"status":1,"message":"OK","ticket":"1","credits":"1","id":"1","contacts":1,"removed":1,'
    b'"tag":"<-short->","campaign":[{"id":1}]}'
)
ROUTES: list[tuple[Call, str, str, bytes | None]] = [
    (lambda api: api.credits(), "GET", "/credits", None),
    (
        lambda api: api.create_sub_account(ACCOUNT, unlimited=False),
        "POST",
        "/account",
        (
            b'{"account":{"email":"user@example.com","password":"a-password","firstname":"Jean",'
            b'"lastname":"Martin","city":"Nice","phone":"0639980001","address1":"1 rue Droite",'
            b'"zip":"06000","country_code":"fr","isChild":1,"unlimited":0}}'
        ),
    ),
    (
        lambda api: api.create_account(ACCOUNT),
        "POST",
        "/account",
        (
            b'{"account":{"email":"user@example.com","password":"a-password","firstname":"Jean",'
            b'"lastname":"Martin","city":"Nice","phone":"0639980001","address1":"1 rue Droite",'
            b'"zip":"06000","country_code":"fr"}}'
        ),
    ),
    (
        lambda api: api.simulate(Message(text="a"), [Destination("33639980001")]),
        "POST",
        "/send/simulate",
        (
            b'{"sms":{"message":{"text":"a","pushtype":"alert"},'
            b'"recipients":{"gsm":[{"value":"33639980001"}]}}}'
        ),
    ),
    (
        lambda api: api.send_lists(Message(text="a", sender=""), ["25", "5f2b9c"]),
        "POST",
        "/send/lists",
        (
            b'{"sms":{"message":{"text":"a","pushtype":"alert"},'
            b'"lists":[{"value":25},{"value":"5f2b9c"}]}}'
        ),
    ),
    (
        lambda api: api.simulate_lists(Message(text="a"), ["0025"]),
        "POST",
        "/send/lists/simulate",
        b'{"sms":{"message":{"text":"a","pushtype":"alert"},"lists":[{"value":"0025"}]}}',
    ),
    (lambda api: api.cancel("203"), "DELETE", "/send/203", None),
    (lambda api: api.cancel("a/b?c"), "DELETE", "/send/a%2Fb%3Fc", None),
    (lambda api: api.link_tag(PushType.ALERT), "GET", "/link/short/alert/tag", None),
    (lambda api: api.link_tag(PushType.ADVERTISING), "GET", "/link/short/advertising/tag", None),
    (
        lambda api: api.create_list([CONTACT], name="Liste API"),
        "POST",
        "/list",
        (
            b'{"list":{"contacts":{"gsm":[{"value":"33639980001","info1":"Jean"}]},'
            b'"name":"Liste API"}}'
        ),
    ),
    (
        lambda api: api.add_contacts("50", [CONTACT]),
        "POST",
        "/list",
        b'{"list":{"contacts":{"gsm":[{"value":"33639980001","info1":"Jean"}]},"listId":"50"}}',
    ),
    (lambda api: api.lists(), "GET", "/lists", None),
    (lambda api: api.contacts("45"), "GET", "/list/45", None),
    (lambda api: api.deduplicate("45"), "PUT", "/list/deduplicate/45", None),
    (lambda api: api.remove_contact("14063"), "DELETE", "/list/contact/14063", None),
    (lambda api: api.blacklist(), "GET", "/blacklist", None),
    (
        lambda api: api.campaigns(since=DELAY, length=10),
        "GET",
        "/campaigns?start=0&length=10&date_start=2026-07-14+11%3A30%3A15",
        None,
    ),
    (lambda api: api.campaign("203"), "GET", "/campaign/203", None),
    (lambda api: api.webhooks(), "GET", "/webhook", None),
    (lambda api: api.delete_webhook("3"), "DELETE", "/webhook/3", None),
    (
        lambda api: api.add_to_blacklist([NewContact("33639980001")]),
        "POST",
        "/blacklist",
        b'{"blacklist":{"contacts":{"gsm":[{"value":"33639980001"}]}}}',
    ),
    (lambda api: api.remove_from_blacklist("9"), "DELETE", "/blacklist/contact/9", None),
    (lambda api: api.delete_list("45"), "DELETE", "/list/45", None),
]


@pytest.mark.parametrize(("call", "method", "path", "body"), ROUTES)
def test_every_route_is_called_as_documented(
    answering: Answering,
    requests_made: list[ApiRequest],
    call: Call,
    method: str,
    path: str,
    body: bytes | None,
) -> None:
    call(answering(REPLY))

    [request] = requests_made
    assert (request.method, request.path, request.body) == (method, path, body)
    assert request.headers["Accept"] == "application/json"


@pytest.mark.parametrize("bad", ["", ".", ".."])
def test_an_id_that_would_name_another_route_is_refused(answering: Answering, bad: str) -> None:
    with pytest.raises(InputError, match="ticket: is not an id"):
        answering().cancel(bad)


@pytest.mark.parametrize("length", [0, 1001])
def test_a_page_has_one_to_a_thousand_campaigns(answering: Answering, length: int) -> None:
    with pytest.raises(InputError, match="length"):
        answering().campaigns(length=length)
