"""Queues, quotes, sends and follows SMS campaigns through the SMSFactor API."""

from dispatcher.domain.campaign import (
    BadRows,
    Campaign,
    CampaignStatus,
    Event,
    Recipient,
    RecipientResult,
)
from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import BatchState, CampaignState, HoldReason
from dispatcher.domain.message import PushType
from dispatcher.errors import (
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
    WaitTimeoutError,
)
from dispatcher.producer import Dispatcher
from dispatcher.settings import Settings

__all__ = [
    "BadRows",
    "BatchState",
    "Campaign",
    "CampaignState",
    "CampaignStatus",
    "ConflictError",
    "Dispatcher",
    "DispatcherError",
    "Disposition",
    "Event",
    "HoldReason",
    "InputError",
    "Problem",
    "PushType",
    "Recipient",
    "RecipientResult",
    "RecipientState",
    "Settings",
    "SettingsError",
    "StateError",
    "StoreError",
    "StoreFullError",
    "StoreUnavailableError",
    "StoreUnsafeError",
    "UnconfirmedSubmitError",
    "UnknownCampaignError",
    "WaitTimeoutError",
]
