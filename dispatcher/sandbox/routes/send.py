"""POST and GET /send, the lists, their simulations, and DELETE /send/:id."""

from dispatcher.sandbox.accounts import Account
from dispatcher.sandbox.calls import Call, short_number
from dispatcher.sandbox.engine import Engine
from dispatcher.sandbox.events import CampaignCancelled
from dispatcher.sandbox.faults import is_moderated
from dispatcher.sandbox.ledger import CampaignState, Entry
from dispatcher.sandbox.orders import Order, read_lists_order, read_order, read_query_order
from dispatcher.sandbox.replies import Record, Reply
from dispatcher.sandbox.statuses import RefusedError, Status

_LIVE_COUNTERS: Record = {"npai": 0, "not_allowed": 0, "flood": 0, "country_limit": 0}


def send(engine: Engine, call: Call) -> Reply:
    """Answer POST /send."""
    return _accepted(engine, call.account, read_order(call, engine.config.stop_mention))


def send_by_query(engine: Engine, call: Call) -> Reply:
    """Answer GET /send."""
    return _accepted(engine, call.account, read_query_order(call, engine.config.stop_mention))


def send_to_lists(engine: Engine, call: Call) -> Reply:
    """Answer POST /send/lists."""
    return _accepted(engine, call.account, read_lists_order(call, engine.config.stop_mention))


def simulate(engine: Engine, call: Call) -> Reply:
    """Answer POST /send/simulate."""
    return _quoted(engine, call.account, read_order(call, engine.config.stop_mention))


def simulate_by_query(engine: Engine, call: Call) -> Reply:
    """Answer GET /send/simulate."""
    return _quoted(engine, call.account, read_query_order(call, engine.config.stop_mention))


def simulate_lists(engine: Engine, call: Call) -> Reply:
    """Answer POST /send/lists/simulate."""
    return _quoted(engine, call.account, read_lists_order(call, engine.config.stop_mention))


def cancel(engine: Engine, call: Call) -> Reply:
    """Answer DELETE /send/:id: only what waits for its `delay` can be taken back."""
    entry = own_campaign(engine, call)
    if entry.state is CampaignState.CANCELLED:
        raise RefusedError(Status.BAD_RECIPIENTS, "Campagne déjà annulée")
    if entry.state is CampaignState.SENT:
        raise RefusedError(Status.BAD_RECIPIENTS, "Campagne déjà envoyée")
    engine.world.commit(CampaignCancelled(entry.campaign.ticket))
    return Reply(fields={"credits": str(call.account.balance)})


def own_campaign(engine: Engine, call: Call) -> Entry:
    """Give the campaign a call is about, if it is the caller's.

    Raises:
        RefusedError: -5.
    """
    entry = engine.world.ledger.find(short_number(call.id, usual=0))
    if entry is None or entry.campaign.account != call.account.username:
        raise RefusedError(Status.BAD_RECIPIENTS, "Campagne inconnue")
    return entry


def _accepted(engine: Engine, account: Account, order: Order) -> Reply:
    entry = engine.accept(account, order)
    ticket = entry.campaign.ticket
    fields = {"ticket": str(ticket), **_outcome(engine, account, order)}
    if is_moderated(order.wording.text):
        status = Status.MODERATED
        return Reply(status=status, message=status.text, fields=fields, ticket=ticket)
    return Reply(fields=fields, ticket=ticket)


def _quoted(engine: Engine, account: Account, order: Order) -> Reply:
    """Answer a simulation, also of what the account could not pay."""
    ticket: Record = {"ticket": None} if engine.is_live else {}
    return Reply(fields={**ticket, **_outcome(engine, account, order)})


def _outcome(engine: Engine, account: Account, order: Order) -> Record:
    counts = order.counts
    return {
        "cost": order.cost,
        "credits": account.balance,
        "total": counts.total,
        "sent": counts.sent,
        "blacklisted": counts.blacklisted,
        "duplicated": counts.duplicated,
        "invalid": counts.invalid,
        **(_LIVE_COUNTERS if engine.is_live else {}),
    }
