"""The books of campaigns beside the API's own figures, which only the live dialect tells."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatcher.checking import check
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.settings import Settings
from dispatcher.store.keys import Key
from tests.support.bench import Bench
from tests.support.polling import eventually
from tests.support.sandbox import Receiver, Sandbox, running_sandbox
from tests.support.works import FOUR, Hints, Works, settings_for
from workers.resources import Resources
from workers.steps.conservation import check_next
from workers.steps.progress import Progress
from workers.steps.tick import tick

FAILS = "33639989002"
THREE_DAYS_MS = 72 * 3_600_000
LATER = datetime.now(UTC) + timedelta(days=4000)


@pytest.fixture(scope="module")
def live_sandbox(receiver: Receiver) -> Iterator[Sandbox]:
    options = ("--port", "0", "--webhook", receiver.url, "--receipt-delay", "0")
    with running_sandbox(*options, "--dialect", "live") as sandbox:
        yield sandbox


@pytest.fixture
def live(
    redis_url: str, live_sandbox: Sandbox, receiver: Receiver, tmp_path: Path
) -> Iterator[Works]:
    live_sandbox.control("POST", "reset")
    receiver.events.clear()
    bench, hints = Bench(redis_url), Hints()
    known = settings_for(redis_url, live_sandbox, tmp_path).model_dump()
    account = {"default": {"token": "sandbox-token"}}
    resources = Resources(
        Settings.model_validate(known | {"dialect": "live", "accounts": account}),
        hints,  # type: ignore[arg-type]  # a stand-in for the broker
        open_store=lambda _: bench.store,
    )
    yield Works(bench, live_sandbox, receiver, resources, hints)
    resources.close()


def finish(works: Works) -> str:
    campaign = works.submit([*FOUR, FAILS])
    works.run(campaign)
    works.receive(5)
    assert works.check(campaign).state is CampaignState.FINISHED
    return campaign


def check_when_due(works: Works) -> None:
    works.bench.advance(THREE_DAYS_MS)
    tick(works.account)
    while check_next(works.account) is Progress.MADE:
        works.bench.advance(60_000)


def test_figures_of_the_api_that_agree_raise_nothing(live: Works) -> None:
    campaign = finish(live)

    check_when_due(live)

    status = live.bench.status(campaign)
    assert (status.findings, status.alarms) == ((), 0)
    assert status.checked_at is not None
    assert live.bench.record_field(campaign, "api_checked") == 3
    assert live.bench.listed(Key.CHECKS) == set()


def test_receipts_that_never_came_are_told_by_the_apis_figures(live: Works) -> None:
    campaign = live.submit([*FOUR, FAILS])
    live.run(campaign)
    # The API counts what it told; nothing of it is merged.
    eventually(lambda: len(live.receiver.events) >= 5, within=20)
    live.bench.advance(THREE_DAYS_MS)
    live.account.store.ledger.tick()
    assert live.bench.status(campaign).state is CampaignState.FINISHED

    check_when_due(live)

    told = live.bench.status(campaign).findings
    assert told == (
        "API: batch 0 has 0 receipts of delivery, and it counts 2",
        "API: batch 1 has 0 receipts of delivery, and it counts 2",
        "API: batch 2 has 0 receipts of failure, and it counts 1",
    )
    assert live.bench.alarms() == list(told)


def test_before_receipts_are_due_the_api_is_not_asked(live: Works) -> None:
    campaign = finish(live)
    live.bench.advance(600_000)

    assert check_next(live.account) is Progress.MADE

    assert live.bench.record_field(campaign, "api_checked") == 0
    assert live.bench.status(campaign).findings == ()


def test_a_check_on_request_tells_why_the_api_was_not_asked(works: Works, live: Works) -> None:
    of_v1, of_live = works.submit(), finish(live)
    dispatcher = live.resources.dispatcher

    assert works.resources.dispatcher.check(of_v1).why_not_asked == (
        "only the live dialect can be asked for its figures"
    )
    early = dispatcher.check(of_live)
    assert early.why_not_asked is not None
    assert early.why_not_asked.startswith("receipts may still come until ")
    late = check(live.account.store, live.resources.settings, "default", of_live, now=LATER)
    assert (late.findings, late.asked, late.is_whole) == ((), 3, True)


def test_a_ticket_that_the_api_does_not_know_is_a_finding(live: Works) -> None:
    campaign = finish(live)
    live.bench.client.hset(live.bench.keys.of(Key.BATCH, campaign, 0), "ticket", "999999")

    check_when_due(live)

    assert live.bench.status(campaign).findings == ("API: it does not know the ticket of batch 0",)


def test_a_worker_checks_what_is_due_and_tells_of_it(works: Works) -> None:
    campaign = works.submit()
    works.run(campaign)
    works.bench.client.hincrby(works.bench.keys.of(Key.CAMPAIGN, campaign), "f:13", 1)
    works.bench.advance(600_000)

    assert check_next(works.account) is Progress.MADE
    assert check_next(works.account) is Progress.NONE

    told = works.bench.status(campaign).findings
    assert told == (
        "there are 4 recipients, and counters add up to 5",
        "counter f:13 is 1, and recounted 0",
    )
    assert works.bench.alarms() == list(told)
