"""A worker under a budget whose Redis or broker does not answer."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event

import pytest

from dispatcher.errors import ApiError, StoreUnavailableError
from dispatcher.smsfactor.opening import open_client
from dispatcher.store.claims import SendClaim
from tests.support.paced import under_a_budget
from tests.support.works import Hints, Works
from workers.milestones import Milestone
from workers.steps.naming import name_next
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.send import send_next

_NO_ANSWER_SECONDS = 5.0
_DEADLINE_SECONDS = 1.0


def quoted(works: Works) -> str:
    campaign = works.submit()
    while quote_next(works.account, campaign) is Progress.MADE:
        pass
    works.account.store.ledger.approve_server(quiet_ms=0)
    return campaign


@contextmanager
def nobody_answers() -> Iterator[Event]:
    """Give what a call waits for that gets no answer until the block ends."""
    over = Event()
    try:
        yield over
    finally:
        over.set()


def test_an_answer_of_the_api_is_not_missed_while_redis_does_not_answer(works: Works) -> None:
    campaign = quoted(works)
    account = under_a_budget(works.account, 10)
    short = account.settings.model_copy(update={"http_deadline": _DEADLINE_SECONDS})
    account = replace(account, api=open_client(short, "default", listing=_DEADLINE_SECONDS))

    with nobody_answers() as over:

        def note(claim: SendClaim, *, late_ms: int) -> None:
            assert claim.post_at is not None
            assert late_ms > 2
            over.wait(_NO_ANSWER_SECONDS)
            raise StoreUnavailableError("it did not answer")

        def trace(reached: Milestone, _campaign: str, _n: int) -> None:
            """Have the POST come later than its slot."""
            if reached is Milestone.WRITTEN:
                Event().wait(0.05)

        account.store.pacing.note = note  # type: ignore[method-assign]  # of this test's own store
        late = replace(account, trace=trace)
        assert send_next(late, campaign) is Progress.MADE
        assert send_next(late, campaign) is Progress.MADE

        assert works.bench.status(campaign).batch_states == {"accepted": 2}


def test_a_slot_is_not_missed_while_the_broker_does_not_answer(works: Works) -> None:
    campaign = quoted(works)

    with nobody_answers() as over:

        class Broker(Hints):
            def nudge(self, *_: object, **__: object) -> bool:
                over.wait(_NO_ANSWER_SECONDS)
                return False

        account = replace(under_a_budget(works.account, 10), hints=Broker())  # type: ignore[arg-type]  # a stand-in for the broker
        began = time.monotonic()
        assert send_next(account, campaign) is Progress.MADE

        assert time.monotonic() - began < _NO_ANSWER_SECONDS
        assert works.bench.status(campaign).batch_states == {"accepted": 1, "ready": 1}


def test_a_429_while_redis_is_away_pauses_the_worker_and_then_everybody(works: Works) -> None:
    campaign, other = quoted(works), works.submit(text="later")
    account, pacing = works.account, works.account.store.pacing
    lower = pacing.lower

    def away(*, retry_after_ms: int = 0) -> int:
        raise StoreUnavailableError(f"it could not be told of {retry_after_ms}")

    pacing.lower = away  # type: ignore[method-assign]  # of this test's own store
    works.fail("GET /credits", "http_before:429")
    with pytest.raises(ApiError):
        account.api.credits()
    assert send_next(account, campaign) is Progress.NONE
    assert quote_next(account, other) is Progress.NONE
    assert name_next(account) is Progress.NONE
    assert pacing.read().lowered == 0

    pacing.lower = lower  # type: ignore[method-assign]  # of this test's own store
    assert send_next(account, campaign) is Progress.NONE

    pace = pacing.read()
    assert pace.lowered == 1
    works.bench.advance(pace.paused_ms)
    assert send_next(account, campaign) is Progress.MADE
