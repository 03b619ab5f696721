from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dispatcher.domain.fates import Receipt, RecipientState
from dispatcher.domain.feed import EventKind, Extent, FeedEvent
from dispatcher.domain.packing import Batch, pack
from dispatcher.domain.replies import PostedReply, Reached
from dispatcher.domain.stop_words import Intent
from dispatcher.store.account import AccountStore, Store
from dispatcher.store.batches import Outcome
from dispatcher.store.keys import Key
from dispatcher.store.preamble import OutboxLimits
from dispatcher.store.submissions import starts_of
from tests.support.bench import ACCOUNT, CLOCK, FIRST_NUMBER, Bench, upload_of

AT = datetime(2026, 11, 23, tzinfo=UTC)
DAY_MS = 86_400_000
ENTRIES = 1_000


def told(bench: Bench, producer: str = "default", *, after: int = 0) -> list[FeedEvent]:
    events: list[FeedEvent] = []
    while news := bench.account.outbox.read(producer, after=after):
        events += news
        after = news[-1].sequence
    return events


def moves(events: list[FeedEvent]) -> list[str]:
    found = (event.data for event in events)
    return [
        " ".join(str(data[name]) for name in ("batch", "from", "to", "reason") if name in data)
        for data in found
    ]


def delivered(sequence: int, *, code: int = 3, ticket: str = "t0") -> Receipt:
    return Receipt(sequence=sequence, code=code, ticket=ticket, at=AT)


def test_a_campaign_is_told_from_its_acceptance_to_its_end(bench: Bench) -> None:
    bench.ready(recipients=2, batch_size=2, producer="shop")
    bench.accept(bench.claim(), ticket="t0")
    bench.account.receipts.merge([delivered(0), delivered(1)])

    events = told(bench, "shop")

    assert moves(events) == [
        "queued",
        "queued quoting",
        "quoting sending",
        "0 ready sending",
        "0 sending accepted reply",
        "sending sent",
        "",
        "sent finished",
    ]
    assert [event.sequence for event in events] == list(range(1, 9))
    assert {event.campaign for event in events} == {"c1"}
    assert told(bench) == []


def test_a_hold_is_told_with_its_reason_and_again_when_that_changes(bench: Bench) -> None:
    bench.ready(recipients=2, batch_size=1, credits_left=1)
    bench.account.ledger.begin_check(interval_ms=0)
    bench.account.campaigns.pause("c1")

    holds = [event for event in told(bench) if event.kind is EventKind.HOLD]

    assert moves(holds) == ["quoting held credits", "held held paused"]


def test_receipts_name_the_producers_own_ids_and_no_number(bench: Bench) -> None:
    submission = bench.submission("c1", 4, 2, producer="shop")
    batches = {
        n: pack(Batch(numbers=[FIRST_NUMBER + 2 * n, FIRST_NUMBER + 2 * n + 1], ids=ids))
        for n, ids in enumerate([["order-1", ""], ["order-3", "order-4"]])
    }
    bench.account.ledger.approve_server(quiet_ms=0)
    bench.account.campaigns.upload(upload_of(submission), batches)
    bench.account.campaigns.submit(submission)
    bench.quote_all("c1")
    for ticket in ("t0", "t1"):
        bench.accept(bench.claim(), ticket=ticket)

    bench.account.receipts.merge(
        [delivered(0), delivered(1, code=2), delivered(3, code=42, ticket="t1")]
    )

    (event,) = [event for event in told(bench, "shop") if event.kind is EventKind.RECEIPTS]
    assert event.data == {"count": 3}
    assert [(news.place, news.id, news.state, news.receipt) for news in event.recipients] == [
        (0, "order-1", RecipientState.DELIVERED, "delivered"),
        (1, None, RecipientState.UNDELIVERED, "not_delivered"),
        (3, "order-4", RecipientState.SENT, "42"),
    ]
    assert {news.at for news in event.recipients} == {AT}
    assert "3363998" not in str(event.document())


def test_a_reply_names_who_answered_by_place_and_the_producers_own_id(bench: Bench) -> None:
    submission = bench.submission("c1", 2, 2, producer="shop")
    batch = pack(Batch(numbers=[FIRST_NUMBER, FIRST_NUMBER + 1], ids=["", "order-2"]))
    bench.account.campaigns.upload(upload_of(submission), {0: batch})
    bench.account.campaigns.submit(submission)
    for place in range(2):
        number = FIRST_NUMBER + place
        reply = PostedReply(
            number=number, sender=str(number), text="OUI", at=AT, intent=Intent.OTHER
        )
        bench.account.replies.keep(f"r{place}", reply, reached=Reached("c1", place))

    events = [
        event.document()["data"] for event in told(bench, "shop") if event.kind.value == "reply"
    ]

    assert [(data["reply"], data["place"], data["id"]) for data in events] == [
        ("r0", 0, None),
        ("r1", 1, "order-2"),
    ]
    assert "3363998" not in str(events)


def test_receipts_of_batches_of_different_sizes_find_their_people(bench: Bench) -> None:
    regular = bench.submission("c1", 3, 2)
    assert regular.filling is not None
    sizes_differ = replace(regular.filling, batch_size=0, starts=starts_of([1, 2]))
    submission = replace(regular, filling=sizes_differ)
    sizes = [["only"], ["second", "third"]]
    packed = {
        n: pack(Batch(numbers=[FIRST_NUMBER + len(ids) + i for i in range(len(ids))], ids=ids))
        for n, ids in enumerate(sizes)
    }
    bench.account.ledger.approve_server(quiet_ms=0)
    bench.account.campaigns.upload(upload_of(submission), packed)
    bench.account.campaigns.submit(submission)
    bench.quote_all("c1")
    for ticket in ("t0", "t1"):
        bench.accept(bench.claim(), ticket=ticket)

    bench.account.receipts.merge([delivered(place) for place in range(3)])

    (event,) = [event for event in told(bench) if event.kind is EventKind.RECEIPTS]
    assert [news.id for news in event.recipients] == ["only", "second", "third"]


def test_receipts_heard_before_tell_nothing_new(bench: Bench) -> None:
    bench.ready(recipients=2, batch_size=2)
    bench.accept(bench.claim(), ticket="t0")
    bench.account.receipts.merge([delivered(0)])
    before = told(bench)

    bench.account.receipts.merge([delivered(0), delivered(0, code=1)])

    assert told(bench) == before


def test_many_receipts_come_in_entries_of_bounded_size(bench: Bench) -> None:
    bench.ready(recipients=600, batch_size=600)
    bench.accept(bench.claim(), ticket="t0")

    bench.account.receipts.merge(map(delivered, range(600)))

    counts = [event.data["count"] for event in told(bench) if event.kind is EventKind.RECEIPTS]
    assert counts == [250, 250, 100]
    places = [news.place for event in told(bench) for news in event.recipients]
    assert places == list(range(600))


def test_campaigns_made_before_there_were_producers_are_told_the_default_one(bench: Bench) -> None:
    bench.submit()
    bench.client.hdel(bench.keys.of(Key.CAMPAIGN, "c1"), "producer")

    bench.account.campaigns.cancel("c1")

    assert moves(told(bench))[-1] == "queued cancelled"


def test_a_script_that_failed_half_way_told_nothing(bench: Bench) -> None:
    bench.ready(recipients=2, batch_size=2)
    claim = bench.claim()
    before = bench.account.outbox.extent("default").last

    bench.record(claim, Outcome.UNKNOWN, why="the answer was lost")
    bench.record(claim, Outcome.UNKNOWN, why="the answer was lost")

    news = told(bench, after=before)
    assert moves(news) == [
        "0 sending unknown the answer was lost",
        "sending held outcome unknown",
    ]


def test_what_others_tell_has_its_place_and_is_told_once_a_token(bench: Bench) -> None:
    bench.submit(producer="shop")
    tell = bench.account.outbox.tell

    assert tell("shop", EventKind.REPLY, {"text": "oui"}, campaign="c1", token="r1")
    assert not tell("shop", EventKind.REPLY, {"text": "oui"}, campaign="c1", token="r1")
    assert tell("shop", EventKind.REPLY, {"text": "non"})
    assert tell("shop", EventKind.REPLY, {"text": "non"})

    _, *replies = told(bench, "shop")
    assert [(event.sequence, event.campaign, event.data) for event in replies] == [
        (2, "c1", {"text": "oui"}),
        (3, "", {"text": "non"}),
        (4, "", {"text": "non"}),
    ]
    assert len({event.id for event in replies}) == 3


@contextmanager
def capped(bench: Bench, *, age_ms: int = DAY_MS) -> Iterator[AccountStore]:
    limits = OutboxLimits(entries=ENTRIES, age_ms=age_ms)
    yield Store(bench.client, clock=CLOCK, outbox=limits).account(ACCOUNT)


def test_a_stream_nobody_reads_is_capped_and_shows_where_it_begins(bench: Bench) -> None:
    with capped(bench) as account:
        for _ in range(ENTRIES + 300):
            account.outbox.tell("shop", EventKind.REPLY, {})

        extent = account.outbox.extent("shop")
        oldest = account.outbox.read("shop")[0]

    assert extent.last == ENTRIES + 300
    assert 100 < extent.first <= 301
    assert oldest.sequence == extent.first


def test_what_is_too_old_is_forgotten_and_numbers_go_on(bench: Bench) -> None:
    with capped(bench) as account:
        for _ in range(1_200):
            account.outbox.tell("shop", EventKind.REPLY, {})
        bench.advance(DAY_MS // 2)
        account.outbox.tell("shop", EventKind.REPLY, {"text": "young"})
        account.ledger.tick()
        bench.advance(DAY_MS // 2)
        account.ledger.tick()
        assert account.outbox.extent("shop").first <= 201

        bench.advance(60_001)
        for _ in range(2):
            account.ledger.tick()
        assert account.outbox.extent("shop") == Extent(first=1_201, last=1_201)

        bench.advance(DAY_MS)
        account.ledger.tick()
        assert account.outbox.extent("shop") == Extent(first=1_202, last=1_201)

        account.outbox.tell("shop", EventKind.REPLY, {})
        assert [event.sequence for event in account.outbox.read("shop")] == [1_202]


@pytest.mark.parametrize("producer", ["shop", "nobody"])
def test_each_producer_counts_for_itself(bench: Bench, producer: str) -> None:
    bench.submit("c1", producer="shop")
    bench.submit("c2", producer="club")

    extent = bench.account.outbox.extent(producer)

    assert extent == (Extent(first=1, last=1) if producer == "shop" else Extent(first=1, last=0))
    assert bench.account.outbox.producers() == ["club", "shop"]


def test_a_consumer_group_reads_every_entry_once_and_takes_over_from_the_dead(
    bench: Bench,
) -> None:
    bench.submit("c1", producer="shop")
    bench.account.campaigns.cancel("c1")
    stream, client = bench.keys.of(Key.OUTBOX, "shop"), bench.client
    client.xgroup_create(stream, "billing", id="0")

    client.xreadgroup("billing", "dies", {stream: ">"}, count=1)
    (_, taken, *_) = client.xautoclaim(stream, "billing", "lives", 0)
    rest = client.xreadgroup("billing", "lives", {stream: ">"})

    assert [entry for entry, _ in taken] == [b"1-0"]
    assert b"2-0" in str(rest).encode()
    assert bench.account.outbox.read("shop", after=0)[0].sequence == 1
