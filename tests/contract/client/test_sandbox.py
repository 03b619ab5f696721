from datetime import UTC, datetime, timedelta

import pytest

from dispatcher.domain.message import Message, PushType
from dispatcher.errors import (
    CredentialsRefusedError,
    NotEnoughCreditsError,
    RequestRefusedError,
)
from dispatcher.smsfactor import (
    CancelReply,
    Credentials,
    Destination,
    Dialect,
    NewAccount,
    NewContact,
    SendReply,
    SmsFactor,
    WebhookType,
    Wire,
)
from tests.support.sandbox import Sandbox

MESSAGE = Message(text="Bonjour")
TO = [Destination("33639980001", "m1"), Destination("33639980002", "m2")]
SOON = timedelta(hours=2)
LIVE_ONLY = pytest.mark.parametrize("dialect", [Dialect.LIVE], indirect=True, ids=["live"])


def _now() -> datetime:
    return datetime.now(UTC)


def _counts(reply: SendReply) -> tuple[int | None, ...]:
    return (reply.total, reply.sent, reply.blacklisted, reply.duplicated, reply.invalid)


def test_credits(api: SmsFactor) -> None:
    assert api.credits() == 1000


def test_the_dialect_is_found_out(api: SmsFactor, dialect: Dialect) -> None:
    assert api.spoken_dialect() is dialect


def test_send_gives_a_ticket_and_what_it_cost(api: SmsFactor) -> None:
    first = api.send(MESSAGE, TO)
    second = api.send(MESSAGE, TO)

    assert (first.status, first.message) == (1, "OK")
    assert first.ticket != second.ticket
    assert _counts(first) == (2, 2, 0, 0, 0)
    assert (first.cost, first.credits, second.credits) == (2, 998, 996)
    assert api.credits() == 996


def test_send_counts_what_it_drops(api: SmsFactor) -> None:
    to = [*TO, Destination("33639980002"), Destination("12"), Destination("0639980003")]

    sent = api.send(MESSAGE, to)

    assert _counts(sent) == (5, 2, 0, 1, 2)
    assert sent.cost == 2


def test_a_campaign_of_invalid_numbers_only_has_a_ticket_and_costs_nothing(api: SmsFactor) -> None:
    sent = api.send(MESSAGE, [Destination("0639980001")])

    assert sent.ticket
    assert (sent.status, sent.cost, sent.sent, sent.invalid) == (1, 0, 0, 1)


def test_simulate_says_what_send_would_and_changes_nothing(api: SmsFactor) -> None:
    quote = api.simulate(MESSAGE, TO)

    assert quote.ticket is None
    assert (quote.cost, quote.credits) == (2, 1000)
    assert _counts(quote) == (2, 2, 0, 0, 0)
    assert api.credits() == 1000


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("é€" * 53, 1),
        ("ç" * 70, 1),
        ("ç" * 71, 2),
        ("& <b> ]]> \"'", 1),
        ("ligne\nligne", 1),
    ],
)
def test_texts_arrive_whole_in_either_format(api: SmsFactor, text: str, cost: int) -> None:
    assert api.simulate(Message(text=text), TO[:1]).cost == cost


def test_short_links_are_taken(api: SmsFactor) -> None:
    message = Message(
        text="Voici : <-short-> et <-short->",
        links=("https://example.com/?a=1&b=2", "https://example.com/2"),
    )

    assert api.send(message, TO).sent == 2
    created = api.create_list([NewContact("33639980001")])
    assert api.send_lists(message, [created.id]).sent == 1


def test_marketing_is_taken(api: SmsFactor) -> None:
    message = Message(text="Soldes", sender="SENDER", pushtype=PushType.ADVERTISING)

    assert api.simulate(message, TO).sent == 2


@pytest.mark.parametrize("pushtype", PushType)
def test_the_link_tag_is_a_tag(api: SmsFactor, pushtype: PushType) -> None:
    tag = api.link_tag(pushtype)

    assert tag.startswith("<-")
    assert tag.strip("<->") == "short"
    assert tag.endswith("->")


def test_a_scheduled_campaign_is_cancelled_and_refunded(api: SmsFactor) -> None:
    sent = api.send(MESSAGE, TO, delay=_now() + SOON)
    assert sent.ticket

    assert api.cancel(sent.ticket) == CancelReply(message="OK", credits=1000)
    assert api.credits() == 1000


def test_a_delay_means_the_same_moment_in_every_timezone(api: SmsFactor, sandbox: Sandbox) -> None:
    sent = api.send(MESSAGE, TO, delay=_now() + SOON)
    assert sent.ticket

    sandbox.control("POST", "clock", {"advance": SOON.total_seconds() - 60})
    assert api.cancel(sent.ticket).credits == 1000

    again = api.send(MESSAGE, TO, delay=_now() + SOON + SOON)
    assert again.ticket
    sandbox.control("POST", "clock", {"advance": SOON.total_seconds() + 120})
    with pytest.raises(RequestRefusedError):
        api.cancel(again.ticket)


@pytest.mark.parametrize("ticket", ["999999", "no-such-ticket"])
def test_what_cannot_be_cancelled_is_refused(api: SmsFactor, ticket: str) -> None:
    with pytest.raises(RequestRefusedError) as caught:
        api.cancel(ticket)

    assert caught.value.status == -5


def test_wrong_credentials_are_refused(sandbox: Sandbox) -> None:
    for wire in Wire:
        for wrong in (Credentials(username="u", password="p"), Credentials(token="t")):
            with SmsFactor(wrong, base_url=sandbox.url, wire=wire) as api:
                with pytest.raises(CredentialsRefusedError):
                    api.credits()
                with pytest.raises(CredentialsRefusedError):
                    api.send(MESSAGE, TO)


def test_a_send_beyond_the_balance_is_refused(api: SmsFactor) -> None:
    to = [Destination(str(33_639_980_000 + place)) for place in range(1001)]

    with pytest.raises(NotEnoughCreditsError):
        api.send(MESSAGE, to)

    assert api.credits() == 1000


def test_a_list_is_made_filled_read_cleaned_and_sent_to(api: SmsFactor) -> None:
    jean = NewContact("33639980001", ("Jean", "Martin", "Monsieur", "Nice"))
    helene = NewContact("33639980002", ("Hélène", "<&>", "", ""))

    created = api.create_list([jean, helene], name="Liste API")
    added = api.add_contacts(created.id, [jean])

    assert (created.contacts, added.contacts, added.id) == (2, 1, created.id)
    assert [(found.id, found.name) for found in api.lists()] == [(created.id, "Liste API")]
    first, second, third = api.contacts(created.id)
    assert (first.destination, first.infos) == ("33639980001", jean.infos)
    assert (second.destination, second.infos) == ("33639980002", helene.infos)
    assert third.destination == "33639980001"

    assert api.deduplicate(created.id) == 1
    assert api.deduplicate(created.id) == 0
    personal = Message(text="Bonjour [info1]")
    assert api.simulate_lists(personal, [created.id]).sent == 2
    sent = api.send_lists(personal, [created.id])
    assert sent.ticket
    assert sent.sent == 2

    api.remove_contact(second.id)
    assert len(api.contacts(created.id)) == 1


def test_a_list_without_a_name_gets_its_date(api: SmsFactor) -> None:
    created = api.create_list([NewContact("33639980001")])

    [found] = api.lists()
    assert found.id == created.id
    assert found.date is not None
    assert found.name == f"{found.date:%Y-%m-%d %H:%M:%S}"


def test_an_account_without_lists_has_none(api: SmsFactor) -> None:
    assert api.lists() == []


def test_who_is_on_the_blacklist_is_not_sent_to(api: SmsFactor) -> None:
    stopped = api.blacklist()

    sent = api.send(MESSAGE, [Destination(contact.destination) for contact in stopped])

    assert len({contact.id for contact in stopped}) == len(stopped) > 0
    assert (sent.sent, sent.blacklisted) == (0, len(stopped))


def test_an_unknown_list_is_refused(api: SmsFactor) -> None:
    with pytest.raises(RequestRefusedError):
        api.contacts("424242")


ACCOUNT = NewAccount(
    email="someone@example.com",
    password="a-password",
    firstname="Jean",
    lastname="Martin",
    city="Nice",
    phone="0639980001",
    address1="1 rue Droite",
    zip="06000",
    country_code="fr",
)


def test_an_account_is_created(api: SmsFactor) -> None:
    assert api.create_account(ACCOUNT)


def test_a_sub_account_is_created(api: SmsFactor, sandbox: Sandbox) -> None:
    assert api.create_sub_account(ACCOUNT, unlimited=False)

    own = Credentials(username="someone@example.com", password="a-password")
    with SmsFactor(own, base_url=sandbox.url) as child:
        assert child.credits() == 0


@LIVE_ONLY
def test_the_blacklist_is_added_to_read_and_cleared(api: SmsFactor) -> None:
    before = api.blacklist()
    api.add_to_blacklist([NewContact("33639980001")])

    [stopped] = [contact for contact in api.blacklist() if contact not in before]
    assert stopped.destination == "33639980001"
    assert api.send(MESSAGE, TO).blacklisted == 1

    api.remove_from_blacklist(stopped.id)
    assert api.blacklist() == before


@LIVE_ONLY
def test_campaigns_are_listed(api: SmsFactor) -> None:
    sent = api.send(MESSAGE, TO)
    assert sent.ticket

    page = api.campaigns(since=_now() - SOON, until=_now() + SOON)
    record = api.campaign(sent.ticket)

    assert [found.id for found in page.campaigns] == [sent.ticket]
    assert (page.total, page.displayed) == (1, 1)
    assert (record.id, record.text) == (sent.ticket, "Bonjour")
    assert record.counters["cost"] == 2
    assert record.counters["total"] == 2
    assert record.date is not None
    assert abs(record.date - _now()) < timedelta(minutes=1)


@LIVE_ONLY
def test_webhooks_are_made_listed_and_removed(api: SmsFactor) -> None:
    created = api.create_webhook(
        WebhookType.RECEIPT, "https://example.com/hook", signature="a-secret"
    )

    assert created.id
    assert api.webhooks() == [created]
    api.delete_webhook(created.id)
    assert api.webhooks() == []


@LIVE_ONLY
def test_a_list_is_deleted(api: SmsFactor) -> None:
    created = api.create_list([NewContact("33639980001")])

    api.delete_list(created.id)

    assert api.lists() == []
