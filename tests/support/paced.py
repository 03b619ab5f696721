"""Campaigns that are sent under a budget, on a bench whose clock stands still."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from dispatcher.store.claims import NothingToDo, SendClaim
from dispatcher.store.keys import Key
from tests.support.bench import READING_LEASE_MS, SEND_LEASE_MS, START_MS, Bench
from workers.resources import Account

_names = itertools.count(1)


def ask(
    bench: Bench,
    campaign: str = "c1",
    *,
    rate: float | None = 100,
    operation: str | None = None,
    early_ms: int = 0,
) -> SendClaim | NothingToDo:
    return bench.account.batches.claim_send(
        campaign,
        operation=operation or f"paced-{next(_names)}",
        deadline_ms=SEND_LEASE_MS,
        reading_ms=READING_LEASE_MS,
        rate=rate,
        early_ms=early_ms,
    )


def take(bench: Bench, campaign: str = "c1", *, rate: float = 100) -> SendClaim:
    claim = ask(bench, campaign, rate=rate)
    assert isinstance(claim, SendClaim), claim
    return claim


def slot_of(bench: Bench, claim: SendClaim) -> int:
    """Give the ms of a claim's slot, counted from when the test began."""
    slot = bench.client.hget(bench.keys.of(Key.BATCH, claim.campaign, claim.n), "slot")
    return int(slot or 0) - START_MS


def weigh(bench: Bench, campaign: str, weights: Sequence[int], **more: int) -> None:
    """Bring a campaign to `sending` whose batches, of one recipient, weigh as much as told."""
    bench.account.ledger.approve_server(quiet_ms=0)
    bench.submit(campaign, recipients=len(weights), batch_size=1, **more)
    for _ in weights:
        claim = bench.claim_quote(campaign)
        bench.account.batches.record_quote(
            claim, cost=1, credits_left=1_000_000, exclusions={}, weight=weights[claim.n]
        )


def under_a_budget(account: Account, rate: float) -> Account:
    """Give an account as its workers see it once it has a budget."""
    paced = account.settings.account(account.name).model_copy(update={"rate": rate})
    settings = account.settings.model_copy(update={"accounts": {account.name: paced}})
    return replace(account, settings=settings)
