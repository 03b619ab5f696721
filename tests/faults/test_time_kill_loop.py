"""The kill loop with campaigns for later, and with some that are cancelled.

`FAULTS_CAMPAIGNS=300` submits so many, with a kill for every fourth, instead of the suite's.
"""

import os
import random
from collections import Counter
from pathlib import Path

import pytest
import redis

from dispatcher.domain.campaign import CampaignStatus
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.store.keys import Keys
from tests.faults.storm import calm, plan_faults, rage, sizes
from tests.faults.test_kill_loop import SHORT_TIMES
from tests.faults.time_storm import CANCEL_FAULTS, FickleProducer, HastyNursery, wavering
from tests.support.invariants import World
from tests.support.polling import eventually
from tests.support.stack import Stack
from tests.support.time_invariants import is_at_rest, time_violations

CAMPAIGNS = int(os.environ.get("FAULTS_CAMPAIGNS", "48"))
KILLS = CAMPAIGNS // 4
CREDITS = 200_000
SEED = int(os.environ.get("FAULTS_SEED", "20261123"))
ENV = {**SHORT_TIMES, "DISPATCHER_HANDOVER_LEAD": "PT6S"}


@pytest.mark.timeout(900)
def test_nothing_is_lost_repeated_or_sent_after_a_cancellation_in_a_storm(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    options = ("--latency", "0.1", "--receipt-delay", "0.5", "--seed", str(SEED))
    with Stack(tmp_path, credits=CREDITS, sandbox_options=options, env=ENV) as stack:
        stack.start_web()
        stack.start_beat()
        plan_faults(stack, SEED)
        order = {"faults": CANCEL_FAULTS, "route": "DELETE /send/:id", "seed": SEED}
        stack.sandbox.control("POST", "faults", order)
        nursery = HastyNursery(stack, workers=2)
        producer = FickleProducer(
            stack=stack, sizes=sizes(CAMPAIGNS, dice), pause=KILLS / CAMPAIGNS, dice=dice
        )
        try:
            with wavering(producer):
                rage(stack, nursery, dice, kills=KILLS)
            injected = calm(stack)
            eventually(lambda: _rests(stack, nursery, producer), within=180, every=0.5)
        finally:
            nursery.close()

        statuses = _statuses(stack, producer)
        _report(nursery, producer, statuses, injected)
        stopped = {
            name
            for name, answer in producer.answers.items()
            if answer and answer.state is CampaignState.CANCELLED
        }
        assert len(statuses) == CAMPAIGNS
        assert time_violations(_world(stack), statuses, stopped) == []


def _statuses(stack: Stack, producer: FickleProducer) -> list[CampaignStatus]:
    return [stack.dispatcher.status(campaign) for campaign in producer.confirmed]


def _rests(stack: Stack, nursery: HastyNursery, producer: FickleProducer) -> bool:
    """Say whether nothing moves: only what was lost for good is still awaited."""
    nursery.replace_the_dead()
    posting = stack.sandbox.control("GET", "receipts")
    return (
        not posting["waiting"]
        and not posting["planned"]
        and not stack.dispatcher._open(None).receipts.waiting()
        and all(entry["state"] != "scheduled" for entry in stack.sandbox.ledger("?messages=0"))
        and all(map(is_at_rest, _statuses(stack, producer)))
    )


def _report(
    nursery: HastyNursery,
    producer: FickleProducer,
    statuses: list[CampaignStatus],
    injected: Counter[str],
) -> None:
    told = Counter(
        answer.state.value if answer else "too late" for answer in producer.answers.values()
    )
    ends = Counter(status.state.value for status in statuses)
    of_regretted = Counter(s.state.value for s in statuses if s.id in producer.answers)
    batches = sum((Counter(status.batch_states) for status in statuses), Counter())
    print(
        f"\ntime kill loop: seed {SEED}; {len(statuses)} campaigns, {len(producer.delayed)} of "
        f"them for later, {sum(producer.confirmed.values())} recipients; "
        f"{len(nursery.killed)} workers killed, {nursery.exits} ended by themselves; "
        f"{injected.total()} API faults; {len(producer.answers)} cancelled, answered {dict(told)}, "
        f"ended {dict(of_regretted)}; {sum(status.withdrawn for status in statuses)} batches taken "
        f"back, {sum(status.credits_returned for status in statuses)} credits returned; "
        f"batches {dict(batches)}; campaigns {dict(ends)}"
    )


def _world(stack: Stack) -> World:
    return World(
        store=stack.dispatcher._open(None),
        client=redis.Redis(port=stack.redis.port),
        keys=Keys("sms", "default"),
        ledger=stack.sandbox.ledger(),
        credits_given=CREDITS,
        credits_left=stack.sandbox.credits,
    )
