"""The routes only the live dialect has: campaigns, webhooks, and changes to the blacklist."""

from collections import Counter
from collections.abc import Callable, Mapping

from dispatcher.sandbox.accounts import Webhook
from dispatcher.sandbox.calls import Call, short_number
from dispatcher.sandbox.clock import api_date
from dispatcher.sandbox.engine import Engine
from dispatcher.sandbox.events import ListRemoved, Unblacklisted, WebhookRemoved, WebhookSet
from dispatcher.sandbox.ledger import CampaignState, Entry
from dispatcher.sandbox.numbers import read_number
from dispatcher.sandbox.orders import read_delay
from dispatcher.sandbox.posting import Address
from dispatcher.sandbox.replies import Record, Reply
from dispatcher.sandbox.routes.lists import find_list, named_contacts
from dispatcher.sandbox.routes.send import own_campaign
from dispatcher.sandbox.statuses import RefusedError, Status

_USUAL_LENGTH = 100
_LONGEST = 1000
_TYPES = frozenset(("MO", "DLR", "STOP", "CLICKER", "BALANCE_ALERT"))
_STATES = {
    CampaignState.SENT: "Sent",
    CampaignState.SCHEDULED: "Scheduled",
    CampaignState.CANCELLED: "Canceled",
}
_SORTS: Mapping[str, Callable[[Entry], int | float | str]] = {
    "id": lambda entry: entry.campaign.ticket,
    "date": lambda entry: entry.campaign.start_at,
    "text": lambda entry: entry.campaign.text,
    "cost": lambda entry: entry.campaign.cost,
    "status": lambda entry: entry.state.value,
}
_DELIVERED = "3"


def show_campaigns(engine: Engine, call: Call) -> Reply:
    """Answer GET /campaigns: filtered, sorted (latest first), a page at a time."""
    own = [e for e in engine.world.ledger if e.campaign.account == call.account.username]
    found = [entry for entry in own if _matches(entry, call.query)]
    sort = call.query.get("sort") or "-id"
    key = _SORTS.get(sort.removeprefix("-"))
    if key is None:
        raise RefusedError(Status.BAD_DATA, "Ce tri n'existe pas")
    found.sort(key=key, reverse=sort.startswith("-"))
    start = short_number(call.query.get("start", ""), usual=0)
    length = min(short_number(call.query.get("length", ""), usual=_USUAL_LENGTH), _LONGEST)
    page = [_campaign(entry) for entry in found[start : start + length]]
    return Reply(
        fields={"campaigns": page, "totalRecords": len(own), "totalDisplayRecords": len(found)}
    )


def show_campaign(engine: Engine, call: Call) -> Reply:
    """Answer GET /campaign/:id: an array of one."""
    return Reply(fields={"campaign": [_campaign(own_campaign(engine, call))]})


def create_webhook(engine: Engine, call: Call) -> Reply:
    """Answer POST /webhook."""
    (id_,) = engine.world.new_ids(1)
    return _set_webhook(engine, call, id_)


def change_webhook(engine: Engine, call: Call) -> Reply:
    """Answer PUT /webhook/:id."""
    _own_webhook(call)
    return _set_webhook(engine, call, call.id)


def show_webhooks(engine: Engine, call: Call) -> Reply:
    """Answer GET /webhook."""
    del engine
    return Reply(fields={"webhooks": [_webhook(one) for one in call.account.webhooks.values()]})


def show_webhook(engine: Engine, call: Call) -> Reply:
    """Answer GET /webhook/:id."""
    del engine
    return Reply(fields={"webhook": _webhook(_own_webhook(call))})


def remove_webhook(engine: Engine, call: Call) -> Reply:
    """Answer DELETE /webhook/:id."""
    engine.world.commit(WebhookRemoved(call.account.username, _own_webhook(call).id))
    return Reply()


def add_to_blacklist(engine: Engine, call: Call) -> Reply:
    """Answer POST /blacklist."""
    given = named_contacts(call.body.blacklist or call.body.list)
    numbers = [read_number(gsm.value) for gsm in given if gsm.value is not None]
    known = call.account.blacklist
    new = tuple(dict.fromkeys(n for n in numbers if n is not None and n not in known))
    engine.world.blacklist(call.account, new)
    return Reply(fields={"added_contacts": len(new)})


def remove_from_blacklist(engine: Engine, call: Call) -> Reply:
    """Answer DELETE /blacklist/contact/:id."""
    for contact in call.account.blacklist.values():
        if contact.id == call.id:
            engine.world.commit(Unblacklisted(call.account.username, contact.destination))
            return Reply()
    raise RefusedError(Status.BAD_RECIPIENTS, "Contact inconnu")


def remove_list(engine: Engine, call: Call) -> Reply:
    """Answer DELETE /list/:id."""
    engine.world.commit(ListRemoved(call.account.username, find_list(call.account, call.id).id))
    return Reply()


def _matches(entry: Entry, query: Mapping[str, str]) -> bool:
    """Apply the filters that were given; an empty one counts as not given."""
    campaign = entry.campaign
    after, before = read_delay(query.get("date_start")), read_delay(query.get("date_end"))
    destination = query.get("destination", "")
    return (
        (after is None or campaign.start_at >= after)
        and (before is None or campaign.start_at <= before)
        and query.get("text", "") in campaign.text
        and (not destination or read_number(destination) in campaign.destinations)
    )


def _campaign(entry: Entry) -> Record:
    """Write a campaign; counters are texts here, and count what was posted so far."""
    campaign = entry.campaign
    codes: Counter[str] = Counter()
    for code, count in entry.last_codes().items():
        codes[str(code)] += count
    sent = campaign.counts.sent
    return {
        "id": str(campaign.ticket),
        "sender": campaign.sender,
        "text": campaign.text,
        "creation_date": api_date(campaign.accepted_at),
        "date": api_date(campaign.start_at),
        "cost": str(campaign.cost),
        "lists": [{"id": id_} for id_ in campaign.lists],
        "status": _STATES[entry.state],
        "delivery_rate": str(100 * codes[_DELIVERED] // sent) if sent else "0",
        "delivered": str(codes[_DELIVERED]),
        "error": str(codes["2"] + codes["4"] + codes["5"]),
        "expired": str(codes["12"]),
        "network_error": str(codes["11"]),
        "stop": str(campaign.counts.blacklisted),
        "npai": "0",
        "total": str(campaign.counts.total),
    }


def _set_webhook(engine: Engine, call: Call, id_: str) -> Reply:
    wanted = call.body.webhook
    type_, url = (wanted.type or "", wanted.url or "") if wanted else ("", "")
    if type_.strip() not in _TYPES:
        raise RefusedError(Status.BAD_DATA, "type est MO, DLR, STOP, CLICKER ou BALANCE_ALERT")
    signature = (wanted.signature or "").strip() if wanted else ""
    try:
        Address(url.strip(), signature)
    except ValueError as error:
        raise RefusedError(Status.BAD_DATA, "url ou signature ne convient pas") from error
    webhook = Webhook(id_, type_.strip(), url.strip(), signature)
    engine.world.commit(WebhookSet(call.account.username, webhook))
    return Reply(fields={"webhook": _webhook(webhook)})


def _own_webhook(call: Call) -> Webhook:
    webhook = call.account.webhooks.get(call.id)
    if webhook is None:
        raise RefusedError(Status.BAD_RECIPIENTS, "Webhook inconnu")
    return webhook


def _webhook(webhook: Webhook) -> Record:
    record: Record = {"webhook_id": webhook.id, "type": webhook.type, "url": webhook.url}
    return {**record, "signature": webhook.signature} if webhook.signature else record
