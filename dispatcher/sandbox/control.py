"""The control routes under /_sandbox: what no real API has, and what tests need."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Annotated, TypeVar

import msgspec

from dispatcher.sandbox.accounts import Account
from dispatcher.sandbox.calls import HttpRequest, short_number
from dispatcher.sandbox.engine import Engine
from dispatcher.sandbox.events import ClockJumped, CreditsSet
from dispatcher.sandbox.exchange import Exchange
from dispatcher.sandbox.faults import FaultPlan
from dispatcher.sandbox.ledger import CampaignState, Entry
from dispatcher.sandbox.numbers import Answer, read_number
from dispatcher.sandbox.posting import Address
from dispatcher.sandbox.routes.table import ROUTE_NAMES

_JSON = "application/json"
_LONGEST_DELAY = 30 * 86_400
_LONGEST_JUMP = 36_500 * 86_400
_JSON_LINES = "application/x-ndjson"

Order = TypeVar("Order", bound=msgspec.Struct)


class FaultOrder(msgspec.Struct, forbid_unknown_fields=True):
    """POST /_sandbox/faults: `faults` maps a written fault to its share of the calls."""

    faults: dict[str, Annotated[float, msgspec.Meta(ge=0, le=1)]]
    route: str = "*"
    seed: int = 0
    count: int | None = None


class CreditsOrder(msgspec.Struct, forbid_unknown_fields=True):
    """POST /_sandbox/credits: the balance to set, or what to add to it."""

    credits: int | None = None
    add: int = 0
    account: str | None = None


class ClockOrder(msgspec.Struct, forbid_unknown_fields=True):
    """POST /_sandbox/clock: seconds to jump ahead."""

    advance: Annotated[float, msgspec.Meta(ge=0, le=_LONGEST_JUMP)]


class BlacklistOrder(msgspec.Struct, forbid_unknown_fields=True):
    """POST /_sandbox/blacklist: numbers to put on an account's blacklist."""

    destinations: list[str]
    account: str | None = None


class WebhooksOrder(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """POST /_sandbox/webhooks: what is to be different from now on."""

    urls: tuple[str, ...] | None = None
    reply_urls: tuple[str, ...] | None = None
    receipt_delay: Annotated[float, msgspec.Meta(ge=0, le=_LONGEST_DELAY)] | None = None
    signature: Annotated[str, msgspec.Meta(pattern=r"^[\x20-\x7e]*$")] | None = None
    silent: bool | None = None
    repeat: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    shuffle: bool | None = None


class ReplyOrder(msgspec.Struct, forbid_unknown_fields=True, rename={"number": "from"}):
    """POST /_sandbox/replies: a French number answers, posted in national form if wanted."""

    number: str
    message: str
    national: bool = False
    account: str | None = None


class Control:
    """Answers the control routes, in JSON whatever is asked for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._routes: dict[str, Callable[[bytes], object]] = {
            "GET /_sandbox/health": self._health,
            "GET /_sandbox/receipts": self._receipts,
            "GET /_sandbox/faults": self._show_faults,
            "POST /_sandbox/faults": self._plan_faults,
            "DELETE /_sandbox/faults": self._clear_faults,
            "POST /_sandbox/credits": self._set_credits,
            "POST /_sandbox/clock": self._jump,
            "POST /_sandbox/blacklist": self._blacklist,
            "POST /_sandbox/webhooks": self._set_webhooks,
            "POST /_sandbox/replies": self._reply,
            "POST /_sandbox/reset": self._reset,
        }

    async def serve(self, exchange: Exchange, request: HttpRequest) -> None:
        """Answer one request: 200, 400 for an order that cannot be read, 404."""
        name = f"{request.method} {request.path}"
        if name == "GET /_sandbox/ledger":
            await self._show_ledger(exchange, request)
            return
        route = self._routes.get(name)
        if route is None:
            await exchange.answer(b'{"error":"no such control route"}', _JSON, status=404)
            return
        try:
            answer, status = route(request.body), 200
        except (ValueError, LookupError) as error:
            answer, status = {"error": str(error)}, 400
        await exchange.answer(msgspec.json.encode(answer), _JSON, status=status)

    async def _show_ledger(self, exchange: Exchange, request: HttpRequest) -> None:
        """Stream one JSON document per campaign, or sum all of them up."""
        after = short_number(request.query.get("after", ""), usual=0)
        entries = self._engine.world.ledger.after(after)
        if "summary" in request.query:
            summary = msgspec.json.encode(await self._summary(entries))
            await exchange.answer(summary, _JSON)
            return
        if "limit" in request.query:
            entries = islice(entries, short_number(request.query["limit"], usual=1))
        with_messages = request.query.get("messages") != "0"
        await exchange.begin(200, _JSON_LINES)
        await exchange.stream(_lines(entries, with_messages=with_messages))

    async def _summary(self, entries: Iterator[Entry]) -> dict[str, object]:
        """Sum campaigns up; a message counts as repeated if number and id were sent to before.

        Cancelled campaigns are counted, and otherwise left out.
        """
        campaigns = cancelled = answered = messages = cost = 0
        seen: set[int] = set()
        for entry in entries:
            campaigns += 1
            answered += entry.answered
            if entry.state is CampaignState.CANCELLED:
                cancelled += 1
                continue
            messages += entry.campaign.counts.sent
            cost += entry.campaign.cost
            campaign = entry.campaign
            seen.update(map(hash, zip(campaign.destinations, campaign.gsmsmsids, strict=True)))
            await asyncio.sleep(0)
        return {
            "campaigns": campaigns,
            "cancelled": cancelled,
            "answered": answered,
            "messages": messages,
            "repeated": messages - len(seen),
            "cost": cost,
            "credits": {
                account.username: account.balance for account in self._engine.world.accounts
            },
        }

    def _health(self, _: bytes) -> object:
        return {
            "status": "ok",
            "dialect": self._engine.config.dialect.value,
            "campaigns": len(self._engine.world.ledger),
            "now": self._engine.world.clock.now(),
        }

    def _receipts(self, _: bytes) -> object:
        aftermath = self._engine.aftermath
        return {
            "posted": aftermath.counts.posted,
            "acknowledged": aftermath.counts.acknowledged,
            "retried": aftermath.counts.retried,
            "given_up": aftermath.counts.given_up,
            "waiting": aftermath.waiting,
            "planned": len(self._engine.timeline),
        }

    def _show_faults(self, _: bytes) -> object:
        return {"injected": self._engine.faults.injected}

    def _plan_faults(self, body: bytes) -> object:
        order = _read(body, FaultOrder)
        if order.route not in ("*", *ROUTE_NAMES):
            raise ValueError(
                f"there is no route {order.route!r}: use one such as 'POST /send', or '*'"
            )
        plan = FaultPlan(rates=order.faults, seed=order.seed, left=order.count)
        self._engine.faults.plan(order.route, plan)
        return {"route": order.route, "faults": order.faults}

    def _clear_faults(self, _: bytes) -> object:
        self._engine.faults.clear()
        return {}

    def _set_credits(self, body: bytes) -> object:
        order = _read(body, CreditsOrder)
        account = self._account(order.account)
        balance = account.balance if order.credits is None else order.credits
        self._engine.world.commit(CreditsSet(account.username, balance + order.add))
        return {"account": account.username, "credits": account.balance}

    def _jump(self, body: bytes) -> object:
        order = _read(body, ClockOrder)
        self._engine.world.commit(ClockJumped(order.advance))
        self._engine.timeline.wake()
        return {"now": self._engine.world.clock.now()}

    def _blacklist(self, body: bytes) -> object:
        order = _read(body, BlacklistOrder)
        account = self._account(order.account)
        numbers = [read_number(destination) for destination in order.destinations]
        new = tuple(number for number in numbers if number and number not in account.blacklist)
        self._engine.world.blacklist(account, new)
        return {"account": account.username, "added": len(new)}

    def _set_webhooks(self, body: bytes) -> object:
        order = _read(body, WebhooksOrder)
        for url in (*(order.urls or ()), *(order.reply_urls or ())):
            Address(url)
        aftermath = self._engine.aftermath
        given = {k: v for k, v in msgspec.structs.asdict(order).items() if v is not None}
        aftermath.settings = replace(aftermath.settings, **given)
        return aftermath.settings

    def _reply(self, body: bytes) -> object:
        order = _read(body, ReplyOrder)
        account = self._account(order.account)
        number = read_number(order.number)
        if number is None:
            raise ValueError("from is not an international number")
        answer = Answer(order.message, national=order.national)
        self._engine.aftermath.post_reply(account, number, answer)
        return {}

    def _reset(self, _: bytes) -> object:
        self._engine.reset()
        return {}

    def _account(self, username: str | None) -> Account:
        """Give the named account, or the default one."""
        name = username or self._engine.config.all_accounts[0].username
        account = self._engine.world.accounts.named(name)
        if account is None:
            raise LookupError(f"there is no account {name!r}")
        return account


def _read(body: bytes, type_: type[Order]) -> Order:
    return msgspec.json.decode(body or b"{}", type=type_)


async def _lines(entries: Iterator[Entry], *, with_messages: bool) -> AsyncIterator[bytes]:
    for entry in entries:
        yield msgspec.json.encode(entry.as_record(with_messages=with_messages)) + b"\n"
        await asyncio.sleep(0)
