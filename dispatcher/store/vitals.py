"""Reads how accounts stand, at a cost that does not grow with the number of campaigns."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import msgspec
from redis import Redis
from redis.client import Pipeline

from dispatcher.domain.lifecycle import TERMINAL, BatchState, CampaignState, HoldReason
from dispatcher.domain.vitals import (
    SOON_SECONDS,
    STANDINGS,
    AccountVitals,
    Line,
    Lost,
    Money,
    Rate,
    ServerVitals,
    Waiting,
    kept_waiting,
    place_of,
)
from dispatcher.settings import Settings
from dispatcher.store.connection import open_blocking, translated
from dispatcher.store.keys import Key, Keys
from dispatcher.store.preamble import RATE_RECOVERY_MS
from dispatcher.store.replies import text, text_fields

# Whoever looks waits for it, and looks again soon.
_TIMEOUT = 2.0
_CONNECT_TIMEOUT = 1.0
_MOST_PRODUCERS = 200
_SHOWN = 20
# Whoever scales by it has scaled as far as it goes, with more.
_MOST_ACTIVE = 200
_QUOTED = (CampaignState.QUEUED.value, CampaignState.QUOTING.value)
_SENT = (CampaignState.SENDING.value,)
_ACTIVE = _QUOTED + _SENT
# Slots of POSTs that are just going out or went; a tenth of a second each, unless they tell.
_MOST_SLOTS = 100
_USUAL_SECONDS = 0.1

_ACCOUNT_FIELDS = (
    "balance",
    "balance_at",
    "reserved",
    "exposed",
    "spent",
    "unknown_credits",
    "parked",
    "stopped_by",
    "breaker_at",
    "quiet_until",
    "serial_until",
    "ticked_at",
    "renudges",
    "leases_lost",
    "counted",
    "rate",
    "rate_waits",
    "rate_waited_ms",
    "rate_lowered",
    "lowered_to",
    "lowered_at",
    "limited_until",
)
_OVERDUE: Mapping[str, Key] = {
    "campaigns": Key.AGENDA,
    "batches": Key.DUE,
    "sends": Key.INFLIGHT,
    "holds": Key.ALARM_CLOCK,
    "schedules": Key.SCHEDULES_DUE,
    "withdrawals": Key.WITHDRAWALS,
}
"""What has its time in a sorted set, and should be gone from there soon after."""

_STREAMS: Mapping[str, Key] = {"receipts": Key.RECEIPTS, "replies": Key.POSTED_REPLIES}


class Looker:
    """Looks at one Redis, and would rather be told that it is away than wait for it."""

    def __init__(self, settings: Settings) -> None:
        """Prepare; nothing is dialled before the first look."""
        self._namespace = settings.namespace
        self._client = open_blocking(
            settings.store_address,
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_CONNECT_TIMEOUT,
            client_name="dispatcher-monitor",
        )

    def ping(self) -> None:
        """Ask whether it is there.

        Raises:
            StoreUnavailableError: it does not answer, or is still reading its data.
        """
        with translated():
            self._client.ping()

    def server(self) -> ServerVitals:
        """Ask the server how it is; raises as `ping`."""
        # A server that is loading answers INFO, and nothing else.
        self.ping()
        with translated():
            about: Any = self._client.info()
        return ServerVitals(
            used_memory=int(about["used_memory"]),
            max_memory=int(about.get("maxmemory", 0)),
            is_log_fine=int(about.get("aof_enabled", 0)) == 1
            and about.get("aof_last_write_status") == "ok"
            and about.get("aof_last_bgrewrite_status") == "ok",
            replicas=int(about.get("connected_slaves", 0)),
        )

    def account(self, name: str) -> AccountVitals:
        """Look at one account; raises as `ping`."""
        return Vitals(self._client, Keys(self._namespace, name)).read()

    def close(self) -> None:
        """Close every connection."""
        self._client.close()


def server_clock(client: Redis) -> int:
    """Tell the time of a server, in ms."""
    told: Any = client.time()
    seconds, microseconds = told
    return int(seconds) * 1000 + int(microseconds) // 1000


class Vitals:
    """Looks at one account."""

    def __init__(
        self, client: Redis, keys: Keys, *, clock: Callable[[Redis], int] = server_clock
    ) -> None:
        """Take the account's keys, and what tells the time in ms."""
        self._client = client
        self._keys = keys
        self._clock = clock

    def read(self) -> AccountVitals:
        """Read all of it: three round trips, whatever the account holds.

        Raises:
            StoreUnavailableError: Redis does not answer.
        """
        with translated():
            ages = _Ages(self._clock(self._client))
            seen = self._look(ages.now)
            return self._tell(ages, seen, self._look_closer(seen, ages.now))

    def _look(self, now: int) -> dict[str, Any]:
        of = self._keys.of
        with _Look(self._client) as look:
            look.at("account").hmget(of(Key.ACCOUNT), list(_ACCOUNT_FIELDS))
            look.at("tally").hgetall(of(Key.TALLY))
            look.at("malformed").hgetall(of(Key.MALFORMED))
            look.at("to review").zcard(of(Key.REVIEW))
            look.at("strangers").xlen(of(Key.PARKED))
            look.at("alarms").xlen(of(Key.ALARMS))
            look.at("in flight").zcard(of(Key.INFLIGHT))
            look.at("producers").zrange(of(Key.OUTBOX_LOOKS), 0, _MOST_PRODUCERS - 1)
            look.at("campaigns").zcard(of(Key.CAMPAIGNS))
            look.at("glance").get(of(Key.GLANCE))
            look.at("lost").zrange(of(Key.UNKNOWN), 0, _SHOWN - 1, withscores=True)
            look.at("slots").zrevrange(of(Key.SLOTS), 0, _MOST_SLOTS - 1)
            for name, key in {"unknown": of(Key.UNKNOWN), **self._places()}.items():
                look.at(name).zcard(key)
                look.at(f"first {name}").zrange(key, 0, 0, withscores=True)
            for place in _ACTIVE:
                key = of(Key.STANDING, place)
                look.at(f"active {place}").zrange(key, 0, _MOST_ACTIVE - 1)
            for name, family in _OVERDUE.items():
                look.at(f"overdue {name}").zcount(of(family), "-inf", now)
                look.at(f"first overdue {name}").zrange(of(family), 0, 0, withscores=True)
            for name, family in _STREAMS.items():
                look.at(name).xlen(of(family))
        return look.seen

    def _places(self) -> dict[str, str]:
        return {place: self._keys.of(Key.STANDING, place) for place in map(place_of, STANDINGS)}

    def _look_closer(self, seen: Mapping[str, Any], now: int) -> dict[str, Any]:
        of = self._keys.of
        with _Look(self._client) as look:
            for producer in map(text, seen["producers"]):
                look.at(f"outbox {producer}").xlen(of(Key.OUTBOX, producer))
                look.at(f"dead {producer}").xlen(of(Key.DEAD, producer))
                look.at(f"lanes {producer}").zcard(of(Key.LANES, producer))
            for name, _ in seen["lost"]:
                campaign, _, n = text(name).rpartition("/")
                look.at(f"quote {text(name)}").hget(of(Key.BATCH, campaign, n), "quote")
            for place in _ACTIVE:
                for campaign in map(text, seen[f"active {place}"]):
                    name = f"waiting {place} {campaign}"
                    look.at(name).zcount(of(Key.WAITING, campaign), "-inf", now)
        return look.seen

    def _tell(
        self, ages: "_Ages", seen: Mapping[str, Any], closer: Mapping[str, Any]
    ) -> AccountVitals:
        account = dict(zip(_ACCOUNT_FIELDS, seen["account"], strict=True))
        counts = {name: int(value) for name, value in text_fields(seen["tally"]).items()}
        rate, glance = _rate(account, ages.now), Glance.read(seen["glance"])
        weight, most = _weight(seen["slots"], rate), _most_at_once(account, ages.now)
        quotes, sends = (_due(seen, closer, places) for places in (_QUOTED, _SENT))
        return AccountVitals(
            account=self._keys.account_name,
            standing={each: ages.sorted(seen, place_of(each)) for each in STANDINGS},
            over={state: counts.get(state.value, 0) for state in TERMINAL},
            batches={state: counts.get(f"batch {state.value}", 0) for state in BatchState},
            waiting=quotes + sends,
            paced=kept_waiting(quotes=quotes, sends=sends, weight=weight, rate=rate, most=most),
            overdue={name: ages.overdue(seen, name) for name in _OVERDUE},
            unknown=ages.sorted(seen, "unknown"),
            in_flight=seen["in flight"],
            money=_money(account, ages),
            receipts=ages.since(seen["receipts"], glance.receipts),
            replies=ages.since(seen["replies"], glance.replies),
            to_review=seen["to review"],
            strangers=seen["strangers"],
            malformed={hook: int(value) for hook, value in text_fields(seen["malformed"]).items()},
            alarms=seen["alarms"],
            callbacks=_sum(closer, "lanes "),
            dead=_sum(closer, "dead "),
            outboxes=_sum(closer, "outbox "),
            ticked=ages.of(account["ticked_at"]) if account["ticked_at"] else None,
            renudges=int(account["renudges"] or 0),
            leases_lost=int(account["leases_lost"] or 0),
            parked=text(account["parked"]) if account["parked"] else None,
            stopped_by=text(account["stopped_by"]) if account["stopped_by"] else None,
            is_breaker_open=account["breaker_at"] is not None,
            is_counted=account["counted"] == b"all" or not seen["campaigns"],
            rate=rate,
            newest=tuple(glance.lines(ages)),
            lost=tuple(_lost(seen, closer, ages)),
        )


class _Look:
    """One pipeline, and what each of its commands came to, by name."""

    def __init__(self, client: Redis) -> None:
        self._pipe = client.pipeline(transaction=False)
        self._names: list[str] = []
        self.seen: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: object, *_: object) -> None:
        with self._pipe as pipe:
            if error is None:
                self.seen = dict(zip(self._names, pipe.execute(), strict=True))

    def at(self, name: str) -> "Pipeline":
        """Name the command that comes next."""
        self._names.append(name)
        return self._pipe


@dataclass(frozen=True, slots=True)
class _Ages:
    """Turns what was seen at a moment into ages."""

    now: int

    def of(self, milliseconds: float | str | bytes) -> float:
        return max(0.0, (self.now - float(milliseconds)) / 1000)

    def sorted(self, seen: Mapping[str, Any], name: str) -> Waiting:
        first = seen[f"first {name}"]
        return Waiting(count=seen[name], oldest=self.of(first[0][1]) if first else None)

    def overdue(self, seen: Mapping[str, Any], name: str) -> Waiting:
        found = self.sorted(seen, f"overdue {name}")
        return found if found.count else Waiting()

    def since(self, count: int, first: int | None) -> Waiting:
        """Tell of a stream, of which the last tick saw since when its first entry is there."""
        return Waiting(count=count, oldest=self.of(first) if count and first else None)


class Glance(msgspec.Struct):
    """What the last tick let whoever watches see.

    Attributes:
        newest: campaigns: id, state, hold or "", recipients, batches, those settled, cost, alarms,
            and since when they are in that state, in ms.
        receipts: since when the first pack of receipts waits, in ms.
        replies: the same of replies.
    """

    newest: list[tuple[str, str, str, int, int, int, int, int, int]] = []
    receipts: int | None = None
    replies: int | None = None

    @classmethod
    def read(cls, raw: bytes | None) -> Self:
        """Read what a tick wrote; without one there is nothing to see."""
        return msgspec.msgpack.decode(raw, type=cls) if raw else cls()

    def lines(self, ages: _Ages) -> Iterator[Line]:
        """Give the campaigns as they are shown."""
        for id_, state, hold, recipients, batches, settled, cost, alarms, changed_at in self.newest:
            yield Line(
                id=id_,
                state=CampaignState(state),
                hold=HoldReason(hold) if hold else None,
                recipients=recipients,
                batches=batches,
                settled=settled,
                cost=cost,
                alarms=alarms,
                age=ages.of(changed_at),
            )


def _sum(seen: Mapping[str, Any], prefix: str) -> int:
    return sum(count for name, count in seen.items() if name.startswith(prefix))


def _due(seen: Mapping[str, Any], closer: Mapping[str, Any], places: Sequence[str]) -> int:
    """Count the batches that are due; of a campaign that was not looked into, one."""
    unseen = sum(int(seen[place]) - len(seen[f"active {place}"]) for place in places)
    return unseen + sum(_sum(closer, f"waiting {place} ") for place in places)


def _most_at_once(account: Mapping[str, Any], now: int) -> int | None:
    """Tell how many batches the account may send at once, as its gates have it."""
    is_quiet = int(account["quiet_until"] or 0) > now + SOON_SECONDS * 1000
    if is_quiet or account["stopped_by"] is not None or account["breaker_at"] is not None:
        return 0
    return 1 if int(account["serial_until"] or 0) > now else None


def _weight(slots: Sequence[bytes], rate: Rate) -> float:
    """Give the segments of a batch, by those that are just going out."""
    weights = [int(text(slot).partition(" ")[0]) for slot in slots]
    usual = (rate.budget or 0) * _USUAL_SECONDS
    return max(1.0, sum(weights) / len(weights) if weights else usual)


def _money(account: Mapping[str, Any], ages: _Ages) -> Money:
    return Money(
        balance=None if account["balance"] is None else int(account["balance"]),
        balance_age=ages.of(account["balance_at"]) if account["balance_at"] else None,
        reserved=int(account["reserved"] or 0),
        exposed=int(account["exposed"] or 0),
        spent=int(account["spent"] or 0),
        at_stake=int(account["unknown_credits"] or 0),
    )


def _rate(account: Mapping[str, Any], now: int) -> Rate:
    budget = float(account["rate"] or 0)
    effective = budget
    if account["lowered_to"] is not None:
        regained = max(0, now - int(account["lowered_at"] or 0)) * budget / RATE_RECOVERY_MS
        effective = min(budget, float(account["lowered_to"]) + regained)
    return Rate(
        budget=budget or None,
        effective=effective if budget else None,
        paused=max(0, int(account["limited_until"] or 0) - now) / 1000,
        waits=int(account["rate_waits"] or 0),
        waited=float(account["rate_waited_ms"] or 0) / 1000,
        lowered=int(account["rate_lowered"] or 0),
    )


def _lost(seen: Mapping[str, Any], closer: Mapping[str, Any], ages: _Ages) -> Iterator[Lost]:
    for raw, since in seen["lost"]:
        name = text(raw)
        yield Lost(name=name, age=ages.of(since), quote=int(closer[f"quote {name}"] or 0))
