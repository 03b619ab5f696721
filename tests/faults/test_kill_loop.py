"""Hundreds of campaigns while workers, broker, Redis and the API fail at random.

`FAULTS_CAMPAIGNS=300` submits so many, with a kill for every fourth, instead of the suite's.
"""

import os
import random
from collections import Counter
from pathlib import Path

import pytest
import redis

from dispatcher.domain.campaign import Event
from dispatcher.domain.lifecycle import CampaignState, HoldReason
from dispatcher.store.keys import Keys
from tests.faults.storm import (
    Nursery,
    Submissions,
    calm,
    hit_in_flight,
    plan_faults,
    rage,
    sizes,
    submitting,
)
from tests.support.invariants import World, violations
from tests.support.polling import eventually
from tests.support.stack import Stack

CAMPAIGNS = int(os.environ.get("FAULTS_CAMPAIGNS", "100"))
KILLS = CAMPAIGNS // 4
CREDITS = 200_000
SEED = int(os.environ.get("FAULTS_SEED", "20261122"))

SHORT_TIMES = {
    "DISPATCHER_BATCH_SIZE": "100",
    "DISPATCHER_CONNECT_TIMEOUT": "0.5",
    "DISPATCHER_HTTP_DEADLINE": "2",
    "DISPATCHER_QUOTE_LEASE": "3",
    "DISPATCHER_SEND_LEASE": "4",
    "DISPATCHER_VISIBILITY_TIMEOUT": "10",
    "DISPATCHER_CREDIT_CHECK_EVERY": "1",
    "DISPATCHER_CONCURRENCY": "8",
    # Faults are the rule here, so that they must not stop the account.
    "DISPATCHER_BREAKER_UNKNOWNS": "0",
}

_VISIBLY_OVER = (CampaignState.FINISHED, CampaignState.HELD)


@pytest.mark.timeout(900)
def test_nothing_is_lost_repeated_or_overspent_in_a_storm(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    options = ("--latency", "0.1", "--receipt-delay", "0.5", "--seed", str(SEED))
    with Stack(tmp_path, credits=CREDITS, sandbox_options=options, env=SHORT_TIMES) as stack:
        stack.start_web()
        stack.start_beat()
        plan_faults(stack, SEED)
        nursery = Nursery(stack, workers=2)
        submissions = Submissions(
            stack=stack, sizes=sizes(CAMPAIGNS, dice), pause=KILLS / CAMPAIGNS
        )
        try:
            with submitting(submissions):
                rage(stack, nursery, dice, kills=KILLS)
            injected = calm(stack)
            eventually(lambda: _is_at_rest(stack, nursery, submissions), within=180, every=0.5)
        finally:
            nursery.close()

        events = _events(stack, submissions)
        _report(stack, nursery, submissions, events, injected)
        assert len(submissions.confirmed) == CAMPAIGNS
        assert violations(_world(stack), submissions.confirmed, settled=_VISIBLY_OVER) == []


def _is_at_rest(stack: Stack, nursery: Nursery, submissions: Submissions) -> bool:
    """Say whether nothing moves: held are only those whose answer was lost for good."""
    nursery.replace_the_dead()
    posting = stack.sandbox.control("GET", "receipts")
    statuses = [stack.dispatcher.status(campaign) for campaign in submissions.confirmed]
    return (
        not posting["waiting"]
        and not posting["planned"]
        and not stack.dispatcher._open(None).receipts.waiting()
        and all(status.is_over or status.hold is HoldReason.OUTCOME_UNKNOWN for status in statuses)
    )


def _report(
    stack: Stack,
    nursery: Nursery,
    submissions: Submissions,
    events: dict[str, list[Event]],
    injected: Counter[str],
) -> None:
    moves = Counter(
        (event.old, event.new, event.detail) for found in events.values() for event in found
    )
    lost = {
        (campaign, event.what.removeprefix("batch "))
        for campaign, found in events.items()
        for event in found
        if event.old == "sending" and event.detail in ("no trace after the claim", "receipt")
    }
    carried = hit_in_flight(stack, nursery.killed, lost)
    statuses = [stack.dispatcher.status(campaign) for campaign in submissions.confirmed]
    states = Counter(status.state.value for status in statuses)
    print(
        f"\nkill loop: seed {SEED}; {len(submissions.confirmed)} campaigns, "
        f"{sum(submissions.confirmed.values())} recipients, "
        f"{len(stack.sandbox.ledger())} POSTs accepted; "
        f"{len(nursery.killed)} workers killed, {len(carried)} of them with {carried.total()} "
        f"sends in flight, {nursery.exits} ended by themselves; Redis killed twice, broker "
        f"flushed once; {injected.total()} API faults {dict(injected)}; "
        f"{moves['unknown', 'accepted', 'receipt']} unknown and "
        f"{moves['sending', 'accepted', 'receipt']} sending settled by receipts; {dict(states)}"
    )


def _events(stack: Stack, submissions: Submissions) -> dict[str, list[Event]]:
    return {campaign: list(stack.dispatcher.events(campaign)) for campaign in submissions.confirmed}


def _world(stack: Stack) -> World:
    return World(
        store=stack.dispatcher._open(None),
        client=redis.Redis(port=stack.redis.port),
        keys=Keys("sms", "default"),
        ledger=stack.sandbox.ledger(),
        credits_given=CREDITS,
        credits_left=stack.sandbox.credits,
    )
