"""The checkers find what is wrong: each case spoils one thing of a finished campaign."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dispatcher.store.keys import Key
from tests.faults.rig import Rig
from tests.support.invariants import World, violations

Spoil = Callable[[Rig, str, World], World]


def _in_redis(key: Key, field: str, by: int) -> Spoil:
    """Move a figure of the account's or the campaign's."""

    def spoil(rig: Rig, campaign: str, world: World) -> World:
        name = rig.keys.of(key) if key is Key.ACCOUNT else rig.keys.of(key, campaign)
        rig.client.hincrby(name, field, by)
        return world

    return spoil


def _accepted_again(_rig: Rig, _campaign: str, world: World) -> World:
    again = {**world.ledger[0], "ticket": "7"}
    return replace(world, ledger=[*world.ledger, again], credits_left=world.credits_left - 3)


def _never_accepted(_rig: Rig, _campaign: str, world: World) -> World:
    return replace(world, ledger=world.ledger[1:], credits_left=world.credits_left + 3)


def _sent_by_a_stranger(_rig: Rig, _campaign: str, world: World) -> World:
    message = {**world.ledger[0]["messages"][0], "gsmsmsid": "1"}
    entry = {"ticket": "7", "state": "sent", "cost": 0, "messages": [message]}
    return replace(world, ledger=[*world.ledger, entry])


def _taken_back_unbeknown_to_us(_rig: Rig, _campaign: str, world: World) -> World:
    first = world.ledger[0]
    return replace(
        world,
        ledger=[{**first, "state": "cancelled"}, *world.ledger[1:]],
        credits_left=world.credits_left + first["cost"],
    )


def _debited_for_nothing(_rig: Rig, _campaign: str, world: World) -> World:
    return replace(world, credits_left=world.credits_left - 1)


def _overdrawn(_rig: Rig, _campaign: str, world: World) -> World:
    return replace(world, credits_left=-1)


def _a_forbidden_move(rig: Rig, campaign: str, world: World) -> World:
    event: Any = {"at": 0, "what": "batch 0", "from": "accepted", "to": "ready", "detail": ""}
    rig.client.xadd(rig.keys.of(Key.EVENTS, campaign), event)
    return world


def _an_alarm(rig: Rig, _campaign: str, world: World) -> World:
    rig.client.xadd(rig.keys.of(Key.ALARMS), {"what": "anything"})
    return world


def _a_claim_left_over(rig: Rig, campaign: str, world: World) -> World:
    rig.client.hset(rig.keys.of(Key.CLAIMS), "token", f"{campaign}/0")
    rig.client.zadd(rig.keys.of(Key.INFLIGHT), {f"{campaign}/0": 1})
    rig.client.zadd(rig.keys.of(Key.UNKNOWN), {f"{campaign}/0": 1})
    return world


CASES: dict[str, tuple[Spoil, str]] = {
    "a batch accepted twice": (_accepted_again, "was accepted 2 times"),
    "a recipient sent to twice": (_accepted_again, "was sent to 2 times"),
    "a ticket out of thin air": (_never_accepted, "is accepted, but not in the ledger"),
    "a batch that was taken back": (_taken_back_unbeknown_to_us, "but not in the ledger"),
    "a message that is not ours": (_sent_by_a_stranger, "1 messages carry no id of ours"),
    "credits that are missing": (_debited_for_nothing, "balance is 99994 after 5 of 100000"),
    "a balance below zero": (_overdrawn, "balance is -1"),
    "a reservation left over": (_in_redis(Key.ACCOUNT, "reserved", 1), "reserved 1, at stake 0"),
    "a stake left over": (_in_redis(Key.ACCOUNT, "exposed", 1), "exposed 1, at stake 0"),
    "a sum that is off": (_in_redis(Key.ACCOUNT, "spent", 1), "spent 6, 0 returned"),
    "a return that never was": (_in_redis(Key.ACCOUNT, "returned", 1), "spent 5, 1 returned"),
    "credits from nowhere": (_in_redis(Key.ACCOUNT, "balance", 1), "99996 credits promised"),
    "a cost that is off": (_in_redis(Key.CAMPAIGN, "cost", 1), "campaigns cost 6, batches 5"),
    "a recipient too many": (_in_redis(Key.CAMPAIGN, "f:13", 1), "do not add up"),
    "an alarm of a campaign": (_in_redis(Key.CAMPAIGN, "alarms", 1), "1 alarms"),
    "an alarm": (_an_alarm, "alarms were raised"),
    "a move that is forbidden": (_a_forbidden_move, "batch 0: accepted to ready"),
    "a claim left over": (_a_claim_left_over, "claims are left over"),
    "a batch still in flight": (_a_claim_left_over, "batches are still in flight"),
    "an unknown batch too many": (_a_claim_left_over, "the list of unknown batches is wrong"),
}


@pytest.mark.parametrize(("spoil", "words"), CASES.values(), ids=CASES)
def test_what_is_wrong_is_found(rig: Rig, spoil: Spoil, words: str) -> None:
    campaign = rig.submit(5)
    rig.settle()
    rig.receive()
    assert violations(rig.world(), [campaign]) == []

    found = violations(spoil(rig, campaign, rig.world()), [campaign])

    assert any(words in violation for violation in found), found


def test_a_lost_campaign_is_found(rig: Rig) -> None:
    assert violations(rig.world(), ["never-submitted"]) == ["never-submitted is lost"]


def test_a_campaign_that_stands_still_is_found(rig: Rig) -> None:
    campaign = rig.submit(5)

    assert violations(rig.world(), [campaign]) == [f"{campaign} stands still as queued"]
