"""What recipients cause once a campaign has gone out: receipts (DLR) and replies (MO, STOP)."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat

import msgspec

from dispatcher.sandbox.accounts import Account, Webhook
from dispatcher.sandbox.clock import Timeline, webhook_date
from dispatcher.sandbox.events import CampaignStarted, ReceiptsPosted
from dispatcher.sandbox.ledger import Campaign, CampaignState, Entry
from dispatcher.sandbox.numbers import Answer, Step, answer_of, fate_of
from dispatcher.sandbox.posting import Address, Mailbox, Parcel, PostingCounts
from dispatcher.sandbox.world import World


class Receipt(msgspec.Struct, frozen=True):
    """The JSON document of a receipt."""

    date: str
    status: int
    destination: str
    message_id: str
    campaign_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """How webhooks are posted, and how they misbehave.

    Attributes:
        urls: where every account's receipts go, beside webhooks the account has itself.
        reply_urls: where every account's replies go.
        signature: the header's value for `urls` and `reply_urls`; empty for no header.
        silent: drop what would be posted.
        repeat: how often each document is posted.
        shuffle: post the receipts of a campaign in another order than its recipients.
    """

    urls: tuple[str, ...]
    reply_urls: tuple[str, ...]
    receipt_delay: float
    signature: str = ""
    silent: bool = False
    repeat: int = 1
    shuffle: bool = False


class Aftermath:
    """Starts campaigns when their time comes, and posts what follows."""

    def __init__(self, world: World, timeline: Timeline, settings: WebhookSettings) -> None:
        self._world = world
        self._timeline = timeline
        self._mailboxes: dict[tuple[str, str], Mailbox] = {}
        self.settings = settings
        self.counts = PostingCounts()

    @property
    def waiting(self) -> bool:
        """Say whether something is still to be posted."""
        return any(mailbox.waiting for mailbox in self._mailboxes.values())

    def resume(self) -> None:
        """Take up every campaign that is not done, after a restart."""
        for entry in self._world.ledger:
            if entry.state is CampaignState.SCHEDULED:
                self.follow(entry)
            elif entry.state is CampaignState.SENT and not entry.receipts_out:
                self._await_receipts(entry)

    def follow(self, entry: Entry) -> None:
        """Start an accepted campaign, now or at its time."""
        if entry.state is CampaignState.SCHEDULED:
            self._timeline.at(entry.campaign.start_at, lambda: self._start(entry))
        else:
            self._await_receipts(entry)

    def post_reply(self, account: Account, number: str, answer: Answer) -> None:
        """Post a reply; a STOP also puts the number on the account's blacklist."""
        date = webhook_date(self._world.clock.now())
        document = {"date": date, "message": answer.text, "from": answer.sender(number)}
        self._post(account, "MO", document)
        if not answer.text.strip().upper().startswith("STOP"):
            return
        if number not in account.blacklist:
            self._world.blacklist(account, (number,))
        last = self._last_message_id(account, number)
        self._post(account, "STOP", {**document, "account_id": account.id, "last_message_id": last})

    def forget(self) -> None:
        """Drop everything that waits, and the counts."""
        self._timeline.clear()
        for mailbox in self._mailboxes.values():
            mailbox.close()
        self._mailboxes.clear()
        self.counts = PostingCounts()

    def _await_receipts(self, entry: Entry) -> None:
        due = entry.campaign.start_at + self.settings.receipt_delay
        self._timeline.at(due, lambda: self._report(entry))

    def _start(self, entry: Entry) -> None:
        if entry.state is CampaignState.SCHEDULED:
            self._world.commit(CampaignStarted(entry.campaign.ticket))
            self.follow(entry)

    def _report(self, entry: Entry) -> None:
        """Post the receipts of a campaign to every webhook that wants them."""
        if entry.receipts_out:
            return
        account = self._world.accounts[entry.campaign.account]
        webhooks = [] if self.settings.silent else self._webhooks(account, "DLR")
        for place, webhook in enumerate(webhooks):
            self._mailbox(webhook).put(self._receipts(entry, webhook, noting=place == 0))
        if not webhooks:
            self._finish(entry)

    def _receipts(self, entry: Entry, webhook: Webhook, *, noting: bool) -> Iterator[Parcel]:
        """Make the receipts of a campaign, each when there is a connection to carry it."""
        campaign, account = entry.campaign, self._world.accounts[entry.campaign.account]
        destinations, ids = campaign.destinations, campaign.gsmsmsids
        for index in self._order(campaign):
            number, id_ = destinations[index], ids[index]
            for step in self._fate(number):
                parcel = self._receipt(campaign, step, number, "" if id_ is None else str(id_))
                if noting:
                    entry.note_receipt(index, step.code)
                if step.late:
                    self._post_late(webhook, parcel, step.late)
                else:
                    yield from repeat(parcel, self.settings.repeat)
            answer = answer_of(number) if noting else None
            if answer is not None:
                # Posting here and now might ask this very generator for its next parcel.
                asyncio.get_running_loop().call_soon(self.post_reply, account, number, answer)
        if noting:
            self._finish(entry)

    def _receipt(self, campaign: Campaign, step: Step, number: str, message_id: str) -> Parcel:
        now = webhook_date(self._world.clock.now() + step.late)
        receipt = Receipt(now, step.code, number, message_id, str(campaign.ticket))
        return Parcel(msgspec.json.encode(receipt), str(step.code))

    def _order(self, campaign: Campaign) -> list[int]:
        """Give the order in which a campaign's recipients get theirs."""
        order = list(range(campaign.counts.sent))
        if self.settings.shuffle:
            seed = self._world.config.seed + campaign.ticket
            random.Random(seed).shuffle(order)  # noqa: S311 - repeatable, not secret
        return order

    def _fate(self, number: str) -> tuple[Step, ...]:
        config = self._world.config
        return fate_of(number, seed=config.seed, undelivered_rate=config.undelivered_rate)

    def _post_late(self, webhook: Webhook, parcel: Parcel, late: float) -> None:
        moment = self._world.clock.now() + late
        self._timeline.at(moment, lambda: self._mailbox(webhook).put([parcel]))

    def _finish(self, entry: Entry) -> None:
        if not entry.receipts_out:
            first, later = entry.posted_receipts()
            self._world.commit(ReceiptsPosted(entry.campaign.ticket, first, later))

    def _post(self, account: Account, type_: str, document: dict[str, str]) -> None:
        if self.settings.silent:
            return
        parcel = Parcel(msgspec.json.encode(document), type_)
        for webhook in self._webhooks(account, type_):
            self._mailbox(webhook).put([parcel] * self.settings.repeat)

    def _webhooks(self, account: Account, type_: str) -> list[Webhook]:
        """Give the webhooks for a type of event: everybody's, then the account's own."""
        urls = {"DLR": self.settings.urls, "MO": self.settings.reply_urls}.get(type_, ())
        common = [Webhook("", type_, url, self.settings.signature) for url in urls]
        return common + [own for own in account.webhooks.values() if own.type == type_]

    def _mailbox(self, webhook: Webhook) -> Mailbox:
        key = (webhook.url, webhook.signature)
        if key not in self._mailboxes:
            config = self._world.config
            self._mailboxes[key] = Mailbox(
                Address(webhook.url, webhook.signature),
                self.counts,
                connections=config.webhook_connections,
                attempts=config.webhook_attempts,
            )
        return self._mailboxes[key]

    def _last_message_id(self, account: Account, number: str) -> str:
        """Give the sender's id of the last message a number got from an account."""
        for entry in reversed(list(self._world.ledger)):
            campaign = entry.campaign
            if campaign.account != account.username or entry.state is not CampaignState.SENT:
                continue
            if number in campaign.packed_destinations:
                for message in campaign.messages():
                    if message.destination == number:
                        return message.gsmsmsid or ""
        return ""
