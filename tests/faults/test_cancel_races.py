"""A cancel and a claim of the same batch at the same moment, again and again.

`CANCEL_RACES=20000` runs as many as the project promises; the suite runs fewer.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest

from dispatcher.domain.lifecycle import CampaignState
from dispatcher.store.claims import NothingToDo, SendClaim
from dispatcher.store.withdrawals import Withdrawal
from tests.support.access import server_with_users
from tests.support.bench import SEND_LEASE_MS, Bench
from tests.support.timed import WITHDRAWAL_LEASE_MS, timing

RACES = int(os.environ.get("CANCEL_RACES", "1000"))
T = TypeVar("T")


@dataclass
class Race:
    """One campaign of one recipient, which costs a credit, and what both sides were told."""

    campaign: str
    is_later: bool
    state: CampaignState
    claim: SendClaim | NothingToDo


@pytest.fixture
def fast_bench(redis_binary: Path, tmp_path: Path) -> Iterator[Bench]:
    """A bench on a server that need not survive: thousands of calls would wait for the disk."""
    options = {"appendonly": "no"}
    with server_with_users(tmp_path / "redis", binary=redis_binary, options=options) as server:
        bench = Bench(server.url)
        yield bench
        bench.close()


@pytest.mark.timeout(300)
def test_of_a_cancel_and_a_claim_exactly_one_wins_and_the_credits_add_up(
    fast_bench: Bench,
) -> None:
    fast_bench.account.ledger.approve_server(quiet_ms=0)
    with ThreadPoolExecutor(2) as two:
        races = [run(fast_bench, two, place) for place in range(RACES)]
    claimed = [race for race in races if isinstance(race.claim, SendClaim)]
    stopped = [race for race in races if race.state is CampaignState.CANCELLED]

    assert {race.campaign for race in claimed}.isdisjoint(race.campaign for race in stopped)
    assert len(claimed) + len(stopped) == RACES
    assert {race.state for race in claimed} <= {CampaignState.CANCELLING}
    print(f"\ncancel races: {RACES}; {len(stopped)} cancelled first, {len(claimed)} claimed first")
    assert min(len(claimed), len(stopped)) > RACES / 100

    for race in stopped:
        again = fast_bench.account.batches.claim_send(
            race.campaign, operation=f"again {race.campaign}", deadline_ms=SEND_LEASE_MS
        )
        assert again is NothingToDo.OTHER_STATE
    for race in claimed:
        assert isinstance(race.claim, SendClaim)
        fast_bench.accept(race.claim, ticket=race.campaign)
    returned = take_back(fast_bench)
    assert returned == {race.campaign for race in claimed if race.is_later}
    check_credits(fast_bench, sent=len(claimed) - len(returned), returned=len(returned))
    check_ends(fast_bench, races, returned)


def run(bench: Bench, two: ThreadPoolExecutor, place: int) -> Race:
    """Let a cancel and a claim loose on a campaign that is ready to send."""
    is_later = place % 2 == 1
    campaign = bench.submit(
        f"c{place}", recipients=1, batch_size=1, **({"timing": timing()} if is_later else {})
    )
    bench.quote(campaign, credits_left=RACES)
    start = Barrier(2)
    cancelling = after(start, two, lambda: bench.account.campaigns.cancel(campaign))
    claiming = after(start, two, lambda: look_and_claim(bench, campaign))
    return Race(campaign, is_later, cancelling.result(), claiming.result())


def look_and_claim(bench: Bench, campaign: str) -> SendClaim | NothingToDo:
    """Claim after a look at the campaign, for a cancel has one first, too."""
    bench.status(campaign)
    return bench.account.batches.claim_send(campaign, operation=campaign, deadline_ms=SEND_LEASE_MS)


def after(start: Barrier, two: ThreadPoolExecutor, action: Callable[[], T]) -> Future[T]:
    """Do something as soon as both sides are there."""

    def act() -> T:
        start.wait()
        return action()

    return two.submit(act)


def take_back(bench: Bench) -> set[str]:
    """Take back what the API has for later; give the campaigns."""
    found = set()
    while claim := bench.account.withdrawals.claim(lease_ms=WITHDRAWAL_LEASE_MS):
        bench.account.withdrawals.record(claim, Withdrawal.GONE)
        found.add(claim.campaign)
    return found


def check_credits(bench: Bench, *, sent: int, returned: int) -> None:
    """Compare what is known of the account with what the API debited and gave back."""
    known = bench.account.ledger.credits()
    assert (known.reserved, bench.account_field("exposed")) == (0, 0)
    assert known.spent == sent + returned
    assert bench.account_field("returned") == returned


def check_ends(bench: Bench, races: list[Race], returned: set[str]) -> None:
    """Check that each campaign ended as the race went, with its one recipient and one credit."""
    for race in races:
        status = bench.status(race.campaign)
        was_sent = isinstance(race.claim, SendClaim) and race.campaign not in returned
        assert status.state is (CampaignState.SENT if was_sent else CampaignState.CANCELLED)
        assert (status.cost, status.is_conserved, status.alarms) == (int(was_sent), True, 0)
