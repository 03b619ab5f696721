from dispatcher.domain.fates import Receipt, RecipientState
from dispatcher.domain.lifecycle import CampaignState, HoldReason
from dispatcher.store.batches import Outcome
from dispatcher.store.keys import Key
from dispatcher.store.nudges import Nudge
from dispatcher.store.records import moment
from tests.support.bench import (
    NUDGE_AFTER_MS,
    RECEIPT_WAIT_MS,
    SEND_LEASE_MS,
    START_MS,
    Bench,
)
from tests.support.books import check_counters, check_money, check_transitions

C = CampaignState


def test_a_send_without_a_trace_becomes_unknown_when_its_lease_is_over(bench: Bench) -> None:
    bench.ready()
    bench.claim()
    bench.advance(SEND_LEASE_MS - 1)
    bench.account.ledger.tick()
    assert bench.status().batch_states == {"ready": 1, "sending": 1}

    bench.advance(1)
    bench.account.ledger.tick()

    assert bench.status().batch_states == {"ready": 1, "unknown": 1}
    assert bench.status().state is C.SENDING
    check_money(bench, ["c1"])
    check_transitions(bench, "c1")


def test_a_campaign_that_stands_still_is_named_at_most_once_in_a_while(bench: Bench) -> None:
    bench.submit(recipients=6)
    assert bench.account.ledger.tick().nudges == []

    bench.advance(NUDGE_AFTER_MS)
    first = bench.account.ledger.tick().nudges
    second = bench.account.ledger.tick().nudges

    assert first == [Nudge(campaign="c1", state=C.QUEUED, waiting=3)]
    assert second == []


def test_a_batch_that_waits_for_its_next_try_is_nudged_in_time(bench: Bench) -> None:
    bench.ready(recipients=2)
    bench.record(bench.claim(), Outcome.NOT_SENT, pause_ms=500)
    bench.account.batches.claim_send("c1", operation="too early", deadline_ms=1)

    bench.advance(500)

    assert bench.account.ledger.tick().nudges == [Nudge(campaign="c1", state=C.SENDING, waiting=1)]


def test_a_sent_campaign_finishes_without_the_receipts_that_never_came(bench: Bench) -> None:
    bench.ready(recipients=2)
    bench.accept(bench.claim())
    receipt = Receipt(sequence=0, code=3, ticket="t1", at=moment(START_MS))
    bench.account.receipts.merge([receipt])

    bench.advance(RECEIPT_WAIT_MS)
    bench.account.ledger.tick()

    status = bench.status()
    assert status.state is C.FINISHED
    assert status.recipient_states == {RecipientState.SENT: 1, RecipientState.DELIVERED: 1}
    assert bench.record_field("c1", "receipts_overdue") == 1


def test_held_campaigns_and_receipts_are_counted(bench: Bench) -> None:
    bench.submit()
    bench.quote_all("c1", credits_left=0)
    bench.account.receipts.append([b"one"])

    agenda = bench.account.ledger.tick()

    assert (agenda.held, agenda.receipts, agenda.nudges) == (1, 1, [])


def test_a_campaign_held_for_an_unknown_outcome_is_not_nudged(bench: Bench) -> None:
    bench.ready(recipients=2)
    bench.record(bench.claim(), Outcome.UNKNOWN, why="lost")
    bench.advance(RECEIPT_WAIT_MS)

    agenda = bench.account.ledger.tick()

    assert (agenda.held, agenda.nudges) == (0, [])
    assert bench.status().hold is HoldReason.OUTCOME_UNKNOWN


def test_rows_that_do_not_add_up_keep_a_campaign_from_finishing(bench: Bench) -> None:
    bench.ready(recipients=2, rows=5)
    bench.accept(bench.claim())
    bench.advance(RECEIPT_WAIT_MS)

    bench.account.ledger.tick()

    assert bench.status().state is C.SENT
    assert bench.alarms() == ["rows in and fates do not add up"]


def test_a_limit_leaves_the_rest_to_the_next_tick(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.submit(name)
        bench.advance(1)
    bench.advance(NUDGE_AFTER_MS)

    first = bench.account.ledger.tick(limit=2).nudges
    second = bench.account.ledger.tick(limit=2).nudges

    assert [nudge.campaign for nudge in (*first, *second)] == ["a", "b", "c"]


def test_events_tell_the_whole_story_in_order(bench: Bench) -> None:
    bench.ready(recipients=2, credits_left=10)
    bench.advance(5)
    bench.accept(bench.claim())
    receipts = [Receipt(sequence=n, code=3, ticket="t1", at=moment(START_MS)) for n in (0, 1)]
    bench.account.receipts.merge(receipts)

    events = list(bench.account.events.all("c1"))

    assert [(event.what, event.old, event.new) for event in events] == [
        ("campaign", "", "queued"),
        ("campaign", "queued", "quoting"),
        ("quote", "0", "2"),
        ("reservation", "", "2"),
        ("campaign", "quoting", "sending"),
        ("batch 0", "ready", "sending"),
        ("batch 0", "sending", "accepted"),
        ("campaign", "sending", "sent"),
        ("receipts", "", "2"),
        ("campaign", "sent", "finished"),
    ]
    assert events[0].at == moment(START_MS)
    assert events[-1].at == moment(START_MS + 5)
    assert bench.account.events.read("c1", after=events[-2].id) == [events[-1]]


def test_nothing_but_the_record_is_left_of_a_finished_campaign(bench: Bench) -> None:
    bench.ready(recipients=2)
    bench.accept(bench.claim())
    bench.advance(RECEIPT_WAIT_MS)
    bench.account.ledger.tick()

    indexes = (Key.AGENDA, Key.HELD, Key.INFLIGHT, Key.UNKNOWN)
    assert [bench.listed(key) for key in indexes] == [set()] * 4
    assert bench.client.exists(bench.keys.of(Key.WAITING, "c1")) == 0
    assert bench.account_field("exposed") == 0
    check_counters(bench, "c1")


def test_results_name_ticket_state_and_times_of_each_recipient(bench: Bench) -> None:
    bench.ready(recipients=4, batch_size=2)
    bench.accept(bench.claim(), ticket="t0")
    bench.record(bench.claim(), Outcome.REFUSED, code="-5", why="status -5: bad recipients")
    at = moment(START_MS + 7000)
    bench.account.receipts.merge([Receipt(sequence=1, code=11, ticket="t0", at=at)])

    rows = bench.results()

    found = [(row.state.value, row.reason, row.ticket, row.receipt) for row in rows]
    assert found == [
        ("sent", None, "t0", None),
        ("undelivered", "network_error", "t0", "network_error"),
        ("refused", "status -5: bad recipients", None, None),
        ("refused", "status -5: bad recipients", None, None),
    ]
    assert [row.sent_at for row in rows] == [moment(START_MS)] * 2 + [None] * 2
    assert [row.receipt_at for row in rows] == [None, at, None, None]
