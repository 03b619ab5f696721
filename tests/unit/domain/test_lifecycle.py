import enum
from collections.abc import Mapping
from typing import TypeVar

import pytest

from dispatcher.domain.lifecycle import (
    BATCH_MOVES,
    CAMPAIGN_MOVES,
    TERMINAL,
    BatchState,
    CampaignState,
    HoldReason,
)

C, B = CampaignState, BatchState


State = TypeVar("State", bound=enum.Enum)


def reachable(moves: Mapping[State, frozenset[State]], start: State) -> set[State]:
    found = {start}
    while new := {end for state in found for end in moves[state]} - found:
        found |= new
    return found


def test_every_state_is_in_the_tables() -> None:
    assert CAMPAIGN_MOVES.keys() == set(CampaignState)
    assert BATCH_MOVES.keys() == set(BatchState)


def test_every_campaign_state_is_reached_from_queued() -> None:
    assert reachable(CAMPAIGN_MOVES, C.QUEUED) == set(CampaignState)


def test_every_batch_state_is_reached_from_ready() -> None:
    assert reachable(BATCH_MOVES, B.READY) == set(BatchState)


def test_nothing_leaves_the_end() -> None:
    assert {state for state, ends in CAMPAIGN_MOVES.items() if not ends} == TERMINAL
    assert BATCH_MOVES[B.ACCEPTED] == frozenset()


def test_a_batch_that_may_have_been_sent_goes_back_only_by_way_of_its_claim() -> None:
    ways_to_ready = {state for state, ends in BATCH_MOVES.items() if B.READY in ends}
    ways_to_sending = {state for state, ends in BATCH_MOVES.items() if B.SENDING in ends}

    assert ways_to_ready == {B.SENDING, B.UNKNOWN, B.WITHDRAWING}
    assert ways_to_sending == {B.READY}


def test_only_what_the_api_has_for_later_can_be_taken_back() -> None:
    ways_to_withdrawing = {state for state, ends in BATCH_MOVES.items() if B.WITHDRAWING in ends}
    ways_to_doubtful = {state for state, ends in BATCH_MOVES.items() if B.DOUBTFUL in ends}

    assert ways_to_withdrawing == {B.SCHEDULED}
    assert ways_to_doubtful == {B.WITHDRAWING}


def test_a_batch_is_stopped_here_only_while_it_waits_here() -> None:
    ways_to_cancelled = {state for state, ends in BATCH_MOVES.items() if B.CANCELLED in ends}
    ways_to_expired = {state for state, ends in BATCH_MOVES.items() if B.EXPIRED in ends}

    assert ways_to_cancelled == {B.READY, B.WITHDRAWING}
    assert ways_to_expired == {B.READY}


def test_a_campaign_that_was_sent_cannot_be_cancelled() -> None:
    assert CAMPAIGN_MOVES[C.SENT] == {C.FINISHED}


def test_a_campaign_that_is_being_cancelled_never_sends_again() -> None:
    assert CAMPAIGN_MOVES[C.CANCELLING] == {C.CANCELLED, C.SENT}


@pytest.mark.parametrize("states", [CampaignState, BatchState, HoldReason])
def test_values_are_words_that_fit_into_a_script(states: type[enum.Enum]) -> None:
    values = [member.value for member in states]

    assert all(value.replace(" ", "").isalpha() and value.islower() for value in values)
    assert len(set(values)) == len(values)
