"""Campaigns that are over lose their people, then their record; a repeated submit stays known."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from dispatcher.domain.campaign import DroppedRow
from dispatcher.domain.erasure import Person
from dispatcher.domain.fates import Receipt
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.domain.timing import Timing
from dispatcher.errors import ErasedError, UnknownCampaignError
from dispatcher.store.batches import Outcome, QuoteFailure
from dispatcher.store.erasure import Terms
from dispatcher.store.families import STREAMS, Ends, ending
from dispatcher.store.keys import Key
from dispatcher.store.proof import entries
from dispatcher.store.submissions import Submission
from dispatcher.store.withdrawals import Withdrawal
from tests.support.bench import FIRST_NUMBER, START_MS, Bench, record_of, upload_of
from tests.support.bench_lists import submit_uploaded

DAY = 86_400_000
HOUR = 3_600_000
TERMS = Terms(people=30 * DAY, records=400 * DAY, strangers=14 * DAY)
T0 = START_MS // 1000


def receipt(sequence: int, code: int = 3) -> Receipt:
    """Make the receipt of somebody in a batch of two, under its ticket."""
    ticket = f"t{sequence // 2}"
    return Receipt(sequence=sequence, code=code, ticket=ticket, at=datetime.fromtimestamp(T0, UTC))


def retain(bench: Bench) -> None:
    while bench.account.erasure.retain(TERMS):
        pass


def finished(bench: Bench, campaign: str = "c1") -> Submission:
    """Bring a campaign of four, and a row that was dropped, to its end."""
    bench.account.ledger.approve_server(quiet_ms=0)
    submission = bench.submission(campaign, 4, 2, invalid=1, dropped_chunks=1)
    bench.upload(upload_of(submission), 4, 2)
    dropped = [DroppedRow(number="06 39", id="row-5", reason="invalid: too short")]
    bench.account.campaigns.upload_dropped(upload_of(submission), 0, dropped)
    assert bench.account.campaigns.submit(submission)
    bench.quote_all(campaign)
    for n in range(2):
        bench.accept(bench.claim(campaign), ticket=f"t{n}")
    first = bench.record_field(campaign, "first")
    bench.account.receipts.merge(receipt(first + place) for place in range(4))
    assert bench.status(campaign).state is CampaignState.FINISHED
    return submission


def keys(bench: Bench) -> set[str]:
    """Name the keys of the account, by family and what follows it."""
    found = {name.decode() for name in bench.client.scan_iter()} - {"test:now"}
    return {name.removeprefix(bench.keys.prefix) for name in found}


def families(bench: Bench) -> Iterator[str]:
    for name in keys(bench):
        family, colon, _ = name.partition(":")
        yield family + colon


def left_of_campaigns(bench: Bench) -> set[str]:
    """Name families that should be gone; entries of streams are named after the real clock."""
    return set(families(bench)) - {key.value for key in (*ending(Ends.NEVER), *STREAMS)}


def test_people_and_texts_are_erased_a_while_after_the_end_and_totals_stay(bench: Bench) -> None:
    finished(bench)
    before = bench.status()

    bench.advance(30 * DAY - 1)
    retain(bench)
    assert [result.state.value for result in bench.results()][:4] == ["delivered"] * 4
    bench.advance(1)
    retain(bench)

    after = bench.status()
    assert after.erased_at is not None
    assert (after.rows, after.cost, after.receipts) == (before.rows, before.cost, before.receipts)
    assert after.recipient_states == before.recipient_states
    assert after.is_conserved
    with pytest.raises(ErasedError, match="erased on"):
        bench.results()
    left = bench.client.hgetall(bench.keys.of(Key.CAMPAIGN, "c1"))
    assert "Bonjour" not in str(left)
    per_campaign = {*ending(Ends.WITH_PEOPLE), *ending(Ends.WITH_BATCHES)}
    assert {key.value for key in per_campaign}.isdisjoint(families(bench))


def test_what_is_not_over_keeps_its_people(bench: Bench) -> None:
    bench.ready()
    bench.accept(bench.claim())

    bench.advance(500 * DAY)
    retain(bench)

    assert len(bench.results()) == 4


def test_submitting_again_after_the_erasure_sends_nothing_again(bench: Bench) -> None:
    submission = finished(bench)
    bench.advance(30 * DAY)
    retain(bench)

    bench.upload(upload_of(submission), 4, 2)
    is_new = bench.account.campaigns.submit(submission)

    assert not is_new
    assert bench.status().state is CampaignState.FINISHED
    assert "upload:" not in families(bench)


def test_the_record_goes_in_the_end_with_every_trace_of_the_campaign(bench: Bench) -> None:
    finished(bench)
    bench.advance(400 * DAY)

    retain(bench)

    with pytest.raises(UnknownCampaignError):
        bench.status()
    # A claim's token is forgotten by the next tick.
    bench.account.ledger.tick()
    assert left_of_campaigns(bench) == set()


def cancelled_while_quoting(bench: Bench) -> None:
    bench.submit()
    bench.quote("c1")
    bench.account.campaigns.cancel("c1")


def cancelled_with_lists(bench: Bench) -> None:
    submit_uploaded(bench)
    bench.quote_all("c1")
    bench.account.campaigns.cancel("c1")
    bench.advance(HOUR)
    assert bench.account.lists.claim_cleanup(lease_ms=1) is not None
    bench.account.lists.end_cleanup("c1", is_done=True)


def rejected(bench: Bench) -> None:
    bench.submit()
    bench.account.batches.fail_quote(bench.claim_quote("c1"), QuoteFailure.REJECT, why="-4")


def refused(bench: Bench) -> None:
    bench.ready(recipients=2)
    bench.record(bench.claim(), Outcome.REFUSED, code="-4", why="no")


def expired(bench: Bench) -> None:
    latest = datetime.fromtimestamp((START_MS + HOUR) / 1000, UTC)
    bench.submit(timing=Timing(send_at=None, handover_at=None, latest=latest))
    bench.advance(2 * HOUR)
    bench.account.ledger.tick()


def taken_back(bench: Bench) -> None:
    at = datetime.fromtimestamp((START_MS + HOUR) / 1000, UTC)
    bench.ready(recipients=2, timing=Timing(send_at=at, handover_at=None, latest=None))
    bench.accept(bench.claim())
    bench.account.campaigns.cancel("c1")
    claim = bench.account.withdrawals.claim(lease_ms=1000)
    assert claim is not None
    bench.account.withdrawals.record(claim, Withdrawal.GONE, credits_left=1000)


def settled_late(bench: Bench) -> None:
    bench.ready(recipients=2)
    claim = bench.claim()
    bench.record(claim, Outcome.UNKNOWN, why="no answer")
    bench.account.receipts.merge([receipt(0), receipt(1)])


def forgotten(bench: Bench) -> None:
    bench.ready(recipients=1)
    bench.account.erasure.erase(Person(number=FIRST_NUMBER))


@pytest.mark.parametrize(
    "end",
    [
        cancelled_while_quoting,
        cancelled_with_lists,
        rejected,
        refused,
        expired,
        taken_back,
        settled_late,
        forgotten,
    ],
)
def test_however_a_campaign_ends_no_key_of_it_stays_for_ever(
    bench: Bench, end: Callable[[Bench], None]
) -> None:
    end(bench)
    assert bench.status().is_over

    bench.advance(400 * DAY)
    bench.account.ledger.tick()
    retain(bench)

    assert left_of_campaigns(bench) == set()


def test_a_large_campaign_is_erased_in_parts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dispatcher.store.erasure._MOST_BATCHES", 1)
    finished(bench)
    bench.advance(30 * DAY)

    assert bench.account.erasure.retain(TERMS)
    assert bench.status().erased_at is not None
    assert "recipients:" in families(bench)
    retain(bench)

    assert "recipients:" not in families(bench)
    assert bench.status().is_conserved


def test_late_receipts_of_an_erased_campaign_are_counted_and_change_nothing(bench: Bench) -> None:
    finished(bench)
    bench.advance(30 * DAY)
    retain(bench)
    before = bench.status()

    strangers = bench.account.receipts.merge([receipt(0, 2), receipt(3, 2)])

    after = bench.status()
    assert strangers == set()
    assert after.late_receipts == 2
    assert after.recipient_states == before.recipient_states
    assert bench.alarms() == []


def test_an_outcome_that_comes_after_the_erasure_is_no_alarm(bench: Bench) -> None:
    bench.ready()
    claims = [bench.claim(), bench.claim()]
    for claim in claims:
        bench.accept(claim, ticket=f"t{claim.n}")
    bench.account.receipts.merge(receipt(place) for place in range(4))
    bench.advance(30 * DAY)
    retain(bench)

    journalled = record_of(claims[0], Outcome.ACCEPTED, ticket="t0", cost=2)
    found = bench.account.batches.record_send(journalled)

    assert found is None
    assert bench.alarms() == []


def test_tickets_of_list_batches_stay_as_long_as_the_record(bench: Bench) -> None:
    submit_uploaded(bench)
    bench.quote_all("c1")
    for n in range(2):
        bench.accept(bench.claim(), ticket=f"t{n}")
    bench.account.receipts.merge(receipt(place) for place in range(4))
    bench.advance(30 * DAY)
    retain(bench)

    known = bench.account.tickets.batches_of(["t0", "t1"])
    assert known == {"t0": "c1/0", "t1": "c1/1"}
    assert len(bench.account.tickets.addressees("c1/0").numbers) == 0
    assert bench.account.tickets.addressees("c1/0").sequence_of(FIRST_NUMBER) is None
    bench.advance(370 * DAY)
    retain(bench)

    assert bench.account.tickets.batches_of(["t0", "t1"]) == {}


def test_strangers_bodies_are_kept_for_two_weeks(bench: Bench) -> None:
    seconds = bench.client.time()[0]
    old, young = (f"{seconds * 1000 - days * DAY}-0" for days in (15, 13))
    for key in (Key.PARKED, Key.QUARANTINE):
        for entry in (old, young):
            bench.client.xadd(bench.keys.of(key), {"body": "x"}, id=entry)

    retain(bench)

    for key in (Key.PARKED, Key.QUARANTINE):
        kept = [entry.decode() for entry, _ in entries(bench.client, bench.keys.of(key))]
        assert kept == [young]


def test_replies_are_kept_as_long_as_people(bench: Bench) -> None:
    for reply, age in (("old", 30 * DAY), ("young", 30 * DAY - 1)):
        bench.client.hset(bench.keys.of(Key.REPLY, reply), "text", "oui")
        for index in (Key.REPLIES, Key.REVIEW):
            bench.client.zadd(bench.keys.of(index), {reply: START_MS - age})

    retain(bench)

    assert bench.listed(Key.REPLIES) == bench.listed(Key.REVIEW) == {"young"}
    assert not bench.client.exists(bench.keys.of(Key.REPLY, "old"))
    assert bench.client.exists(bench.keys.of(Key.REPLY, "young"))


def test_campaigns_that_were_over_before_anybody_counted_are_erased_as_well(bench: Bench) -> None:
    finished(bench)
    bench.client.delete(bench.keys.of(Key.OVER))
    bench.advance(30 * DAY)

    retain(bench)

    assert bench.status().erased_at is not None


def test_a_campaign_whose_lists_are_not_emptied_yet_can_still_have_them_emptied(
    bench: Bench,
) -> None:
    submit_uploaded(bench)
    bench.quote_all("c1")
    bench.account.campaigns.cancel("c1")
    bench.advance(30 * DAY)
    retain(bench)

    claim = bench.account.lists.claim_cleanup(lease_ms=1000)

    assert claim is not None
    assert claim[1].startswith("dispatch-")
    bench.account.lists.end_cleanup("c1", is_done=True)
    retain(bench)
    assert "events:" not in families(bench)
