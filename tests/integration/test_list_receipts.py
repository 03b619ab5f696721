"""Receipts of list sends, which name a ticket and a number and carry no id of ours."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import msgspec
import pytest

from dispatcher.domain.fates import RecipientState
from dispatcher.domain.lifecycle import CampaignState, HoldReason
from dispatcher.store.keys import Key
from tests.support.list_campaigns import make_given, quote_all, submit_given, submit_named
from tests.support.works import FOUR, Works
from workers.milestones import Milestone
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.receipts import merge_next
from workers.steps.send import send_next
from workers.steps.tick import tick

C, R = CampaignState, RecipientState
DELIVERED, NOT_DELIVERED, SENT = 3, 2, 1
LONG = 300_000
"""Milliseconds, longer than every lease."""


def test_a_campaign_is_finished_by_receipts_without_ids(works: Works) -> None:
    campaign = submit_named(works)
    works.run(campaign)

    works.receive(4)

    assert {event["message_id"] for event in works.receiver.events} == {""}
    status = works.check(campaign)
    assert (status.state, status.receipts) == (C.FINISHED, 4)
    assert [row.state for row in works.bench.results(campaign)] == [R.DELIVERED] * 4


def test_each_receipt_finds_its_recipient(works: Works) -> None:
    numbers = ["33639989102", FOUR[3], "33639989011", FOUR[0]]
    campaign = submit_named(works, numbers)
    works.run(campaign)

    works.receive(5)

    found = [(row.number, row.state, row.receipt) for row in works.bench.results(campaign)]
    assert found == [
        ("33639989102", R.UNDELIVERED, "not_delivered"),
        (FOUR[3], R.DELIVERED, "delivered"),
        ("33639989011", R.UNDELIVERED, "network_error"),
        (FOUR[0], R.DELIVERED, "delivered"),
    ]
    assert works.check(campaign).state is C.FINISHED


def test_receipts_of_given_lists_find_their_recipients(works: Works) -> None:
    campaign = submit_given(works, make_given(works))
    works.run(campaign)

    works.receive(4)

    assert works.check(campaign).recipient_states == {R.DELIVERED: 4}
    assert works.bench.status(campaign).state is C.FINISHED


def test_receipts_in_any_order_and_twice_change_nothing_more(works: Works) -> None:
    campaign = submit_named(works)
    works.run(campaign)
    ticket = _ticket(works)
    events = [_event(ticket, number, DELIVERED) for number in FOUR]
    late = [_event(ticket, FOUR[1], SENT)]

    _merge(works, [*reversed(events), *late, *events])

    status = works.check(campaign)
    assert status.recipient_states == {R.DELIVERED: 4}
    assert (status.state, status.alarms) == (C.FINISHED, 0)
    _merge(works, events)
    assert works.check(campaign) == status


def test_receipts_that_overtake_the_answer_are_kept_and_merged_after_it(works: Works) -> None:
    campaign = submit_named(works)
    quote_all(works, campaign)
    waiting: list[int] = []

    def overtake(milestone: Milestone, _campaign: str, _n: int) -> None:
        if milestone is Milestone.ANSWERED:
            _merge(works, [_event(_ticket(works), number, DELIVERED) for number in FOUR])
            waiting.append(works.account.store.receipts.waiting())

    assert send_next(replace(works.account, trace=overtake), campaign) is Progress.MADE

    assert waiting == [0]
    assert works.check(campaign).recipient_states == {R.SENT: 4}
    assert works.account.store.receipts.waiting() == 1
    assert _early(works) == 0
    assert merge_next(works.account) is Progress.MADE
    assert works.check(campaign).state is C.FINISHED
    assert works.check(campaign).recipient_states == {R.DELIVERED: 4}
    assert _parked(works) == 0


def test_receipts_of_a_ticket_nobody_waits_for_are_parked(works: Works) -> None:
    campaign = submit_named(works)
    before = works.run(campaign)

    _merge(works, [_event("987654", number, DELIVERED) for number in FOUR])

    assert works.check(campaign) == before
    assert (_parked(works), _early(works)) == (4, 0)


@pytest.mark.parametrize("stranger", ["33639979999", FOUR[1], "33639980999"])
def test_a_receipt_of_somebody_not_in_the_batch_is_parked(works: Works, stranger: str) -> None:
    campaign = submit_named(works, [FOUR[0], FOUR[2], FOUR[3]])
    before = works.run(campaign)

    _merge(works, [_event(_ticket(works), stranger, DELIVERED)])

    assert works.check(campaign) == before
    assert _parked(works) == 1


def test_a_receipt_finds_the_campaign_of_its_ticket_not_of_its_number(works: Works) -> None:
    first, second = submit_named(works), submit_named(works, text="Bonsoir {nom}")
    works.run(first)
    works.run(second)
    _, later = (str(entry["ticket"]) for entry in works.sandbox.ledger())

    _merge(works, [_event(later, FOUR[2], NOT_DELIVERED)])

    assert works.bench.status(first).recipient_states == {R.SENT: 4}
    assert works.bench.status(second).recipient_states == {R.SENT: 3, R.UNDELIVERED: 1}
    assert works.bench.results(second)[2].state is R.UNDELIVERED


def test_a_ticket_of_a_direct_batch_addresses_nobody(works: Works) -> None:
    campaign = works.submit()
    before = works.run(campaign)
    tickets = [str(entry["ticket"]) for entry in works.sandbox.ledger()]

    _merge(works, [_event(ticket, number, DELIVERED) for ticket in tickets for number in FOUR])

    assert works.check(campaign) == before
    assert _parked(works) == 8


def test_receipts_of_an_unknown_batch_wait_and_change_nothing(works: Works) -> None:
    works.fail("POST /send/lists", "drop_after")
    campaign = submit_named(works)
    status = works.run(campaign)
    assert (status.state, status.hold) == (C.HELD, HoldReason.OUTCOME_UNKNOWN)
    events = [_event(_ticket(works), number, DELIVERED) for number in FOUR]

    _merge(works, events)
    _merge(works, events)

    assert works.check(campaign).recipient_states == {R.UNKNOWN: 4}
    assert (_parked(works), _early(works)) == (0, 8)


def test_an_answer_after_the_batch_was_given_up_brings_its_receipts_back(works: Works) -> None:
    campaign = submit_named(works)
    quote_all(works, campaign)

    def give_up(milestone: Milestone, _campaign: str, _n: int) -> None:
        if milestone is Milestone.ANSWERED:
            works.bench.advance(LONG)
            tick(works.account)
            assert works.bench.status(campaign).recipient_states == {R.UNKNOWN: 4}
            _merge(works, [_event(_ticket(works), number, DELIVERED) for number in FOUR])

    send_next(replace(works.account, trace=give_up), campaign)
    merge_next(works.account)

    status = works.check(campaign)
    assert status.state is C.FINISHED
    assert (status.recipient_states, status.alarms) == ({R.DELIVERED: 4}, 0)


def test_receipts_of_a_cancelled_campaign_address_nobody(works: Works) -> None:
    campaign = submit_named(works)
    assert quote_next(works.account, campaign) is Progress.MADE
    works.resources.dispatcher.cancel(campaign)
    before = works.check(campaign)

    _merge(works, [_event("987654", number, DELIVERED) for number in FOUR])

    assert works.check(campaign) == before
    assert _parked(works) == 4


def test_a_receipt_outranks_an_exclusion(works: Works) -> None:
    campaign = submit_named(works, [FOUR[0], "33639989800"])
    works.run(campaign)
    assert works.bench.results(campaign)[1].reason == "blacklisted"

    _merge(works, [_event(_ticket(works), "33639989800", DELIVERED)])

    assert works.bench.results(campaign)[1].state is R.DELIVERED


@pytest.mark.parametrize(
    "number", ["+33639980002", 33639980002], ids=["with a plus", "as a number"]
)
def test_a_number_is_read_however_it_is_written(works: Works, number: str | int) -> None:
    campaign = submit_named(works)
    works.run(campaign)

    _merge(works, [_event(_ticket(works), number, DELIVERED)])

    assert works.bench.results(campaign)[2].state is R.DELIVERED


@pytest.mark.parametrize("without", ["message_id", "date"])
def test_a_receipt_without_an_optional_field_is_read(works: Works, without: str) -> None:
    campaign = submit_named(works)
    works.run(campaign)
    event = _event(_ticket(works), FOUR[0], DELIVERED)
    del event[without]

    _merge(works, [event])

    assert works.bench.results(campaign)[0].state is R.DELIVERED


def _event(ticket: str, number: str | int, code: int) -> dict[str, Any]:
    return {
        "status": code,
        "destination": number,
        "campaign_id": ticket,
        "message_id": "",
        "date": "2026-11-22 12:00:00",
    }


def _merge(works: Works, events: Sequence[dict[str, Any]]) -> None:
    works.account.store.receipts.append([json.dumps(event).encode() for event in events])
    while merge_next(works.account) is Progress.MADE:
        pass


def _ticket(works: Works) -> str:
    """Give the ticket of the last campaign the sandbox accepted."""
    return str(works.sandbox.ledger()[-1]["ticket"])


def _parked(works: Works) -> int:
    return int(works.bench.client.xlen(works.bench.keys.of(Key.PARKED)))


def _early(works: Works) -> int:
    """Count receipts that are kept for a ticket still to come."""
    names: Any = works.bench.client.keys(works.bench.keys.of(Key.EARLY) + "*")
    kept: Any = [works.bench.client.lrange(name, 0, -1) for name in names]
    return sum(len(msgspec.msgpack.decode(bodies)) for bodies in chain.from_iterable(kept))
