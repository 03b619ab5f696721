import msgspec

from dispatcher.sandbox.accounts import Account
from dispatcher.sandbox.clock import Timeline
from dispatcher.sandbox.config import Dialect, SandboxConfig
from dispatcher.sandbox.events import CampaignAccepted, Reset
from dispatcher.sandbox.faults import Faults
from dispatcher.sandbox.ledger import Campaign, CampaignState, Entry
from dispatcher.sandbox.orders import Order
from dispatcher.sandbox.receipts import Aftermath, WebhookSettings
from dispatcher.sandbox.statuses import RefusedError, Status
from dispatcher.sandbox.world import World


class Engine:
    """Everything the routes work with: the state, and what moves it by itself."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.world = World(config)
        self.faults = Faults()
        self.timeline = Timeline(self.world.clock)
        self.aftermath = Aftermath(self.world, self.timeline, _settings(config))

    @property
    def is_live(self) -> bool:
        """Say whether the live dialect is spoken."""
        return self.config.dialect is Dialect.LIVE

    def start(self) -> None:
        """Take up the state of the last run, if there is one; needs a running loop."""
        self.world.restore()
        self.aftermath.resume()

    def stop(self) -> None:
        """Leave no timer, connection or file behind."""
        self.aftermath.forget()
        self.world.close()

    def reset(self) -> None:
        """Be as on the first day; the journal remembers that, too."""
        self.aftermath.forget()
        self.aftermath.settings = _settings(self.config)
        self.faults.clear()
        self.world.commit(Reset())
        self.world.open_configured_accounts()

    def accept(self, account: Account, order: Order) -> Entry:
        """Debit an order and enter it in the ledger, in one go.

        Raises:
            RefusedError: -3.
        """
        if order.cost > account.balance:
            raise RefusedError(
                Status.NOT_ENOUGH_CREDITS,
                f"{order.cost} crédits requis, {account.balance} restants",
            )
        ticket = self.world.ledger.next_ticket
        self.world.commit(CampaignAccepted(self._campaign(account, order, ticket)))
        entry = self.world.entry(ticket)
        self.aftermath.follow(entry)
        return entry

    def _campaign(self, account: Account, order: Order, ticket: int) -> Campaign:
        """Pack an order for the ledger; a `delay` that has passed means now."""
        now = self.world.clock.now()
        wording = order.wording
        waits = wording.delay is not None and wording.delay > now
        ids = order.gsmsmsids
        return Campaign(
            ticket=ticket,
            account=account.username,
            accepted_at=now,
            start_at=wording.delay if waits and wording.delay is not None else now,
            text=wording.text,
            sent_text=order.sent_text,
            sender=wording.sender,
            pushtype=wording.pushtype,
            cost=order.cost,
            counts=order.counts,
            packed_destinations="\n".join(order.destinations),
            packed_ids=b"" if ids is None else msgspec.msgpack.encode(ids),
            segments=order.segments,
            texts=order.texts,
            lists=order.lists,
            state=CampaignState.SCHEDULED if waits else CampaignState.SENT,
        )


def _settings(config: SandboxConfig) -> WebhookSettings:
    return WebhookSettings(
        urls=config.webhooks,
        reply_urls=config.reply_webhooks,
        receipt_delay=config.receipt_delay,
    )
