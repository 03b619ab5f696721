"""Every key in Redis: its name, type, content and lifetime.

All keys of an account start with `<namespace>:{<account>}:`. The braces are a cluster's
hash tag: one script may touch a campaign and its account's credits together, and accounts
spread over nodes.
"""

import enum


class Key(enum.Enum):
    """A family of keys; those ending in a colon are followed by ids."""

    ACCOUNT = "account"
    """HASH, for ever: balance, reserved, exposed, spent, parked, sequence, run_id, receipt_key."""

    CAMPAIGNS = "campaigns"
    """ZSET campaign -> created ms, for ever: the account's campaigns in order."""

    AGENDA = "agenda"
    """ZSET campaign -> ms of the next look: what a tick should nudge if it does not move."""

    HELD = "held"
    """ZSET campaign -> ms: held campaigns that a credit check may release."""

    INFLIGHT = "inflight"
    """ZSET `campaign/batch` -> deadline ms: batches in state `sending`."""

    UNKNOWN = "unknown"
    """ZSET `campaign/batch` -> ms: batches in state `unknown`."""

    CLAIMS = "claims"
    """HASH operation token -> `campaign/batch`, while sending: makes a claim replayable."""

    ENDED = "ended"
    """ZSET operation token -> ms, for an hour: claims that are over, which get no other batch."""

    RANGES = "ranges"
    """ZSET campaign -> number of its first recipient: finds the campaign of a receipt."""

    RECEIPTS = "receipts"
    """STREAM of receipts as received, until merged."""

    PARKED = "parked"
    """STREAM of receipts that match nothing of ours; newest 100,000."""

    QUARANTINE = "quarantine"
    """STREAM of bodies that are no receipts; newest 10,000."""

    ALARMS = "alarms"
    """STREAM of contradictions between what we believed and what was proven; newest 10,000."""

    UPLOAD = "upload:"
    """HASH batch number -> packed recipients, per upload; one hour unless submitted."""

    CAMPAIGN = "campaign:"
    """HASH, per campaign: the record; see `Campaigns`."""

    RECIPIENTS = "recipients:"
    """HASH batch number -> packed recipients, per campaign."""

    FATES = "fates:"
    """STRING, a byte per recipient of the campaign; see `domain.fates`."""

    TIMES = "times:"
    """STRING, four bytes per recipient: seconds since 1970 of the receipt in `FATES`."""

    BATCH = "batch:"
    """HASH, per campaign and batch number, from its quote on: state, quote, ticket, cost."""

    WAITING = "waiting:"
    """ZSET batch number -> not before ms, per campaign: batches to quote, then to send."""

    EVENTS = "events:"
    """STREAM of transitions, per campaign; about the newest 20,000."""


class Keys:
    """Names of one account's keys."""

    def __init__(self, namespace: str, account: str) -> None:
        self.account_name = account
        self._prefix = f"{namespace}:{{{account}}}:"

    def of(self, key: Key, *ids: str | int) -> str:
        """Give the full name of a key."""
        return self._prefix + key.value + ":".join(str(part) for part in ids)
