"""Turns a campaign into what is submitted: words it, takes its recipients in, names its content."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from hashlib import blake2b

from dispatcher.domain.campaign import BadRows, Campaign
from dispatcher.domain.census import Census
from dispatcher.domain.feed import DEFAULT_PRODUCER
from dispatcher.domain.message import Message, PushType
from dispatcher.domain.numbers import Normaliser, normaliser
from dispatcher.domain.replacing import replace_look_alikes
from dispatcher.domain.routes import Render, Sorter, sorter_for
from dispatcher.domain.template import Template
from dispatcher.domain.timing import Timing, timing_of, utc_now
from dispatcher.domain.unknowns import OnUnknown
from dispatcher.domain.windows import WindowPolicy, WindowSet
from dispatcher.domain.wording import Wording
from dispatcher.domain.zones import PARIS, Zone
from dispatcher.domain.zoning import ByZone
from dispatcher.errors import InputError, Problem
from dispatcher.intake import Intake, Taken
from dispatcher.links import ASSUMED_LENGTH, LinkLengths
from dispatcher.settings import Settings
from dispatcher.store.account import AccountStore
from dispatcher.store.submissions import Submission, stored_message

# Of a budget, one POST takes so much at a time: little, so that others get their turn soon. A list
# takes many calls to make, so it may take longer.
_POST_SECONDS = 0.1
_LIST_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """Whom a campaign goes to, before it exists.

    Attributes:
        taken: recipients that are uploaded; None for those of lists, which are read later.
        zones: where they may be, by kinds that are sent together.
    """

    taken: Taken | None = None
    zones: tuple[frozenset[Zone], ...] = (frozenset({PARIS}),)


class Preparation:
    """What submitting a campaign and quoting it have in common. Threads may share one."""

    def __init__(self, settings: Settings, *, now: Callable[[], datetime] = utc_now) -> None:
        self.settings = settings
        self._now = now
        self.normalise: Normaliser = normaliser(settings.default_region)
        self._links = LinkLengths(settings)

    def message_of(self, campaign: Campaign) -> Message:
        """Give the message, look-alikes in their place if the campaign asks for them."""
        message = campaign.message
        if not campaign.replace_characters:
            return message
        return replace(message, text=replace_look_alikes(message.text))

    def wording_of(self, campaign: Campaign, message: Message) -> Wording:
        """Give what renders the message for each recipient."""
        return Wording(
            message.text,
            replaces=campaign.replace_characters,
            has_links=bool(message.links),
        )

    def sorter_of(self, campaign: Campaign, wording: Wording, account: str) -> Sorter:
        """Give what puts recipients into batches."""
        message = self.message_of(campaign)
        return self.sorter_for(message, wording.template, campaign.render, account)

    def sorter_for(
        self, message: Message, template: Template, render: Render, account: str
    ) -> Sorter:
        """Give what puts those who get a message into batches."""
        make = partial(sorter_for, template, render=render, **self._sizes(message, account))
        return make() if self.hours_of(message.pushtype) is None else ByZone(make)

    def _sizes(self, message: Message, account: str) -> dict[str, int]:
        """Give the most recipients of one POST: those an account's budget has room for at once.

        Texts with fields are taken to be as long as their template.
        """
        sizes = {"batch_size": self.settings.batch_size, "list_size": self.settings.list_size}
        found = self.settings.accounts.get(account)
        if found is None or found.rate is None:
            return sizes
        census = self.census_of(message, account, may_ask=False)
        each = max(1, census.add_many(message.text, 0))
        room = {"batch_size": found.rate * _POST_SECONDS, "list_size": found.rate * _LIST_SECONDS}
        return {name: min(size, max(1, int(room[name] / each))) for name, size in sizes.items()}

    def hours_of(self, pushtype: PushType) -> WindowSet | None:
        """Give the hours that messages of some kind have to heed; None for any."""
        is_marketing = pushtype is PushType.ADVERTISING
        return self.settings.advertising_hours if is_marketing else None

    def census_of(self, message: Message, account: str, *, may_ask: bool = True) -> Census:
        """Give what counts segments, links and STOP mention included.

        Args:
            message: what is counted.
            account: whose links it has.
            may_ask: ask the API how long they will be; else that is assumed.
        """
        is_marketing = message.pushtype is PushType.ADVERTISING
        length = ASSUMED_LENGTH
        if message.links and may_ask:
            length = self._links.of(account, message.pushtype)
        return Census(
            links=[length] * len(message.links),
            mention=self.settings.stop_mention if is_marketing and message.sender else 0,
        )

    def prepare(
        self, campaign: Campaign, identity: str, account: str, store: AccountStore
    ) -> Submission:
        """Upload a campaign's recipients and say what to submit.

        Raises:
            InputError: text, fields or recipients are not valid; nothing was kept.
            StoreError: Redis did not take the recipients.
        """
        gathered = self.gather(campaign, account, store)
        try:
            is_new = not store.campaigns.exists(identity)
            return self.submission(campaign, identity, gathered, is_new=is_new)
        except InputError:
            if gathered.taken:
                store.campaigns.discard(gathered.taken.filling.upload)
            raise

    def gather(
        self, campaign: Campaign, account: str, store: AccountStore, *, whole: bool = False
    ) -> Gathered:
        """Upload a campaign's recipients; raises as `prepare` does.

        With `whole`, those who are suppressed now stay in, for a later quote to judge.
        """
        if campaign.lists:
            return Gathered()
        message = self.message_of(campaign)
        wording = self.wording_of(campaign, message)
        sorter = self.sorter_of(campaign, wording, account)
        intake = Intake(
            store.campaigns,
            self.normalise,
            wording,
            sorter=sorter,
            census=self.census_of(message, account),
            bad_rows=campaign.bad_rows,
        )
        taken = intake.take(campaign.recipients, None if whole else store.suppressions)
        if isinstance(sorter, ByZone):
            return Gathered(taken=taken, zones=tuple(sorter.zones))
        return Gathered(taken=taken)

    def submission(
        self, campaign: Campaign, identity: str, gathered: Gathered, *, is_new: bool = True
    ) -> Submission:
        """Say what to submit.

        Repeating what was submitted before is safe even when its hours are over meanwhile.

        Raises:
            InputError: its hours do not allow its time, and it is not to wait for others.
        """
        message, taken = self.message_of(campaign), gathered.taken
        return Submission(
            id=identity,
            fingerprint=fingerprint_of(campaign, message, taken),
            message=message,
            filling=taken.filling if taken else None,
            lists=tuple(campaign.lists),
            render=campaign.render,
            replaces=campaign.replace_characters,
            skips_bad_rows=campaign.bad_rows is BadRows.SKIP,
            needs_approval=campaign.needs_approval,
            cleans_lists=self.settings.clean_lists,
            timing=self._timing_of(campaign, gathered.zones, is_new=is_new),
            handover=campaign.handover,
            max_lateness=campaign.max_lateness,
            heeds_hours=self.hours_of(campaign.pushtype) is not None,
            window_policy=campaign.window_policy,
            on_unknown=campaign.on_unknown,
            producer=campaign.producer,
            nudge_after_ms=int(self.settings.nudge_after * 1000),
            receipt_wait_ms=int(self.settings.receipt_wait.total_seconds() * 1000),
        )

    def _timing_of(
        self, campaign: Campaign, zones: Sequence[frozenset[Zone]], *, is_new: bool
    ) -> Timing:
        """Tell when a campaign is sent, its hours considered.

        Raises:
            InputError: its hours do not allow its time, and it is not to wait for others.
        """
        timing = timing_of(
            campaign.send_at,
            handover=campaign.handover,
            max_lateness=campaign.max_lateness,
            limits=self.settings.time_limits,
        )
        hours = self.hours_of(campaign.pushtype)
        if hours is None:
            return timing
        moment = campaign.send_at or self._now()
        tail = self.settings.window_tail
        openings = [hours.next_opening(moment, some, room=tail) for some in zones]
        waits = [opening.opens for opening in openings if opening and opening.opens > moment]
        refuses = campaign.window_policy is WindowPolicy.REFUSE and is_new
        if refuses and (waits or None in openings):
            raise InputError([_out_of_hours(hours, moment, zones)])
        if timing.latest is None or not waits:
            return timing
        return replace(timing, latest=timing.latest + (max(waits) - moment))


def _out_of_hours(hours: WindowSet, moment: datetime, zones: Sequence[frozenset[Zone]]) -> Problem:
    why = next(filter(None, (hours.why_closed(moment, some) for some in zones)), "too late")
    return Problem(
        field="send_at",
        message=f"advertising may not go out then: {why}",
        fix="choose another time, or window_policy=hold to wait for the next opening",
    )


def fingerprint_of(campaign: Campaign, message: Message, taken: Taken | None) -> str:
    """Name the content of a campaign; the same for the same content."""
    content = blake2b(stored_message(message), digest_size=16)
    if taken:
        content.update(b"%d %d" % (taken.filling.rows, taken.filling.duplicated))
        content.update(taken.digest)
    if campaign.lists:
        # What becomes of the contacts is decided when they are read, by these.
        how = (campaign.render.value, campaign.bad_rows.value, str(campaign.replace_characters))
        content.update("\0".join((*campaign.lists, *how)).encode())
    if campaign.send_at is not None:
        handover = campaign.handover.value if campaign.handover else ""
        when = (campaign.send_at.timestamp(), handover, campaign.max_lateness)
        content.update("\0".join(map(str, when)).encode())
    if campaign.window_policy is not WindowPolicy.HOLD:
        content.update(campaign.window_policy.value.encode())
    if campaign.on_unknown is not OnUnknown.HOLD:
        content.update(campaign.on_unknown.value.encode())
    if campaign.producer != DEFAULT_PRODUCER:
        content.update(b"\0producer " + campaign.producer.encode())
    return content.hexdigest()
