"""Tells what became of one recipient: every step that concerns it, with its reason."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from dispatcher.domain.campaign import CampaignStatus, Event, RecipientResult
from dispatcher.domain.explanation import Explanation, Step
from dispatcher.domain.fates import Exclusion, RecipientState
from dispatcher.domain.lifecycle import BatchState, CampaignState, HoldReason
from dispatcher.domain.numbers import Normaliser, NumberProblem
from dispatcher.domain.suppressions import Suppression
from dispatcher.errors import InputError, Problem, UnknownRecipientError
from dispatcher.store.account import AccountStore
from dispatcher.store.people import Person
from dispatcher.store.results import refuse_erased

_OF_ALL = ("campaign", "reservation", "approval", "cancel", "pause", "contacts", "lists")
_BEGINNING = datetime.min.replace(tzinfo=UTC)


def explain(
    store: AccountStore, campaign: str, number: str, *, normalise: Normaliser
) -> Explanation:
    """Tell everything that is kept of one recipient of a campaign.

    Args:
        store: the account's.
        campaign: its id.
        number: in any usual form; or as it was written, for a row that was dropped.
        normalise: reads numbers.

    Raises:
        InputError: that is no number, and no row was dropped that was written so.
        ErasedError: its recipients are not kept any more.
        UnknownCampaignError: there is none of that id.
        UnknownRecipientError: it never came in with that campaign.
    """
    status = store.campaigns.status(campaign)
    refuse_erased(status)
    found = normalise(number)
    person = store.people.find(campaign, found) if isinstance(found, int) else None
    dropped = _dropped_rows(store, campaign, number, found)
    if person is not None:
        return _story(store, status, person, dropped)
    if dropped:
        return _of_a_dropped_row(status, dropped[0])
    if isinstance(found, NumberProblem):
        problem = Problem(field="number", message=found.message, fix=found.fix)
        raise InputError([problem])
    raise UnknownRecipientError(f"that number did not come in with campaign {campaign}")


def _dropped_rows(
    store: AccountStore, campaign: str, written: str, number: int | NumberProblem
) -> list[RecipientResult]:
    return [
        RecipientResult(
            number=row.number, id=row.id, state=RecipientState.NOT_SENT, reason=row.reason
        )
        for row in store.campaigns.dropped(campaign)
        if row.number in (written, str(number))
    ]


def _of_a_dropped_row(status: CampaignStatus, row: RecipientResult) -> Explanation:
    dropped = Step(at=status.created_at, what=f"the row came in and was dropped: {row.reason}")
    return Explanation(
        campaign=status.id,
        number=row.number,
        id=row.id,
        state=row.state,
        reason=row.reason,
        batch=None,
        ticket=None,
        text=None,
        steps=(dropped,),
        next="nothing: it was never in a batch",
    )


def _story(
    store: AccountStore,
    status: CampaignStatus,
    person: Person,
    dropped: list[RecipientResult],
) -> Explanation:
    (listed,) = store.suppressions.look_up([int(person.result.number)]).values()
    steps = [*_arrival(status, person), *_course(store, status, person, listed)]
    steps += _receipts(store, status, person)
    steps += [
        Step(at=status.created_at, what=f"another row with this number was dropped: {row.reason}")
        for row in dropped
    ]
    steps += _resends(store, status, person)
    steps += _replies(store, status, person)
    steps += _suppression(listed)
    result = person.result
    return Explanation(
        campaign=status.id,
        number=result.number,
        id=result.id,
        state=result.state,
        reason=result.reason,
        batch=person.n,
        place=result.place,
        ticket=result.ticket,
        text=person.text,
        steps=tuple(sorted(steps, key=_when)),
        next=_next(status, person),
    )


def _when(step: Step) -> tuple[datetime, bool]:
    # The last receipt ends its campaign, in the same moment.
    return step.at or _BEGINNING, step.what.endswith(f"-> {CampaignState.FINISHED.value}")


def _arrival(status: CampaignStatus, person: Person) -> Iterator[Step]:
    way = "by a list at the API" if person.is_listed else "directly"
    yield Step(
        at=status.created_at,
        what=f"came in and was kept, as number {person.position + 1:,} of {status.recipients:,}; "
        f"sent {way} in batch {person.n}, with {person.size - 1:,} others",
    )
    if status.resend_of:
        yield Step(at=status.created_at, what=f"sent again, after campaign {status.resend_of}")


def _course(
    store: AccountStore, status: CampaignStatus, person: Person, listed: Suppression | None
) -> Iterator[Step]:
    mine = f"batch {person.n}"
    looks: list[Event] = []
    for event in store.events.all(status.id):
        if event.what == mine:
            looks.append(event)
            yield Step(at=event.at, what=_of_the_batch(event, person))
        elif event.what == "quote" and event.old == str(person.n):
            looks.append(event)
            yield Step(at=event.at, what=f"{mine} quoted: {_credits(event.new)} for all of it")
        elif event.what == "reservation":
            yield Step(at=event.at, what=f"{_credits(event.new)} set aside for the campaign")
        elif event.what in _OF_ALL:
            yield Step(at=event.at, what=_of_the_campaign(event))
    if person.exclusion is not None and looks:
        yield Step(
            at=_left_out_at(looks, person.exclusion, listed), what=_left_out(person.exclusion)
        )


def _left_out_at(
    looks: Sequence[Event], exclusion: Exclusion, listed: Suppression | None
) -> datetime:
    """Tell when somebody was left out: by the first look at their batch that could know of it.

    Args:
        looks: the quote of the batch, and its transitions.
        exclusion: why.
        listed: the entry of the suppression list, if there is one.
    """
    able = [
        look.at
        for look in looks
        if (exclusion is not Exclusion.REACHED or look.what != "quote")
        and (exclusion is not Exclusion.SUPPRESSED or listed is None or look.at >= listed.at)
    ]
    # Whoever was taken off the list and put back is on it since later.
    return able[0] if able else looks[0].at


def _credits(number: str) -> str:
    return f"{number} credit{'' if number == '1' else 's'}"


def _left_out(exclusion: Exclusion) -> str:
    if exclusion is Exclusion.SUPPRESSED:
        return "left out: it is on the suppression list"
    if exclusion is Exclusion.REACHED:
        return "left out: it got the message meanwhile by the campaign that this one sends again"
    return f"left out: the API would not send to it ({exclusion.name.lower()})"


def _suppression(listed: Suppression | None) -> Iterator[Step]:
    if listed is not None:
        why = f": {listed.reason}" if listed.reason else ""
        yield Step(at=listed.at, what=f"put on the suppression list by {listed.source.value}{why}")


def _replies(store: AccountStore, status: CampaignStatus, person: Person) -> Iterator[Step]:
    for reply in store.replies.newest():
        if reply.campaign == status.id and reply.number == person.result.number:
            yield Step(at=reply.at, what=f"it replied, taken for {reply.intent.value}")


def _of_the_campaign(event: Event) -> str:
    change = " -> ".join(part for part in (event.old, event.new) if part)
    return f"{event.what} {change}" + (f" ({event.detail})" if event.detail else "")


_MEANING = {
    BatchState.SENDING: "claimed, to be posted",
    BatchState.ACCEPTED: "sent: the API has it",
    BatchState.SCHEDULED: "the API has it, for later",
    BatchState.REFUSED: "refused by the API",
    BatchState.UNKNOWN: "the answer was lost: it may or may not have been sent",
    BatchState.ABANDONED: "given up: it may or may not have been sent",
    BatchState.READY: "certainly not sent; it waits again",
    BatchState.CANCELLED: "cancelled, not sent",
    BatchState.EXPIRED: "too late, not sent",
    BatchState.WITHDRAWING: "being taken back from the API",
    BatchState.DOUBTFUL: "not known whether it was taken back in time",
}


def _of_the_batch(event: Event, person: Person) -> str:
    state = BatchState(event.new)
    why = {"reply": "its answer", "receipt": "a receipt"}.get(event.detail, event.detail)
    ticket = f", ticket {person.result.ticket}" if person.result.ticket else ""
    told = f" ({why})" if why else ""
    words = _MEANING.get(state, state.value)
    return f"batch {person.n}: {words}{ticket if state in _TICKETED else ''}{told}"


_TICKETED = (BatchState.ACCEPTED, BatchState.SCHEDULED)


def _receipts(store: AccountStore, status: CampaignStatus, person: Person) -> Iterator[Step]:
    heard = store.heard.of(person.sequence, since=status.created_at)
    for each in heard:
        yield Step(
            at=each.heard_at,
            what=f"receipt: {each.word}, of {each.at:%Y-%m-%d %H:%M:%S %Z}, ticket {each.ticket}",
        )
    result = person.result
    if result.receipt and not any(each.at == result.receipt_at for each in heard):
        yield Step(
            at=result.receipt_at,
            what=f"receipt: {result.receipt} (others before it are no longer kept)",
        )


def _resends(store: AccountStore, status: CampaignStatus, person: Person) -> Iterator[Step]:
    for resend in status.resends:
        again = store.people.find(resend, int(person.result.number))
        if again is not None:
            at = store.campaigns.status(resend).created_at
            yield Step(
                at=at, what=f"sent again by campaign {resend}, there {again.result.state.value}"
            )


_WAITS = {
    HoldReason.CREDITS: "a top-up; it goes on by itself then",
    HoldReason.CREDENTIALS: "credentials that the API takes",
    HoldReason.APPROVAL: "somebody to approve the price: dispatcher approve",
    HoldReason.TIME: "its time",
    HoldReason.WINDOW: "an hour at which advertising may go out",
    HoldReason.PAUSED: "somebody to resume the campaign: dispatcher resume",
    HoldReason.OUTCOME_UNKNOWN: "evidence about other batches",
}
_NEXT = {
    RecipientState.SENDING: "the API's answer, or the end of the claim's lease",
    RecipientState.SCHEDULED: "its time, at which the API sends it",
    RecipientState.UNKNOWN: "a receipt or other evidence; it is not sent again without proof",
    RecipientState.DELIVERED: "nothing: it is delivered",
    RecipientState.UNDELIVERED: "nothing by itself: dispatcher resend would try again",
    RecipientState.REFUSED: "nothing by itself: dispatcher resend would try again",
    RecipientState.CANCELLED: "nothing: it was cancelled",
    RecipientState.EXPIRED: "nothing: its time is over",
    RecipientState.NOT_SENT: "nothing: it was left out",
}


def _next(status: CampaignStatus, person: Person) -> str:
    state = person.result.state
    if state is RecipientState.WAITING:
        if status.state is CampaignState.HELD and status.hold is not None:
            return _WAITS[status.hold]
        return "its turn"
    if state is RecipientState.SENT:
        is_over = status.is_over
        return "nothing: no final receipt came in time" if is_over else "its receipt"
    return _NEXT[state]
