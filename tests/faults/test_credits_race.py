"""Many producers and workers at once, and credits for some of the campaigns only."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from dispatcher.domain.lifecycle import CampaignState, HoldReason
from tests.faults.forked_workers import Nursery, Place, Race
from tests.faults.rig import Rig
from tests.support.invariants import half_sent, violations

SUBMITTERS = 50
WORKERS = 8
RECIPIENTS = 5
"""Of a campaign, which is two batches and five credits."""

AFFORDABLE = 20
CREDITS = AFFORDABLE * RECIPIENTS + 4
"""All but enough for one campaign more."""

UNAFFORDABLE = SUBMITTERS - AFFORDABLE


def test_as_many_campaigns_go_out_as_there_are_credits_for(rig: Rig, nursery: Nursery) -> None:
    rig.sandbox.control("POST", "credits", {"credits": CREDITS})
    together = Barrier(SUBMITTERS + 1)
    order = Race(place=Place.of(rig.resources.settings), workers=WORKERS, campaigns=SUBMITTERS)

    def submit(_: int) -> str:
        together.wait()
        return rig.submit(RECIPIENTS)

    with ThreadPoolExecutor(SUBMITTERS + 1) as pool:
        race = pool.submit(lambda: (together.wait(), nursery.carry_out(order)))
        campaigns = list(pool.map(submit, range(SUBMITTERS)))
        assert race.result()[1] == [0] * WORKERS
    rig.receive()

    # A balance told while others spend is read with caution; asked for again at rest, it is whole.
    assert _states(rig, campaigns)["finished"] <= AFFORDABLE
    assert half_sent(rig.world(credits_given=CREDITS), campaigns) == []
    rig.settle()
    rig.receive()
    assert _states(rig, campaigns) == {"finished": AFFORDABLE, "held": UNAFFORDABLE}
    assert _holds(rig, campaigns) == {None: AFFORDABLE, HoldReason.CREDITS: UNAFFORDABLE}
    assert rig.sandbox.credits == 4
    assert _refused_posts(rig, campaigns) == 0
    world = rig.world(credits_given=CREDITS)
    assert violations(world, campaigns) + half_sent(world, campaigns) == []


def test_a_top_up_releases_the_campaigns_that_were_held(rig: Rig) -> None:
    rig.sandbox.control("POST", "credits", {"credits": CREDITS})
    campaigns = [rig.submit(RECIPIENTS) for _ in range(SUBMITTERS)]
    rig.settle()
    assert _holds(rig, campaigns)[HoldReason.CREDITS] == UNAFFORDABLE

    top_up = UNAFFORDABLE * RECIPIENTS
    rig.sandbox.control("POST", "credits", {"add": top_up})
    rig.settle()
    rig.receive()

    assert _states(rig, campaigns) == {"finished": SUBMITTERS}
    assert rig.sandbox.credits == 4
    world = rig.world(credits_given=CREDITS + top_up)
    assert violations(world, campaigns, settled={CampaignState.FINISHED}) == []


def _states(rig: Rig, campaigns: Sequence[str]) -> Counter[str]:
    return Counter(
        rig.account.store.campaigns.status(campaign).state.value for campaign in campaigns
    )


def _holds(rig: Rig, campaigns: Sequence[str]) -> Counter[HoldReason | None]:
    return Counter(rig.account.store.campaigns.status(campaign).hold for campaign in campaigns)


def _refused_posts(rig: Rig, campaigns: Sequence[str]) -> int:
    """Count the POSTs that were made although there were too few credits for them."""
    events = (event for name in campaigns for event in rig.account.store.events.all(name))
    return sum(event.old == "sending" and event.new == "ready" for event in events)
