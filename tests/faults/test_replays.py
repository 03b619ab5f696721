"""Every script twice with the same arguments, as redis-py's retry after a lost answer does."""

from itertools import chain

import pytest

from dispatcher.store.scripts import Script
from tests.faults.replaying_redis import ReplayingRedis
from tests.faults.rig import Rig
from tests.faults.scenarios import SITUATIONS, Scenario
from tests.support.invariants import SETTLED, violations

EXPECTED_CHANGES = {
    # A batch more is leased, and simulated a lease later.
    Script.CLAIM_QUOTE: "waiting: ",
    # The next try comes later.
    Script.FAIL_QUOTE: "campaign: tries",
    # Some more campaigns that are older than the count are entered.
    Script.TICK: "account: counted",
}

# `test_list_replays` runs these.
_OF_LISTS = {
    Script.FILL,
    Script.ADVANCE_LIST,
    Script.KEEP_EARLY,
    Script.FIRST_SEQUENCE,
    Script.CLAIM_CLEANUP,
    Script.END_CLEANUP,
}

# What each scenario has to show: running one costs far more than looking at it again.
SHOWN: dict[Scenario, list[tuple[Script, str]]] = {}
for _script, _situations in SITUATIONS.items():
    for _situation, _scenario in _situations.items():
        SHOWN.setdefault(_scenario, []).append((_script, _situation))

# `test_fate_replays` runs these.
_OF_FATES = {
    Script.CLAIM_CHECK,
    Script.RECOUNT,
    Script.RECORD_CHECK,
    Script.CLAIM_UNNAMED,
    Script.GIVE_UP_NAMING,
}

# `test_suppression_replays` runs these.
_OF_SUPPRESSIONS = {
    Script.LIFT,
    Script.SETTLE_LIFTS,
    Script.FORGET_SUPPRESSED,
    Script.CUT,
    Script.BEGIN_SYNC,
}

# These go on where they were cut off, as their own tests show.
_OF_RETENTION = {Script.RETAIN, Script.ERASE_SCHEDULE}

# Begun anew twice, a count is the same in the end, as its own tests show.
_OF_COUNTS = {Script.COUNT_ANEW}

# Beside those that need a barrier; what it counts means nothing.
_OF_BARRIERS = {Script.MARK}

# A secret that is there stays: run by connections that know no scripts.
_BARE = {Script.SECRET}


@pytest.mark.parametrize("scenario", SHOWN, ids=lambda scenario: scenario.__name__)
def test_a_second_run_changes_nothing(
    scenario: Scenario, replaying: tuple[Rig, ReplayingRedis]
) -> None:
    rig, client = replaying

    campaigns = scenario(rig)
    rig.receive()

    for script, situation in SHOWN[scenario]:
        replays = [r for r in client.replays if (r.script, r.situation) == (script, situation)]
        assert replays, (script, situation)
        changes = chain.from_iterable(replay.changes for replay in replays)
        expected = EXPECTED_CHANGES.get(script, "nothing")
        assert [change for change in changes if not change.startswith(expected)] == [], script
    assert violations(rig.world(), campaigns, settled=SETTLED) == []


def test_every_script_is_run_twice() -> None:
    elsewhere = _OF_LISTS | _OF_SUPPRESSIONS | _OF_FATES | _OF_RETENTION | _BARE
    elsewhere |= _OF_COUNTS | _OF_BARRIERS
    assert set(Script) - set(SITUATIONS) == elsewhere
