"""Campaigns whose messages go through lists, and what must hold of them whatever went wrong.

Messages of list sends carry no id of ours, so here everybody is in one campaign only, and has
a text that nobody else gets.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from dispatcher import Campaign, Recipient
from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.domain.routes import Render
from dispatcher.domain.sequence import gsmsmsids
from dispatcher.smsfactor import NewContact
from dispatcher.store.keys import Key
from tests.faults.rig import Rig
from tests.support.invariants import SETTLED, World, violations
from tests.support.people import generated
from workers.milestones import Milestone
from workers.steps.cleanup import clean_next
from workers.steps.progress import Progress

RECIPIENTS = 5
"""Of one campaign: a list of four, uploaded in two calls, and a list of one."""

OF_TIME = frozenset(
    {
        Milestone.WITHDRAWAL_CLAIMED,
        Milestone.WITHDRAWN,
        Milestone.SCHEDULE_CLAIMED,
        Milestone.OCCURRENCE_PREPARED,
        Milestone.OCCURRENCE_SUBMITTED,
    }
)
"""Milestones that no campaign of here passes."""

_OURS = "dispatch-"
_ENOUGH = 10_000
_LONG_AFTER = 3600


@dataclass(frozen=True, kw_only=True)
class Mailing:
    """A campaign, and what each number is to read."""

    campaign: str
    texts: Mapping[str, str]


class Mailings:
    """The campaigns of one test."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.known: list[Mailing] = []
        self._people: Iterator[str] = generated(_ENOUGH, seed=4)

    @property
    def campaigns(self) -> list[str]:
        return [mailing.campaign for mailing in self.known]

    def submit(self) -> str:
        """Submit a campaign that is uploaded to lists of its own."""
        names = self._names()
        recipients = [Recipient(number, fields={"nom": name}) for number, name in names.items()]
        return self._submit(
            Campaign(recipients=recipients, text="Bonjour {nom}", render=Render.LISTS), names
        )

    def submit_given(self, *, render: Render = Render.AUTO) -> str:
        """Submit a campaign over a list that is at the API already."""
        names = self._names()
        contacts = [NewContact(number, (name, "", "", "")) for number, name in names.items()]
        given = self.rig.account.api.create_list(contacts, name=f"given {len(self.known)}")
        return self._submit(
            Campaign(lists=(given.id,), text="Bonjour {info1}", render=render), names
        )

    def submit_rendered(self) -> str:
        """Submit a campaign over such a list whose contacts are sent to directly."""
        return self.submit_given(render=Render.HERE)

    def states(self) -> list[CampaignState]:
        """Give each campaign's state."""
        status = self.rig.account.store.campaigns.status
        return [status(campaign).state for campaign in self.campaigns]

    def first_batches(self) -> list[BatchState]:
        """Give the state of each campaign's first batch."""
        found = (self.rig.account.store.batches.read(name, 0) for name in self.campaigns)
        return [batch.state for batch in found if batch is not None]

    def violations(self) -> list[str]:
        """Check everything, once nothing moves any more."""
        world = addressed(self.rig.world(), self.known)
        return [
            *violations(world, self.campaigns, settled=SETTLED),
            *_misread(world.ledger, self.known),
            *_forgotten(world.ledger, self._finished()),
            *self._full_lists(world),
        ]

    def uploads(self) -> list[list[str]]:
        """Give the numbers in each list that was made for a campaign."""
        api = self.rig.account.api
        return [
            [contact.destination for contact in api.contacts(found.id)]
            for found in api.lists()
            if found.name.startswith(_OURS)
        ]

    def clean(self) -> None:
        """Empty lists as workers would, long after the campaigns."""
        self.rig.advance(_LONG_AFTER)
        while clean_next(self.rig.account) is Progress.MADE:
            pass

    def _names(self) -> dict[str, str]:
        people = islice(self._people, RECIPIENTS)
        return {number: f"Nom{len(self.known)}-{place}" for place, number in enumerate(people)}

    def _submit(self, campaign: Campaign, names: Mapping[str, str]) -> str:
        name = self.rig.resources.dispatcher.submit(campaign)
        texts = {number: f"Bonjour {who}" for number, who in names.items()}
        self.known.append(Mailing(campaign=name, texts=texts))
        return name

    def _finished(self) -> list[Mailing]:
        both = zip(self.known, self.states(), strict=True)
        return [mailing for mailing, state in both if state is CampaignState.FINISHED]

    def _full_lists(self, world: World) -> list[str]:
        """Clean up, then find lists made for campaigns that are over and still hold somebody."""
        self.clean()
        status = self.rig.account.store.campaigns.status
        in_use = tuple(
            world.read(Key.CAMPAIGN, campaign)["list_prefix"]
            for campaign in self.campaigns
            if not status(campaign).is_over
        )
        api = self.rig.account.api
        over = [found for found in api.lists() if not found.name.startswith(in_use)]
        return [
            f"the list {found.name} still holds contacts"
            for found in over
            if found.name.startswith(_OURS) and api.contacts(found.id)
        ]


def addressed(world: World, mailings: Sequence[Mailing]) -> World:
    """Give messages without an id the one their recipient would have in a direct send."""
    ids: dict[str, str] = {}
    secret = world.store.ledger.receipt_key()
    for mailing in mailings:
        first = int(world.read(Key.CAMPAIGN, mailing.campaign)["first"])
        numbers = [int(result.number) for result in world.store.results.of(mailing.campaign)]
        ids |= zip(map(str, numbers), gsmsmsids(secret, first, numbers), strict=True)
    return replace(world, ledger=[_with_ids(entry, ids) for entry in world.ledger])


def _with_ids(entry: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    messages = [
        {**message, "gsmsmsid": message["gsmsmsid"] or ids.get(message["destination"])}
        for message in entry["messages"]
    ]
    return {**entry, "messages": messages}


def _misread(ledger: Sequence[Mapping[str, Any]], mailings: Sequence[Mailing]) -> list[str]:
    """Find people who got another text than theirs, or more than one."""
    expected = {number: text for mailing in mailings for number, text in mailing.texts.items()}
    got: defaultdict[str, list[str]] = defaultdict(list)
    for entry in ledger:
        for message in entry["messages"]:
            got[message["destination"]].append(message.get("text", entry["text"]))
    return [
        f"somebody got {texts}, not {expected.get(number)}"
        for number, texts in got.items()
        if texts != [expected.get(number)]
    ]


def _forgotten(ledger: Sequence[Mapping[str, Any]], finished: Sequence[Mailing]) -> list[str]:
    """Find people of finished campaigns who got nothing."""
    reached = {message["destination"] for entry in ledger for message in entry["messages"]}
    return [
        f"{mailing.campaign} is finished, and {len(lost)} got nothing"
        for mailing in finished
        if (lost := mailing.texts.keys() - reached)
    ]
