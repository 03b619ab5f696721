"""Batches that are sent by lists: their uploads, tickets and receipts."""

from itertools import pairwise

import msgspec
import pytest

from dispatcher.domain.lifecycle import HoldReason
from dispatcher.domain.packing import Batch, pack
from dispatcher.store.batches import Outcome, QuoteFailure
from dispatcher.store.claims import NothingToDo
from dispatcher.store.contact_lists import ListPhase, ListProgress, read_progress
from dispatcher.store.keys import Key
from tests.support.bench import FIRST_NUMBER, QUOTE_LEASE_MS, SEND_LEASE_MS, Bench, upload_of
from tests.support.bench_lists import complete, submit_sizes, submit_uploaded
from tests.support.books import check_counters, check_money

CREATING = ListProgress(phase=ListPhase.CREATING)
ADDING = ListProgress(phase=ListPhase.ADDING, id="77", added=1)
FOURTEEN_DAYS = 14 * 86_400_000


def received(bench: Bench) -> list[bytes]:
    """Take the receipts that are to be merged."""
    return [body for entry in bench.account.receipts.take() for body in entry.bodies]


@pytest.mark.parametrize(
    "progress",
    [CREATING, ADDING, complete("a:b:c"), ListProgress(phase=ListPhase.GIVEN, id="digest")],
)
def test_what_is_kept_of_a_progress_is_read_back(progress: ListProgress) -> None:
    assert read_progress(str(progress).encode()) == progress


def test_a_claim_says_how_far_its_upload_has_come_and_what_its_list_is_called(
    bench: Bench,
) -> None:
    submission = bench.submission("c1", 2, 2, upload="u1")
    bench.upload("u1", 2, 2)
    bench.account.campaigns.submit(submission)
    steps = [None, CREATING, ADDING, complete("77")]

    for before, after in pairwise(steps):
        claim = bench.claim_quote("c1")
        assert (claim.progress, claim.list_name) == (before, "dispatch-u1-0")
        assert after is not None
        assert bench.account.lists.advance("c1", 0, before, after)
        if after == CREATING:
            # Nobody else may look for a list that is about to be made.
            assert bench.account.batches.claim_quote("c1", lease_ms=1) is NothingToDo.IDLE
            bench.advance(QUOTE_LEASE_MS)

    assert bench.claim_quote("c1").progress == complete("77")


def test_of_two_who_go_on_from_the_same_progress_one_gets_further(bench: Bench) -> None:
    bench.submit()
    bench.claim_quote("c1")
    advance = bench.account.lists.advance

    first = [advance("c1", 0, None, CREATING) for _ in range(2)]
    second = [advance("c1", 0, CREATING, ADDING), advance("c1", 0, CREATING, complete("78"))]

    assert (first, second) == ([True, False], [True, False])
    assert bench.account.lists.made_for("c1") == ["77"]


def test_an_upload_that_got_further_is_due_at_once_and_its_failures_are_forgotten(
    bench: Bench,
) -> None:
    bench.submit(recipients=2)
    bench.account.batches.fail_quote(bench.claim_quote("c1"), QuoteFailure.RETRY, why="no answer")
    assert bench.claim_quote("c1").tries == 1
    assert bench.account.batches.claim_quote("c1", lease_ms=1) is NothingToDo.IDLE

    bench.account.lists.advance("c1", 0, None, ADDING)

    assert bench.claim_quote("c1").tries == 0


def test_an_upload_that_got_no_further_keeps_its_lease(bench: Bench) -> None:
    bench.submit(recipients=2)
    bench.claim_quote("c1")

    bench.account.lists.advance("c1", 0, CREATING, ADDING)

    assert bench.account.batches.claim_quote("c1", lease_ms=1) is NothingToDo.IDLE


def test_a_batch_that_is_quoted_does_not_wait_again_because_of_its_upload(bench: Bench) -> None:
    bench.submit(recipients=4)
    bench.quote("c1")

    bench.account.lists.advance("c1", 0, None, CREATING)

    assert bench.claim_quote("c1").n == 1
    bench.advance(QUOTE_LEASE_MS)
    assert bench.claim_quote("c1").n == 1


def test_an_upload_of_a_campaign_that_is_over_is_not_recorded(bench: Bench) -> None:
    bench.submit()
    bench.claim_quote("c1")
    bench.account.campaigns.cancel("c1")

    assert not bench.account.lists.advance("c1", 0, None, CREATING)
    assert bench.account.lists.made_for("c1") == []
    assert bench.account.batches.claim_quote("c1", lease_ms=1) is NothingToDo.OTHER_STATE


def test_lists_made_for_a_campaign_are_told_in_order_of_its_batches(bench: Bench) -> None:
    bench.submit(recipients=24, batch_size=2)
    bench.claim_quote("c1")
    for n in (11, 2, 0):
        bench.account.lists.advance("c1", n, None, complete(f"list {n}"))
    bench.account.lists.advance("c1", 3, None, CREATING)

    assert bench.account.lists.made_for("c1") == ["list 0", "list 2", "list 11"]


def test_a_batch_is_sent_to_the_list_it_was_uploaded_to(bench: Bench) -> None:
    submit_uploaded(bench)
    bench.quote_all("c1")

    claims = [bench.claim(), bench.claim()]

    assert [claim.progress for claim in claims] == [complete("c1-list-0"), complete("c1-list-1")]
    check_money(bench, ["c1"])


def test_the_ticket_of_a_list_send_names_its_batch_and_a_direct_one_does_not(
    bench: Bench,
) -> None:
    submit_uploaded(bench, "a:1")
    bench.quote_all("a:1")
    bench.ready("direct")
    bench.accept(bench.claim("a:1"), ticket="1001")
    bench.accept(bench.claim("a:1"), ticket="1002")
    bench.accept(bench.claim("direct"), ticket="1003")

    known = bench.account.tickets.batches_of(["1003", "1002", "1001", "none"])

    assert known == {"1001": "a:1/0", "1002": "a:1/1"}
    assert bench.account.tickets.batches_of([]) == {}


def test_a_ticket_that_comes_late_is_indexed_too(bench: Bench) -> None:
    submit_uploaded(bench, batches=1)
    bench.quote_all("c1")
    claim = bench.claim()
    bench.record(claim, Outcome.ACCEPTED, ticket="", cost=2, code="-8")

    bench.record(claim, Outcome.ACCEPTED, ticket="1001", cost=2)

    assert bench.account.tickets.batches_of(["1001"]) == {"1001": "c1/0"}
    assert bench.alarms() == []


def test_everybody_of_a_batch_is_found_by_number_in_whatever_order_they_came(
    bench: Bench,
) -> None:
    bench.submit("before", recipients=3)
    submission = bench.submission("c1", 4, 2)
    numbers = [33639980009, 33639980002, 33639980005, 33639980001]
    batches = {n: pack(Batch(numbers=numbers[2 * n : 2 * n + 2])) for n in range(2)}
    bench.account.campaigns.upload(upload_of(submission), batches)
    bench.account.campaigns.submit(submission)

    first, second = (bench.account.tickets.addressees(f"c1/{n}") for n in range(2))

    assert [first.sequence_of(number) for number in numbers] == [3, 4, None, None]
    assert [second.sequence_of(number) for number in numbers] == [None, None, 5, 6]
    assert [first.sequence_of(number) for number in (0, 33639980003, 33639980010)] == [None] * 3


def test_people_of_batches_of_different_sizes_are_found_by_number_too(bench: Bench) -> None:
    submit_sizes(bench, (1, 3, 2))

    found = [bench.account.tickets.addressees(f"c1/{n}") for n in range(3)]

    sequences = [
        [
            place
            for number in range(FIRST_NUMBER, FIRST_NUMBER + 6)
            if (place := addressees.sequence_of(number)) is not None
        ]
        for addressees in found
    ]
    assert sequences == [[0], [1, 2, 3], [4, 5]]


def test_receipts_that_come_before_their_ticket_are_merged_with_it(bench: Bench) -> None:
    submit_uploaded(bench, batches=1)
    bench.quote_all("c1")
    claim = bench.claim()

    assert bench.account.tickets.keep_early("1001", [b"one", b"two"])
    assert bench.account.tickets.keep_early("1001", [b"three"])
    assert bench.account.tickets.keep_early("of another", [b"four"])
    assert bench.account.receipts.waiting() == 0
    bench.accept(claim, ticket="1001")

    assert received(bench) == [b"one", b"two", b"three"]
    assert bench.client.exists(bench.keys.of(Key.EARLY, "1001")) == 0
    assert bench.client.exists(bench.keys.of(Key.EARLY, "of another")) == 1
    check_counters(bench, "c1")


def test_receipts_are_kept_for_an_answer_that_was_lost_too(bench: Bench) -> None:
    submit_uploaded(bench, batches=1)
    bench.quote_all("c1")
    claim = bench.claim()
    assert bench.begin(claim) is None
    bench.advance(SEND_LEASE_MS)
    bench.account.ledger.tick()
    assert bench.status().hold is HoldReason.OUTCOME_UNKNOWN

    assert bench.account.tickets.keep_early("1001", [b"one"])
    bench.accept(claim, ticket="1001")

    assert received(bench) == [b"one"]


def test_receipts_of_a_ticket_known_meanwhile_are_merged_at_once(bench: Bench) -> None:
    submit_uploaded(bench, batches=1)
    bench.quote_all("c1")
    bench.accept(bench.claim(), ticket="1001")

    assert bench.account.tickets.keep_early("1001", [b"one"])

    assert received(bench) == [b"one"]


def test_a_direct_batch_needs_no_early_receipts(bench: Bench) -> None:
    bench.ready(recipients=2)
    bench.claim()

    assert not bench.account.tickets.keep_early("1001", [b"one"])


def test_receipts_nobody_waits_for_are_not_kept(bench: Bench) -> None:
    submit_uploaded(bench, batches=1)
    bench.quote_all("c1")

    assert not bench.account.tickets.keep_early("1001", [b"one"])

    assert bench.client.exists(bench.keys.of(Key.EARLY, "1001")) == 0


def test_early_receipts_are_kept_for_two_weeks(bench: Bench) -> None:
    submit_uploaded(bench, batches=1)
    bench.quote_all("c1")
    bench.claim()

    bench.account.tickets.keep_early("1001", [b"one"])

    left = bench.client.pttl(bench.keys.of(Key.EARLY, "1001"))
    assert FOURTEEN_DAYS - 60_000 < left <= FOURTEEN_DAYS


def test_a_direct_send_leaves_the_receipts_kept_for_its_ticket_alone(bench: Bench) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    bench.account.tickets.keep_early("1001", [b"one"])

    bench.accept(claim, ticket="1001")

    assert received(bench) == []


def test_early_receipts_are_kept_in_the_form_of_those_received(bench: Bench) -> None:
    submit_uploaded(bench, batches=1)
    bench.quote_all("c1")
    bench.claim()

    bench.account.tickets.keep_early("1001", [b"one", b"two"])

    kept = bench.client.lindex(bench.keys.of(Key.EARLY, "1001"), 0)
    assert isinstance(kept, bytes)
    assert msgspec.msgpack.decode(kept) == [b"one", b"two"]
