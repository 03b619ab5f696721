"""A campaign as its producer describes it, and as it is told back."""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from dispatcher.domain.fates import RecipientState
from dispatcher.domain.feed import DEFAULT_PRODUCER
from dispatcher.domain.gates import ShutGate
from dispatcher.domain.lifecycle import TERMINAL, BatchState, CampaignState, HoldReason
from dispatcher.domain.message import Message, PushType
from dispatcher.domain.routes import Render
from dispatcher.domain.timing import Handover
from dispatcher.domain.unknowns import OnUnknown
from dispatcher.domain.windows import WindowPolicy
from dispatcher.errors import Problem


class Recipient(NamedTuple):
    """Whom to send to.

    Attributes:
        number: a phone number in any usual form; see `domain.numbers`.
        id: the producer's own id, given back with results and never sent to the API.
        row: where it stood in the producer's file, for error messages.
        fields: what the text's `{fields}` stand for, by name.
        problem: why whoever read the row does not trust it; such a row is a bad one.
    """

    number: str
    id: str | None = None
    row: int | None = None
    fields: Mapping[str, str] | None = None
    problem: Problem | None = None

    def __repr__(self) -> str:
        """Keep the number out of logs and tracebacks."""
        return f"Recipient(id={self.id!r}, row={self.row})"


class BadRows(enum.Enum):
    """What to do when recipients are not valid."""

    REJECT = "reject"
    """Refuse the campaign and list every bad row."""

    SKIP = "skip"
    """Drop the bad rows; they are listed in the results."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Campaign:
    """What to send to whom.

    Attributes:
        recipients: numbers or `Recipient`s; any iterable, read once, of any length.
        text: the content of the SMS; `{name}` and `{name|default}` stand for a recipient's
            fields (see `domain.template`), and `{{` for a brace.
        lists: ids of lists of the account to send to instead of `recipients`; their contacts
            are read when the campaign is quoted, and their fields are `{info1}` to `{info4}`.
        sender: up to 11 alphanumerics shown as the sender; None lets the API choose.
        pushtype: alert or advertising.
        links: URLs put, in order, where the text has `<-short->` tags.
        account: whose credits are spent; None for the default account.
        id: the producer's own id of the campaign; made by us when None.
        bad_rows: refuse the campaign for bad recipients, or drop them.
        render: who puts the fields into the text; see `Render`.
        replace_characters: put look-alikes for characters that make a message dearer, such as
            curly quotes; see `domain.replacing`.
        needs_approval: quote, then wait for `approve` before spending.
        send_at: when to send, with a time zone; None for as soon as possible.
        handover: who keeps it until then; None for the setting.
        max_lateness: how late it may still be sent; None for the setting.
        window_policy: what becomes of advertising outside its hours; see `domain.windows`.
        on_unknown: what is done about a batch whose answer was lost; see `OnUnknown`.
        producer: whose campaign it is, 1 to 32 of a-z 0-9 _ -, who is told of it.
    """

    text: str
    recipients: Iterable[Recipient | str] = ()
    lists: tuple[str, ...] = ()
    sender: str | None = None
    pushtype: PushType = PushType.ALERT
    links: tuple[str, ...] = ()
    account: str | None = None
    id: str | None = None
    bad_rows: BadRows = BadRows.REJECT
    render: Render = Render.AUTO
    replace_characters: bool = False
    needs_approval: bool = False
    send_at: datetime | None = None
    handover: Handover | None = None
    max_lateness: timedelta | None = None
    window_policy: WindowPolicy = WindowPolicy.HOLD
    on_unknown: OnUnknown = OnUnknown.HOLD
    producer: str = DEFAULT_PRODUCER

    @property
    def message(self) -> Message:
        """What the campaign says, without to whom; its text is still a template."""
        return Message(
            text=self.text, sender=self.sender, pushtype=self.pushtype, links=tuple(self.links)
        )

    def __repr__(self) -> str:
        """Keep text and recipients out of logs and tracebacks."""
        return f"Campaign(id={self.id!r}, account={self.account!r}, {self.message!r})"


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignStatus:
    """A campaign as it stands.

    Attributes:
        id: the campaign's id.
        account: whose credits it spends.
        producer: who is told of it.
        state: where it stands.
        hold: why it waits, when it is held.
        rows: recipients that came in.
        invalid: rows dropped because their number is not valid.
        duplicated: rows dropped because their number came before.
        suppressed: rows dropped because they were suppressed when it was submitted.
        recipients: rows kept; the sum of `recipient_states`, less nothing.
        recipient_states: how many recipients are in each state, the dropped rows included.
        reasons: why recipients are undelivered, refused or not sent: reason to count.
        batches: number of batches, `list_batches` of them sent by lists at the API.
        list_batches: see `batches`.
        batch_states: how many batches are in each state.
        quoted: batches simulated so far.
        estimate: segments of all texts by our own count, to compare with the final quote.
        quote: credits the simulated batches cost.
        cost: credits debited so far.
        need: credits that were missing when it was held for credits, and `have` those available.
        have: see `need`.
        receipts: receipts merged so far.
        alarms: contradictions found; anything but 0 is for a person to look at.
        replies: how many answers it got.
        stops: how many of these ask not to be written to again.
        error: the last thing that went wrong, without personal data.
        send_at: when it is to be sent; None for as soon as possible.
        withdrawn: batches the API had and gave back.
        credits_returned: credits it returned for them.
        created_at: when it became durable.
        changed_at: when its state last changed.
        unnamed: people the API left out of whom it is not known yet who they are.
        findings: what of its books did not add up when they were last checked.
        checked_at: when that was; None for never.
        resend_of: the campaign of which it sends to some again.
        resends: the campaigns that send to some of it again, oldest first.
        erased_at: when its recipients and texts were erased; the totals stay.
        late_receipts: receipts that came after that, and changed nothing.
        blocked: why nothing is sent on its account just now, while some of it waits for that.
    """

    id: str
    account: str
    producer: str = DEFAULT_PRODUCER
    state: CampaignState
    hold: HoldReason | None
    rows: int
    invalid: int
    duplicated: int
    suppressed: int = 0
    recipients: int
    recipient_states: Mapping[RecipientState, int]
    reasons: Mapping[str, int]
    batches: int
    list_batches: int
    batch_states: Mapping[str, int]
    quoted: int
    estimate: int
    quote: int
    cost: int
    need: int | None
    have: int | None
    receipts: int
    alarms: int
    replies: int = 0
    stops: int = 0
    error: str | None
    send_at: datetime | None
    withdrawn: int
    credits_returned: int
    created_at: datetime
    changed_at: datetime
    unnamed: int = 0
    findings: tuple[str, ...] = ()
    checked_at: datetime | None = None
    resend_of: str | None = None
    resends: tuple[str, ...] = ()
    erased_at: datetime | None = None
    late_receipts: int = 0
    blocked: tuple[ShutGate, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be sent and nothing more is awaited."""
        return self.state in TERMINAL

    @property
    def is_conserved(self) -> bool:
        """Whether the rows that came in equal the sum of all recipient states."""
        return self.rows == sum(self.recipient_states.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancellation:
    """What came of cancelling a campaign, in batches.

    Attributes:
        state: the campaign's; `cancelling` while some batches are still being verified.
        stopped: never given to the API.
        taken_back: the API had them for later and gave them back.
        too_late: sent; nothing can be done.
        verifying: on their way to the API or back; ask again later.
        doubtful: not known whether they were sent, or taken back in time; receipts may tell.
        credits_returned: what the API returned for those taken back.
    """

    state: CampaignState
    stopped: int
    taken_back: int
    too_late: int
    verifying: int
    doubtful: int
    credits_returned: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipientResult:
    """What became of one row of a campaign.

    Attributes:
        number: E.164 digits, or what came in when that was not a number; "" once the person
            was forgotten.
        id: the producer's own id.
        state: what became of it.
        reason: why, when it was not delivered.
        ticket: the API's campaign id of the batch it went out in.
        receipt: name of the last receipt's code.
        sent_at: when its batch was settled as accepted.
        receipt_at: when the API says the last receipt happened.
        place: among the recipients kept, from 0, which events call them by; None for a row that
            was not kept.
    """

    number: str
    id: str | None
    state: RecipientState
    reason: str | None = None
    ticket: str | None = None
    receipt: str | None = None
    sent_at: datetime | None = None
    receipt_at: datetime | None = None
    place: int | None = None

    def __repr__(self) -> str:
        """Keep the number out of logs and tracebacks."""
        return f"RecipientResult(id={self.id!r}, state={self.state.value!r})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One transition of a campaign or of one of its batches.

    Attributes:
        id: place in the campaign's stream; give the last one seen to go on behind it.
        at: when it happened.
        what: `campaign`, `batch 3`, `quote`, `reservation`, `approval`, `receipts` or `alarm`.
        old: state before, or the batch number of a quote or an alarm.
        new: state after; credits of a quote or reservation; number of receipts merged.
        detail: why, when there is something to say.
    """

    id: str
    at: datetime
    what: str
    old: str
    new: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DroppedRow:
    """A row that was not kept, for the results.

    Attributes:
        number: what came in, cut to 64 characters.
        id: the producer's own id.
        reason: `invalid number: …`, `duplicate` or `suppressed`.
    """

    number: str = field(repr=False)
    id: str | None
    reason: str


def cancellation_of(status: CampaignStatus) -> Cancellation:
    """Tell from a campaign's status what came of cancelling it."""
    batches = {state: status.batch_states.get(state.value, 0) for state in BatchState}
    on_their_way = (BatchState.SENDING, BatchState.UNKNOWN, BatchState.WITHDRAWING)
    return Cancellation(
        state=status.state,
        stopped=batches[BatchState.CANCELLED] - status.withdrawn,
        taken_back=status.withdrawn,
        too_late=batches[BatchState.ACCEPTED],
        verifying=sum(batches[state] for state in on_their_way),
        doubtful=batches[BatchState.DOUBTFUL] + batches[BatchState.ABANDONED],
        credits_returned=status.credits_returned,
    )
