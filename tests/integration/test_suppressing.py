"""Suppression through a whole campaign: when it is submitted, quoted and about to be sent."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Condition
from typing import Any

import pytest

from dispatcher import Campaign, Recipient
from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.errors import StoreUnavailableError
from dispatcher.store.claims import SendClaim
from tests.support.list_campaigns import (
    make_given,
    quote_all,
    submit_given,
    submit_named,
    texts_of,
)
from tests.support.suppressed import suppress
from tests.support.works import FOUR, Works
from workers.milestones import Milestone
from workers.resources import Account
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.send import send_next

C, R = CampaignState, RecipientState
NUMBERS = list(map(int, FOUR))


def stop(works: Works, *numbers: int) -> None:
    suppress(works.account.store.suppressions, *numbers)


def reached(works: Works) -> list[int]:
    """Give the numbers messages went to, in order."""
    return sorted(
        int(message["destination"])
        for entry in works.sandbox.ledger()
        for message in entry["messages"]
    )


def send_all(account: Account, campaign: str) -> None:
    while send_next(account, campaign) is Progress.MADE:
        pass


def disturbed(works: Works, milestone: Milestone, disturb: Callable[[], object]) -> Account:
    """Give a worker that lets something happen when it first reaches a milestone."""
    left = [disturb]

    def trace(reached: Milestone, _campaign: str, _n: int) -> None:
        if reached is milestone and left:
            left.pop()()

    return replace(works.account, trace=trace)


def test_who_is_suppressed_when_it_is_submitted_is_dropped_and_listed(works: Works) -> None:
    stop(works, NUMBERS[1])
    people = [Recipient(number, f"id-{number}") for number in FOUR]
    campaign = works.resources.dispatcher.submit(Campaign(recipients=people, text="Bonjour"))

    status = works.run(campaign)

    assert (status.rows, status.recipients, status.suppressed) == (4, 3, 1)
    assert status.reasons == {"suppressed row": 1}
    assert (status.quote, status.cost) == (3, 3)
    dropped = works.bench.results(campaign)[-1]
    assert (dropped.number, dropped.id) == (FOUR[1], f"id-{FOUR[1]}")
    assert (dropped.state, dropped.reason) == (R.NOT_SENT, "suppressed")
    works.receive(3)
    assert works.check(campaign).state is C.FINISHED


def test_the_same_content_is_the_same_campaign_whoever_is_suppressed_by_then(works: Works) -> None:
    campaign = works.submit()
    stop(works, NUMBERS[0])
    assert works.submit() == campaign

    stop(works, *NUMBERS)
    assert works.submit() == campaign
    assert works.bench.status(campaign).rows == 4


def test_a_campaign_of_nobody_but_suppressed_people_costs_nothing(works: Works) -> None:
    stop(works, *NUMBERS)
    campaign = works.submit()

    status = works.run(campaign)

    assert (status.state, status.cost, works.posts()) == (C.FINISHED, 0, 0)
    assert status.recipient_states == {R.NOT_SENT: 4}
    assert status.reasons == {"suppressed row": 3, "suppressed": 1}
    assert works.account.store.ledger.credits().reserved == 0


def test_who_was_erased_is_dropped_too(works: Works) -> None:
    stop(works, NUMBERS[2])
    works.account.store.suppressions.forget(NUMBERS[2])

    campaign = works.submit()

    assert works.bench.status(campaign).suppressed == 1


def test_who_is_suppressed_before_the_quote_is_not_paid_for(works: Works) -> None:
    campaign = works.submit()
    stop(works, NUMBERS[0], NUMBERS[1], NUMBERS[2])

    status = works.run(campaign)

    assert (status.quote, status.cost, works.posts()) == (1, 1, 1)
    assert status.batch_states == {"empty": 1, "accepted": 1}
    assert status.reasons == {"suppressed": 3}
    assert reached(works) == [NUMBERS[3]]


def test_a_stop_between_quote_and_claim_is_never_sent(works: Works) -> None:
    campaign = works.submit()
    quote_all(works, campaign)
    stop(works, NUMBERS[0])

    status = works.run(campaign)

    assert (status.quote, status.cost) == (4, 3)
    assert reached(works) == NUMBERS[1:]
    assert works.account.store.ledger.credits().reserved == 0


@pytest.mark.parametrize("who", [NUMBERS[:1], NUMBERS[:2]])
def test_a_stop_between_claim_and_post_is_never_sent(works: Works, who: list[int]) -> None:
    campaign = works.submit()
    quote_all(works, campaign)

    send_all(disturbed(works, Milestone.CLAIMED, lambda: stop(works, *who)), campaign)

    status = works.check(campaign)
    assert reached(works) == [number for number in NUMBERS if number not in who]
    assert (status.state, status.cost) == (C.SENT, 4 - len(who))
    assert works.account.store.ledger.credits().reserved == 0


def test_a_list_that_changes_all_the_time_is_looked_at_until_it_rests(works: Works) -> None:
    campaign = works.submit()
    quote_all(works, campaign)
    batches, looks = works.account.store.batches, []
    begin = batches.begin_post

    def begin_post(claim: SendClaim, *, deadline_ms: int) -> str | None:
        looks.append(claim)
        if len(looks) < 4:
            stop(works, NUMBERS[0] + 100 * len(looks))
        if len(looks) == 3:
            stop(works, claim.batch.numbers[0])
        return begin(claim, deadline_ms=deadline_ms)

    batches.begin_post = begin_post  # type: ignore[method-assign]  # of this test's own store
    send_all(works.account, campaign)
    del batches.begin_post

    assert len(looks) == 5
    assert reached(works) == NUMBERS[1:]
    works.check(campaign)


def test_a_worker_whose_redis_is_away_gives_the_batch_back(works: Works) -> None:
    campaign = works.submit()
    quote_all(works, campaign)
    stop(works, NUMBERS[0])
    listed = works.account.store.suppressions

    def away(*_: object, **__: object) -> Any:  # noqa: ANN401 - it never answers
        raise StoreUnavailableError("gone")

    listed.among = away  # type: ignore[method-assign]  # of this test's own store
    send_next(works.account, campaign)
    del listed.among

    assert works.check(campaign).batch_states == {"ready": 2}
    assert works.posts() == 0


def test_a_mail_merge_leaves_out_who_is_suppressed_before_its_quote(works: Works) -> None:
    campaign = submit_named(works)
    while works.account.store.lists.made_for(campaign) == []:
        quote_next(works.account, campaign)
    stop(works, NUMBERS[1])

    status = works.run(campaign)

    assert (status.quote, status.cost, status.reasons) == (3, 3, {"suppressed": 1})
    assert list(texts_of(works.sandbox)) == [FOUR[0], FOUR[2], FOUR[3]]
    held = works.account.api.contacts(works.account.store.lists.made_for(campaign)[0])
    assert [contact.destination for contact in held] == [FOUR[0], FOUR[2], FOUR[3]]


@pytest.mark.parametrize("moment", [Milestone.CLAIMED, Milestone.QUOTED])
def test_a_mail_merge_loses_the_contact_of_who_is_suppressed_after_it(
    works: Works, moment: Milestone
) -> None:
    campaign = submit_named(works)
    worker = disturbed(works, moment, lambda: stop(works, NUMBERS[1]))
    while quote_next(worker, campaign) is Progress.MADE:
        pass
    works.account.store.ledger.approve_server(quiet_ms=0)

    send_all(worker, campaign)

    status = works.check(campaign)
    assert (status.quote, status.cost, status.reasons) == (4, 3, {"suppressed": 1})
    assert list(texts_of(works.sandbox)) == [FOUR[0], FOUR[2], FOUR[3]]


def test_a_mail_merge_of_nobody_is_never_posted(works: Works) -> None:
    campaign = submit_named(works)
    quote_all(works, campaign)
    stop(works, *NUMBERS)

    status = works.run(campaign)

    assert (status.state, works.posts()) == (C.FINISHED, 0)
    assert status.batch_states == {"empty": 1}


def test_given_lists_with_somebody_suppressed_go_by_copies(works: Works) -> None:
    given = make_given(works)
    stop(works, NUMBERS[3])
    campaign = submit_given(works, given)

    status = works.run(campaign)

    assert (status.cost, status.suppressed) == (3, 1)
    assert list(texts_of(works.sandbox)) == FOUR[:3]
    assert len(works.account.api.contacts(given)) == 4


def test_given_lists_of_whom_somebody_is_suppressed_later_are_refused(works: Works) -> None:
    given = make_given(works)
    campaign = submit_given(works, given)
    quote_all(works, campaign)
    stop(works, NUMBERS[3])

    status = works.run(campaign)

    assert (status.state, status.cost, works.posts()) == (C.REJECTED, 0, 0)
    assert "suppressed" in (status.error or "")
    assert len(works.account.api.contacts(given)) == 4


def test_given_lists_go_when_only_others_are_suppressed_later(works: Works) -> None:
    campaign = submit_given(works, make_given(works))
    stop(works, NUMBERS[0] + 500)

    assert works.run(campaign).cost == 4


class Stops:
    """Suppresses people one by one, and lets workers wait for the next."""

    def __init__(self, works: Works, numbers: list[int]) -> None:
        self.at: dict[int, float] = {}
        self._works = works
        self._numbers = numbers
        self._news = Condition()

    def run(self) -> None:
        for number in self._numbers:
            stop(self._works, number)
            with self._news:
                self.at[number] = time.monotonic()
                self._news.notify_all()

    def await_next(self, reached: Milestone, _campaign: str, _n: int) -> None:
        """Let somebody be suppressed after each claim, which alone would be too quick for that."""
        if reached is Milestone.CLAIMED:
            with self._news:
                known = len(self.at)
                self._news.wait_for(
                    lambda: len(self.at) > known or known == len(self._numbers), timeout=30
                )


def test_whoever_is_suppressed_before_a_post_begins_is_not_in_it(works: Works) -> None:
    """Four workers send while somebody suppresses people; times tell who came first."""
    first, many = NUMBERS[0] + 1000, 60
    everybody = range(first, first + many)
    campaign = works.resources.dispatcher.submit(
        Campaign(recipients=map(str, everybody), text="Bonjour")
    )
    quote_all(works, campaign)
    batches, began = works.account.store.batches, dict[int, float]()
    begin = batches.begin_post

    def begin_post(claim: SendClaim, *, deadline_ms: int) -> str | None:
        since = time.monotonic()
        answer = begin(claim, deadline_ms=deadline_ms)
        if answer is None:
            pairs = zip(claim.batch.numbers, claim.fates, strict=True)
            began.update({number: since for number, fate in pairs if not fate})
        return answer

    batches.begin_post = begin_post  # type: ignore[method-assign]  # of this test's own store
    stops = Stops(works, random.Random(6).sample(everybody, 40))
    worker = replace(works.account, trace=stops.await_next)
    with ThreadPoolExecutor(5) as pool:
        done = [pool.submit(send_all, worker, campaign) for _ in range(4)]
        for each in (pool.submit(stops.run), *done):
            each.result(timeout=120)

    sent_to = reached(works)
    assert sent_to == sorted(began)
    assert all(began[number] < at for number, at in stops.at.items() if number in began)
    status = works.check(campaign)
    assert status.recipient_states[R.SENT] == len(sent_to)
    assert status.recipient_states[R.NOT_SENT] == many - len(sent_to) > 0
