"""What a worker holds while it works on a batch."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dispatcher.domain.fates import FOLLOWS_BATCH
from dispatcher.domain.message import Message
from dispatcher.domain.packing import Batch
from dispatcher.domain.routes import Render
from dispatcher.domain.windows import WindowPolicy
from dispatcher.store.contact_lists import ListProgress


class NothingToDo(enum.Enum):
    """Why a claim got no batch."""

    IDLE = "idle"
    """None is due: all are taken, or wait for their next try."""

    FENCED = "fenced"
    """Redis restarted or failed over; its run id has to be approved first."""

    NOT_DURABLE = "not durable"
    """Redis could not confirm the claim, so nothing was sent and the batch was given back."""

    PACED = "paced"
    """The account's budget is used up for now, or the API asked for a pause; a tick comes back."""

    OTHER_STATE = "other state"
    """The campaign has moved on, is held, or does not exist."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuoteClaim:
    """A batch to simulate.

    Attributes:
        campaign: its campaign's id.
        n: number of the batch, from 0.
        message: what to simulate.
        batch: its recipients.
        lists: the account's lists the campaign was submitted with.
        spent: what the account had spent before the API was asked.
        fates: a byte per recipient.
        tries: quotes of the campaign that failed in a row.
        progress: how far its upload to a list has come; None when there is nothing yet.
        list_name: what such a list is called, and nothing else in the account.
        heeded: version of the suppression list that was looked at for it.
        listed: version of that list when it was claimed.
    """

    campaign: str
    n: int
    message: Message
    batch: Batch
    lists: tuple[str, ...]
    spent: int
    fates: bytes
    tries: int
    progress: ListProgress | None
    list_name: str
    heeded: int = 0
    listed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class UnreadClaim:
    """A campaign over lists of the account whose contacts are to be read.

    Attributes:
        campaign: its id.
        message: what it says.
        lists: ids of the lists.
        tries: readings that failed in a row.
        render: who puts the contacts' fields into the text.
        replaces: whether look-alikes take the place of dear characters.
        skips_bad_rows: whether contacts that lack a field are left out, or none is sent to.
    """

    campaign: str
    message: Message
    lists: tuple[str, ...]
    tries: int
    render: Render
    replaces: bool
    skips_bad_rows: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SendClaim:
    """A batch that may be posted once, by whoever holds this.

    Attributes:
        campaign: its campaign's id.
        n: number of the batch, from 0.
        attempt: the fence; which claim of this batch it is.
        message: what to send.
        batch: its recipients.
        lists: the account's lists the campaign was submitted with.
        fates: a byte per recipient; those not `FOLLOWS_BATCH` are left out.
        first: sequence number, on the account, of the batch's first recipient.
        progress: says which list it was uploaded to; None for a batch that is sent directly.
        delay: when the API is to send it; None for now.
        window_policy: what becomes of it outside the hours of advertising; None if it has none.
        heeded: version of the suppression list that was looked at for it.
        listed: version of that list when it was last heard of.
        post_at: its slot in the account's budget, by the monotonic clock; None without a budget.
        early_ms: how much more than usual before its slot it is to be taken up.
        begins_later: it counts as perhaps sent only from `begin_post` on.
        resend_of: the campaign of which it sends to some again; None for another.
    """

    campaign: str
    n: int
    attempt: int
    message: Message
    batch: Batch
    lists: tuple[str, ...]
    fates: bytes
    first: int
    progress: ListProgress | None
    delay: datetime | None
    window_policy: WindowPolicy | None
    heeded: int = 0
    listed: int = 0
    post_at: float | None = None
    early_ms: int = 0
    begins_later: bool = False
    resend_of: str | None = None


def left_in(fates: bytes) -> Sequence[int]:
    """List the places of a batch's recipients that nothing is known against."""
    if fates.count(FOLLOWS_BATCH) == len(fates):
        return range(len(fates))
    return [place for place, fate in enumerate(fates) if fate == FOLLOWS_BATCH]
