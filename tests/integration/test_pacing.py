"""A worker under a budget, and one that the API asks for a pause."""

import time
from threading import Thread

import pytest

from dispatcher import Campaign, Recipient
from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.domain.routes import Render
from dispatcher.errors import ApiError
from dispatcher.queueing import Task
from dispatcher.store.keys import Key
from tests.support.paced import under_a_budget
from tests.support.polling import eventually
from tests.support.works import FOUR, Works
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.send import send_next

B, C = BatchState, CampaignState


def quote_all(works: Works, campaign: str) -> None:
    while quote_next(works.account, campaign) is Progress.MADE:
        pass
    works.account.store.ledger.approve_server(quiet_ms=0)


def weights(works: Works, campaign: str) -> list[int]:
    keys = works.bench.keys
    fields = (
        works.bench.client.hget(keys.of(Key.BATCH, campaign, n), "weight")
        for n in range(works.bench.status(campaign).batches)
    )
    return [int(weight or 0) for weight in fields]


def test_a_batch_weighs_what_its_texts_take(works: Works) -> None:
    short = works.submit(FOUR[:3], "Bonjour")
    quote_all(works, short)
    long = works.submit(FOUR, "x" * 161)
    quote_all(works, long)

    assert weights(works, short) == [2, 1]
    assert weights(works, long) == [4, 4]


def test_a_list_weighs_what_the_api_merges_and_gets_its_slot_once_it_was_read(
    works: Works,
) -> None:
    long = "x" * 151
    people = [
        Recipient(number, fields={"nom": name}) for number, name in zip(FOUR, "ABCD", strict=True)
    ]
    people[0] = Recipient(FOUR[0], fields={"nom": "A" * 20})
    campaign = works.resources.dispatcher.submit(
        Campaign(recipients=people, text=long + " {nom}", render=Render.LISTS)
    )
    account = under_a_budget(works.account, 100)
    while quote_next(account, campaign) is Progress.MADE:
        pass
    works.account.store.ledger.approve_server(quiet_ms=0)
    assert weights(works, campaign) == [5]

    works.bench.advance(1_000)
    assert send_next(account, campaign) is Progress.MADE

    assert works.check(campaign).state is C.SENT
    assert works.bench.client.zcard(works.bench.keys.of(Key.SLOTS)) == 1


def test_a_post_is_made_in_its_slot_and_calls_for_the_next(works: Works) -> None:
    campaign = works.submit()
    quote_all(works, campaign)
    account = under_a_budget(works.account, 10)

    began = time.monotonic()
    assert send_next(account, campaign) is Progress.MADE
    assert send_next(account, campaign) is Progress.MADE
    took = time.monotonic() - began

    # The clock of the store stands still, so both wait from when they ask: 30 ms, and 202 more.
    assert took >= 0.03 + 0.232
    assert works.check(campaign).state is C.SENT
    eventually(lambda: works.hints.nudges.count((Task.SEND, ("default", campaign))) == 2)


def test_a_worker_that_ends_gives_back_what_waits_for_its_slot(works: Works) -> None:
    campaign = works.submit()
    quote_all(works, campaign)
    account = under_a_budget(works.account, 1)
    send_next(account, campaign)
    works.bench.advance(1_000)
    waiting = Thread(target=send_next, args=(account, campaign))
    waiting.start()

    account.stopping.set()
    waiting.join()

    status = works.check(campaign)
    assert status.batch_states[B.READY.value] == 1
    assert works.posts() == 1
    account.stopping.clear()
    works.bench.advance(2_000)
    assert send_next(account, campaign) is Progress.MADE
    assert works.posts() == 2


def test_what_is_cancelled_while_it_waits_is_not_sent(works: Works) -> None:
    campaign = works.submit()
    quote_all(works, campaign)
    account = under_a_budget(works.account, 4)
    send_next(account, campaign)
    waiting = Thread(target=send_next, args=(account, campaign))
    waiting.start()

    works.resources.dispatcher.cancel(campaign)
    waiting.join()

    assert works.check(campaign).state is C.SENT
    assert works.posts() == 1


@pytest.mark.parametrize("what", ["simulate", "read", "send"])
def test_a_429_to_any_call_pauses_everybody(works: Works, what: str) -> None:
    campaign = works.submit()
    other = works.submit(text="later")
    if what == "simulate":
        works.fail("POST /send/simulate", "http_before:429")
        quote_next(works.account, campaign)
    elif what == "read":
        works.fail("GET /credits", "http_before:429")
        with pytest.raises(ApiError):
            works.account.api.credits()
    else:
        quote_all(works, campaign)
        works.fail("POST /send", "http_before:429")
        send_next(works.account, campaign)
        # What such an answer means for the batch is documented nowhere.
        assert works.check(campaign).batch_states[B.UNKNOWN.value] == 1

    pace = works.account.store.pacing.read()
    assert pace.lowered == 1
    assert pace.paused_ms > 0
    assert quote_next(works.account, other) is Progress.NONE
    assert send_next(works.account, campaign) is Progress.NONE
    works.bench.advance(pace.paused_ms)
    assert quote_next(works.account, other) is Progress.MADE
