"""Every change of the sandbox's state, as a record that can be written down and replayed."""

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from dispatcher.sandbox.accounts import Account, Contact, ContactList, Webhook
from dispatcher.sandbox.ledger import Campaign, CampaignState

if TYPE_CHECKING:
    from dispatcher.sandbox.world import World


class _Event(msgspec.Struct, frozen=True, tag=True):
    """A change that has been decided."""


class AccountOpened(_Event, frozen=True, kw_only=True):
    """An account exists from now on."""

    id: str
    username: str
    password: str
    token: str
    credits: int = 0
    payer: str | None = None

    def apply(self, world: "World") -> None:
        """Open the account."""
        payer = world.accounts[self.payer] if self.payer else None
        account = Account(
            id=self.id,
            username=self.username,
            password=self.password,
            token=self.token,
            credits=self.credits,
            payer=payer,
        )
        world.accounts.add(account)


class CreditsSet(_Event, frozen=True):
    """An account has another balance."""

    account: str
    credits: int

    def apply(self, world: "World") -> None:
        """Set the balance."""
        world.accounts[self.account].wallet.credits = self.credits


class CampaignAccepted(_Event, frozen=True):
    """A campaign has a ticket and is paid for."""

    campaign: Campaign

    def apply(self, world: "World") -> None:
        """Debit the campaign and enter it, in one go."""
        world.accounts[self.campaign.account].wallet.credits -= self.campaign.cost
        world.ledger.append(self.campaign)


class CampaignStarted(_Event, frozen=True):
    """A scheduled campaign goes out."""

    ticket: int

    def apply(self, world: "World") -> None:
        """Put it out of the reach of cancellation."""
        world.entry(self.ticket).state = CampaignState.SENT


class CampaignCancelled(_Event, frozen=True):
    """A scheduled campaign was taken back."""

    ticket: int

    def apply(self, world: "World") -> None:
        """Cancel it and refund its cost."""
        entry = world.entry(self.ticket)
        entry.state = CampaignState.CANCELLED
        world.accounts[entry.campaign.account].wallet.credits += entry.campaign.cost


class CampaignAnswered(_Event, frozen=True):
    """The reply with the ticket was handed over whole."""

    ticket: int

    def apply(self, world: "World") -> None:
        """Note it for the ledger's readers."""
        world.entry(self.ticket).answered = True


class ReceiptsPosted(_Event, frozen=True):
    """All receipts of a campaign were handed to the webhooks."""

    ticket: int
    first: bytes
    later: dict[int, list[int]]

    def apply(self, world: "World") -> None:
        """Let a restart not post them again."""
        world.entry(self.ticket).settle_receipts(self.first, self.later)


class ListCreated(_Event, frozen=True):
    """An account has a new list."""

    account: str
    id: str
    name: str
    date: float

    def apply(self, world: "World") -> None:
        """Create it, empty."""
        lists = world.accounts[self.account].lists
        lists[self.id] = ContactList(self.id, self.name, self.date)
        world.ids_given += 1


class ListRemoved(_Event, frozen=True):
    """A list is gone, with its contacts."""

    account: str
    id: str

    def apply(self, world: "World") -> None:
        """Remove it."""
        del world.accounts[self.account].lists[self.id]


class ContactsAdded(_Event, frozen=True):
    """Contacts were put on a list."""

    account: str
    list_id: str
    contacts: list[Contact]

    def apply(self, world: "World") -> None:
        """Append them, and count their ids as given out."""
        world.accounts[self.account].lists[self.list_id].contacts.extend(self.contacts)
        world.ids_given += len(self.contacts)


class ContactsRemoved(_Event, frozen=True):
    """Contacts left a list."""

    account: str
    list_id: str
    ids: list[str]

    def apply(self, world: "World") -> None:
        """Remove them."""
        contacts = world.accounts[self.account].lists[self.list_id].contacts
        gone = set(self.ids)
        contacts[:] = [contact for contact in contacts if contact.id not in gone]


class Blacklisted(_Event, frozen=True):
    """Numbers were put on an account's blacklist."""

    account: str
    contacts: list[Contact]

    def apply(self, world: "World") -> None:
        """Add them; those already there stay as they were."""
        blacklist = world.accounts[self.account].blacklist
        for contact in self.contacts:
            blacklist.setdefault(contact.destination, contact)
        world.ids_given += len(self.contacts)


class Unblacklisted(_Event, frozen=True):
    """A number left an account's blacklist."""

    account: str
    destination: str

    def apply(self, world: "World") -> None:
        """Remove it."""
        world.accounts[self.account].blacklist.pop(self.destination, None)


class WebhookSet(_Event, frozen=True):
    """An account has a new or another webhook."""

    account: str
    webhook: Webhook

    def apply(self, world: "World") -> None:
        """Keep it under its id."""
        world.accounts[self.account].webhooks[self.webhook.id] = self.webhook
        world.ids_given += 1


class WebhookRemoved(_Event, frozen=True):
    """A webhook is gone."""

    account: str
    id: str

    def apply(self, world: "World") -> None:
        """Remove it."""
        del world.accounts[self.account].webhooks[self.id]


class ClockJumped(_Event, frozen=True):
    """The clock was told to jump."""

    seconds: float

    def apply(self, world: "World") -> None:
        """Jump."""
        world.clock.jumped += self.seconds


class Reset(_Event, frozen=True):
    """Everything starts afresh."""

    def apply(self, world: "World") -> None:
        """Forget accounts, campaigns and jumps."""
        world.clear()


Event: TypeAlias = (
    AccountOpened
    | CreditsSet
    | CampaignAccepted
    | CampaignStarted
    | CampaignCancelled
    | CampaignAnswered
    | ReceiptsPosted
    | ListCreated
    | ListRemoved
    | ContactsAdded
    | ContactsRemoved
    | Blacklisted
    | Unblacklisted
    | WebhookSet
    | WebhookRemoved
    | ClockJumped
    | Reset
)
