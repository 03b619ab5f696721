import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from dispatcher.sandbox.clock import Clock, Timeline, api_date, webhook_date
from dispatcher.sandbox.config import SandboxConfig
from dispatcher.sandbox.events import CreditsSet, Event
from dispatcher.sandbox.faults import Fault, FaultKind, FaultPlan, fault_in
from dispatcher.sandbox.journal import FileJournal
from dispatcher.sandbox.ledger import Campaign, Counts, Entry, Ledger
from dispatcher.sandbox.orders import read_delay
from dispatcher.sandbox.replies import Format, Reply, preferred_format
from dispatcher.sandbox.statuses import RefusedError
from dispatcher.sandbox.world import World

NOON = 1_700_000_000.0


def campaign(ticket: int, *destinations: str, ids: list[str | None] | None = None) -> Campaign:
    return Campaign(
        ticket=ticket,
        account="a@example.com",
        accepted_at=NOON,
        start_at=NOON,
        text="Bonjour",
        sent_text="Bonjour",
        sender="",
        pushtype="alert",
        cost=len(destinations),
        counts=Counts(total=len(destinations), sent=len(destinations)),
        packed_destinations="\n".join(destinations),
        packed_ids=msgspec.msgpack.encode(ids) if ids else b"",
    )


def test_an_entry_remembers_every_receipt_in_order() -> None:
    entry = Entry(campaign(1, "33639980001", "33639980002", ids=["a", None]))

    entry.note_receipt(1, 2)
    entry.note_receipt(1, 3)
    entry.note_receipt(1, 3)

    assert [entry.receipts_of(index) for index in (0, 1)] == [[], [2, 3, 3]]
    assert +entry.last_codes() == {3: 1}
    copy = Entry(entry.campaign)
    copy.settle_receipts(*entry.posted_receipts())
    assert copy.as_record() == entry.as_record()


def test_an_entry_unpacks_what_was_packed() -> None:
    record = Entry(campaign(7, "33639980001", "33639980002", ids=["a", None])).as_record()

    assert record["ticket"] == "7"
    assert record["messages"] == [
        {"gsmsmsid": "a", "destination": "33639980001", "segments": 1, "receipts": []},
        {"gsmsmsid": None, "destination": "33639980002", "segments": 1, "receipts": []},
    ]


def test_a_ledger_gives_out_tickets_in_order() -> None:
    ledger = Ledger(100)
    ledger.append(campaign(100))
    ledger.append(campaign(101))

    assert ledger.next_ticket == 102
    assert [entry.campaign.ticket for entry in ledger.after(100)] == [101]
    assert [ledger.find(ticket) is None for ticket in (99, 100, 101, 102, -1)] == [
        True,
        False,
        False,
        True,
        True,
    ]
    with pytest.raises(ValueError, match="does not follow"):
        ledger.append(campaign(101))


def test_a_journal_brings_the_world_back(tmp_path: Path) -> None:
    config = SandboxConfig(credits=50, state_file=tmp_path / "state")
    before = World(config)
    before.restore()
    before.commit(CreditsSet("sandbox@example.com", 20))
    before.close()

    after = World(config)
    after.restore()

    assert after.accounts["sandbox@example.com"].credits == 20
    assert len(after.accounts["sandbox@example.com"].blacklist) == 10


def test_a_line_cut_short_is_dropped_and_written_over(tmp_path: Path) -> None:
    path = tmp_path / "state"
    journal = FileJournal(path)
    journal.append(CreditsSet("a", 1))
    journal.close()
    path.write_bytes(path.read_bytes() + b'{"type":"Cred')

    again = FileJournal(path)
    first: list[Event] = list(again.replay())
    again.append(CreditsSet("a", 2))
    again.close()

    assert first == [CreditsSet("a", 1)]
    assert list(FileJournal(path).replay()) == [CreditsSet("a", 1), CreditsSet("a", 2)]


def on_a_loop(scenario: Callable[[Clock, Timeline], None]) -> None:
    async def run() -> None:
        clock = Clock()
        timeline = Timeline(clock)
        scenario(clock, timeline)
        timeline.clear()

    asyncio.run(run())


def test_a_timeline_follows_a_clock_that_jumps() -> None:
    def scenario(clock: Clock, timeline: Timeline) -> None:
        done: list[str] = []
        now = clock.now()
        timeline.at(now + 200, lambda: done.append("second"))
        timeline.at(now + 100, lambda: done.append("first"))
        timeline.at(now - 1, lambda: done.append("at once"))
        assert done == ["at once"]

        clock.jumped += 150
        timeline.wake()
        assert done == ["at once", "first"]

        clock.jumped += 150
        timeline.wake()
        assert done == ["at once", "first", "second"]
        assert len(timeline) == 0

    on_a_loop(scenario)


def test_what_is_planned_by_a_planned_action_comes_too() -> None:
    def scenario(clock: Clock, timeline: Timeline) -> None:
        done: list[int] = []

        def again() -> None:
            done.append(len(done))
            if len(done) < 3:
                timeline.at(clock.now(), again)

        timeline.at(clock.now() + 10, again)
        clock.jumped += 20
        timeline.wake()
        assert done == [0, 1, 2]

    on_a_loop(scenario)


def test_dates_are_written_in_paris_time() -> None:
    assert api_date(NOON) == "2023-11-14 23:13:20"
    assert webhook_date(NOON) == "2023-11-14T23:13:20+01:00"


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        (None, None),
        (" ", None),
        ("2023-11-14T22:13:20+00:00", NOON),
        ("2023-11-14T22:13:20.5Z", NOON + 0.5),
        ("2023-11-15T00:13:20+0200", NOON),
        ("2023-11-14 23:13:20", NOON),
        ("2023-11-14T23:13:20 01:00", NOON),
        ("2023-11-14 23:13", NOON - 20),
    ],
)
def test_a_delay_is_read(written: str | None, moment: float | None) -> None:
    assert read_delay(written) == moment


@given(st.text(max_size=30) | st.from_regex(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d.{0,6}"))
def test_any_other_delay_is_refused(written: str) -> None:
    try:
        moment = read_delay(written)
    except RefusedError as error:
        assert error.status == -4  # noqa: PT017 - anything else must not be raised
    else:
        assert moment is None or webhook_date(moment)


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("drop_before", Fault(kind=FaultKind.DROP, before=True, number=0)),
        ("slow_after", Fault(kind=FaultKind.SLOW, before=False, number=3)),
        ("http_before:429", Fault(kind=FaultKind.HTTP, before=True, number=429)),
        ("status_after:-4", Fault(kind=FaultKind.STATUS, before=False, number=-4)),
        ("missing_comma_after", Fault(kind=FaultKind.MISSING_COMMA, before=False, number=0)),
    ],
)
def test_a_fault_is_read_in_orders_and_in_texts(written: str, fault: Fault) -> None:
    assert Fault.parse(written) == fault
    assert fault_in(f"Bonjour sandbox={written} !", simulating=False) == fault
    assert fault_in(f"Bonjour sandbox={written} !", simulating=True) is None
    assert fault_in(f"sandbox-simulate={written}", simulating=True) == fault
    assert fault.accepting is not (written.endswith("before") or ":429" in written)


@given(st.text(max_size=40))
def test_an_ordinary_text_asks_for_nothing(text: str) -> None:
    assert fault_in(f"sandbox={text}", simulating=True) is None
    assert fault_in("sandbox=explode_before", simulating=False) is None


def test_a_plan_hits_its_share_up_to_its_limit() -> None:
    plan = FaultPlan(rates={"drop_before": 0.5, "drop_after": 0.25}, seed=1, left=30)

    drawn = [fault.name for _ in range(400) if (fault := plan.draw())]

    assert len(drawn) == 30
    assert 12 < drawn.count("drop_before") < 28


@given(
    st.dictionaries(
        st.sampled_from(["a", "b"]),
        st.one_of(st.text(), st.integers(), st.none()),
    )
)
def test_a_reply_says_the_same_in_both_formats(fields: dict[str, Any]) -> None:
    reply = Reply(fields={**fields, "list": [{"id": "1"}, {"id": "2"}]})

    as_json = json.loads(reply.render(Format.JSON))
    as_xml = etree.fromstring(reply.render(Format.XML))

    assert list(as_json) == ["status", "message", *fields, "list"]
    assert [child.tag for child in as_xml] == ["status", "message", *fields, "list", "list"]
    for name, value in fields.items():
        printable = "" if value is None else str(value)
        if printable.isprintable():
            assert (as_xml.findtext(name) or "") == printable


@given(st.text(max_size=40))
def test_any_accept_header_gives_a_format(accept: str) -> None:
    assert preferred_format(accept) in Format
