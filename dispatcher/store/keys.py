"""Every key in Redis: its name, type, content and lifetime.

What ends with a campaign, and how one person is erased from what is kept, `families` says.

All keys of an account start with `<namespace>:{<account>}:`. The braces are a cluster's
hash tag: one script may touch a campaign and its account's credits together, and accounts
spread over nodes.
"""

import enum


class Key(enum.Enum):
    """A family of keys; those ending in a colon are followed by ids."""

    ACCOUNT = "account"
    """HASH, for ever: balance, reserved, exposed, spent, parked, sequence, run_id,
    suppression_version, synced_at; what `gates.lua` keeps of lost answers:
    breaker_at, probe, fresh, quiet_until, serial_until, unknown_credits, posts, guessed,
    guesses, withdrawn_at, reconcile_at, debits_until; for whoever watches: ticked_at, renudges,
    leases_lost, and count, counted of what `standing.lua` keeps; what `pacing.lua` keeps: rate
    (segments a second, absent without a budget), paced_until, paced_at, turn, limited_until,
    lowered_to, lowered_at, limits_in_row, lead (ms sooner than usual that workers begin), lead_at,
    and since ever rate_waits (slots that were waited for), rate_waited_ms, rate_lowered (pauses
    the API asked for). Whoever watches may read it
    all, so ticks take out what earlier versions kept here: receipt_key, suppression_key, and
    parted_at, since when these are elsewhere."""

    RECEIPT_KEY = "receipt_key"
    """STRING, for ever: the secret that signs the account's `gsmsmsid`s."""

    SUPPRESSION_KEY = "suppression_key"
    """STRING, for ever: the secret of the digests of its suppression list."""

    GLANCE = "glance"
    """STRING, for ever: what is shown of keys that whoever watches may not read, for they hold
    texts and numbers too, as the last tick saw it; see `Glance`."""

    TALLY = "tally"
    """HASH, for ever: how many campaigns are over by state, and batches, of whatever campaign there
    is a record of, by `batch <state>`."""

    STANDING = "standing:"
    """ZSET campaign -> since ms, per state, `held <reason>` for held ones: those not over."""

    CAMPAIGNS = "campaigns"
    """ZSET campaign -> created ms: the account's campaigns in order."""

    AGENDA = "agenda"
    """ZSET campaign -> ms of the next look: what a tick should nudge if it does not move."""

    HELD = "held"
    """ZSET campaign -> ms: held campaigns that a credit check may release."""

    INFLIGHT = "inflight"
    """ZSET `campaign/batch` -> deadline ms: batches in state `sending`."""

    SLOTS = "slots"
    """ZSET `weight campaign/batch attempt` -> ms: POSTs under a budget, of about a second."""

    TURNS = "turns"
    """ZSET campaign -> virtual time, in segments: whose turn is next under a budget."""

    UNKNOWN = "unknown"
    """ZSET `campaign/batch` -> since ms: batches in state `unknown`."""

    ASSUMPTIONS = "assumptions"
    """ZSET `campaign/batch` -> ms: unknown batches that count as sent from then on."""

    ANSWERED = "answered"
    """ZSET ticket -> when its batch was claimed, ms, for eight days: which tickets are ours."""

    UNTICKETED = "unticketed"
    """ZSET `campaign/batch` -> when it was claimed, ms, for eight days: batches of unknown outcome
    that were settled without a ticket, so that a campaign the API lists may be theirs."""

    AUDIT = "audit"
    """HASH, for ever: readings of a dedicated account's balance; see `workers.steps.audit`."""

    DUE = "due"
    """ZSET `campaign/batch` -> its time, ms: batches in state `scheduled`."""

    WITHDRAWALS = "withdrawals"
    """ZSET `campaign/batch` -> not before ms: batches in state `withdrawing`."""

    ALARM_CLOCK = "alarm_clock"
    """ZSET campaign -> ms: campaigns held until it is time to hand them to the API."""

    DEADLINES = "deadlines"
    """ZSET campaign -> ms: campaigns that expire unless they are sent by then."""

    CLAIMS = "claims"
    """HASH operation token -> `campaign/batch`, while sending: makes a claim replayable."""

    ENDED = "ended"
    """ZSET operation token -> ms, for an hour: claims that are over, which get no other batch."""

    RANGES = "ranges"
    """ZSET campaign -> number of its first recipient: finds the campaign of a receipt."""

    TICKETS = "tickets"
    """HASH ticket -> `campaign/batch`, of batches sent to a list: finds their receipts."""

    EARLY = "early:"
    """LIST of receipts that came before the answer with their ticket, 14 days."""

    EARLY_TICKETS = "early_tickets"
    """ZSET ticket -> ms of its last receipt, 14 days: those that `EARLY` keeps receipts of."""

    SCHEDULES = "schedules"
    """ZSET schedule -> created ms, for ever: the account's schedules in order."""

    SCHEDULES_DUE = "schedules_due"
    """ZSET schedule -> ms of its next occurrence, or of the end of a ticker's lease."""

    AWAITED = "awaited"
    """ZSET campaign -> ms of the next look: occurrences that a producer is asked to submit."""

    UNANSWERED = "unanswered"
    """SET `campaign/batch`: batches sent to a list whose ticket is not known yet."""

    CLEANUP = "cleanup"
    """ZSET campaign -> not before ms: ended campaigns whose lists are to be emptied."""

    CHECKS = "checks"
    """ZSET campaign -> ms of its next check; until it is over and receipts are too."""

    UNNAMED = "unnamed"
    """ZSET `campaign/batch` -> not before ms: the API left people out, and not known whom."""

    HEARD = "heard"
    """STREAM of packs of receipts as they were merged; the newest million receipts."""

    OVER = "over"
    """ZSET campaign -> ms when it was over; until its people and texts are erased."""

    ERASED = "erased"
    """ZSET campaign -> ms when it was over: only its totals are kept, until its record goes."""

    ERASURES = "erasures"
    """ZSET `campaign/batch` -> ms since when people in it are to be erased once it is settled."""

    FORGOTTEN = "forgotten"
    """ZSET keyed digest of a number -> ms, 14 days: who was erased; what still comes is dropped."""

    ERASURE_LOG = "erasure_log"
    """STREAM of what erasing somebody came to, without who; newest 10,000."""

    RECEIPTS = "receipts"
    """STREAM of receipts as received, until merged."""

    PARKED = "parked"
    """STREAM of receipts that match nothing of ours; newest 100,000, 14 days."""

    POSTED_REPLIES = "posted_replies"
    """STREAM of replies as received, until linked to campaigns."""

    LINKING = "linking"
    """STRING: a worker links replies; half a minute."""

    REPLIES = "replies"
    """ZSET reply -> ms it was written: replies in order, as long as campaigns are kept."""

    REVIEW = "review"
    """ZSET reply -> ms it was written: those a person has to read."""

    QUARANTINE = "quarantine"
    """STREAM of bodies that are no receipts or replies, with the hook; newest 10,000, 14 days."""

    MALFORMED = "malformed"
    """HASH hook -> how many bodies could not be read, for ever."""

    ALARMS = "alarms"
    """STREAM of contradictions between what we believed and what was proven; newest 10,000."""

    SUPPRESSIONS = "suppressions"
    """HASH digest of a number -> its record, until removed: who must not be sent to."""

    LIFTED = "lifted"
    """HASH digest of a number -> when, who, why: those removed, until listed again."""

    SUPPRESSION_LOG = "suppression_log"
    """STREAM `<version>-0` of changes of the list, digests only; about the newest 2,000."""

    UPLOAD = "upload:"
    """HASH batch number -> packed recipients, per upload; one hour unless submitted."""

    SCHEDULE = "schedule:"
    """HASH, per schedule: the record; see `Schedules`."""

    AUDIENCE = "audience:"
    """HASH batch number -> packed recipients, per schedule whose audience is frozen."""

    HISTORY = "history:"
    """LIST, per schedule: what became of the newest 100 occurrences."""

    CAMPAIGN = "campaign:"
    """HASH, per campaign: the record; see `Campaigns`. Its totals outlive its recipients."""

    RECIPIENTS = "recipients:"
    """HASH batch number -> packed recipients, per campaign."""

    STARTS = "starts:"
    """STRING, four bytes per batch: position of its first recipient; if batches differ in size."""

    FATES = "fates:"
    """STRING, a byte per recipient of the campaign; see `domain.fates`."""

    TIMES = "times:"
    """STRING, four bytes per recipient: seconds since 1970 of the receipt in `FATES`."""

    BATCH = "batch:"
    """HASH, per campaign and batch number, from its quote on: state, quote, ticket, cost."""

    LISTS = "lists:"
    """HASH batch number -> progress of its upload to a list of the account; see `ContactLists`."""

    WAITING = "waiting:"
    """ZSET batch number -> not before ms, per campaign: batches to quote, then to send."""

    REPLY = "reply:"
    """HASH, per reply: number, sender, text, at, intent, campaign, verdict, by, judged_at."""
    PRODUCER = "producer:"
    """HASH, per producer, for ever: sequence, born; how its callbacks stand: see `Callbacks`."""

    OUTBOX = "outbox:"
    """STREAM, per producer: what happened, `<sequence>-0` each; capped by count and age."""

    OUTBOX_LOOKS = "outbox_looks"
    """ZSET producer -> ms of the next look for entries of its outbox that are too old."""

    TOLD = "told"
    """ZSET token -> ms, for an hour: what was told from outside of the scripts; told once."""

    LANES = "lanes:"
    """ZSET, per producer: lane (a campaign) -> not before ms: callbacks to be tried (again)."""

    LANE = "lane:"
    """LIST, per producer and lane: numbers in its outbox, to be delivered in this order."""

    DEAD = "dead:"
    """STREAM, per producer: callbacks that were given up; newest 10,000, for 30 days."""

    EVENTS = "events:"
    """STREAM of transitions, per campaign; about the newest 20,000."""


class Keys:
    """Names of one account's keys."""

    def __init__(self, namespace: str, account: str) -> None:
        self.account_name = account
        self.prefix = f"{namespace}:{{{account}}}:"

    def of(self, key: Key, *ids: str | int) -> str:
        """Give the full name of a key."""
        return self.prefix + key.value + ":".join(str(part) for part in ids)
