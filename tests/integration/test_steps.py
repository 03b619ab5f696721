import contextlib
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import CampaignState, HoldReason
from dispatcher.embedded import free_port
from dispatcher.errors import StoreError
from dispatcher.queueing import Task
from dispatcher.store.keys import Key
from tests.support.polling import eventually
from tests.support.works import FOUR, Works
from workers.milestones import Milestone
from workers.resources import Resources
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.receipts import merge_next
from workers.steps.send import send_next
from workers.steps.tick import tick

C, H, R = CampaignState, HoldReason, RecipientState
BLACKLISTED = "33639989800"
INVALID_TO_THE_API = "33639989700"


def test_a_campaign_goes_from_its_rows_to_its_receipts(works: Works) -> None:
    campaign = works.submit()

    assert works.run(campaign).state is C.SENT
    works.receive(4)

    status = works.check(campaign)
    assert status.state is C.FINISHED
    assert status.recipient_states == {R.DELIVERED: 4}
    assert (status.cost, status.alarms) == (4, 0)
    assert works.posts() == 2
    tickets = {str(entry["ticket"]) for entry in works.sandbox.ledger()}
    assert {result.ticket for result in works.bench.results(campaign)} == tickets
    credits_now = works.account.store.ledger.credits()
    assert (credits_now.balance, credits_now.reserved) == (works.sandbox.credits, 0)
    assert works.hints.moves == [(campaign, C.QUEUED), (campaign, C.SENDING)]


def test_whoever_the_api_would_leave_out_is_named_and_not_sent_to(works: Works) -> None:
    recipients = [FOUR[0], BLACKLISTED, INVALID_TO_THE_API, FOUR[1], "33639989701"]
    campaign = works.submit(recipients)

    status = works.run(campaign)

    assert [(row.state.value, row.reason) for row in works.bench.results(campaign)] == [
        ("sent", None),
        ("not sent", "blacklisted"),
        ("not sent", "invalid"),
        ("sent", None),
        ("not sent", "invalid"),
    ]
    assert (status.quote, status.cost) == (2, 2)
    assert status.batch_states == {"accepted": 2, "empty": 1}
    assert works.posts() == 2


def test_somebody_who_opted_out_after_the_quote_is_named_too(works: Works) -> None:
    campaign = works.submit()
    while quote_next(works.account, campaign) is Progress.MADE:
        pass
    works.sandbox.control("POST", "blacklist", {"destinations": [FOUR[1]]})

    status = works.run(campaign)

    assert status.reasons == {"blacklisted": 1}
    assert status.cost == 3
    assert works.bench.results(campaign)[1].state is R.NOT_SENT


@pytest.mark.parametrize("route", ["POST /send/simulate", "POST /send"])
def test_refused_credentials_park_the_account_until_they_work(works: Works, route: str) -> None:
    works.fail(route, "status_before:-1")
    campaign = works.submit()

    status = works.run(campaign)
    assert (status.state, status.hold) == (C.HELD, H.CREDENTIALS)
    assert works.account.store.ledger.credits().parked == "credentials"
    tick(works.account)
    assert works.hints.nudges[-1] == (Task.CHECK_CREDITS, ("default",))
    works.check_credits()

    works.bench.advance(1000)
    assert works.run(campaign).state is C.SENT
    assert works.posts() == 2
    assert works.account.store.ledger.credits().parked is None


def test_credentials_that_still_fail_keep_the_account_parked(works: Works) -> None:
    works.fail("POST /send", "status_before:-1")
    campaign = works.submit()
    works.run(campaign)
    works.fail("GET /credits", "status_before:-1")

    works.check_credits()

    assert works.check(campaign).hold is H.CREDENTIALS


def test_credits_that_went_elsewhere_hold_the_campaign_until_a_top_up(works: Works) -> None:
    campaign = works.submit()
    while quote_next(works.account, campaign) is Progress.MADE:
        pass
    works.sandbox.control("POST", "credits", {"credits": 1})

    status = works.run(campaign)
    assert (status.state, status.hold, status.need) == (C.HELD, H.CREDITS, 4)
    assert works.account.store.ledger.credits().balance == 1
    works.check_credits()
    assert works.check(campaign).hold is H.CREDITS
    works.sandbox.control("POST", "credits", {"add": 3})
    works.check_credits()

    assert works.run(campaign).state is C.SENT
    assert works.sandbox.credits == 0


def test_a_campaign_too_dear_is_held_before_anything_goes_out(works: Works) -> None:
    works.sandbox.control("POST", "credits", {"credits": 3})
    campaign = works.submit()

    status = works.run(campaign)

    assert (status.hold, status.need, status.have) == (H.CREDITS, 4, 3)
    assert works.posts() == 0


@pytest.mark.parametrize("code", [-2, -4, -5, -6, -7])
def test_a_refused_send_is_not_repeated(works: Works, code: int) -> None:
    works.fail("POST /send", f"status_before:{code}", times=2)
    campaign = works.submit()

    status = works.run(campaign)

    assert status.state is C.REJECTED
    assert status.recipient_states == {R.REFUSED: 4}
    assert status.error is not None
    assert status.error.startswith(f"status {code}")
    assert works.posts() == 0


def test_a_refused_quote_rejects_the_campaign(works: Works) -> None:
    works.fail("POST /send/simulate", "status_before:-7")

    assert works.run(works.submit()).state is C.REJECTED


@pytest.mark.parametrize(
    "fault",
    [
        "drop_after",
        "http_after",
        "html_after",
        "status_after:-99",
        "status_after:7",
    ],
)
def test_a_lost_answer_is_never_repeated_and_a_receipt_settles_it(works: Works, fault: str) -> None:
    works.fail("POST /send", fault)
    campaign = works.submit()

    status = works.run(campaign)
    assert (status.state, status.hold) == (C.HELD, H.OUTCOME_UNKNOWN)
    assert status.recipient_states == {R.UNKNOWN: 2, R.SENT: 2}
    works.receive(4)

    status = works.check(campaign)
    assert status.state is C.FINISHED
    assert (status.cost, status.alarms) == (4, 0)
    assert works.posts() == 2


def test_an_answer_lost_before_the_api_took_it_stays_unknown(works: Works) -> None:
    works.fail("POST /send", "drop_before")
    campaign = works.submit(FOUR[:2])

    status = works.run(campaign)

    assert status.hold is H.OUTCOME_UNKNOWN
    assert works.account.store.ledger.credits().reserved == 2
    assert works.posts() == 0


def test_a_send_that_never_connected_is_tried_again(works: Works) -> None:
    campaign = works.submit(FOUR[:2])
    while quote_next(works.account, campaign) is Progress.MADE:
        pass
    nobody = works.resources.settings.model_copy(
        update={"api_url": f"http://127.0.0.1:{free_port()}"}
    )
    away = Resources(nobody, works.hints, open_store=lambda _: works.bench.store)  # type: ignore[arg-type]  # a stand-in for the broker
    account = away.account("default")
    assert account is not None
    works.bench.account.ledger.approve_server(quiet_ms=0)

    assert send_next(account, campaign) is Progress.MADE
    assert works.check(campaign).batch_states == {"ready": 1}
    assert send_next(works.account, campaign) is Progress.NONE
    works.bench.advance(1000)

    assert works.run(campaign).state is C.SENT
    assert works.posts() == 1


@pytest.mark.parametrize("forbid", ["cancel", "pause", "stop"])
def test_what_is_forbidden_between_claim_and_post_is_not_posted(works: Works, forbid: str) -> None:
    campaign = works.submit()
    dispatcher = works.resources.dispatcher
    acts: dict[str, Callable[[], object]] = {
        "cancel": lambda: dispatcher.cancel(campaign),
        "pause": lambda: dispatcher.pause(campaign),
        "stop": lambda: dispatcher.stop(by="somebody"),
    }
    while quote_next(works.account, campaign) is Progress.MADE:
        pass

    def act(milestone: Milestone, *_: object) -> None:
        if milestone is Milestone.CLAIMED:
            acts[forbid]()

    account = replace(works.account, trace=act)
    while send_next(account, campaign) is Progress.MADE:
        pass

    assert works.posts() == 0
    assert works.check(campaign).cost == 0


def test_a_quote_that_fails_is_tried_again(works: Works) -> None:
    works.fail("POST /send/simulate", "http_before")
    campaign = works.submit(FOUR[:2])

    assert works.run(campaign).state is C.QUOTING
    works.bench.advance(500)

    assert works.run(campaign).state is C.SENT


def test_receipts_that_are_not_ours_are_kept_aside_and_change_nothing(works: Works) -> None:
    campaign = works.submit()
    before = works.run(campaign)
    eventually(lambda: len(works.receiver.events) >= 4)
    foreign = {**works.receiver.events[0], "message_id": "12345"}
    works.account.store.receipts.append(
        [json.dumps(foreign).encode(), b"\xff", b'{"status":300}', b"[" * 100_000]
    )

    assert merge_next(works.account) is Progress.MADE

    assert works.check(campaign) == before
    assert works.bench.client.xlen(works.bench.keys.of(Key.PARKED)) == 1
    assert works.bench.client.xlen(works.bench.keys.of(Key.QUARANTINE)) == 3
    assert works.account.store.receipts.waiting() == 0


def test_a_tick_nudges_what_stands_still(works: Works) -> None:
    campaign = works.submit()
    works.hints.moves.clear()
    works.account.store.receipts.append([b"one"])
    works.bench.advance(10_000)

    tick(works.account)

    assert works.hints.moves == [(campaign, C.QUEUED)]
    assert works.hints.nudges == [(Task.MERGE_RECEIPTS, ("default",))]


def test_workers_that_are_behind_get_no_more_hints(works: Works) -> None:
    works.submit()
    works.hints.moves.clear()
    works.hints.behind = 100_000
    works.bench.advance(10_000)

    tick(works.account)

    assert works.hints.moves == []


def test_a_journal_that_cannot_be_recorded_does_not_stop_the_tick(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("Redis refused a command")

    campaign = works.submit()
    works.hints.moves.clear()
    monkeypatch.setattr(works.account.journal, "retry", refuse)
    works.bench.advance(10_000)

    with contextlib.suppress(StoreError):
        tick(works.account)

    assert works.hints.moves == [(campaign, C.QUEUED)]


def test_the_same_key_and_content_is_the_same_campaign(works: Works) -> None:
    first, second = works.submit(), works.submit()

    works.run(first)

    assert first == second
    assert works.posts() == 2
