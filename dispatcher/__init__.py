"""Queues, quotes, sends and follows SMS campaigns through the SMSFactor API."""

from dispatcher.checking import Check
from dispatcher.domain.campaign import (
    BadRows,
    Campaign,
    CampaignStatus,
    Event,
    Recipient,
    RecipientResult,
)
from dispatcher.domain.census import Forcing, Sample, TextSummary
from dispatcher.domain.damage import Damage
from dispatcher.domain.explanation import Explanation, Step
from dispatcher.domain.fates import RecipientState
from dispatcher.domain.feed import EventKind, Extent, FeedEvent, RecipientNews
from dispatcher.domain.lifecycle import BatchState, CampaignState, HoldReason
from dispatcher.domain.message import PushType
from dispatcher.domain.occurrences import CatchUp
from dispatcher.domain.quotes import CampaignQuote, Simulation
from dispatcher.domain.replies import Reply, Verdict
from dispatcher.domain.routes import Kept, Render
from dispatcher.domain.schedules import (
    FromFile,
    FromTask,
    Handled,
    Outcome,
    Overlap,
    Planned,
    Schedule,
    ScheduleState,
    ScheduleStatus,
)
from dispatcher.domain.selection import Selection
from dispatcher.domain.stop_words import Intent
from dispatcher.domain.unknowns import Decision, OnUnknown, UnknownBatch, UnknownTally
from dispatcher.errors import (
    ApiError,
    ConflictError,
    DispatcherError,
    Disposition,
    InputError,
    Problem,
    SettingsError,
    StateError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
    StoreUnsafeError,
    UnconfirmedSubmitError,
    UnknownCampaignError,
    UnknownRecipientError,
    UnknownReplyError,
    UnknownScheduleError,
    WaitTimeoutError,
)
from dispatcher.producer import Dispatcher
from dispatcher.quoting import Observer
from dispatcher.resending import Changes, Resend
from dispatcher.settings import Settings

__all__ = [
    "ApiError",
    "BadRows",
    "BatchState",
    "Campaign",
    "CampaignQuote",
    "CampaignState",
    "CampaignStatus",
    "CatchUp",
    "Changes",
    "Check",
    "ConflictError",
    "Damage",
    "Decision",
    "Dispatcher",
    "DispatcherError",
    "Disposition",
    "Event",
    "EventKind",
    "Explanation",
    "Extent",
    "FeedEvent",
    "Forcing",
    "FromFile",
    "FromTask",
    "Handled",
    "HoldReason",
    "InputError",
    "Intent",
    "Kept",
    "Observer",
    "OnUnknown",
    "Outcome",
    "Overlap",
    "Planned",
    "Problem",
    "PushType",
    "Recipient",
    "RecipientNews",
    "RecipientResult",
    "RecipientState",
    "Render",
    "Reply",
    "Resend",
    "Sample",
    "Schedule",
    "ScheduleState",
    "ScheduleStatus",
    "Selection",
    "Settings",
    "SettingsError",
    "Simulation",
    "StateError",
    "Step",
    "StoreError",
    "StoreFullError",
    "StoreUnavailableError",
    "StoreUnsafeError",
    "TextSummary",
    "UnconfirmedSubmitError",
    "UnknownBatch",
    "UnknownCampaignError",
    "UnknownRecipientError",
    "UnknownReplyError",
    "UnknownScheduleError",
    "UnknownTally",
    "Verdict",
    "WaitTimeoutError",
]
