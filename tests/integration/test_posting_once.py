"""The last look comes after the connection, and what it forbids is not begun."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event

import pytest

from dispatcher.domain.fates import Receipt
from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.domain.suppressions import SuppressionSource
from dispatcher.errors import StoreUnavailableError
from dispatcher.queueing import Task
from dispatcher.smsfactor.opening import open_client
from dispatcher.smsfactor.watching import Call
from dispatcher.store.batches import SLOT_MISSED
from dispatcher.store.claims import SendClaim
from dispatcher.store.suppressions import Addition
from tests.support.paced import under_a_budget
from tests.support.polling import eventually
from tests.support.works import FOUR, Works
from workers.milestones import Milestone
from workers.resources import Account
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.send import send_next

B, C = BatchState, CampaignState
NUMBERS = [int(number) for number in FOUR]


class Meanwhile(Event):
    """An event of which somebody makes use to do something while a worker waits for it, once."""

    def __init__(self, action: Callable[[], object]) -> None:
        super().__init__()
        self._actions = [action]

    def wait(self, timeout: float | None = None) -> bool:
        if timeout and self._actions:
            self._actions.pop()()
        return super().wait(timeout)


def quoted(works: Works, campaign: str) -> str:
    while quote_next(works.account, campaign) is Progress.MADE:
        pass
    works.account.store.ledger.approve_server(quiet_ms=0)
    return campaign


def disturbed(account: Account, at: Milestone, action: Callable[[], object]) -> Account:
    def trace(reached: Milestone, _campaign: str, _n: int) -> None:
        if reached is at:
            action()

    return replace(account, trace=trace)


def suppress(works: Works, *numbers: int) -> None:
    addition = Addition(
        numbers=numbers, source=SuppressionSource.OPERATOR, at=datetime.now(UTC), by="somebody"
    )
    works.account.store.suppressions.add(addition)


def reached(works: Works) -> list[int]:
    return sorted(
        int(message["destination"])
        for entry in works.sandbox.ledger()
        for message in entry["messages"]
    )


@pytest.mark.parametrize("rate", [None, 100.0])
@pytest.mark.parametrize("what", ["stop", "pause", "cancel"])
def test_what_is_forbidden_once_connected_is_not_begun(
    works: Works, what: str, rate: float | None
) -> None:
    campaign = quoted(works, works.submit(FOUR[:2]))
    told: list[Call] = []
    account = replace(
        works.account, api=open_client(works.account.settings, "default", watch=told.append)
    )
    if rate is not None:
        account = under_a_budget(account, rate)
    dispatcher = works.resources.dispatcher
    forbid = {
        "stop": lambda: dispatcher.stop(by="somebody"),
        "pause": lambda: dispatcher.pause(campaign),
        "cancel": lambda: dispatcher.cancel(campaign),
    }

    assert (
        send_next(disturbed(account, Milestone.CONNECTED, forbid[what]), campaign) is Progress.MADE
    )

    assert (works.posts(), told) == (0, [])
    states = works.check(campaign).batch_states
    assert states == {"cancelled" if what == "cancel" else "ready": 1}


def test_whoever_is_suppressed_once_connected_is_not_sent_to(works: Works) -> None:
    campaign = quoted(works, works.submit(FOUR[:2]))
    account = under_a_budget(works.account, 100)

    send_next(
        disturbed(account, Milestone.CONNECTED, lambda: suppress(works, NUMBERS[0])), campaign
    )

    assert reached(works) == [NUMBERS[1]]
    works.check(campaign)


def test_whoever_is_reached_while_a_batch_waits_for_its_slot_is_not_sent_to_again(
    works: Works,
) -> None:
    source = works.submit(FOUR[:2])
    works.run(source)
    first = works.bench.record_field(source, "first")
    ticket = works.bench.results(source)[0].ticket or ""

    def heard(place: int, code: int) -> None:
        receipt = Receipt(sequence=first + place, code=code, ticket=ticket, at=datetime.now(UTC))
        works.account.store.receipts.merge([receipt])

    heard(0, 2)
    heard(1, 2)
    again = quoted(works, works.resources.dispatcher.resend(source, ["undelivered"]).id)
    account = under_a_budget(works.account, 4)
    other = quoted(works, works.submit(FOUR[2:]))
    assert send_next(account, other) is Progress.MADE
    waiting = replace(account, stopping=Meanwhile(lambda: heard(0, 3)))

    assert send_next(waiting, again) is Progress.MADE

    assert reached(works) == sorted([*NUMBERS, NUMBERS[1]])


def test_a_worker_that_ends_once_connected_gives_its_batch_back_at_once(works: Works) -> None:
    campaign = quoted(works, works.submit(FOUR[:2]))
    account = under_a_budget(works.account, 100)

    send_next(disturbed(account, Milestone.CONNECTED, account.stopping.set), campaign)
    account.stopping.clear()

    assert works.check(campaign).batch_states == {"ready": 1}
    works.bench.advance(1_000)
    assert send_next(account, campaign) is Progress.MADE
    assert works.posts() == 1


def test_a_last_look_whose_answer_is_lost_is_taken_again(works: Works) -> None:
    campaign = quoted(works, works.submit(FOUR[:2]))
    batches = works.account.store.batches
    begin, asked = batches.begin_post, []

    def begin_post(claim: SendClaim, *, deadline_ms: int) -> str | None:
        asked.append(begin(claim, deadline_ms=deadline_ms))
        if len(asked) == 1:
            raise StoreUnavailableError("the answer was lost")
        return asked[-1]

    batches.begin_post = begin_post  # type: ignore[method-assign]  # of this test's own store
    send_next(works.account, campaign)

    assert asked == [None, None]
    assert works.check(campaign).batch_states == {"accepted": 1}


def test_a_worker_that_no_last_look_is_confirmed_to_sends_nothing(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = quoted(works, works.submit(FOUR[:2]))
    monkeypatch.setattr("workers.steps.posting._LONGEST_HESITATION", 0.3)
    batches = works.account.store.batches

    def begin_post(claim: SendClaim, *, deadline_ms: int) -> str | None:
        raise StoreUnavailableError(f"no answer about {claim.n} in {deadline_ms}")

    batches.begin_post = begin_post  # type: ignore[method-assign]  # of this test's own store
    send_next(under_a_budget(works.account, 100), campaign)

    assert works.posts() == 0
    assert works.check(campaign).batch_states == {"ready": 1}


def test_a_worker_that_stood_still_after_its_last_look_sends_nothing(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = quoted(works, works.submit(FOUR[:2]))
    monkeypatch.setattr("workers.steps.posting._LONGEST_HESITATION", 0.2)

    send_next(disturbed(works.account, Milestone.BEGUN, lambda: Event().wait(0.3)), campaign)

    assert works.posts() == 0
    assert works.check(campaign).batch_states == {"ready": 1}


def test_a_slot_missed_while_connecting_is_changed_and_one_worker_called(works: Works) -> None:
    campaign = quoted(works, works.submit())
    connected = iter((1_000, 0))

    account = under_a_budget(works.account, 100)
    late = disturbed(account, Milestone.CONNECTED, lambda: works.bench.advance(next(connected)))
    assert send_next(late, campaign) is Progress.MADE

    assert works.posts() == 1
    assert next(connected, None) is None
    eventually(lambda: works.hints.nudges.count((Task.SEND, ("default", campaign))) > 0)
    assert works.hints.nudges.count((Task.SEND, ("default", campaign))) == 1


def answering(account: Account, answer: Callable[[], None]) -> list[float]:
    """Have something happen before the first last look is answered; give how late each look is."""
    batches, late = account.store.batches, list[float]()
    begin = batches.begin_post

    def begin_post(claim: SendClaim, *, deadline_ms: int) -> str | None:
        why = begin(claim, deadline_ms=deadline_ms)
        assert claim.post_at is not None
        late.append(time.monotonic() - claim.post_at)
        if len(late) == 1:
            post_at = claim.post_at
            eventually(lambda: time.monotonic() > post_at + 0.2)
            answer()
        return why

    batches.begin_post = begin_post  # type: ignore[method-assign]  # of this test's own store
    return late


def test_a_last_look_lost_until_its_slot_is_past_is_not_posted_in_it(works: Works) -> None:
    campaign = quoted(works, works.submit(FOUR[:2]))
    account = under_a_budget(works.account, 100)

    def lose() -> None:
        works.bench.advance(200)
        raise StoreUnavailableError("the answer was lost")

    looks = answering(account, lose)
    send_next(account, campaign)

    assert works.posts() == 1
    assert len(looks) == 3
    assert looks[-1] < 0.1


def test_a_last_look_answered_after_its_slot_is_not_posted_in_it(works: Works) -> None:
    campaign = quoted(works, works.submit(FOUR[:2]))
    account = under_a_budget(works.account, 100)

    looks = answering(account, lambda: works.bench.advance(200))
    send_next(account, campaign)

    assert works.posts() == 1
    assert len(looks) == 2
    assert looks[-1] < 0.1


def test_whose_slots_are_past_when_told_pauses_before_the_next(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = quoted(works, works.submit(FOUR[:2]))
    monkeypatch.setattr("workers.steps.posting._PATIENCE", 1.0)
    batches, pacing = works.account.store.batches, works.account.store.pacing
    renewals: list[float] = []

    def begin_post(claim: SendClaim, *, deadline_ms: int) -> str | None:
        assert (claim.n, deadline_ms > 0) == (0, True)
        return SLOT_MISSED

    def renew(claim: SendClaim, *, early_ms: int = -1) -> float | None:
        assert (claim.n, early_ms >= 0) == (0, True)
        renewals.append(time.monotonic())
        return time.monotonic() - 0.001

    batches.begin_post = begin_post  # type: ignore[method-assign]  # of this test's own store
    pacing.renew = renew  # type: ignore[method-assign]  # of this test's own store
    send_next(under_a_budget(works.account, 100), campaign)

    assert works.posts() == 0
    assert 2 <= len(renewals) <= 6
