"""How an account stands as a whole: counts, ages and money, and nothing about any one person."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dispatcher.domain.lifecycle import TERMINAL, BatchState, CampaignState, HoldReason

SOON_SECONDS = 5.0
"""What fits into the rate of the next seconds is work, of which a worker does some 400 batches."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """Something that waits.

    Attributes:
        count: how much of it.
        oldest: seconds since the first of it came, or was due; None when nothing waits.
    """

    count: int = 0
    oldest: float | None = None


Standing = CampaignState | HoldReason
"""Where campaigns that are not over are counted: held ones by what they wait for."""

STANDINGS: tuple[Standing, ...] = (
    *(state for state in CampaignState if state not in TERMINAL | {CampaignState.HELD}),
    *HoldReason,
)


def place_of(standing: Standing) -> str:
    """Name where campaigns are counted, as the store does."""
    if isinstance(standing, HoldReason):
        return f"{CampaignState.HELD.value} {standing.value}"
    return standing.value


@dataclass(frozen=True, kw_only=True, slots=True)
class Money:
    """An account's credits.

    Attributes:
        balance: what the API told last, less what was spent since; None before the first answer.
        balance_age: seconds since the API's word last changed it; None before the first.
        reserved: set aside by campaigns.
        exposed: the part of it that is in POSTs whose outcome is not recorded.
        spent: debited by our sends, ever.
        at_stake: what batches of unknown outcome were to cost.
    """

    balance: int | None
    balance_age: float | None
    reserved: int
    exposed: int
    spent: int
    at_stake: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """How sends were kept within the account's rate, ever.

    Attributes:
        budget: segments a second, as the last claim told; None without one.
        effective: what the API's last pause left of it so far.
        paused: seconds for which nothing is quoted or sent, for the API asked for a pause.
        waits: how often a send waited for its turn.
        waited: seconds that were waited in all.
        lowered: how often the API asked for less.
    """

    budget: float | None
    effective: float | None
    paused: float
    waits: int
    waited: float
    lowered: int


def kept_waiting(
    *, quotes: int, sends: int, weight: float, rate: Rate, most: int | None = None
) -> int:
    """Count the due batches that no worker may take soon, however many workers there are.

    Args:
        quotes: batches due to be quoted, which a pause keeps waiting, and a rate does not.
        sends: batches due to be sent.
        weight: segments of one of these, on average.
        rate: of the account.
        most: how many may be sent at once; 0 while nothing is sent, None for any number.
    """
    soon = SOON_SECONDS - rate.paused
    if soon <= 0:
        return quotes + sends
    fit = sends if rate.effective is None else math.ceil(rate.effective * soon / weight)
    return max(0, sends - fit, 0 if most is None else sends - most)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One campaign in a list of several."""

    id: str
    state: CampaignState
    hold: HoldReason | None
    recipients: int
    batches: int
    settled: int
    cost: int
    alarms: int
    age: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """A batch of unknown outcome in a list of several."""

    name: str
    age: float
    quote: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountVitals:
    """One account.

    Attributes:
        account: its name.
        standing: campaigns that are not over, and since when the oldest stands there.
        over: campaigns that are over and have a record.
        batches: of all campaigns that have a record.
        waiting: batches that are due to be quoted or sent, of campaigns that are not held; of the
            hundreds that are oldest in each state, and one of each other.
        paced: those of them that no worker may take soon; see `kept_waiting`.
        overdue: what should have moved by now, by kind.
        unknown: batches of unknown outcome.
        in_flight: batches in POSTs under way.
        receipts: packs of receipts to be merged.
        replies: packs of replies to be linked.
        to_review: replies a person has to read.
        strangers: packs of receipts that match nothing of ours.
        malformed: bodies that nobody could read, ever, by hook.
        alarms: contradictions found, ever.
        callbacks: events on their way to producers, or to be tried again.
        dead: events that were given up.
        outboxes: events kept for producers.
        ticked: seconds since the last tick; None before the first.
        renudges: how often a campaign stood still and was nudged, ever.
        leases_lost: how often a send left no trace, ever.
        parked: why nothing is sent on the account, if so.
        stopped_by: who stopped all its sends, if somebody did.
        is_breaker_open: nothing is sent, for answers were lost.
        is_counted: whether every campaign is in `standing`, `over` and `batches` by now.
    """

    account: str
    standing: Mapping[Standing, Waiting]
    over: Mapping[CampaignState, int]
    batches: Mapping[BatchState, int]
    waiting: int
    paced: int
    overdue: Mapping[str, Waiting]
    unknown: Waiting
    in_flight: int
    money: Money
    receipts: Waiting
    replies: Waiting
    to_review: int
    strangers: int
    malformed: Mapping[str, int]
    alarms: int
    callbacks: int
    dead: int
    outboxes: int
    ticked: float | None
    renudges: int
    leases_lost: int
    parked: str | None
    stopped_by: str | None
    is_breaker_open: bool
    is_counted: bool
    rate: Rate
    newest: Sequence[Line] = ()
    lost: Sequence[Lost] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerVitals:
    """The Redis server that holds campaigns.

    Attributes:
        used_memory: bytes.
        max_memory: bytes; 0 means no limit.
        is_log_fine: its append-only file is on, and was last written without an error.
        replicas: how many are connected.
    """

    used_memory: int
    max_memory: int
    is_log_fine: bool
    replicas: int
