from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from dispatcher.domain.message import Message, PushType
from dispatcher.errors import OutcomeUnknownError
from dispatcher.smsfactor import (
    CampaignPage,
    CampaignRecord,
    CancelReply,
    Contact,
    ContactList,
    Destination,
    ListReply,
    NewContact,
    SendReply,
    SmsFactor,
    Webhook,
    WebhookType,
)
from tests.unit.smsfactor import replies_of_the_document as document

Answering = Callable[..., SmsFactor]

MESSAGE = Message(text="Bonjour")
TO = [Destination("33639980001", "m1")]
CONTACTS = [NewContact("33639980001")]
PARIS = ZoneInfo("Europe/Paris")
SENT = SendReply(
    status=1,
    message="OK",
    ticket="202",
    cost=2,
    credits=10996,
    total=2,
    sent=2,
    blacklisted=0,
    duplicated=0,
    invalid=0,
)


@pytest.mark.parametrize("body", [document.SEND_JSON, document.SEND_XML])
def test_send_reads_the_reply_of_the_document(answering: Answering, body: bytes) -> None:
    assert answering(body).send(MESSAGE, TO) == SENT
    assert answering(body).send_lists(MESSAGE, ["25"]) == SENT


@pytest.mark.parametrize("body", [document.CREDITS_JSON, document.CREDITS_XML])
def test_credits_reads_the_reply_of_the_document(answering: Answering, body: bytes) -> None:
    assert answering(body).credits() == 2420


@pytest.mark.parametrize("body", [document.CANCEL_JSON, document.CANCEL_XML])
def test_cancel_reads_the_reply_of_the_document(answering: Answering, body: bytes) -> None:
    assert answering(body).cancel("202") == CancelReply(message="OK", credits=10991)


@pytest.mark.parametrize("body", [document.CREATED_JSON, document.CREATED_XML])
def test_create_list_reads_the_reply_of_the_document(answering: Answering, body: bytes) -> None:
    assert answering(body).create_list(CONTACTS) == ListReply(id="45", contacts=2)


@pytest.mark.parametrize("body", [document.ADDED_JSON, document.ADDED_XML])
def test_add_contacts_reads_the_reply_of_the_document(answering: Answering, body: bytes) -> None:
    assert answering(body).add_contacts("50", CONTACTS) == ListReply(id="50", contacts=1)


@pytest.mark.parametrize("body", [document.LISTS_JSON, document.LISTS_XML])
def test_lists_reads_the_reply_of_the_document(answering: Answering, body: bytes) -> None:
    first, second = answering(body).lists()

    created = datetime(2014, 3, 10, 10, 36, 49, tzinfo=PARIS)
    assert first == ContactList(id="45", name="Liste API", date=created)
    assert (second.id, second.name) == ("50", "2014-03-10 10:42:23")


@pytest.mark.parametrize("body", [document.LIST_JSON, document.LIST_XML])
def test_contacts_and_blacklist_read_the_reply_of_the_document(
    answering: Answering, body: bytes
) -> None:
    expected = [
        Contact(
            id="14063", destination="33639980001", infos=("Jean", "Martin", "Monsieur", "Nice")
        ),
        Contact(id="14064", destination="33639980002", infos=("Hélène", "Dupont", "Madame", "")),
    ]

    assert answering(body).contacts("45") == expected
    assert answering(body).blacklist() == expected


@pytest.mark.parametrize("body", [document.DEDUPLICATED_JSON, document.DEDUPLICATED_XML])
def test_deduplicate_reads_the_reply_of_the_document(answering: Answering, body: bytes) -> None:
    assert answering(body).deduplicate("45") == 0


@pytest.mark.parametrize("body", [document.REMOVED_JSON, document.REMOVED_XML])
def test_remove_contact_takes_the_reply_of_the_document(answering: Answering, body: bytes) -> None:
    answering(body).remove_contact("14063")


@pytest.mark.parametrize(
    "body", [document.TAG_JSON, document.TAG_XML, document.TAG_XML.replace(b"><-", b">&lt;-")]
)
def test_link_tag_reads_the_reply_of_the_document(answering: Answering, body: bytes) -> None:
    assert answering(body).link_tag(PushType.ALERT) == "<-----short----->"


@pytest.mark.parametrize("body", [b'{"status":1,"list":[]}', b"<r><status>1</status></r>"])
def test_an_empty_list_is_empty(answering: Answering, body: bytes) -> None:
    assert answering(body).blacklist() == []


@pytest.mark.parametrize(
    "body",
    [
        b"<r><status>1</status><list><id>1</id><destination>33639980001</destination></list></r>",
        b'{"status":1,"list":{"id":1,"destination":33639980001,"info1":null}}',
    ],
)
def test_a_list_of_one_is_a_list(answering: Answering, body: bytes) -> None:
    assert answering(body).blacklist() == [Contact(id="1", destination="33639980001")]


def test_a_blacklist_cut_short_is_not_taken_for_a_short_one(answering: Answering) -> None:
    api = answering(b'{"status":1,"message":"OK","list":[{"id":"1"},{"id"')

    with pytest.raises(OutcomeUnknownError):
        api.blacklist()


@pytest.mark.parametrize(
    "call",
    [
        lambda api: api.credits(),
        lambda api: api.deduplicate("1"),
        lambda api: api.link_tag(PushType.ALERT),
        lambda api: api.create_list(CONTACTS),
        lambda api: api.campaign("1"),
    ],
)
def test_a_reply_without_its_substance_is_unknown(
    answering: Answering, call: Callable[[SmsFactor], object]
) -> None:
    with pytest.raises(OutcomeUnknownError):
        call(answering(b'{"status":1,"message":"OK"}'))


def test_counters_the_document_does_not_name_are_kept(answering: Answering) -> None:
    sent = answering(
        b'{"status":1,"ticket":"7","cost":"3","npai":1,"flood":"2","note":"x","live":true}'
    ).send(MESSAGE, TO)

    assert sent.other == {"npai": 1, "flood": 2}
    assert sent.cost == 3


def test_a_ticket_without_readable_counters_is_a_send(answering: Answering) -> None:
    sent = answering(b'{"ticket":"7","cost":null,"credits":"beaucoup","sent":2.5').send(MESSAGE, TO)

    assert sent.ticket == "7"
    assert (sent.cost, sent.credits, sent.sent) == (None, None, None)


def test_a_simulation_has_no_ticket(answering: Answering) -> None:
    quote = answering(b'{"status":1,"message":"OK","ticket":null,"cost":2,"credits":10}')

    assert quote.simulate(MESSAGE, TO).ticket is None
    assert quote.simulate_lists(MESSAGE, ["1"]).cost == 2


def test_a_campaign_under_moderation_is_taken(answering: Answering) -> None:
    sent = answering(b'{"status":-8,"message":"Under moderation"}').send(MESSAGE, TO)

    assert sent.moderated
    assert sent.ticket is None


def test_ids_need_not_be_numbers(answering: Answering) -> None:
    body = b'{"status":1,"contacts":1,"id":"5f2b9c0d1e2a3b4c5d6e7f80","invalid":0,"duplicates":1}'

    created = answering(body).create_list(CONTACTS)

    assert created.id == "5f2b9c0d1e2a3b4c5d6e7f80"
    assert created.other == {"invalid": 0, "duplicates": 1}


CAMPAIGN = CampaignRecord(
    id="7",
    sender="SENDER",
    text="Bonjour",
    created=datetime(2026, 1, 5, 9, 0, tzinfo=PARIS),
    date=None,
    status="sent",
    counters={"cost": 2, "total": 2, "delivered": 1},
)


@pytest.mark.parametrize(
    "body",
    [
        (
            b'{"status":1,"campaigns":[{"id":7,"sender":"SENDER","text":"Bonjour","status":"sent",'
            b'"creation_date":"2026-01-05 09:00:00","date":"0000-00-00 00:00:00","cost":"2",'
            b'"total":2,"delivered":1}],"totalRecords":"12","totalDisplayRecords":1}'
        ),
        (
            b"<response><status>1</status><campaigns><id>7</id><sender>SENDER</sender>"
            b"<text>Bonjour</text><status>sent</status><creation_date>2026-01-05 09:00:00"
            b"</creation_date><cost>2</cost><total>2</total><delivered>1</delivered></campaigns>"
            b"<totalRecords>12</totalRecords><totalDisplayRecords>1</totalDisplayRecords></response>"
        ),
    ],
)
def test_campaigns_are_read(answering: Answering, body: bytes) -> None:
    page = answering(body).campaigns()

    assert page == CampaignPage(campaigns=[CAMPAIGN], total=12, displayed=1)


def test_a_webhook_is_read(answering: Answering) -> None:
    api = answering(
        b'{"status":1,"webhook":{"webhook_id":3,"type":"DLR","url":"https://example.com/h"}}'
    )

    created = api.create_webhook(WebhookType.RECEIPT, "https://example.com/h")

    assert created == Webhook(id="3", type="DLR", url="https://example.com/h")
