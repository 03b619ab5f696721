"""Campaigns that go through lists, beside a sandbox where others change lists meanwhile."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from dispatcher import Campaign, Dispatcher, Recipient
from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.domain.routes import Render
from dispatcher.smsfactor import NewContact
from dispatcher.smsfactor.replies import ContactList
from dispatcher.store.contact_lists import ListPhase, ListProgress
from tests.support.list_campaigns import (
    clean_lists,
    make_given,
    quote_all,
    submit_named,
    texts_of,
)
from tests.support.works import FOUR, Works
from workers.milestones import Milestone
from workers.steps.cleanup import clean_next
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.send import send_next

C, R = CampaignState, RecipientState
BLACKLISTED = "33639989800"
INVALID_TO_THE_API = "33639989700"
STRANGER = "33639980999"


def test_a_campaign_is_uploaded_sent_and_emptied_out_again(works: Works) -> None:
    of_others = make_given(works)
    campaign = submit_named(works)

    status = works.run(campaign)

    assert (status.state, status.list_batches, status.cost) == (C.SENT, 1, 4)
    assert texts_of(works.sandbox) == {number: f"Bonjour N{n}" for n, number in enumerate(FOUR)}
    made = works.resources.dispatcher.contact_lists(campaign)
    assert [found.id for found in _lists(works)] == made
    assert len(works.account.api.contacts(made[0])) == 4
    works.receive(4)
    assert works.check(campaign).state is C.FINISHED
    clean_lists(works)
    assert works.account.api.contacts(made[0]) == []
    assert len(works.account.api.contacts(of_others)) == 4
    assert works.resources.dispatcher.contact_lists(campaign) == made


def test_lists_are_left_alone_for_some_minutes(works: Works) -> None:
    campaign = submit_named(works)
    works.run(campaign)
    works.receive(4)

    assert clean_next(works.account) is Progress.NONE

    (made,) = works.resources.dispatcher.contact_lists(campaign)
    assert len(works.account.api.contacts(made)) == 4


def test_lists_are_kept_where_the_settings_ask_for_it(works: Works) -> None:
    settings = works.resources.settings.model_copy(update={"clean_lists": False})
    dispatcher = Dispatcher(works.bench.store, works.hints, settings)  # type: ignore[arg-type]  # a stand-in for the broker
    people = [Recipient(number, fields={"nom": "N"}) for number in FOUR]
    campaign = dispatcher.submit(
        Campaign(recipients=people, text="Bonjour {nom}", render=Render.LISTS)
    )
    works.run(campaign)
    works.receive(4)

    clean_lists(works)

    (made,) = dispatcher.contact_lists(campaign)
    assert len(works.account.api.contacts(made)) == 4


def test_somebody_added_by_others_before_the_quote_rejects_the_campaign(works: Works) -> None:
    campaign = submit_named(works)
    _pass(works, campaign, _is_uploaded)
    works.account.api.add_contacts(_lists(works)[0].id, [NewContact(STRANGER)])

    status = works.run(campaign)

    assert status.state is C.REJECTED
    assert status.recipient_states == {R.REFUSED: 4}
    assert status.error is not None
    assert "holds contacts that are not of the campaign" in status.error
    assert works.posts() == 0
    assert works.account.store.ledger.credits().reserved == 0


def test_a_value_changed_by_others_before_the_quote_rejects_the_campaign(works: Works) -> None:
    campaign = submit_named(works)
    _pass(works, campaign, _is_uploaded)
    list_id = _lists(works)[0].id
    first = works.account.api.contacts(list_id)[0]
    works.account.api.remove_contact(first.id)
    works.account.api.add_contacts(
        list_id, [NewContact(first.destination, ("another", "", "", ""))]
    )

    status = works.run(campaign)

    assert status.state is C.REJECTED
    assert "other values than were uploaded" in (status.error or "")
    assert works.posts() == 0


def test_somebody_removed_by_others_before_the_quote_is_put_back(works: Works) -> None:
    campaign = submit_named(works)
    _pass(works, campaign, _is_uploaded)
    contact = works.account.api.contacts(_lists(works)[0].id)[1]
    works.account.api.remove_contact(contact.id)

    assert works.run(campaign).recipient_states == {R.SENT: 4}

    assert texts_of(works.sandbox)[contact.destination] == "Bonjour N1"


@pytest.mark.parametrize("change", ["added", "removed", "renamed", "repeated"])
def test_what_others_do_to_a_list_after_the_quote_is_never_sent(works: Works, change: str) -> None:
    campaign = submit_named(works)
    quote_all(works, campaign)
    list_id = _lists(works)[0].id
    first = works.account.api.contacts(list_id)[0]
    if change in ("removed", "renamed"):
        works.account.api.remove_contact(first.id)
    added = {
        "added": NewContact(STRANGER),
        "renamed": NewContact(first.destination, ("another", "", "", "")),
        "repeated": NewContact(first.destination, first.infos),
    }
    if change in added:
        works.account.api.add_contacts(list_id, [added[change]])

    status = works.run(campaign)

    if change == "repeated":
        assert status.recipient_states == {R.SENT: 4}
        return
    assert status.recipient_states == {R.REFUSED: 4}
    assert "changed after they were quoted" in (status.error or "")
    assert works.posts() == 0
    assert works.account.store.ledger.credits().reserved == 0


def test_whoever_the_api_does_not_take_or_send_to_is_named(works: Works) -> None:
    campaign = submit_named(works, [FOUR[0], INVALID_TO_THE_API, BLACKLISTED, FOUR[1]])

    status = works.run(campaign)

    assert [(row.state, row.reason) for row in works.bench.results(campaign)] == [
        (R.SENT, None),
        (R.NOT_SENT, "invalid"),
        (R.NOT_SENT, "blacklisted"),
        (R.SENT, None),
    ]
    assert (status.quote, status.cost, works.posts()) == (2, 2, 1)
    works.receive(2)
    assert works.check(campaign).state is C.FINISHED


def test_an_api_that_refuses_to_take_them_once_more_says_the_same(works: Works) -> None:
    campaign = submit_named(works, [*FOUR, INVALID_TO_THE_API])
    _pass(works, campaign, _is_uploaded)
    assert quote_next(works.account, campaign) is Progress.MADE
    works.fail("POST /list", "status_before:-5")

    status = works.run(campaign)

    assert status.recipient_states == {R.SENT: 4, R.NOT_SENT: 1}
    assert works.bench.results(campaign)[4].reason == "invalid"


def test_any_other_refusal_to_take_them_rejects_the_campaign(works: Works) -> None:
    campaign = submit_named(works, [*FOUR, INVALID_TO_THE_API])
    _pass(works, campaign, _is_uploaded)
    assert quote_next(works.account, campaign) is Progress.MADE
    works.fail("POST /list", "status_before:-7")

    assert works.run(campaign).state is C.REJECTED
    assert works.posts() == 0


def test_a_list_of_nobody_but_invalid_numbers_is_not_sent(works: Works) -> None:
    campaign = submit_named(works, [INVALID_TO_THE_API, "33639989701"])

    status = works.run(campaign)

    assert status.recipient_states == {R.NOT_SENT: 2}
    assert status.state is C.FINISHED
    assert works.posts() == 0


def test_a_stop_after_the_quote_is_named_too(works: Works) -> None:
    campaign = submit_named(works)
    quote_all(works, campaign)
    works.sandbox.control("POST", "blacklist", {"destinations": [FOUR[2]]})

    status = works.run(campaign)

    assert status.reasons == {"blacklisted": 1}
    assert works.bench.results(campaign)[2].state is R.NOT_SENT
    assert status.cost == 3


def test_who_is_left_out_at_the_quote_is_taken_out_of_what_is_sent_to(works: Works) -> None:
    campaign = submit_named(works, [*FOUR[:2], BLACKLISTED])
    quote_all(works, campaign)

    status = works.run(campaign)

    # Whoever is no longer in the list cannot be sent to, even if allowed again meanwhile.
    left = works.account.api.contacts(_lists(works)[0].id)
    assert [contact.destination for contact in left] == FOUR[:2]
    assert status.recipient_states == {R.SENT: 2, R.NOT_SENT: 1}
    assert (status.cost, status.alarms) == (2, 0)


def test_a_list_that_vanishes_before_the_quote_rejects_the_campaign(works: Works) -> None:
    campaign = submit_named(works)
    _pass(works, campaign, _is_uploaded)
    works.sandbox.control("POST", "reset")

    status = works.run(campaign)

    assert status.state is C.REJECTED
    assert works.posts() == 0


def test_a_list_that_vanishes_after_the_quote_is_refused_and_its_credits_freed(
    works: Works,
) -> None:
    campaign = submit_named(works)
    quote_all(works, campaign)
    assert works.account.store.ledger.credits().reserved == 4
    works.sandbox.control("POST", "reset")

    status = works.run(campaign)

    assert status.state is C.REJECTED
    assert status.recipient_states == {R.REFUSED: 4}
    assert works.account.store.ledger.credits().reserved == 0
    assert works.posts() == 0


def test_a_list_that_a_worker_held_up_made_too_late_is_not_sent_to(works: Works) -> None:
    campaign = submit_named(works)
    late: list[bool] = []

    def come_late(milestone: Milestone, _campaign: str, n: int) -> None:
        if milestone is Milestone.SIMULATED:
            other = works.account.api.create_list([NewContact(FOUR[0])], name=_lists(works)[0].name)
            before = ListProgress(phase=ListPhase.CREATING)
            after = ListProgress(phase=ListPhase.ADDING, id=other.id, added=1)
            late.append(works.account.store.lists.advance(campaign, n, before, after))

    while quote_next(replace(works.account, trace=come_late), campaign) is Progress.MADE:
        pass

    assert late == [False]
    assert works.run(campaign).recipient_states == {R.SENT: 4}
    assert len(texts_of(works.sandbox)) == 4


def test_a_stop_while_the_list_is_read_keeps_the_batch_here(works: Works) -> None:
    campaign = submit_named(works)
    while quote_next(works.account, campaign) is Progress.MADE:
        pass

    def stop(milestone: Milestone, *_: object) -> None:
        if milestone is Milestone.CLAIMED:
            works.resources.dispatcher.stop(by="somebody")

    assert send_next(replace(works.account, trace=stop), campaign) is Progress.MADE

    assert works.posts() == 0
    works.resources.dispatcher.start()
    works.bench.advance(60_000)
    assert works.run(campaign).state is C.SENT


def test_a_list_made_for_a_campaign_that_is_cancelled_meanwhile_is_emptied(works: Works) -> None:
    campaign = submit_named(works)

    def cancel(milestone: Milestone, _campaign: str, _n: int) -> None:
        if milestone is Milestone.LIST_CREATED:
            works.resources.dispatcher.cancel(campaign)

    assert quote_next(replace(works.account, trace=cancel), campaign) is Progress.MADE

    assert works.run(campaign).state is C.CANCELLED
    assert works.account.api.contacts(_lists(works)[0].id) != []
    clean_lists(works)
    assert works.account.api.contacts(_lists(works)[0].id) == []


def test_a_rejected_campaign_is_emptied_out_again(works: Works) -> None:
    campaign = submit_named(works)
    works.fail("POST /send/lists/simulate", "status_before:-7")

    assert works.run(campaign).state is C.REJECTED
    clean_lists(works)

    assert works.account.api.contacts(_lists(works)[0].id) == []


def _is_uploaded(works: Works) -> bool:
    found = _lists(works)
    return bool(found) and len(works.account.api.contacts(found[0].id)) == 4


def _pass(works: Works, campaign: str, until: Callable[[Works], bool]) -> None:
    """Take steps towards the quote until something is so."""
    while not until(works):
        assert quote_next(works.account, campaign) is Progress.MADE


def _lists(works: Works) -> list[ContactList]:
    """Give the lists that were made for campaigns."""
    return [found for found in works.account.api.lists() if found.name.startswith("dispatch-")]
