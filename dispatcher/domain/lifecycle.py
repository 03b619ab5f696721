"""States of campaigns and batches, and the only moves between them.

The store's scripts are given these tables and refuse every other move.
"""

import enum
from collections.abc import Mapping


class CampaignState(enum.Enum):
    """Where a campaign stands."""

    QUEUED = "queued"
    """Durable, nothing done yet. The first quote claim moves it on."""

    QUOTING = "quoting"
    """Its batches are being simulated. The last quote reserves credits and moves it on."""

    SENDING = "sending"
    """Its whole cost is reserved and its batches go out."""

    HELD = "held"
    """It waits, for the reason in its `hold`; see `HoldReason` for who moves it on."""

    SCHEDULED = "scheduled"
    """The API has all of it and sends it at its time. A tick moves it on then."""

    CANCELLING = "cancelling"
    """Nothing more goes out; what the API has or may have is being taken back."""

    SENT = "sent"
    """Every batch is settled and one at least was accepted. Receipts finish it."""

    FINISHED = "finished"
    """Every recipient's fate is known, and they add up to the rows that came in."""

    CANCELLED = "cancelled"
    """Taken back before any batch went out."""

    EXPIRED = "expired"
    """It could not go out in time, so none of it did."""

    REJECTED = "rejected"
    """The API refused it; nothing of it was sent."""


class HoldReason(enum.Enum):
    """Why a campaign waits."""

    CREDITS = "credits"
    """Too few credits. Moves on by itself after a top-up (GET /credits is watched)."""

    CREDENTIALS = "credentials"
    """The API answered -1. Moves on by itself once the account's credentials work."""

    APPROVAL = "approval"
    """Quoted; a person or program has to approve the price or cancel."""

    TIME = "time"
    """Quoted; it is handed to the API shortly before its time. Moves on by itself."""

    WINDOW = "window"
    """Advertising may not go out at this hour. Moves on by itself when its window opens."""

    PAUSED = "paused"
    """A person or program paused it, and has to resume it."""

    OUTCOME_UNKNOWN = "outcome unknown"
    """All that could be sent was; the answer of a batch was lost. See `UNKNOWN` of batches."""


class BatchState(enum.Enum):
    """Where the recipients of one POST stand."""

    READY = "ready"
    """Not sent. A claim moves it to `sending`."""

    EMPTY = "empty"
    """Nobody in it is left to send to, so it is never posted."""

    SENDING = "sending"
    """Claimed: from here on it may have been posted. Never goes back without proof."""

    ACCEPTED = "accepted"
    """The API has it; there is a ticket."""

    SCHEDULED = "scheduled"
    """The API has it and sends it at its time; until then it can be taken back."""

    WITHDRAWING = "withdrawing"
    """It is being taken back (DELETE /send/:id), which may come too late."""

    DOUBTFUL = "doubtful"
    """Whether it was taken back in time is not known. A receipt shows that it was not."""

    REFUSED = "refused"
    """The API answered with a documented error: it was not sent."""

    UNKNOWN = "unknown"
    """It may or may not have been accepted. Only evidence or a person settles it."""

    ABANDONED = "abandoned"
    """A person gave up finding out whether it was sent; it is not sent again."""

    CANCELLED = "cancelled"
    """Cancelled before it was claimed, or taken back before its time."""

    EXPIRED = "expired"
    """It could not be sent in time, so it was not."""


C, B = CampaignState, BatchState

CAMPAIGN_MOVES: Mapping[CampaignState, frozenset[CampaignState]] = {
    C.QUEUED: frozenset({C.QUOTING, C.CANCELLED, C.EXPIRED}),
    C.QUOTING: frozenset({C.SENDING, C.HELD, C.REJECTED, C.CANCELLED, C.EXPIRED}),
    C.SENDING: frozenset(
        {C.HELD, C.SCHEDULED, C.SENT, C.REJECTED, C.CANCELLING, C.CANCELLED, C.EXPIRED}
    ),
    C.HELD: frozenset(
        {
            C.QUOTING,
            C.SENDING,
            C.SCHEDULED,
            C.SENT,
            C.REJECTED,
            C.CANCELLING,
            C.CANCELLED,
            C.EXPIRED,
        }
    ),
    C.SCHEDULED: frozenset({C.SENT, C.HELD, C.CANCELLING}),
    C.CANCELLING: frozenset({C.CANCELLED, C.SENT}),
    C.SENT: frozenset({C.FINISHED}),
    C.FINISHED: frozenset(),
    C.CANCELLED: frozenset(),
    C.EXPIRED: frozenset(),
    C.REJECTED: frozenset(),
}

# Every way to ACCEPTED but those from SENDING and UNKNOWN means that a proof contradicts
# what we believed; the scripts take the proof and raise an alarm.
BATCH_MOVES: Mapping[BatchState, frozenset[BatchState]] = {
    B.READY: frozenset({B.SENDING, B.EMPTY, B.CANCELLED, B.EXPIRED, B.REFUSED, B.ACCEPTED}),
    B.EMPTY: frozenset(),
    B.SENDING: frozenset({B.ACCEPTED, B.SCHEDULED, B.REFUSED, B.UNKNOWN, B.READY, B.EMPTY}),
    B.SCHEDULED: frozenset({B.ACCEPTED, B.WITHDRAWING}),
    B.WITHDRAWING: frozenset({B.CANCELLED, B.READY, B.ACCEPTED, B.DOUBTFUL}),
    B.DOUBTFUL: frozenset({B.ACCEPTED}),
    B.ACCEPTED: frozenset(),
    B.REFUSED: frozenset({B.ACCEPTED}),
    B.UNKNOWN: frozenset({B.ACCEPTED, B.SCHEDULED, B.REFUSED, B.READY, B.ABANDONED}),
    B.ABANDONED: frozenset({B.ACCEPTED}),
    B.CANCELLED: frozenset({B.ACCEPTED}),
    B.EXPIRED: frozenset({B.ACCEPTED}),
}

TERMINAL = frozenset({C.FINISHED, C.CANCELLED, C.EXPIRED, C.REJECTED})
"""States in which nothing more will be sent and nothing more is awaited."""
