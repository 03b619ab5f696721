"""Every script twice with the same arguments, as redis-py's retry after a lost answer does."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain

import pytest
from redis import ConnectionPool

from dispatcher import Campaign
from dispatcher.errors import StateError
from dispatcher.settings import Settings
from dispatcher.store.account import Store
from dispatcher.store.batches import Outcome, SendClaim, SendRecord
from dispatcher.store.scripts import Script
from tests.faults.replaying_redis import ReplayingRedis
from tests.faults.rig import Rig, WorkerDiedError, rigged, store_on_test_clock
from tests.support.invariants import SETTLED, violations
from tests.support.sandbox import Receiver, Sandbox
from workers.milestones import Milestone
from workers.steps.quote import quote_next
from workers.steps.send import send_next

RECIPIENTS = 5
PEOPLE = [f"3363998{place:04d}" for place in range(RECIPIENTS)]

Scenario = Callable[[Rig], list[str]]
"""Runs campaigns and gives their ids."""

EXPECTED_CHANGES = {
    # A batch more is leased, and simulated a lease later.
    Script.CLAIM_QUOTE: "waiting: ",
    # The next try comes later.
    Script.FAIL_QUOTE: "campaign: tries",
}


@pytest.fixture
def replaying(
    settings: Settings, sandbox: Sandbox, receiver: Receiver
) -> Iterator[tuple[Rig, ReplayingRedis]]:
    url = settings.redis_url.get_secret_value()
    client = ReplayingRedis(connection_pool=ConnectionPool.from_url(url))

    def open_store(found: Settings) -> Store:
        return store_on_test_clock(found, client=client)

    with rigged(settings, sandbox, receiver, open_store) as rig:
        client.learn(rig.account.store.batches._scripts._scripts)
        yield rig, client


def everything_goes_well(rig: Rig) -> list[str]:
    campaign = rig.submit(RECIPIENTS)
    rig.settle()
    return [campaign]


def a_price_to_approve(rig: Rig) -> list[str]:
    dispatcher = rig.resources.dispatcher
    early = dispatcher.submit(Campaign(recipients=PEOPLE, text="a", needs_approval=True))
    late = dispatcher.submit(Campaign(recipients=PEOPLE, text="b", needs_approval=True))
    dispatcher.approve(early, by="anybody")
    rig.settle()
    dispatcher.approve(late, by="anybody")
    rig.settle()
    return [early, late]


def cancelled_campaigns(rig: Rig) -> list[str]:
    campaigns = [
        rig.resources.dispatcher.submit(Campaign(recipients=PEOPLE, text=text, needs_approval=True))
        for text in ("queued", "quoting", "quoted", "sent")
    ]
    queued, quoting, quoted, sent = campaigns
    rig.resources.dispatcher.cancel(queued)
    quote_next(rig.account, quoting)
    rig.resources.dispatcher.cancel(quoting)
    rig.settle()
    rig.resources.dispatcher.cancel(quoted)
    rig.resources.dispatcher.approve(sent, by="anybody")
    rig.settle()
    with suppress(StateError):
        rig.resources.dispatcher.cancel(sent)
    quote_next(rig.account, queued)
    return campaigns


def quotes_that_fail(rig: Rig) -> list[str]:
    campaigns = []
    for fault in ("http_before:502", "status_before:-4", "status_before:-3", "status_before:-1"):
        rig.plan("POST /send/simulate", fault)
        campaigns.append(rig.submit(RECIPIENTS))
        quote_next(rig.account, campaigns[-1])
    rig.settle()
    return campaigns


def sends_that_fail(rig: Rig) -> list[str]:
    faults = (
        "status_before:-5",
        "status_before:-3",
        "status_before:-1",
        "drop_after",
        "drop_before",
    )
    campaigns = []
    for fault in faults:
        campaigns.append(rig.submit_quoted(RECIPIENTS))
        rig.plan("POST /send", fault)
        send_next(rig.account, campaigns[-1])
    rig.settle()
    return campaigns


def a_send_given_back(rig: Rig) -> list[str]:
    campaign = rig.submit_quoted(RECIPIENTS)
    batches = rig.account.store.batches
    claim = batches.claim_send(campaign, operation="given back", deadline_ms=60_000)
    assert isinstance(claim, SendClaim)
    batches.record_send(
        SendRecord(campaign=campaign, n=claim.n, attempt=claim.attempt, outcome=Outcome.NOT_SENT)
    )
    rig.settle()
    return [campaign]


def a_worker_that_dies(rig: Rig) -> list[str]:
    campaigns = [rig.submit_quoted(RECIPIENTS), rig.submit_quoted(RECIPIENTS)]
    for campaign, milestone in zip(campaigns, (Milestone.CLAIMED, Milestone.ANSWERED), strict=True):
        rig.interrupt.die_at(milestone)
        with suppress(WorkerDiedError):
            send_next(rig.account, campaign)
    rig.settle()
    return campaigns


def a_late_stop(rig: Rig) -> list[str]:
    campaign = rig.submit_quoted(RECIPIENTS)
    number = next(rig.account.store.results.of(campaign)).number
    rig.sandbox.control("POST", "blacklist", {"destinations": [number]})
    rig.settle()
    return [campaign]


def a_top_up(rig: Rig) -> list[str]:
    rig.sandbox.control("POST", "credits", {"credits": 2})
    campaigns = [rig.submit(RECIPIENTS), rig.submit(RECIPIENTS)]
    rig.settle()
    quote_next(rig.account, campaigns[0])
    rig.sandbox.control("POST", "credits", {"credits": 100_000})
    rig.settle()
    return campaigns


def receipts_that_never_come(rig: Rig) -> list[str]:
    campaign = rig.submit(RECIPIENTS)
    rig.settle()
    rig.advance(rig.account.settings.receipt_wait.total_seconds())
    rig.settle()
    return [campaign]


SITUATIONS: dict[Script, dict[str, Scenario]] = {
    Script.SUBMIT: {"": everything_goes_well},
    Script.CLAIM_QUOTE: {
        "queued": everything_goes_well,
        "quoting": everything_goes_well,
        "cancelled": cancelled_campaigns,
        "held credits": a_top_up,
    },
    Script.RECORD_QUOTE: {"quoting": everything_goes_well},
    Script.FAIL_QUOTE: {
        "retry": quotes_that_fail,
        "reject": quotes_that_fail,
        "credits": quotes_that_fail,
        "credentials": quotes_that_fail,
    },
    Script.APPROVE: {"queued": a_price_to_approve, "held approval": a_price_to_approve},
    Script.CANCEL: {
        "queued": cancelled_campaigns,
        "quoting": cancelled_campaigns,
        "held approval": cancelled_campaigns,
        "sent": cancelled_campaigns,
    },
    Script.CLAIM_SEND: {"sending": everything_goes_well, "sent": everything_goes_well},
    Script.RECORD_SEND: {
        "accepted": everything_goes_well,
        "refused": sends_that_fail,
        "not sent": a_send_given_back,
        "no credits": sends_that_fail,
        "no credentials": sends_that_fail,
        "unknown": sends_that_fail,
    },
    Script.EXCLUDE: {"sending": a_late_stop},
    Script.OBSERVE_BALANCE: {"": a_top_up},
    Script.BEGIN_CHECK: {"": a_top_up},
    Script.RESUME: {"held credits": a_top_up, "held credentials": quotes_that_fail},
    Script.TICK: {"": a_worker_that_dies},
    Script.MERGE_RECEIPTS: {"": a_worker_that_dies},
    Script.APPROVE_SERVER: {"": everything_goes_well},
}

CASES = [
    pytest.param(script, situation, scenario, id=f"{script.file}, {situation or 'any'}")
    for script, situations in SITUATIONS.items()
    for situation, scenario in situations.items()
]


@pytest.mark.parametrize(("script", "situation", "scenario"), CASES)
def test_a_second_run_changes_nothing(
    script: Script, situation: str, scenario: Scenario, replaying: tuple[Rig, ReplayingRedis]
) -> None:
    rig, client = replaying

    campaigns = scenario(rig)
    rig.receive()

    replays = [r for r in client.replays if r.script is script and r.situation == situation]
    assert replays
    changes = chain.from_iterable(replay.changes for replay in replays)
    expected = EXPECTED_CHANGES.get(script, "nothing")
    assert [change for change in changes if not change.startswith(expected)] == []
    assert violations(rig.world(), campaigns, settled=SETTLED) == []


def test_every_script_is_run_twice() -> None:
    assert set(SITUATIONS) == set(Script)
