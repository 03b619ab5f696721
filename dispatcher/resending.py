"""Sends a campaign again to those who did not get it, and to nobody else."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b

from pyroaring import BitMap64

from dispatcher.domain.campaign import BadRows, Campaign, CampaignStatus, Recipient
from dispatcher.domain.checks import problems_of
from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.domain.selection import Only, only
from dispatcher.domain.template import parse_template
from dispatcher.domain.timing import Handover, problems_of_time
from dispatcher.domain.windows import WindowPolicy
from dispatcher.domain.wording import Fields, Wording
from dispatcher.domain.zoning import ByZone
from dispatcher.errors import (
    ConflictError,
    InputError,
    Problem,
    StateError,
    StoreUnavailableError,
    UnconfirmedSubmitError,
)
from dispatcher.intake import Intake
from dispatcher.kin import reached_by_others
from dispatcher.preparing import Gathered, Preparation
from dispatcher.store.account import AccountStore
from dispatcher.store.people import values_of
from dispatcher.store.results import refuse_erased
from dispatcher.store.submissions import Definition, Kinship, Submission

_ATTEMPTS = 10
_LONGEST_SOURCE = 80
_CAME_TO_NOTHING = (CampaignState.CANCELLED, CampaignState.EXPIRED, CampaignState.REJECTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What is other than in the campaign that is sent again; None for as it was there.

    Attributes:
        id: the new campaign's id; None for one that follows from the other and from who is chosen.
        sender: see `Campaign`, as for the others.
        send_at: None for the other's time if that is still to come, else as soon as possible.
        handover: see `Campaign`.
        max_lateness: see `Campaign`.
        window_policy: see `Campaign`.
        needs_approval: see `Campaign`.
    """

    id: str | None = None
    sender: str | None = None
    send_at: datetime | None = None
    handover: Handover | None = None
    max_lateness: timedelta | None = None
    window_policy: WindowPolicy | None = None
    needs_approval: bool | None = None


AS_IT_WAS = Changes()
"""Nothing is changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resend:
    """A campaign that sends again.

    Attributes:
        id: its id.
        source: the campaign of which it sends to some again.
        recipients: to how many.
        passed_over: how many others were chosen, and left to another campaign that sends again.
        is_new: whether this call made it.
    """

    id: str
    source: str
    recipients: int
    passed_over: int
    is_new: bool


class Resending:
    """Makes such campaigns on one account.

    Args:
        store: the account's.
        account: its name.
        preparation: how campaigns are prepared.
        now: the clock.
    """

    def __init__(
        self,
        store: AccountStore,
        account: str,
        preparation: Preparation,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._account = account
        self._preparation = preparation
        self._now = now

    def resend(
        self, source: str, words: Iterable[str | RecipientState], changes: Changes
    ) -> Resend:
        """Make a campaign of those of another who are chosen.

        Raises:
            InputError: nobody is chosen, or people who may have got the message.
            ConflictError: the id names another campaign.
            StateError: others keep sending to the same people again, or some of whom is chosen are
                just being taken back.
            UnconfirmedSubmitError: it may be made already; call again.
            ErasedError: the people of a campaign of the family are not kept any more.
            UnknownCampaignError: there is none of that id.
        """
        wanted = only(words)
        status = self._store.campaigns.status(source)
        refuse_erased(status)
        definition = self._store.campaigns.definition(source)
        root = definition.kinship.root if definition.kinship else source
        kinship = Kinship(source=source, root=root, only=str(wanted))
        identity = changes.id or self._free_id(kinship)
        if known := self._known(identity, kinship):
            return known
        self._check(changes, source, definition)
        _refuse_half_cancelled(status, wanted)
        campaign = self._campaign(definition, changes, identity)
        for _ in range(_ATTEMPTS):
            family = self._store.campaigns.family(root)
            chosen = _Chosen(self._store, source, wanted)
            chosen.leave_out(family, root)
            made = self._prepare(campaign, identity, chosen)
            try:
                submission = replace(made, kinship=replace(kinship, family=family))
                is_new = self._store.campaigns.submit(submission)
            except StoreUnavailableError as error:
                raise UnconfirmedSubmitError(identity, str(error)) from error
            except ConflictError:
                # Somebody made it just now, of those who were to be chosen a moment before.
                if known := self._known(identity, kinship):
                    return known
                raise
            except StateError:
                continue
            return self._made(identity, source, chosen.passed_over, is_new=is_new)
        raise StateError(f"others keep sending to people of campaign {source} again: try again")

    def _made(self, identity: str, source: str, passed_over: int, *, is_new: bool) -> Resend:
        return Resend(
            id=identity,
            source=source,
            recipients=self._store.campaigns.status(identity).recipients,
            passed_over=passed_over,
            is_new=is_new,
        )

    def _free_id(self, kinship: Kinship) -> str:
        """Give the id that follows from who is chosen; one of which nothing came is used up."""
        digest = blake2b(f"{kinship.source}\0{kinship.only}".encode(), digest_size=5).hexdigest()
        base = f"{kinship.source[:_LONGEST_SOURCE]}.again-{digest}"
        identity, attempt = base, 1
        while self._came_to_nothing(identity):
            attempt += 1
            identity = f"{base}-{attempt}"
        return identity

    def _came_to_nothing(self, identity: str) -> bool:
        campaigns = self._store.campaigns
        return campaigns.exists(identity) and campaigns.status(identity).state in _CAME_TO_NOTHING

    def _known(self, identity: str, kinship: Kinship) -> Resend | None:
        """Give the campaign of that id, when it is just the one that is asked for."""
        if not self._store.campaigns.exists(identity):
            return None
        found = self._store.campaigns.definition(identity).kinship
        if found != replace(kinship, family=()):
            raise ConflictError(f"campaign {identity} exists and sends to others: use another id")
        return self._made(identity, kinship.source, 0, is_new=False)

    def _check(self, changes: Changes, source: str, definition: Definition) -> None:
        furthest = self._preparation.settings.furthest_ahead
        problems = problems_of_time(changes.send_at, now=self._now(), furthest=furthest)
        is_merged = not parse_template(definition.message.text).is_plain
        if is_merged and self._store.lists.are_given(source):
            problems.append(_UNKNOWN_TEXTS)
        if problems:
            raise InputError(problems)

    def _campaign(self, definition: Definition, changes: Changes, identity: str) -> Campaign:
        message, send_at = definition.message, definition.timing.send_at
        if send_at is not None and send_at <= self._now():
            send_at = None
        approval = changes.needs_approval
        campaign = Campaign(
            text=message.text,
            sender=changes.sender or message.sender,
            pushtype=message.pushtype,
            links=message.links,
            account=self._account,
            id=identity,
            bad_rows=BadRows.SKIP,
            render=definition.render,
            replace_characters=definition.replaces,
            needs_approval=definition.needs_approval if approval is None else approval,
            send_at=changes.send_at or send_at,
            handover=changes.handover or definition.handover,
            max_lateness=changes.max_lateness or definition.max_lateness,
            window_policy=changes.window_policy or definition.window_policy or WindowPolicy.HOLD,
            on_unknown=definition.on_unknown,
            producer=definition.producer,
        )
        if problems := problems_of(campaign):
            raise InputError(problems)
        return campaign

    def _prepare(self, campaign: Campaign, identity: str, chosen: "_Chosen") -> Submission:
        message = self._preparation.message_of(campaign)
        wording = _KeptWording(message.text)
        sorter = self._preparation.sorter_of(campaign, wording, self._account)
        intake = Intake(
            self._store.campaigns,
            _KeptNumbers(),
            wording,
            sorter=sorter,
            census=self._preparation.census_of(message, self._account),
            bad_rows=BadRows.SKIP,
        )
        try:
            taken = intake.take(chosen, self._store.suppressions)
        except InputError:
            if not chosen.count:
                raise InputError([chosen.nobody()]) from None
            raise
        gathered = Gathered(taken=taken)
        if isinstance(sorter, ByZone):
            gathered = Gathered(taken=taken, zones=tuple(sorter.zones))
        try:
            return self._preparation.submission(campaign, identity, gathered)
        except InputError:
            self._store.campaigns.discard(taken.filling.upload)
            raise


class _Chosen:
    """The people of a campaign who are to be sent to again, with the values of their texts."""

    def __init__(self, store: AccountStore, source: str, wanted: Only) -> None:
        self.count = 0
        self.passed_over = 0
        self._store = store
        self._source = store.campaigns.status(source)
        self._wanted = wanted
        self._taken = BitMap64()

    def leave_out(self, family: Sequence[str], root: str) -> None:
        """Leave out whom another campaign of the family reached, or may reach."""
        others = map(self._store.campaigns.status, dict.fromkeys((root, *family)))
        self._taken |= reached_by_others(self._store, self._source, others)

    def __iter__(self) -> Iterator[Recipient]:
        """Give them in order; nobody who was erased."""
        for page in self._store.results.pages(self._source):
            for place in page.places(self._wanted.takes):
                number = page.batch.numbers[place]
                if not number:
                    continue
                if number in self._taken:
                    self.passed_over += 1
                    continue
                self.count += 1
                values = values_of(page.batch, place)
                own_id = page.result(place).id
                yield Recipient(str(number), id=own_id, fields=_as_fields(values))

    def nobody(self) -> Problem:
        """Say that there is nobody, and where those are who would be."""
        message = f"nobody of campaign {self._source.id} is {self._wanted}"
        if self.passed_over:
            message = f"all {self.passed_over} are sent to by other campaigns already"
        fix = f"see what became of somebody: dispatcher explain {self._source.id} NUMBER"
        return Problem(field="only", message=message, fix=fix)


def _refuse_half_cancelled(status: CampaignStatus, wanted: Only) -> None:
    """Wait for those whom the API is just asked to give back: repeating would not add them."""
    moving = (BatchState.SENDING.value, BatchState.WITHDRAWING.value)
    left = sum(status.batch_states.get(state, 0) for state in moving)
    is_moving = status.state is CampaignState.CANCELLING and left > 0
    if is_moving and wanted.takes(RecipientState.CANCELLED, None):
        raise StateError(
            f"{left} batches of campaign {status.id} are just being taken back: "
            "send it again once they are"
        )


_UNKNOWN_TEXTS = Problem(
    field="campaign",
    message="its texts were merged by the API from lists of yours, whose values are not kept here",
    fix="submit a campaign of its own to those people",
)


class _KeptWording(Wording):
    """Gives everybody the values they had, word for word."""

    @property
    def is_bound(self) -> bool:
        """Columns are places in the text."""
        return True

    def values_of_all(self, rows: Sequence[Fields]) -> list[tuple[str, ...]]:
        """Give the values of many recipients."""
        return [self.values_of(fields) for fields in rows]

    def values_of(self, fields: Fields) -> tuple[str, ...]:
        """Give the values of one recipient, in order."""
        return tuple((fields or {}).values())


class _KeptNumbers:
    """Takes numbers for what they were taken for before."""

    def read_all(self, texts: Sequence[str]) -> list[int]:
        """Read many."""
        return list(map(int, texts))


def _as_fields(values: Sequence[str]) -> Mapping[str, str]:
    return {str(place): value for place, value in enumerate(values)}
