"""A Redis that answers, but does not take or confirm what it is told."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.embedded import EmbeddedRedis
from dispatcher.store.batches import Batches
from dispatcher.store.durability import Barrier
from tests.faults.rig import Rig, make_settings, rigged, store_on_test_clock
from tests.support.invariants import violations
from tests.support.polling import eventually
from tests.support.sandbox import Receiver, Sandbox
from workers.milestones import Milestone
from workers.resources import Account
from workers.steps.send import send_next

RECIPIENTS = 3
"""Of one batch."""


@pytest.fixture
def lone_rig(
    own_redis: EmbeddedRedis, sandbox: Sandbox, receiver: Receiver, tmp_path: Path
) -> Iterator[Rig]:
    """A rig on a Redis that no other test uses."""
    settings = make_settings(own_redis.url, sandbox.url, tmp_path)
    with rigged(settings, sandbox, receiver, store_on_test_clock) as rig:
        yield rig


def test_a_ticket_is_kept_until_redis_takes_writes_again(lone_rig: Rig) -> None:
    rig = lone_rig
    campaign = rig.submit_quoted(RECIPIENTS)
    rig.interrupt.at(Milestone.ANSWERED, lambda: _want_replicas(rig, 1))

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send_next, rig.account, campaign)
        eventually(lambda: _refused_writes(rig) >= 2)
        _want_replicas(rig, 0)
        sending.result()

    assert _first_batch(rig, campaign) is BatchState.ACCEPTED
    rig.receive()
    assert violations(rig.world(), [campaign], settled={CampaignState.FINISHED}) == []


def test_a_claim_that_no_replica_confirms_is_given_back_unsent(rig: Rig) -> None:
    campaign = rig.submit_quoted(RECIPIENTS)

    send_next(_waiting_for_a_replica(rig.account), campaign)

    assert rig.sandbox.ledger() == []
    assert _first_batch(rig, campaign) is BatchState.READY
    rig.settle()
    rig.receive()
    assert violations(rig.world(), [campaign], settled={CampaignState.FINISHED}) == []


def test_a_claim_taken_for_confirmed_would_be_sent(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = rig.submit_quoted(RECIPIENTS)
    monkeypatch.setattr(Barrier, "is_met", lambda _self, _confirmed: True)

    send_next(_waiting_for_a_replica(rig.account), campaign)

    assert len(rig.sandbox.ledger()) == 1


def _waiting_for_a_replica(account: Account) -> Account:
    """Have claims confirmed by a replica, which there is none of."""
    batches = Batches(account.store.batches._scripts, Barrier(replicas=1))
    return replace(account, store=replace(account.store, batches=batches))


def _first_batch(rig: Rig, campaign: str) -> BatchState | None:
    found = rig.account.store.batches.read(campaign, 0)
    return found.state if found else None


def _want_replicas(rig: Rig, count: int) -> None:
    """Have Redis refuse every write while it has fewer replicas."""
    rig.client.config_set("min-replicas-to-write", count)


def _refused_writes(rig: Rig) -> int:
    statistics = rig.client.info("errorstats")
    return int(statistics.get("errorstat_NOREPLICAS", {}).get("count", 0))
