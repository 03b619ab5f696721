from dispatcher.smsfactor.account import NewAccount
from dispatcher.smsfactor.client import SmsFactor
from dispatcher.smsfactor.credentials import Credentials
from dispatcher.smsfactor.dialect import Dialect
from dispatcher.smsfactor.exchange import Deadlines, Phase
from dispatcher.smsfactor.lists import NewContact
from dispatcher.smsfactor.live import WebhookType
from dispatcher.smsfactor.refusals import TooManyRequestsError
from dispatcher.smsfactor.replies import (
    CampaignPage,
    CampaignRecord,
    CancelReply,
    Contact,
    ContactList,
    ListReply,
    SendReply,
    Webhook,
)
from dispatcher.smsfactor.sending import Destination
from dispatcher.smsfactor.wire import Wire

__all__ = [
    "CampaignPage",
    "CampaignRecord",
    "CancelReply",
    "Contact",
    "ContactList",
    "Credentials",
    "Deadlines",
    "Destination",
    "Dialect",
    "ListReply",
    "NewAccount",
    "NewContact",
    "Phase",
    "SendReply",
    "SmsFactor",
    "TooManyRequestsError",
    "Webhook",
    "WebhookType",
    "Wire",
]
