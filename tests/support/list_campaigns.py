"""Campaigns whose messages go through lists, submitted to `Works`."""

from collections.abc import Sequence

from dispatcher import Campaign, Recipient
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.domain.routes import Render
from dispatcher.smsfactor import NewContact
from tests.support.sandbox import Sandbox
from tests.support.works import FOUR, Works
from workers.steps.cleanup import clean_next
from workers.steps.progress import Progress
from workers.steps.quote import quote_next

SIX_MINUTES_MS = 360_000
"""Lists are left alone for five after their campaign."""


def submit_named(works: Works, numbers: Sequence[str] = FOUR, text: str = "Bonjour {nom}") -> str:
    """Submit a campaign to be uploaded; the recipients are called N0, N1…"""
    people = [Recipient(number, fields={"nom": f"N{n}"}) for n, number in enumerate(numbers)]
    return works.resources.dispatcher.submit(
        Campaign(recipients=people, text=text, render=Render.LISTS)
    )


def make_given(works: Works, numbers: Sequence[str] = FOUR) -> str:
    """Make a list of the producer's own, of contacts called N0, N1…; give its id."""
    contacts = [NewContact(number, (f"N{n}", "", "", "")) for n, number in enumerate(numbers)]
    return works.account.api.create_list(contacts, name="mine").id


def submit_given(works: Works, *lists: str) -> str:
    """Submit a campaign over lists that are there."""
    return works.resources.dispatcher.submit(Campaign(lists=lists, text="Salut {info1}"))


def quote_all(works: Works, campaign: str) -> None:
    """Quote a campaign to the end, and let its server be approved for sending."""
    works.account.store.ledger.approve_server(quiet_ms=0)
    while quote_next(works.account, campaign) is Progress.MADE:
        pass
    assert works.check(campaign).state is CampaignState.SENDING


def clean_lists(works: Works) -> None:
    """Empty lists as workers do some minutes after their campaigns."""
    works.bench.advance(SIX_MINUTES_MS)
    while clean_next(works.account) is Progress.MADE:
        pass


def texts_of(sandbox: Sandbox) -> dict[str, str]:
    """Give what each number read; one that read two texts fails the test."""
    messages = [
        (message["destination"], message.get("text", entry.get("sent_text", entry["text"])))
        for entry in sandbox.ledger()
        for message in entry["messages"]
    ]
    assert len(dict(messages)) == len(messages)
    return dict(messages)
