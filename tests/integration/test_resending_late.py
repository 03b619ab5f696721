"""What becomes of a resend when a receipt comes between its making and its POSTs."""

from collections import Counter
from datetime import timedelta

import pytest

from dispatcher import Campaign, InputError
from dispatcher.domain.campaign import CampaignStatus
from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import CampaignState, HoldReason
from dispatcher.errors import StateError
from dispatcher.resending import Changes
from dispatcher.store.keys import Key
from tests.integration.test_resending import T0, heard, numbers, undelivered
from tests.support.bench import START_MS
from tests.support.works import FOUR, Works
from workers.steps.progress import Progress
from workers.steps.send import send_next
from workers.steps.withdraw import withdraw_next

C, R = CampaignState, RecipientState


def resent_and_held(works: Works, *codes: int | None) -> tuple[str, str]:
    """Make a resend of whoever is undelivered, and quote it until it waits for approval."""
    campaign = undelivered(works, *codes)
    made = works.resources.dispatcher.resend(
        campaign, ["undelivered"], changes=Changes(needs_approval=True)
    )
    assert works.run(made.id).hold is HoldReason.APPROVAL
    return campaign, made.id


def approved(works: Works, campaign: str) -> CampaignStatus:
    works.resources.dispatcher.approve(campaign, by="Ada")
    return works.run(campaign)


def test_whoever_got_it_before_a_late_approval_is_not_sent_to_again(works: Works) -> None:
    campaign, again = resent_and_held(works, 3, 2, 12, 11)
    # Two of them got it after all, one of each batch.
    heard(works, campaign, [3, 3, 12, 3])

    status = approved(works, again)

    assert (status.state, status.quote, status.cost) == (C.SENT, 3, 1)
    assert status.reasons == {"reached": 2}
    reached = [m["destination"] for entry in works.sandbox.ledger() for m in entry["messages"]]
    assert Counter(reached) == {**dict.fromkeys(FOUR, 1), FOUR[2]: 2}
    assert works.account.store.ledger.credits().reserved == 0
    heard(works, again, [None, 3, None])
    assert works.check(again).state is C.FINISHED
    rows = {row.number: (row.state, row.reason) for row in works.bench.results(again)}
    assert rows[FOUR[1]] == (R.NOT_SENT, "reached")
    told = works.resources.dispatcher.explain(again, FOUR[1])
    assert any("got the message meanwhile" in step.what for step in told.steps)


def test_a_resend_all_of_whom_got_it_meanwhile_costs_nothing(works: Works) -> None:
    campaign, again = resent_and_held(works, 2, 2, 2, 2)
    posts = works.posts()
    heard(works, campaign, [3, 3, 3, 3])

    status = approved(works, again)

    assert (status.state, status.cost, works.posts()) == (C.FINISHED, 0, posts)
    assert status.batch_states == {"empty": 2}
    assert works.account.store.ledger.credits().reserved == 0


def test_whoever_was_reached_meanwhile_is_chosen_by_no_further_resend(works: Works) -> None:
    campaign, again = resent_and_held(works, 3, 2, 2, 3)
    heard(works, campaign, [3, 3, 2, 3])
    approved(works, again)
    heard(works, again, [None, 2])
    dispatcher = works.resources.dispatcher

    with pytest.raises(InputError, match="'reached' is neither a state nor a reason"):
        dispatcher.resend(again, ["reached"])
    last = dispatcher.resend(again, ["not sent", "undelivered"])

    assert numbers(works, last.id) == [FOUR[2]]


def test_a_resend_of_a_resend_leaves_out_whom_the_first_message_reached_late(works: Works) -> None:
    campaign = undelivered(works, 2, 2, 3, 3)
    dispatcher = works.resources.dispatcher
    first = dispatcher.resend(campaign, ["undelivered"])
    works.run(first.id)
    heard(works, first.id, [2, 2])
    held = Changes(needs_approval=True)
    second = dispatcher.resend(first.id, ["undelivered"], changes=held)
    works.run(second.id)
    heard(works, campaign, [3, 2, 3, 3])

    assert approved(works, second.id).reasons == {"reached": 1}


def test_a_receipt_between_two_batches_is_heeded_by_the_second(works: Works) -> None:
    campaign, again = resent_and_held(works, 2, 2, 2, 2)
    works.resources.dispatcher.approve(again, by="Ada")
    assert send_next(works.account, again) is Progress.MADE
    heard(works, campaign, [2, 2, 2, 3])

    status = works.run(again)

    assert (status.cost, status.reasons) == (3, {"reached": 1})


def test_a_source_that_was_erased_holds_no_resend_up(works: Works) -> None:
    campaign, again = resent_and_held(works, 2, 2, 2, 2)
    works.bench.client.hset(works.bench.keys.of(Key.CAMPAIGN, campaign), "erased_at", START_MS)

    assert approved(works, again).cost == 4


def test_what_is_just_being_taken_back_is_waited_for(works: Works) -> None:
    later = Campaign(recipients=FOUR, text="Bonjour", send_at=T0 + timedelta(days=2))
    dispatcher = works.resources.dispatcher
    campaign = dispatcher.submit(later)
    works.run(campaign)
    assert dispatcher.cancel(campaign).state is C.CANCELLING

    with pytest.raises(StateError, match=r"2 batches of .+ are just being taken back"):
        dispatcher.resend(campaign, ["cancelled"])

    while withdraw_next(works.account) is Progress.MADE:
        pass
    assert dispatcher.resend(campaign, ["cancelled"]).recipients == 4
