"""The scripts of suppression twice with the same arguments; see `test_replays`."""

from itertools import chain

from dispatcher.store.scripts import Script
from tests.faults.replaying_redis import ReplayingRedis
from tests.faults.rig import Rig
from tests.support.invariants import SETTLED, violations
from tests.support.suppressed import suppress
from workers.milestones import Milestone

SITUATIONS = (
    (Script.SUPPRESS, ""),
    (Script.LIFT, ""),
    (Script.SETTLE_LIFTS, ""),
    (Script.FORGET_SUPPRESSED, ""),
    (Script.BEGIN_SYNC, ""),
    (Script.CUT, "sending"),
    (Script.BEGIN_POST, "sending"),
)
HOUR_MS = 3_600_000


def test_a_second_run_changes_nothing(replaying: tuple[Rig, ReplayingRedis]) -> None:
    rig, client = replaying
    listed = rig.account.store.suppressions
    cut_short, cut_to_nobody = rig.submit_quoted(5), rig.submit_quoted(3)
    first, *_ = rig.account.store.batches.numbers(cut_short, 0)
    everybody = rig.account.store.batches.numbers(cut_to_nobody, 0)
    rig.interrupt.at(Milestone.CLAIMED, lambda: suppress(listed, first, *everybody))
    rig.settle()
    rig.receive()
    rig.settle()
    listed.forget(first)
    listed.remove(first, reason="asked to", by="anybody")
    assert listed.begin_sync(interval_ms=HOUR_MS) is False
    rig.resources.dispatcher.suppressions.sync()

    for script, situation in SITUATIONS:
        replays = [r for r in client.replays if (r.script, r.situation) == (script, situation)]
        assert replays, (script, situation)
        changes = list(chain.from_iterable(replay.changes for replay in replays))
        assert changes == [], script
    assert violations(rig.world(), [cut_short, cut_to_nobody], settled=SETTLED) == []
    statuses = [rig.account.store.campaigns.status(id_) for id_ in (cut_short, cut_to_nobody)]
    assert [status.reasons for status in statuses] == [{"suppressed": 1}, {"suppressed": 3}]
    assert [status.cost for status in statuses] == [4, 0]
