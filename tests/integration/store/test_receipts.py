import itertools
import random
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.domain.fates import Exclusion, Receipt
from dispatcher.domain.lifecycle import CampaignState, HoldReason
from dispatcher.embedded import EmbeddedRedis
from dispatcher.store.batches import Outcome
from dispatcher.store.keys import Key
from tests.support.bench import SEND_LEASE_MS, Bench
from tests.support.books import check_counters, check_money

CODES = (0, 1, 2, 3, 4, 5, 8, 11, 12, 99)
T0 = 1_800_000_000


def receipt(sequence: int, code: int = 3, *, second: int = 0, ticket: str = "t0") -> Receipt:
    return Receipt(
        sequence=sequence, code=code, ticket=ticket, at=datetime.fromtimestamp(T0 + second, UTC)
    )


RECEIPTS = st.lists(
    st.builds(
        lambda sequence, code, second: receipt(
            sequence, code, second=second, ticket=f"t{sequence // 2}"
        ),
        st.integers(0, 3),
        st.sampled_from(CODES),
        st.integers(0, 2),
    ),
    max_size=8,
)


def final_state(bench: Bench, receipts: list[Receipt], replies_at: list[int]) -> object:
    """Merge receipts one call each, with the replies of both posts somewhere among them."""
    bench.reset()
    bench.ready(recipients=4, batch_size=2)
    claims = [bench.claim(), bench.claim()]
    for place in range(len(receipts) + 1):
        for claim, at in zip(claims, replies_at, strict=True):
            if min(at, len(receipts)) == place:
                bench.accept(claim, ticket=f"t{claim.n}")
        if place < len(receipts):
            bench.account.receipts.merge([receipts[place]])
            check_counters(bench, "c1")
    status = bench.status()
    results = [(r.state, r.reason, r.ticket, r.receipt, r.receipt_at) for r in bench.results()]
    return results, status.recipient_states, status.reasons, status.state, status.alarms


@given(
    receipts=RECEIPTS,
    seed=st.randoms(use_true_random=False),
    replies_at=st.tuples(st.integers(0, 12), st.integers(0, 12)),
)
@settings(max_examples=40)
def test_order_repetition_and_the_moment_of_the_reply_do_not_matter(
    fast_bench: Bench, receipts: list[Receipt], seed: random.Random, replies_at: tuple[int, int]
) -> None:
    shuffled = receipts + receipts[: len(receipts) // 2]
    seed.shuffle(shuffled)

    expected = final_state(fast_bench, receipts, [0, 0])

    assert final_state(fast_bench, shuffled, list(replies_at)) == expected


@given(receipts=RECEIPTS)
@settings(max_examples=20)
def test_receipts_merged_together_end_as_those_merged_one_by_one(
    fast_bench: Bench, receipts: list[Receipt]
) -> None:
    one_by_one = final_state(fast_bench, receipts, [0, 0])
    fast_bench.reset()
    fast_bench.ready(recipients=4, batch_size=2)
    for claim in (fast_bench.claim(), fast_bench.claim()):
        fast_bench.accept(claim, ticket=f"t{claim.n}")

    fast_bench.account.receipts.merge(receipts)

    status = fast_bench.status()
    results = [(r.state, r.reason, r.ticket, r.receipt, r.receipt_at) for r in fast_bench.results()]
    assert (
        results,
        status.recipient_states,
        status.reasons,
        status.state,
        status.alarms,
    ) == one_by_one


def test_the_last_final_receipt_finishes_the_campaign(bench: Bench) -> None:
    bench.ready(recipients=3, batch_size=3)
    bench.accept(bench.claim(), ticket="t0")

    bench.account.receipts.merge([receipt(0), receipt(1, 1), receipt(2, 2)])
    assert bench.status().state is CampaignState.SENT
    bench.account.receipts.merge([receipt(1, 12, second=1)])

    status = bench.status()
    assert status.state is CampaignState.FINISHED
    assert {state.value: count for state, count in status.recipient_states.items()} == {
        "delivered": 1,
        "undelivered": 2,
    }
    assert status.reasons == {"not_delivered": 1, "expired": 1}
    assert status.receipts == 4


def test_a_receipt_after_the_end_still_counts(bench: Bench) -> None:
    bench.ready(recipients=2)
    bench.accept(bench.claim(), ticket="t0")
    bench.account.receipts.merge([receipt(0, 2), receipt(1, 3)])
    assert bench.status().state is CampaignState.FINISHED

    bench.account.receipts.merge([receipt(0, 3, second=9)])

    assert [result.receipt for result in bench.results()] == ["delivered", "delivered"]
    check_counters(bench, "c1")


@pytest.mark.parametrize("lost", [False, True])
def test_a_receipt_settles_a_batch_whose_answer_is_missing(bench: Bench, *, lost: bool) -> None:
    bench.ready(recipients=2, credits_left=10)
    claim = bench.claim()
    if lost:
        bench.advance(SEND_LEASE_MS)
        bench.account.ledger.tick()
        assert bench.status().hold is HoldReason.OUTCOME_UNKNOWN

    bench.account.receipts.merge([receipt(0, ticket="t7")])

    record = bench.account.batches.read("c1", 0)
    assert record is not None
    assert (record.state.value, record.ticket, record.cost) == ("accepted", "t7", 2)
    assert bench.status().state is CampaignState.SENT
    assert bench.account.ledger.credits().balance == 8
    bench.accept(claim, ticket="t7")
    assert bench.status().alarms == 0
    check_money(bench, ["c1"])


def test_a_receipt_of_somebody_left_out_still_settles_the_campaign(bench: Bench) -> None:
    bench.account.ledger.approve_server(quiet_ms=0)
    bench.submit(recipients=2)
    bench.quote("c1", exclusions={0: Exclusion.INVALID})
    bench.record(bench.claim(), Outcome.UNKNOWN, why="lost")

    bench.account.receipts.merge([receipt(0)])

    assert bench.status().state is CampaignState.SENT
    assert [result.state.value for result in bench.results()] == ["delivered", "sent"]
    check_counters(bench, "c1")


def test_a_receipt_for_a_batch_that_should_not_have_gone_out_raises_an_alarm(
    bench: Bench,
) -> None:
    bench.ready(recipients=2)

    bench.account.receipts.merge([receipt(0)])

    assert bench.alarms() == ["proof that a batch was sent which we held for ready"]
    assert bench.status().state is CampaignState.SENT
    check_counters(bench, "c1")
    check_money(bench, ["c1"])


def test_a_receipt_with_another_ticket_raises_an_alarm(bench: Bench) -> None:
    bench.ready(recipients=2)
    bench.accept(bench.claim(), ticket="t0")

    bench.account.receipts.merge([receipt(0, ticket="t9")])

    assert bench.alarms() == ["a second ticket: the batch was accepted twice"]
    assert bench.results()[0].ticket == "t0"


def test_a_receipt_names_the_ticket_of_a_moderated_batch(bench: Bench) -> None:
    bench.ready(recipients=2)
    bench.record(bench.claim(), Outcome.ACCEPTED, ticket="", cost=2, code="-8")

    bench.account.receipts.merge([receipt(0, ticket="t5")])

    assert [result.ticket for result in bench.results()] == ["t5", "t5"]
    assert bench.status().alarms == 0


def test_receipts_of_nobody_we_know_are_named(bench: Bench) -> None:
    bench.submit("unquoted", recipients=2)
    bench.ready("c2", recipients=2)
    bench.accept(bench.claim("c2"), ticket="t0")

    strangers = bench.account.receipts.merge(
        [receipt(sequence) for sequence in (0, 2, 3, 4, 10**12)]
    )

    assert strangers == {0, 4, 10**12}
    assert bench.status("c2").receipts == 2


def test_one_merge_serves_many_campaigns(bench: Bench) -> None:
    for place, name in enumerate("abc"):
        bench.ready(name, recipients=3, batch_size=2)
        for n in range(2):
            bench.accept(bench.claim(name), ticket=f"t{place}{n}")
    tickets = {sequence: f"t{sequence // 3}{0 if sequence % 3 < 2 else 1}" for sequence in range(9)}

    bench.account.receipts.merge(
        [receipt(sequence, ticket=ticket) for sequence, ticket in reversed(tickets.items())]
    )

    assert {bench.status(name).state for name in "abc"} == {CampaignState.FINISHED}
    assert bench.alarms() == []


def test_entries_are_taken_once_and_forgotten_when_confirmed(bench: Bench) -> None:
    store = bench.account.receipts
    store.append([b"one", b"two"])
    store.append([b"three"])

    taken = store.take()
    other = store.take()
    store.confirm([received.entry for received in taken])

    assert [list(received.bodies) for received in taken] == [[b"one", b"two"], [b"three"]]
    assert other == []
    assert store.waiting() == 0
    assert store.take() == []


def test_entries_of_a_dead_worker_are_taken_over(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = bench.account.receipts
    store.append([b"one"])
    store.take()
    assert store.take() == []
    monkeypatch.setattr("dispatcher.store.receipts._ABANDONED_AFTER_MS", 0)

    taken = store.take()

    assert [received.bodies for received in taken] == [[b"one"]]


def test_what_is_not_ours_is_kept_aside(bench: Bench) -> None:
    bench.account.receipts.park([b"foreign", b"foreign too"])
    bench.account.receipts.quarantine([b"\xff"])

    assert bench.client.xlen(bench.keys.of(Key.PARKED)) == 2
    assert bench.client.xlen(bench.keys.of(Key.QUARANTINE)) == 1


def test_a_refused_append_does_not_quote_the_receipt(own_redis: EmbeddedRedis) -> None:
    bench = Bench(own_redis.url)
    bench.client.config_set("maxmemory", 1024)
    body = b'{"destination":"33639980001","status":3}'

    shown = []
    for keep in (bench.account.receipts.append, bench.account.receipts.park):
        try:
            keep([body])
        except Exception as error:  # noqa: BLE001 - whichever it is, its text is what matters
            chain = itertools.takewhile(bool, (error, error.__cause__, error.__context__))
            shown += [str(link) for link in chain]
    bench.close()

    assert [text for text in shown if "33639980001" in text] == []


def test_a_full_server_does_not_keep_the_first_receipts_from_being_merged(
    own_redis: EmbeddedRedis,
) -> None:
    bench = Bench(own_redis.url)
    bench.ready(recipients=2)
    bench.accept(bench.claim(), ticket="t0")
    bench.account.receipts.append([b"one"])
    bench.client.config_set("maxmemory", 1024)

    taken = bench.account.receipts.take()
    bench.account.receipts.merge([receipt(0), receipt(1)])
    bench.account.receipts.confirm([received.entry for received in taken])

    assert [list(received.bodies) for received in taken] == [[b"one"]]
    assert bench.status().state is CampaignState.FINISHED
    assert bench.account.receipts.take() == []
    bench.close()
