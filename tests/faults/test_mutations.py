"""Takes one guard at a time out of the scripts: the checks must notice each of them."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import pytest

from dispatcher.domain.lifecycle import CampaignState
from dispatcher.errors import StoreError
from dispatcher.settings import Settings
from dispatcher.store.batches import Batches, Outcome, SendRecord
from dispatcher.store.claims import NothingToDo, SendClaim
from dispatcher.store.keys import Key
from dispatcher.store.scripts import read_sources
from tests.faults.rig import Rig, WorkerDiedError, rigged, store_on_test_clock
from tests.support.invariants import half_sent, sent_twice, violations
from tests.support.sandbox import Receiver, Sandbox
from workers.milestones import Milestone
from workers.resources import Account
from workers.steps.send import send_next

ONE_BATCH, TWO_BATCHES = 3, 5
"""Recipients of campaigns."""

FINISHED = (CampaignState.FINISHED,)

Scenario = Callable[[Rig], list[str]]


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """A guard taken out of a script, and the scenario in which it is missed.

    Attributes:
        also: what another script guards a second time, and what it is there instead.
    """

    name: str
    script: str
    cuts: tuple[tuple[str, str], ...]
    also: tuple[tuple[str, str, str], ...] = ()
    scenario: Scenario


def a_late_give_up(rig: Rig) -> list[str]:
    """A worker's "not sent" arrives again while another worker posts the same batch."""
    campaign = rig.submit_quoted(ONE_BATCH)
    store = rig.account.store.batches
    claim = store.claim_send(campaign, operation="first", deadline_ms=60_000)
    assert isinstance(claim, SendClaim)
    give_up = SendRecord(campaign=campaign, n=0, attempt=claim.attempt, outcome=Outcome.NOT_SENT)
    store.record_send(give_up)

    def come_late() -> None:
        store.record_send(give_up)
        send_next(rig.account, campaign)

    # Before that, the last look at the batch would stop the second worker.
    rig.interrupt.at(Milestone.BEGUN, come_late)
    send_next(rig.account, campaign)
    return _outcome(rig, campaign)


def a_death_after_the_answer(rig: Rig) -> list[str]:
    """A worker dies with the ticket in its hands."""
    campaign = rig.submit_quoted(TWO_BATCHES)
    rig.interrupt.die_at(Milestone.ANSWERED)
    with suppress(WorkerDiedError):
        send_next(rig.account, campaign)
    return _outcome(rig, campaign)


def a_second_worker(rig: Rig) -> list[str]:
    """Another worker comes between a worker's claim and its POST."""
    campaign = rig.submit_quoted(ONE_BATCH)
    rig.interrupt.at(Milestone.CLAIMED, partial(send_next, rig.account, campaign))
    send_next(rig.account, campaign)
    return _outcome(rig, campaign)


def too_few_credits(rig: Rig) -> list[str]:
    """Two campaigns want credits that are enough for one and a half."""
    rig.sandbox.control("POST", "credits", {"credits": 8})
    campaigns = [rig.submit_quoted(TWO_BATCHES), rig.submit_quoted(TWO_BATCHES)]
    rig.settle()
    rig.receive()
    world = rig.world(credits_given=8)
    return violations(world, campaigns) + half_sent(world, campaigns)


def a_claim_asked_for_twice(rig: Rig) -> list[str]:
    """Redis claims a batch, its answer is lost, and the client asks again."""
    campaign = rig.submit_quoted(TWO_BATCHES)
    send_next(_claiming_twice(rig.account), campaign)
    return _outcome(rig, campaign)


def a_ticket_told_twice(rig: Rig) -> list[str]:
    """Redis records a ticket, its answer is lost, and the client tells it again."""
    campaign = rig.submit_quoted(ONE_BATCH)
    send_next(rig.account, campaign)
    batch = rig.account.store.batches.read(campaign, 0)
    assert batch is not None
    assert batch.ticket is not None
    _accept(rig, campaign, ticket=batch.ticket)
    return _outcome(rig, campaign)


def a_failover(rig: Rig) -> list[str]:
    """Another server takes over, which may have forgotten claims of POSTs in flight."""
    campaign = rig.submit_quoted(ONE_BATCH)
    rig.client.hset(rig.keys.of(Key.ACCOUNT), "run_id", "of the server before")
    settings = rig.account.settings.model_copy(update={"redis_replicas": 1})
    send_next(replace(rig.account, settings=settings), campaign)
    hasty = len(rig.sandbox.ledger())
    return [f"{hasty} POSTs in the quiet time"] * hasty + _outcome(rig, campaign)


def a_second_ticket(rig: Rig) -> list[str]:
    """The API names another ticket for a batch: proof that it took it twice."""
    campaign = rig.submit_quoted(ONE_BATCH)
    send_next(rig.account, campaign)
    _accept(rig, campaign, ticket="7")
    alarms = rig.account.store.campaigns.status(campaign).alarms
    return [] if alarms == 1 else [f"{alarms} alarms"]


MUTATIONS = (
    Mutation(
        name="no fence",
        script="record_send",
        cuts=(("if had[2] ~= attempt or (", "if ("),),
        scenario=a_late_give_up,
    ),
    Mutation(
        name="sending is not one-way",
        script="tick",
        cuts=(
            (
                "move_batch(id, tonumber(n), B.unknown, 'no trace after the claim')",
                "move_batch(id, tonumber(n), B.ready) redis.call('ZADD', key(K.waiting, id), 0, n)",
            ),
        ),
        scenario=a_death_after_the_answer,
    ),
    Mutation(
        name="no claim",
        script="claim_send",
        cuts=(
            ("redis.call('ZREM', key(K.waiting, id), n)\n", ""),
            ("move_batch(id, n, B.sending)\n", ""),
        ),
        also=(
            ("begin_post", "if f[1] ~= B.sending or f[2] ~= ARGV[3] then return 'over' end", ""),
        ),
        scenario=a_second_worker,
    ),
    Mutation(
        name="no reservation",
        script="course",
        cuts=(("if need > 0 and available() < need then", "if false then"),),
        scenario=too_few_credits,
    ),
    Mutation(
        name="no operation token",
        script="claim_send",
        cuts=(("redis.call('HGET', key(K.claims), op)", "nil"),),
        scenario=a_claim_asked_for_twice,
    ),
    Mutation(
        name="acceptance is not idempotent",
        script="settling",
        cuts=(("if state == B.accepted or state == B.scheduled", "if state == B.scheduled"),),
        scenario=a_ticket_told_twice,
    ),
    Mutation(
        name="a second ticket raises no alarm",
        script="settling",
        cuts=(("alarm(id, n, 'a second ticket: the batch was accepted twice')", ""),),
        scenario=a_second_ticket,
    ),
    Mutation(
        name="no fence around a new server",
        script="claim_send",
        cuts=(("'run_id') ~= run_id", "'run_id') == 'never'"),),
        scenario=a_failover,
    ),
)


@pytest.mark.parametrize(
    "scenario", dict.fromkeys(mutation.scenario for mutation in MUTATIONS), ids=lambda s: s.__name__
)
def test_nothing_is_violated_as_long_as_every_guard_is_there(rig: Rig, scenario: Scenario) -> None:
    assert scenario(rig) == []


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_guard_taken_out_is_noticed(
    mutation: Mutation, settings: Settings, sandbox: Sandbox, receiver: Receiver
) -> None:
    sources = mutate(mutation)

    with rigged(settings, sandbox, receiver, partial(store_on_test_clock, sources=sources)) as rig:
        found = _noticed(mutation.scenario, rig)

    print(f"\n{mutation.name}: {found}")
    assert found != []


def mutate(mutation: Mutation) -> dict[str, str]:
    """Give the scripts without the guard, and make sure that it was there."""
    sources = read_sources()
    cuts = [(mutation.script, guard, instead) for guard, instead in mutation.cuts]
    for script, guard, instead in (*cuts, *mutation.also):
        assert sources[script].count(guard) == 1, f"{guard!r} is no longer the guard"
        sources[script] = sources[script].replace(guard, instead)
    return sources


def _noticed(scenario: Scenario, rig: Rig) -> list[str]:
    """A move the tables forbid is noticed by the scripts, when it may be too late."""
    try:
        return scenario(rig)
    except StoreError as error:
        return [str(error), *sent_twice(rig.world().acceptances())]


def _outcome(rig: Rig, campaign: str) -> list[str]:
    """Let everything come to rest; the campaign must be finished, and nothing be violated."""
    rig.settle()
    rig.receive()
    return violations(rig.world(), [campaign], settled=FINISHED)


def _accept(rig: Rig, campaign: str, *, ticket: str) -> None:
    """Record that the first attempt to send the campaign's first batch got a ticket."""
    record = SendRecord(
        campaign=campaign,
        n=0,
        attempt=1,
        outcome=Outcome.ACCEPTED,
        ticket=ticket,
        cost=ONE_BATCH,
    )
    rig.account.store.batches.record_send(record)


def _claiming_twice(account: Account) -> Account:
    batches = account.store.batches
    twice = _ClaimsTwice(batches._scripts, batches._barrier)
    return replace(account, store=replace(account.store, batches=twice))


class _ClaimsTwice(Batches):
    def claim_send(
        self,
        campaign: str,
        *,
        operation: str,
        deadline_ms: int,
        reading_ms: int | None = None,
        rate: float | None = None,
        early_ms: int = 0,
    ) -> SendClaim | NothingToDo:
        for _ in range(2):
            claim = super().claim_send(
                campaign,
                operation=operation,
                deadline_ms=deadline_ms,
                reading_ms=reading_ms,
                rate=rate,
                early_ms=early_ms,
            )
        return claim
