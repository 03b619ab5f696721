"""A STOP and the POST it forbids at the same moment, again and again.

Real answers are posted to a real receiver while workers claim, look once more at and post the very
batches of whoever answers. `STOP_RACES=5000` runs so many; the suite runs fewer.
"""

import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from dispatcher.domain.lifecycle import CampaignState
from dispatcher.settings import Settings
from dispatcher.store.claims import SendClaim
from dispatcher.store.keys import Key
from tests.faults.rig import Rig, rigged, store_on_test_clock
from tests.faults.test_mutations import Mutation, mutate
from tests.support.invariants import violations
from tests.support.sandbox import Receiver, Sandbox
from tests.support.web import WebReceiver, running_web
from workers.milestones import Milestone
from workers.steps.progress import Progress
from workers.steps.send import send_next

RACES = int(os.environ.get("STOP_RACES", "200"))
SEED = int(os.environ.get("FAULTS_SEED", "20261128"))
WORKERS = 2
BATCH = 3
_MOST_QUESTIONS = 30
_LONGER_THAN_ANY_PAUSE = 120

NO_LAST_LOOK = Mutation(
    name="no last look at the suppression list",
    script="begin_post",
    cuts=(
        (
            "(redis.call('HGET', ACCOUNT, 'suppression_version') or '0') ~= ARGV[5]",
            "false",
        ),
    ),
    scenario=lambda _: [],
)


@dataclass
class Races:
    """One campaign of many batches, who of them answered STOP, and what both sides were told.

    Attributes:
        stopped: when each answer was confirmed, by the monotonic clock.
        began: when the last look before each person's POST began, which let it pass.
    """

    rig: Rig
    web: WebReceiver
    campaign: str
    stopped: dict[int, float] = field(default_factory=dict)
    began: dict[int, float] = field(default_factory=dict)
    dice: random.Random = field(default_factory=lambda: random.Random(SEED))

    def run(self) -> None:
        """Let workers and answers loose on the batches that come next, until none is left."""
        numbers = [int(row.number) for row in self.rig.account.store.results.of(self.campaign)]
        with ThreadPoolExecutor(2 * WORKERS) as pool:
            while places := self._next_up():
                start = Barrier(WORKERS + len(places))
                answering = [BATCH * place + self.dice.randrange(BATCH) for place in places]
                sides = [pool.submit(self._send, start) for _ in range(WORKERS)]
                sides += [pool.submit(self._answer, start, numbers[one]) for one in answering]
                for side in sides:
                    side.result(timeout=60)

    def violations(self) -> list[str]:
        """Find people who were sent to although their STOP was confirmed before."""
        reached = {
            int(message["destination"])
            for entry in self.rig.sandbox.ledger()
            for message in entry["messages"]
        }
        assert reached == set(self.began)
        return [
            f"somebody was sent to {1000 * (self.began[number] - at):.1f} ms after their STOP"
            for number, at in self.stopped.items()
            if number in reached and self.began[number] > at
        ]

    def outcomes(self) -> Counter[str]:
        """Count who came too late, and who did not."""
        return Counter("too late" if one in self.began else "heeded" for one in self.stopped)

    def _next_up(self) -> list[int]:
        waiting = self.rig.keys.of(Key.WAITING, self.campaign)
        found: Any = self.rig.client.zrange(waiting, 0, WORKERS - 1)
        self.rig.advance(_LONGER_THAN_ANY_PAUSE)
        return [int(place) for place in found]

    def _send(self, start: Barrier) -> None:
        account, questions = self.rig.account, self.dice.randrange(_MOST_QUESTIONS)

        def trace(reached: Milestone, _campaign: str, _n: int) -> None:
            """Take a little longer than a worker does after its claim."""
            if reached is Milestone.CLAIMED:
                self._ask(questions)

        start.wait()
        assert send_next(replace(account, trace=trace), self.campaign) is Progress.MADE

    def _answer(self, start: Barrier, number: int) -> None:
        answer = {"date": "2026-11-28T12:00:00+01:00", "message": "STOP", "from": str(number)}
        questions = self.dice.randrange(_MOST_QUESTIONS)
        start.wait()
        self._ask(questions)
        assert self.web.post(json.dumps(answer).encode(), hook="mo") == 200
        self.stopped.setdefault(number, time.monotonic())

    def _ask(self, times: int) -> None:
        """Let some time pass, a question to Redis each."""
        for _ in range(times):
            self.rig.client.ping()


def watched(rig: Rig, web: WebReceiver, *, races: int) -> Races:
    """Prepare a campaign, and have every last look before a POST noted."""
    found = Races(rig, web, rig.submit_quoted(BATCH * races))
    batches = rig.account.store.batches
    begin = batches.begin_post

    def begin_post(claim: SendClaim, *, deadline_ms: int) -> str | None:
        since = time.monotonic()
        answer = begin(claim, deadline_ms=deadline_ms)
        if answer is None:
            pairs = zip(claim.batch.numbers, claim.fates, strict=True)
            found.began.update({number: since for number, fate in pairs if not fate})
        return answer

    batches.begin_post = begin_post  # type: ignore[method-assign]  # of this test's own store
    return found


@pytest.fixture
def web(redis_url: str, tmp_path: Path) -> Iterator[WebReceiver]:
    with running_web(redis_url, tmp_path) as web:
        yield web


@pytest.mark.timeout(1800)
def test_whoever_answered_stop_before_a_post_began_is_not_in_it(rig: Rig, web: WebReceiver) -> None:
    races = watched(rig, web, races=RACES)

    races.run()

    outcomes = races.outcomes()
    print(f"\nSTOP races: {len(races.stopped)}; {dict(outcomes)}; seed {SEED}")
    assert races.violations() == []
    assert min(outcomes["too late"], outcomes["heeded"]) > RACES / 100
    rig.settle()
    rig.receive()
    finished = (CampaignState.FINISHED,)
    assert violations(rig.world(), [races.campaign], settled=finished) == []
    status = rig.account.store.campaigns.status(races.campaign)
    assert status.reasons == {"suppressed": outcomes["heeded"]}


@pytest.mark.timeout(1800)
def test_without_the_last_look_somebody_is_sent_to_after_their_stop(
    settings: Settings, sandbox: Sandbox, receiver: Receiver, web: WebReceiver
) -> None:
    sources = mutate(NO_LAST_LOOK)

    with rigged(settings, sandbox, receiver, partial(store_on_test_clock, sources=sources)) as rig:
        races = watched(rig, web, races=RACES)
        races.run()
        found = races.violations()

    print(f"\n{NO_LAST_LOOK.name}: {len(found)} of {len(races.stopped)}, such as {found[:1]}")
    assert found
