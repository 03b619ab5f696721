"""The scripts of checks, of naming and of resends twice; see `test_replays`."""

from dataclasses import replace
from itertools import chain

import pytest

from dispatcher.domain.fates import Receipt
from dispatcher.store.scripts import Script
from tests.faults.replaying_redis import ReplayingRedis
from tests.faults.rig import Rig
from workers.milestones import Milestone
from workers.steps.conservation import check_next
from workers.steps.naming import name_next
from workers.steps.progress import Progress
from workers.steps.send import send_next

OF_FATES = {
    Script.CLAIM_CHECK,
    Script.RECOUNT,
    Script.RECORD_CHECK,
    Script.CLAIM_UNNAMED,
    Script.GIVE_UP_NAMING,
}
RECIPIENTS = 5
TEN_MINUTES = 600

# What only costs time, or is asked for by no one else.
EXPECTED_CHANGES: dict[Script, str | tuple[str, ...]] = {
    # One campaign more is taken, and checked ten minutes later.
    Script.CLAIM_CHECK: "checks: ",
    # The next try comes later.
    Script.CLAIM_UNNAMED: ("unnamed: ", "batch: name_tries"),
}


class DiedError(BaseException):
    """The worker is gone."""


def test_a_second_run_changes_nothing(replaying: tuple[Rig, ReplayingRedis]) -> None:
    rig, client = replaying
    left_out = _left_out_by_a_worker_that_died(rig)
    rig.advance(TEN_MINUTES)
    while name_next(rig.account) is Progress.MADE:
        rig.advance(TEN_MINUTES)
    rig.account.store.unnamed.give_up(left_out, 0, why="nobody knows")
    rig.settle()
    _resend(rig, left_out)
    rig.advance(TEN_MINUTES)
    assert check_next(rig.account) is Progress.MADE

    for script in OF_FATES | {Script.SUBMIT, Script.EXCLUDE, Script.RECORD_SEND}:
        replays = [replay for replay in client.replays if replay.script is script]
        assert replays, script
        changes = chain.from_iterable(replay.changes for replay in replays)
        expected = EXPECTED_CHANGES.get(script, "nothing")
        assert [change for change in changes if not change.startswith(expected)] == [], script
    assert rig.account.store.campaigns.status(left_out).unnamed == 0
    assert len(rig.account.store.campaigns.status(left_out).resends) == 1


def _left_out_by_a_worker_that_died(rig: Rig) -> str:
    campaign = rig.submit_quoted(RECIPIENTS)
    number = next(rig.account.store.results.of(campaign)).number
    rig.sandbox.control("POST", "blacklist", {"destinations": [number]})

    def die(milestone: Milestone, *_: object) -> None:
        if milestone is Milestone.RECORDED:
            raise DiedError

    with pytest.raises(DiedError):
        send_next(replace(rig.account, trace=die), campaign)
    assert rig.account.store.campaigns.status(campaign).unnamed == 1
    return campaign


def _resend(rig: Rig, campaign: str) -> None:
    results = list(rig.account.store.results.of(campaign))
    status = rig.account.store.campaigns.status(campaign)
    rig.account.store.receipts.merge(
        [
            Receipt(sequence=1, code=2, ticket=results[1].ticket or "", at=status.created_at),
        ]
    )
    rig.resources.dispatcher.resend(campaign, ["undelivered"])
