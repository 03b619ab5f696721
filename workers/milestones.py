import enum
from collections.abc import Callable


class Milestone(enum.Enum):
    """The points of the protocol between which a worker may die; each is traced when passed."""

    QUOTE_CLAIMED = "quote claimed"
    SIMULATED = "simulated"
    QUOTED = "quoted"
    CLAIMED = "claimed"
    CONNECTED = "connected"
    WRITTEN = "written"
    ANSWERED = "answered"
    RECORDED = "recorded"


Trace = Callable[[Milestone, str, int], None]
"""Told of each milestone with the campaign's id and the batch's number."""
