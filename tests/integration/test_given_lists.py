"""Campaigns over lists of the producer's own, which others may change meanwhile."""

from collections.abc import Callable

import pytest

from dispatcher import BadRows, Campaign
from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import CampaignState, HoldReason
from dispatcher.smsfactor import NewContact
from tests.support.list_campaigns import (
    SIX_MINUTES_MS,
    clean_lists,
    make_given,
    quote_all,
    submit_given,
    texts_of,
)
from tests.support.works import FOUR, Works

C, R = CampaignState, RecipientState
STRANGER = "33639980999"


def test_given_lists_are_sent_to_as_they_are_and_never_touched(works: Works) -> None:
    first = make_given(works, FOUR[:3])
    second = make_given(works, FOUR[3:])
    before = [works.account.api.contacts(found) for found in (first, second)]
    campaign = submit_given(works, first, second)

    status = works.run(campaign)

    assert (status.state, status.batches, status.rows) == (C.SENT, 1, 4)
    assert set(texts_of(works.sandbox).values()) == {"Salut N0", "Salut N1", "Salut N2"}
    assert [row.number for row in works.bench.results(campaign)] == FOUR
    works.receive(4)
    assert works.check(campaign).recipient_states == {R.DELIVERED: 4}
    clean_lists(works)
    assert [works.account.api.contacts(found) for found in (first, second)] == before


def _add(works: Works, given: str) -> None:
    works.account.api.add_contacts(given, [NewContact(STRANGER, ("N9", "", "", ""))])


def _remove(works: Works, given: str) -> None:
    works.account.api.remove_contact(works.account.api.contacts(given)[0].id)


def _remove_all(works: Works, given: str) -> None:
    for contact in works.account.api.contacts(given):
        works.account.api.remove_contact(contact.id)


def _rename(works: Works, given: str) -> None:
    _remove(works, given)
    works.account.api.add_contacts(given, [NewContact(FOUR[0], ("N9", "", "", ""))])


@pytest.mark.parametrize("change", [_add, _remove, _remove_all, _rename])
def test_a_given_list_that_changes_after_the_quote_is_not_sent_to(
    works: Works, change: Callable[[Works, str], None]
) -> None:
    given = make_given(works)
    campaign = submit_given(works, given)
    quote_all(works, campaign)
    assert works.account.store.ledger.credits().reserved == 4

    change(works, given)
    status = works.run(campaign)

    assert status.state is C.REJECTED
    assert status.error is not None
    assert "changed after they were quoted" in status.error
    assert works.posts() == 0
    assert works.account.store.ledger.credits().reserved == 0


def test_a_given_list_that_cannot_be_read_again_is_not_sent_to_unseen(works: Works) -> None:
    given = make_given(works)
    campaign = submit_given(works, given)
    quote_all(works, campaign)
    _add(works, given)
    works.fail("GET /list/:id", "http_after:502")

    assert works.run(campaign).batch_states == {"ready": 1}
    works.bench.advance(SIX_MINUTES_MS)

    assert works.run(campaign).state is C.REJECTED
    assert works.posts() == 0


def test_a_given_list_in_another_order_is_the_same(works: Works) -> None:
    given = make_given(works)
    campaign = submit_given(works, given)
    quote_all(works, campaign)
    first = works.account.api.contacts(given)[0]
    works.account.api.remove_contact(first.id)
    works.account.api.add_contacts(given, [NewContact(first.destination, first.infos)])

    assert works.run(campaign).recipient_states == {R.SENT: 4}


def test_a_given_list_that_vanishes_after_the_quote_sends_nothing(works: Works) -> None:
    campaign = submit_given(works, make_given(works))
    quote_all(works, campaign)
    works.sandbox.control("POST", "reset")

    status = works.run(campaign)

    assert works.posts() == 0
    assert status.state is C.REJECTED
    assert works.account.store.ledger.credits().reserved == 0


def test_credentials_refused_while_given_lists_are_read_again_park_the_account(
    works: Works,
) -> None:
    campaign = submit_given(works, make_given(works))
    quote_all(works, campaign)
    works.fail("GET /list/:id", "status_before:-1")

    status = works.run(campaign)
    assert (status.state, status.hold) == (C.HELD, HoldReason.CREDENTIALS)
    works.check_credits()

    assert works.run(campaign).recipient_states == {R.SENT: 4}


def test_contacts_with_values_the_api_cannot_merge_are_rendered_here(works: Works) -> None:
    api = works.account.api
    odd = [NewContact(FOUR[0], ("[info2]", "x", "", "")), NewContact(FOUR[1], ("<-", "", "", ""))]
    campaign = submit_given(works, api.create_list(odd, name="odd").id)

    works.run(campaign)

    assert texts_of(works.sandbox) == {FOUR[0]: "Salut [info2]", FOUR[1]: "Salut <-"}
    assert all(not entry.get("lists") for entry in works.sandbox.ledger())


def test_somebody_in_two_lists_under_two_names_is_sent_to_by_the_first(works: Works) -> None:
    first, second = make_given(works, FOUR[:2]), make_given(works, [FOUR[1], FOUR[2]])

    status = works.run(submit_given(works, first, second))

    assert status.recipient_states == {R.SENT: 3, R.NOT_SENT: 1}
    assert texts_of(works.sandbox) == {
        FOUR[0]: "Salut N0",
        FOUR[1]: "Salut N1",
        FOUR[2]: "Salut N1",
    }
    assert all(not entry.get("lists") for entry in works.sandbox.ledger())


@pytest.mark.parametrize(
    ("policy", "state", "reached"),
    [(BadRows.REJECT, C.REJECTED, []), (BadRows.SKIP, C.SENT, FOUR[:2])],
)
def test_contacts_without_a_value_are_bad_rows(
    works: Works, policy: BadRows, state: CampaignState, reached: list[str]
) -> None:
    api = works.account.api
    api_list = api.create_list(
        [NewContact(number, ("N", "", "", "")) for number in FOUR[:2]]
        + [NewContact(number) for number in FOUR[2:]],
        name="half",
    )
    campaign = works.resources.dispatcher.submit(
        Campaign(lists=(api_list.id,), text="Salut {info1}", bad_rows=policy)
    )

    assert works.run(campaign).state is state
    assert sorted(texts_of(works.sandbox)) == reached


def test_who_is_in_two_lists_with_one_value_is_sent_to_once_whatever_the_api_drops(
    works: Works,
) -> None:
    first, second = make_given(works, FOUR[:2]), make_given(works, FOUR[:2])

    status = works.run(submit_given(works, first, second))

    assert (status.recipients, status.cost) == (2, 2)
    assert len(texts_of(works.sandbox)) == 2
    assert all(not entry.get("lists") for entry in works.sandbox.ledger())


def test_a_contact_we_leave_out_is_not_in_what_is_sent(works: Works) -> None:
    odd = [NewContact(FOUR[0], ("#N/A", "", "", "")), NewContact(FOUR[1], ("N1", "", "", ""))]
    given = works.account.api.create_list(odd, name="odd").id
    campaign = works.resources.dispatcher.submit(
        Campaign(lists=(given,), text="Salut {info1}", bad_rows=BadRows.SKIP)
    )

    status = works.run(campaign)

    assert status.recipient_states == {R.SENT: 1, R.NOT_SENT: 1}
    assert texts_of(works.sandbox) == {FOUR[1]: "Salut N1"}
