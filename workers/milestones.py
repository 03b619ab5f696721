import enum
from collections.abc import Callable


class Milestone(enum.Enum):
    """The points of the protocol between which a worker may die; each is traced when passed."""

    CONTACTS_READ = "contacts read"
    CONTACTS_KEPT = "contacts kept"
    LIST_ANNOUNCED = "list announced"
    LIST_CREATED = "list created"
    CONTACTS_ADDED = "contacts added"
    UPLOAD_RECORDED = "upload recorded"
    DEDUPLICATED = "deduplicated"
    QUOTE_CLAIMED = "quote claimed"
    SIMULATED = "simulated"
    QUOTED = "quoted"
    CLAIMED = "claimed"
    CONNECTED = "connected"
    BEGUN = "begun"
    WRITTEN = "written"
    ANSWERED = "answered"
    RECORDED = "recorded"
    WITHDRAWAL_CLAIMED = "withdrawal claimed"
    WITHDRAWN = "withdrawn"
    SCHEDULE_CLAIMED = "schedule claimed"
    OCCURRENCE_PREPARED = "occurrence prepared"
    OCCURRENCE_SUBMITTED = "occurrence submitted"


Trace = Callable[[Milestone, str, int], None]
"""Told of each milestone with the campaign's or schedule's id and the batch's number."""
