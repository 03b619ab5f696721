"""Lists made for campaigns that are over are emptied, and no others."""

from datetime import UTC, datetime

import pytest

from dispatcher.domain.fates import Receipt
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.store.batches import QuoteFailure
from dispatcher.store.contact_lists import ListPhase, ListProgress
from tests.support.bench import QUOTE_LEASE_MS, Bench
from tests.support.bench_lists import (
    claim_unread,
    complete,
    submit_unread,
    submit_uploaded,
    upload_sizes,
)

C = CampaignState
CREATING = ListProgress(phase=ListPhase.CREATING)
AT = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
FIVE_MINUTES = 300_000


def finish(bench: Bench, campaign: str) -> None:
    """Send both batches and hear from everybody."""
    for n in range(2):
        bench.accept(bench.claim(campaign), ticket=f"{campaign}-t{n}")
    bench.account.receipts.merge(
        [
            Receipt(sequence=place, code=3, ticket=f"{campaign}-t{place // 2}", at=AT)
            for place in range(4)
        ]
    )
    assert bench.status(campaign).state is C.FINISHED


def test_the_lists_of_a_finished_campaign_are_emptied_a_while_later(bench: Bench) -> None:
    submit_uploaded(bench)
    bench.quote_all("c1")
    finish(bench, "c1")
    bench.advance(FIVE_MINUTES - 1)
    early = (bench.account.ledger.tick().cleanups, bench.account.lists.claim_cleanup(lease_ms=1))

    bench.advance(1)

    assert early == (0, None)
    assert bench.account.ledger.tick().cleanups == 1
    claim = bench.account.lists.claim_cleanup(lease_ms=QUOTE_LEASE_MS)
    assert claim is not None
    assert claim[0] == "c1"
    assert claim[1].startswith("dispatch-upload-")


@pytest.mark.parametrize("how", ["cancelled", "rejected"])
def test_a_campaign_that_ends_before_it_is_sent_has_its_lists_emptied(
    bench: Bench, how: str
) -> None:
    submit_uploaded(bench)
    if how == "cancelled":
        bench.account.campaigns.cancel("c1")
    else:
        bench.account.batches.fail_quote(bench.claim_quote("c1"), QuoteFailure.REJECT, why="no")
    assert bench.status().state.value == how

    bench.advance(FIVE_MINUTES)

    assert bench.account.ledger.tick().cleanups == 1


def test_an_upload_that_was_only_announced_is_cleaned_up_after_too(bench: Bench) -> None:
    bench.submit()
    bench.claim_quote("c1")
    bench.account.lists.advance("c1", 1, None, CREATING)
    bench.account.campaigns.cancel("c1")

    bench.advance(FIVE_MINUTES)

    assert bench.account.ledger.tick().cleanups == 1


def test_lists_stay_as_long_as_their_campaign_is_not_over(bench: Bench) -> None:
    submit_uploaded(bench, "sent")
    bench.quote_all("sent")
    for n in range(2):
        bench.accept(bench.claim("sent"), ticket=f"t{n}")
    submit_uploaded(bench, "held")
    bench.quote_all("held", credits_left=0)
    assert (bench.status("sent").state, bench.status("held").state) == (C.SENT, C.HELD)

    bench.advance(FIVE_MINUTES)

    assert bench.account.ledger.tick().cleanups == 0
    assert bench.account.lists.claim_cleanup(lease_ms=1) is None


def test_nothing_is_emptied_where_nothing_was_made_or_nobody_asked_for_it(bench: Bench) -> None:
    bench.submit("direct")
    bench.submit("kept", cleans_lists=False)
    bench.claim_quote("kept")
    bench.account.lists.advance("kept", 0, None, complete("77"))
    submit_unread(bench, "given")
    claim_unread(bench, "given")
    bench.account.lists.fill("given", upload_sizes(bench, "u1", (2,)), given="digest")
    for name in ("direct", "kept", "given"):
        bench.account.campaigns.cancel(name)

    bench.advance(FIVE_MINUTES)

    assert bench.account.ledger.tick().cleanups == 0
    assert bench.account.lists.claim_cleanup(lease_ms=1) is None


def test_one_worker_empties_at_a_time_until_its_lease_is_over(bench: Bench) -> None:
    for name in ("a", "b"):
        submit_uploaded(bench, name)
        bench.account.campaigns.cancel(name)
    bench.advance(FIVE_MINUTES)
    claim = bench.account.lists.claim_cleanup

    claims = [claim(lease_ms=1000) for _ in range(3)]
    bench.advance(1000)
    later = claim(lease_ms=1000)

    assert [found and found[0] for found in claims] == ["a", "b", None]
    assert later is not None


def test_lists_that_are_empty_are_not_emptied_again(bench: Bench) -> None:
    submit_uploaded(bench)
    bench.account.campaigns.cancel("c1")
    bench.advance(FIVE_MINUTES)
    bench.account.lists.claim_cleanup(lease_ms=1000)

    bench.account.lists.end_cleanup("c1", is_done=False)
    again = bench.account.lists.claim_cleanup(lease_ms=1000)
    for _ in range(2):
        bench.account.lists.end_cleanup("c1", is_done=True)
    bench.account.lists.end_cleanup("c1", is_done=False)
    bench.advance(FIVE_MINUTES)

    assert again is not None
    assert bench.account.lists.claim_cleanup(lease_ms=1000) is None
    emptied = [event for event in bench.account.events.all("c1") if event.what == "lists"]
    assert [event.new for event in emptied] == ["emptied"]
    assert bench.account.lists.made_for("c1") == ["c1-list-0", "c1-list-1"]
