"""Receipts in a flood while the receiver, the consumer and Redis die, and none may be lost.

`RECEIPT_STORM=full` posts 100,000 receipts three times each with 30 kills and Redis away for
30 seconds, which takes some minutes; without it the same storm is small.
"""

import asyncio
import os
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from redis.exceptions import RedisError

from dispatcher.domain.lifecycle import CampaignState
from dispatcher.embedded import EmbeddedRedis
from dispatcher.store.claims import SendClaim
from dispatcher.store.keys import Key
from tests.faults.receipt_storm import (
    BATCH,
    Poster,
    Service,
    garbage,
    losses,
    receipts_of,
    ticket_of,
)
from tests.support.bench import Bench
from tests.support.books import check_counters
from tests.support.polling import eventually

SEED = int(os.environ.get("FAULTS_SEED", "20261123"))


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much of a storm it is; `pace` in posts a second, `away` in seconds.

    Of everybody in `campaigns` two receipts come, three times each.
    """

    campaigns: int
    recipients: int
    kills: int
    away: float
    pace: float


SMALL = Size(campaigns=2, recipients=1000, kills=4, away=1.0, pace=2500.0)
FULL = Size(campaigns=10, recipients=5000, kills=30, away=30.0, pace=4000.0)
SIZE = FULL if os.environ.get("RECEIPT_STORM") == "full" else SMALL


@pytest.mark.timeout(1200)
def test_no_receipt_that_was_answered_is_lost_in_a_storm(
    own_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    dice = random.Random(SEED)
    bench = Bench(own_redis.url)
    claims = _claimed(bench)
    # A tenth of the POSTs are answered after their receipts came.
    early = claims[: max(1, len(claims) // 10)]
    for claim in claims[len(early) :]:
        bench.accept(claim, ticket=ticket_of(claim))
    # Those of one more campaign come once, so that no copy hides a loss.
    once = SIZE.recipients // BATCH
    parcels = list(receipts_of(bench, claims[:-once])) * 3
    rubbish = garbage(len(parcels) // 100)
    parcels += receipts_of(bench, claims[-once:])
    parcels += rubbish
    dice.shuffle(parcels)

    with Service(tmp_path, own_redis) as service:
        poster = Poster(service.port)
        begun = time.monotonic()
        thread = Thread(target=lambda: asyncio.run(poster.post(parcels, pace=SIZE.pace)))
        thread.start()
        _rage(service, poster, own_redis, dice, posts=len(parcels))
        thread.join()
        took = time.monotonic() - begun
        for claim in early:
            bench.accept(claim, ticket=ticket_of(claim))
        eventually(lambda: _is_at_rest(bench, service), within=120, every=0.1)

    heard = poster.posted.heard
    print(
        f"\nreceipt storm: seed {SEED}; {len(parcels):,} posts in {took:.0f} s, answers "
        f"{dict(heard)} (0: none); killed {dict(service.kills)}, Redis away {SIZE.away:g} s; "
        f"all merged {time.monotonic() - begun - took:.1f} s after the last answer"
    )
    assert heard[200] > 0.9 * len(parcels)
    assert losses(bench, poster.posted) == []
    _check_books(bench, {claim.campaign for claim in claims})
    bodies = {parcel.body for parcel in rubbish}
    answered = {parcel.body for parcel in poster.posted.kept if parcel.about is None}
    assert answered <= _quarantined(bench) <= bodies
    bench.close()


def _check_books(bench: Bench, campaigns: Iterable[str]) -> None:
    for campaign in campaigns:
        check_counters(bench, campaign)
        assert bench.status(campaign).alarms == 0
        assert bench.status(campaign).state in (CampaignState.SENT, CampaignState.FINISHED)


def _quarantined(bench: Bench) -> set[bytes]:
    entries: Any = bench.client.xrange(bench.keys.of(Key.QUARANTINE))
    return {fields[b"body"] for _, fields in entries}


def _claimed(bench: Bench) -> list[SendClaim]:
    """Bring campaigns to where every batch is being posted."""
    claims = []
    for name in range(SIZE.campaigns + 1):
        bench.ready(
            f"c{name}", recipients=SIZE.recipients, batch_size=BATCH, credits_left=10_000_000
        )
        claims += [bench.claim(f"c{name}") for _ in range(SIZE.recipients // BATCH)]
    return claims


def _rage(
    service: Service, poster: Poster, server: EmbeddedRedis, dice: random.Random, *, posts: int
) -> None:
    """Kill at moments spread over the storm; in the middle of it, let Redis be away."""
    moments = sorted(dice.uniform(0.05, 0.9) for _ in range(SIZE.kills))
    moments.insert(SIZE.kills // 2, moments[SIZE.kills // 2])
    for place, moment in enumerate(moments):
        eventually(partial(poster.has_done, moment * posts), within=300, every=0.005)
        if place == SIZE.kills // 2:
            server.kill()
            _wait(SIZE.away)
            server.start()
        else:
            service.kill(dice.choice(("receiver", "receiver", "consumer")))


def _wait(seconds: float) -> None:
    over = time.monotonic() + seconds
    eventually(lambda: time.monotonic() >= over, within=seconds + 5)


def _is_at_rest(bench: Bench, service: Service) -> bool:
    try:
        return not bench.account.receipts.waiting() and not list(service.spool.glob("*.spool"))
    except RedisError:
        return False
