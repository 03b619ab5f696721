from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dispatcher.domain.lifecycle import CampaignState


@dataclass(frozen=True, kw_only=True, slots=True)
class Nudge:
    """A campaign that may move on.

    Attributes:
        campaign: its id.
        state: where it stands, which tells what is next.
        waiting: how many of its batches wait to be taken.
    """

    campaign: str
    state: CampaignState
    waiting: int


def read_nudge(campaign: str, reply: Sequence[Any]) -> Nudge:
    """Read the {state, waiting} that scripts reply."""
    state, waiting = reply
    return Nudge(campaign=campaign, state=CampaignState(state.decode()), waiting=waiting)
