"""Forgetting people who are on lists at the API, beside a real sandbox."""

import json

import pytest

from dispatcher.domain.erasure import Forgotten
from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.store.keys import Key
from tests.support.list_campaigns import make_given, quote_all, submit_given, submit_named
from tests.support.works import FOUR, Works
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.receipts import merge_next
from workers.steps.retention import retain_all
from workers.steps.send import send_next

C, R = CampaignState, RecipientState
ADA = FOUR[1]
OTHERS = {FOUR[0], FOUR[2], FOUR[3]}


def forget(works: Works, number: str = ADA, *, timeout: float = 0) -> Forgotten:
    return works.resources.dispatcher.forget(number, by="Léa", timeout=timeout)


def held(works: Works, list_id: str) -> set[str]:
    return {contact.destination for contact in works.account.api.contacts(list_id)}


def reached(works: Works) -> set[str]:
    """Give whom the sandbox sent something to."""
    entries = works.sandbox.ledger()
    return {message["destination"] for entry in entries for message in entry["messages"]}


def uploaded(works: Works) -> tuple[str, str]:
    """Submit a campaign and upload its list; give both ids."""
    campaign = submit_named(works)
    while not works.account.api.lists():
        assert quote_next(works.account, campaign) is Progress.MADE
    return campaign, works.account.api.lists()[0].id


def test_somebody_on_a_list_that_is_not_quoted_yet_is_taken_out_and_not_sent_to(
    works: Works,
) -> None:
    campaign, list_id = uploaded(works)

    found = forget(works)

    assert found.is_complete
    assert (found.recipients, found.contacts, found.waiting) == (1, 1, 0)
    assert ADA not in held(works, list_id)
    status = works.run(campaign)
    assert status.recipient_states == {R.SENT: 3, R.NOT_SENT: 1}
    assert reached(works) == OTHERS


def test_somebody_whom_an_upload_under_way_brings_to_a_list_is_taken_out_before_the_quote(
    works: Works,
) -> None:
    campaign, list_id = uploaded(works)
    works.account.store.erasure.erase(works.resources.dispatcher.erasure.person(ADA))
    assert ADA in held(works, list_id)

    status = works.run(campaign)

    assert ADA not in held(works, list_id)
    assert status.recipient_states == {R.SENT: 3, R.NOT_SENT: 1}
    assert reached(works) == OTHERS


def test_somebody_on_a_quoted_list_is_not_sent_to(works: Works) -> None:
    campaign = submit_named(works)
    quote_all(works, campaign)
    works.account.store.erasure.erase(works.resources.dispatcher.erasure.person(ADA))

    assert send_next(works.account, campaign) is Progress.MADE

    assert works.check(campaign).recipient_states == {R.SENT: 3, R.NOT_SENT: 1}
    assert reached(works) == OTHERS


def test_somebody_who_was_sent_to_by_a_list_is_taken_out_of_it(works: Works) -> None:
    campaign = submit_named(works)
    works.run(campaign)
    (list_id,) = works.resources.dispatcher.contact_lists(campaign)

    found = forget(works)

    assert found.is_complete
    assert (found.recipients, found.contacts) == (1, 1)
    assert held(works, list_id) == OTHERS
    assert works.check(campaign).recipient_states == {R.SENT: 4}


def test_a_list_that_cannot_be_reached_is_told_and_done_next_time(works: Works) -> None:
    campaign = submit_named(works)
    works.run(campaign)
    (list_id,) = works.resources.dispatcher.contact_lists(campaign)
    works.fail("GET /list/:id", "drop_after")

    first, second = forget(works), forget(works)

    assert not first.is_complete
    assert first.unreached == (list_id,)
    assert second.is_complete
    assert held(works, list_id) == OTHERS


def test_lists_of_the_producers_own_are_not_sent_to_with_somebody_who_was_forgotten(
    works: Works,
) -> None:
    list_id = make_given(works)
    campaign = submit_given(works, list_id)
    quote_all(works, campaign)

    forget(works)
    status = works.run(campaign)

    assert status.state is C.REJECTED
    assert status.recipient_states == {R.REFUSED: 3, R.NOT_SENT: 1}
    assert works.posts() == 0
    assert held(works, list_id) == {*OTHERS, ADA}


def test_receipts_about_somebody_who_was_forgotten_are_counted_and_not_kept(works: Works) -> None:
    campaign = submit_named(works)
    works.run(campaign)
    works.account.addressees.cache_clear()  # type: ignore[attr-defined]  # it is a cache
    forget(works)

    works.receive(4)

    status = works.check(campaign)
    assert (status.receipts, status.late_receipts) == (3, 1)
    assert status.recipient_states == {R.DELIVERED: 3, R.SENT: 1}
    assert works.bench.client.xlen(works.bench.keys.of(Key.PARKED)) == 0
    assert forget(works).is_complete


def test_receipts_of_lists_whose_campaign_was_erased_are_counted(works: Works) -> None:
    campaign = submit_named(works)
    works.run(campaign)
    works.receive(4)
    bodies = [json.dumps(event).encode() for event in works.receiver.events]
    works.bench.advance(31 * 86_400_000)
    retain_all(works.account)
    works.account.addressees.cache_clear()  # type: ignore[attr-defined]  # it is a cache

    works.account.store.receipts.append(bodies)
    assert merge_next(works.account) is Progress.MADE

    assert works.bench.status(campaign).late_receipts == 4
    assert works.bench.client.xlen(works.bench.keys.of(Key.PARKED)) == 0


def test_a_frozen_audience_makes_occurrences_without_whoever_was_forgotten(works: Works) -> None:
    campaign = works.submit()
    keys = works.bench.keys
    works.bench.client.copy(keys.of(Key.RECIPIENTS, campaign), keys.of(Key.UPLOAD, "later"))
    forget(works)

    submission = works.bench.submission("c2", 4, 2, upload="later")
    assert works.account.store.campaigns.submit(submission)
    status = works.run("c2")

    assert status.recipient_states == {R.SENT: 3, R.NOT_SENT: 1}
    assert status.reasons == {"forgotten": 1}


def test_what_erasing_somebody_came_to_is_kept_without_who(works: Works) -> None:
    works.submit()

    forget(works)

    (entry,) = works.account.store.erasure.logged()
    assert (entry["by"], entry["recipients"], entry["traces"]) == ("Léa", "1", "0")
    assert ADA not in str(entry)


@pytest.mark.parametrize("form", ["06 39 98 00 01", "+33639980001", "0033 6 39 98 00 01"])
def test_a_number_is_read_in_any_form(works: Works, form: str) -> None:
    works.submit()

    assert forget(works, form).recipients == 1
