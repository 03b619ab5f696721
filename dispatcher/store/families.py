"""How each family of keys ends, and where people are in it: one line for each.

Retention and erasure are driven by this table, so that a new family needs nothing else. What
holds people is told by how one of them is erased from it; see `Erasure`.
"""

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dispatcher.store.keys import Key


class Ends(enum.Enum):
    """When a family, or what is in it, is gone."""

    NEVER = "never"
    """It names the account's own, or is capped, and holds nobody."""

    LISTED = "listed"
    """Never by itself: who must not be sent to stays so, as a digest once they were erased."""

    BY_STATE = "by state"
    """A transition or a tick takes each entry out; none is left of what is over."""

    BY_LIFETIME = "by lifetime"
    """Each key expires by itself."""

    WITH_PEOPLE = "with people"
    """Per campaign; goes when its recipients and texts do."""

    WITH_BATCHES = "with batches"
    """Per batch of a campaign; goes with its recipients."""

    WITH_RECORD = "with record"
    """ZSET of campaigns; each goes with its record."""

    WITH_SCHEDULE = "with schedule"
    """Goes when its schedule is deleted, or has been over for as long as a campaign's record."""

    WITH_REPLIES = "with replies"
    """Each reply goes, and from its ZSETs, once it is as old as people are kept."""

    AS_STRANGERS = "as strangers"
    """Each entry goes when it is as old as what is kept of strangers."""

    AS_PEOPLE = "as people"
    """Each entry goes when it is as old as people are kept after their campaign."""


class People(enum.Enum):
    """How people are in a family."""

    NOBODY = "nobody"

    IN_CAMPAIGNS = "in campaigns"
    """Packed recipients of campaigns, which may still be to be sent to."""

    IN_BATCHES = "in batches"
    """HASH of packed recipients that belong to no campaign yet."""

    IN_ENTRIES = "in entries"
    """STREAM; entries about somebody are deleted."""

    IN_BODIES = "in bodies"
    """LIST of packed bodies; those about somebody are taken out."""

    IN_REPLIES = "in replies"
    """HASH, per reply; those about somebody are deleted."""

    ON_LISTS = "on lists"
    """HASH by digest; the number is blanked, and the digest stays: they are not sent to."""

    IN_PASSING = "in passing"
    """Workers are about to read it and delete it; there is nothing to do but wait."""


@dataclass(frozen=True, slots=True)
class Family:
    """One family of keys: when it ends, and who is in it."""

    ends: Ends
    people: People = People.NOBODY


FAMILIES: Mapping[Key, Family] = {
    Key.ACCOUNT: Family(Ends.NEVER),
    Key.RECEIPT_KEY: Family(Ends.NEVER),
    Key.SUPPRESSION_KEY: Family(Ends.NEVER),
    Key.GLANCE: Family(Ends.NEVER),
    Key.TALLY: Family(Ends.NEVER),
    Key.STANDING: Family(Ends.BY_STATE),
    Key.CAMPAIGNS: Family(Ends.WITH_RECORD),
    Key.AGENDA: Family(Ends.WITH_RECORD),
    Key.HELD: Family(Ends.BY_STATE),
    Key.INFLIGHT: Family(Ends.BY_STATE),
    Key.SLOTS: Family(Ends.BY_STATE),
    Key.TURNS: Family(Ends.BY_STATE),
    Key.UNKNOWN: Family(Ends.BY_STATE),
    Key.ASSUMPTIONS: Family(Ends.BY_STATE),
    Key.ANSWERED: Family(Ends.AS_STRANGERS),
    Key.UNTICKETED: Family(Ends.AS_STRANGERS),
    Key.AUDIT: Family(Ends.NEVER),
    Key.DUE: Family(Ends.BY_STATE),
    Key.WITHDRAWALS: Family(Ends.BY_STATE),
    Key.ALARM_CLOCK: Family(Ends.BY_STATE),
    Key.DEADLINES: Family(Ends.WITH_RECORD),
    Key.CLAIMS: Family(Ends.BY_STATE),
    Key.ENDED: Family(Ends.BY_STATE),
    Key.RANGES: Family(Ends.WITH_RECORD),
    Key.TICKETS: Family(Ends.BY_STATE),
    Key.EARLY: Family(Ends.BY_LIFETIME, People.IN_BODIES),
    Key.EARLY_TICKETS: Family(Ends.AS_STRANGERS),
    Key.SCHEDULES: Family(Ends.WITH_SCHEDULE),
    Key.SCHEDULES_DUE: Family(Ends.WITH_SCHEDULE),
    Key.AWAITED: Family(Ends.BY_STATE),
    Key.UNANSWERED: Family(Ends.BY_STATE),
    Key.CLEANUP: Family(Ends.WITH_RECORD),
    Key.CHECKS: Family(Ends.WITH_RECORD),
    Key.UNNAMED: Family(Ends.BY_STATE),
    Key.HEARD: Family(Ends.AS_PEOPLE),
    Key.OVER: Family(Ends.WITH_RECORD),
    Key.ERASED: Family(Ends.WITH_RECORD),
    Key.ERASURES: Family(Ends.BY_STATE),
    Key.FORGOTTEN: Family(Ends.AS_STRANGERS),
    Key.ERASURE_LOG: Family(Ends.NEVER),
    Key.RECEIPTS: Family(Ends.BY_STATE, People.IN_PASSING),
    Key.PARKED: Family(Ends.AS_STRANGERS, People.IN_ENTRIES),
    Key.POSTED_REPLIES: Family(Ends.BY_STATE, People.IN_PASSING),
    Key.LINKING: Family(Ends.BY_LIFETIME),
    Key.REPLIES: Family(Ends.WITH_REPLIES),
    Key.REVIEW: Family(Ends.WITH_REPLIES),
    Key.QUARANTINE: Family(Ends.AS_STRANGERS, People.IN_ENTRIES),
    Key.MALFORMED: Family(Ends.NEVER),
    Key.ALARMS: Family(Ends.NEVER),
    Key.SUPPRESSIONS: Family(Ends.LISTED, People.ON_LISTS),
    Key.LIFTED: Family(Ends.NEVER),
    Key.SUPPRESSION_LOG: Family(Ends.NEVER),
    Key.UPLOAD: Family(Ends.BY_LIFETIME, People.IN_BATCHES),
    Key.SCHEDULE: Family(Ends.WITH_SCHEDULE),
    Key.AUDIENCE: Family(Ends.WITH_SCHEDULE, People.IN_BATCHES),
    Key.HISTORY: Family(Ends.WITH_SCHEDULE),
    Key.CAMPAIGN: Family(Ends.WITH_RECORD),
    Key.RECIPIENTS: Family(Ends.WITH_PEOPLE, People.IN_CAMPAIGNS),
    Key.STARTS: Family(Ends.WITH_PEOPLE),
    Key.FATES: Family(Ends.WITH_PEOPLE),
    Key.TIMES: Family(Ends.WITH_PEOPLE),
    Key.BATCH: Family(Ends.WITH_BATCHES),
    Key.LISTS: Family(Ends.WITH_PEOPLE),
    Key.WAITING: Family(Ends.WITH_PEOPLE),
    Key.REPLY: Family(Ends.WITH_REPLIES, People.IN_REPLIES),
    Key.PRODUCER: Family(Ends.NEVER),
    Key.OUTBOX: Family(Ends.NEVER),
    Key.OUTBOX_LOOKS: Family(Ends.NEVER),
    Key.TOLD: Family(Ends.BY_STATE),
    Key.LANES: Family(Ends.BY_STATE),
    Key.LANE: Family(Ends.BY_STATE),
    Key.DEAD: Family(Ends.NEVER),
    Key.EVENTS: Family(Ends.WITH_PEOPLE),
}
"""Every family. A schedule's text, and of one that is over its audience, end as a campaign's do."""

STREAMS = frozenset({Key.PARKED, Key.QUARANTINE, Key.HEARD})
"""Those that end by age and are streams; the others are sorted by time."""


def ending(ends: Ends) -> Iterator[Key]:
    """Give the families that end in one way."""
    return (key for key, family in FAMILIES.items() if family.ends is ends)


def holding(people: People) -> Iterator[Key]:
    """Give the families that people are in, in one way."""
    return (key for key, family in FAMILIES.items() if family.people is people)
