"""Merges the receipts of one large campaign with nothing beside it: how fast, how much memory."""

import itertools
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from pydantic import SecretStr
from redis import Redis

from dispatcher.account_settings import AccountSettings
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.domain.packing import Batch, pack
from dispatcher.domain.sequence import gsmsmsids
from dispatcher.queueing import Hints, make_app
from dispatcher.settings import Settings
from tests.support.access import server_with_users
from tests.support.bench import ACCOUNT, Bench, upload_of
from tests.support.people import generated
from workers.resources import Resources
from workers.steps.progress import Progress
from workers.steps.receipts import merge_next

_BATCH = 1000
# Bodies of one stream entry: what a receiver packs together under load.
_PACK = 100
# Receipts come about in the order of sending.
_WINDOW = 20 * _BATCH
_CODES = (3,) * 17 + (2, 2, 12)
_BEGIN = datetime(2026, 11, 23, 9, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Merged:
    """What merging took.

    Attributes:
        ours: seconds of processor time of this process.
        server: of the Redis server.
        redis_bytes: by how much `used_memory` grew with campaign, numbers, ids and receipts.
        call: milliseconds of a script call, during which others wait.
        problem: what is wrong with the outcome; empty if all is well.
    """

    recipients: int
    seconds: float
    ours: float
    server: float
    redis_bytes: int
    call: float
    problem: str

    @property
    def per_second(self) -> float:
        return self.recipients / self.seconds


class _Body(msgspec.Struct):
    date: str
    status: int
    destination: str
    message_id: str
    campaign_id: str


def merge_all(folder: Path, recipients: int) -> Merged:
    """Send a campaign, as far as the store knows, then merge a receipt for everybody."""
    with server_with_users(folder / "redis", options={"maxmemory": "4gb"}) as server:
        bench = Bench(server.url)
        before = _used_memory(bench.client)
        tickets = sent_campaign(bench, recipients)
        _fill(bench, recipients, tickets)
        resources = _resources(server.url, folder)
        account = resources.account(ACCOUNT)
        assert account is not None
        bench.client.config_resetstat()
        began, ours, theirs = time.perf_counter(), time.process_time(), _busy(bench.client)
        while merge_next(account) is not Progress.NONE:
            pass
        merged = Merged(
            recipients=recipients,
            seconds=time.perf_counter() - began,
            ours=time.process_time() - ours,
            server=_busy(bench.client) - theirs,
            redis_bytes=_used_memory(bench.client) - before,
            call=_mean_call(bench.client),
            problem=_problem(bench, recipients),
        )
        resources.close()
        bench.close()
    return merged


def sent_campaign(bench: Bench, recipients: int) -> list[str]:
    """Bring a campaign with numbers and ids to `sent`; give the ticket of each batch."""
    submission = bench.submission("c1", recipients, _BATCH)
    batches = {}
    for n, numbers in enumerate(_batches(recipients)):
        ids = [f"customer-{n * _BATCH + place:07}" for place in range(len(numbers))]
        batches[n] = pack(Batch(numbers=numbers, ids=ids))
    bench.account.campaigns.upload(upload_of(submission), batches)
    bench.account.campaigns.submit(submission)
    bench.account.ledger.approve_server(quiet_ms=0)
    for _ in batches:
        bench.quote("c1", credits_left=10 * recipients)
    tickets = [f"4711{n:06}" for n in batches]
    for ticket in tickets:
        bench.accept(bench.claim("c1"), ticket=ticket)
    return tickets


def _fill(bench: Bench, recipients: int, tickets: list[str]) -> None:
    """Put everybody's receipt where the receiver does."""
    bodies = bodies_of(bench, recipients, tickets)
    dice = random.Random(11)
    while window := list(itertools.islice(bodies, _WINDOW)):
        dice.shuffle(window)
        for start in range(0, len(window), _PACK):
            bench.account.receipts.append(window[start : start + _PACK])


def bodies_of(bench: Bench, recipients: int, tickets: list[str]) -> Iterator[bytes]:
    key = bench.account.ledger.receipt_key()
    encode = msgspec.json.Encoder().encode
    for n, numbers in enumerate(_batches(recipients)):
        ids = gsmsmsids(key, n * _BATCH, numbers)
        for place, (number, id_) in enumerate(zip(numbers, ids, strict=True)):
            at = _BEGIN + timedelta(seconds=n + place % 30)
            yield encode(
                _Body(
                    date=f"{at:%Y-%m-%d %H:%M:%S}",
                    status=_CODES[place % len(_CODES)],
                    destination=str(number),
                    message_id=id_,
                    campaign_id=tickets[n],
                )
            )


def _batches(recipients: int) -> Iterator[list[int]]:
    numbers = map(int, generated(recipients))
    while batch := list(itertools.islice(numbers, _BATCH)):
        yield batch


def _resources(url: str, folder: Path) -> Resources:
    settings = Settings(
        redis_url=SecretStr(url),
        broker_url=SecretStr(url.removesuffix("0") + "1"),
        accounts={ACCOUNT: AccountSettings(token=SecretStr("sandbox-token"))},
        journal_dir=folder / "journal",
    )
    return Resources(settings, Hints(make_app(settings), fan_out=1))


def _problem(bench: Bench, recipients: int) -> str:
    status = bench.status("c1")
    if status.state is not CampaignState.FINISHED or status.receipts != recipients:
        return f"{status.receipts} receipts merged, the campaign is {status.state.value}"
    return "the counters are not the sum" if not status.is_conserved else ""


def _used_memory(client: Redis) -> int:
    return int(client.info("memory")["used_memory"])


def _busy(client: Redis) -> float:
    found = client.info("cpu")
    return float(found["used_cpu_user"]) + float(found["used_cpu_sys"])


def _mean_call(client: Redis) -> float:
    calls = client.info("commandstats")
    scripts = calls["cmdstat_evalsha"]
    return float(scripts["usec"]) / int(scripts["calls"]) / 1000
