"""What must hold between any two calls, recounted from the records a counter stands for."""

from collections import Counter
from collections.abc import Mapping

from dispatcher.domain.feed import EventKind, FeedEvent
from dispatcher.domain.lifecycle import BATCH_MOVES, CAMPAIGN_MOVES, BatchState, CampaignState
from dispatcher.domain.vitals import STANDINGS, Standing
from dispatcher.store.batches import BatchRecord
from dispatcher.store.keys import Key
from dispatcher.store.vitals import Vitals
from tests.support.bench import Bench

_READY = BatchState.READY.value
_AT_STAKE = (BatchState.SENDING, BatchState.UNKNOWN)


def check_counters(bench: Bench, campaign: str) -> None:
    """Compare a campaign's counters with its recipients and batches, one by one."""
    status = bench.status(campaign)
    found = Counter(result.state for result in bench.results(campaign))
    assert all(count > 0 for count in status.recipient_states.values()), status
    assert +Counter(status.recipient_states) == found
    assert status.is_conserved
    assert all(count > 0 for count in status.batch_states.values()), status
    assert sum(status.batch_states.values()) == status.batches


def check_money(bench: Bench, campaigns: list[str]) -> None:
    """Recount what is set aside and at stake, for each campaign and for the account."""
    reserved = exposed = 0
    for campaign in campaigns:
        batches = _batches(bench, campaign)
        at_stake = sum(batch.quote for batch in batches if batch.state in _AT_STAKE)
        to_send = sum(batch.quote for batch in batches if batch.state is BatchState.READY)
        assert bench.record_field(campaign, "cost_exposed") == at_stake
        if bench.status(campaign).is_over:
            assert bench.record_field(campaign, "reserved") * to_send == 0
        else:
            assert bench.record_field(campaign, "cost_ready") == to_send
        exposed += at_stake
        reserved += at_stake + to_send * bench.record_field(campaign, "reserved")
    assert bench.account_field("exposed") == exposed
    assert bench.account.ledger.credits().reserved == reserved


def check_indexes(bench: Bench, campaigns: list[str]) -> None:
    """Compare what a tick will find with the states of campaigns and batches."""
    states = {
        f"{campaign}/{n}": record.state
        for campaign in campaigns
        for n, record in enumerate(_batches(bench, campaign))
    }
    for key, state in ((Key.INFLIGHT, BatchState.SENDING), (Key.UNKNOWN, BatchState.UNKNOWN)):
        assert bench.listed(key) == {name for name, found in states.items() if found is state}
    assert bench.client.hlen(bench.keys.of(Key.CLAIMS)) == sum(
        state is BatchState.SENDING for state in states.values()
    )
    check_standing(bench)


def check_standing(bench: Bench) -> None:
    """Compare what is counted of the whole account with a recount of every campaign's record."""
    vitals = Vitals(bench.client, bench.keys, clock=lambda _: bench.now_ms).read()
    standing: dict[Standing, list[int]] = {each: [] for each in STANDINGS}
    over: Counter[CampaignState] = Counter()
    batches: Counter[str] = Counter()
    for campaign in bench.listed(Key.CAMPAIGNS):
        status = bench.status(campaign)
        batches.update(status.batch_states)
        if status.is_over:
            over[status.state] += 1
        else:
            since = bench.now_ms - int(status.changed_at.timestamp() * 1000)
            standing[status.hold or status.state].append(since)
    assert +Counter(vitals.over) == over
    assert {state.value: count for state, count in vitals.batches.items() if count} == batches
    found = {each: waiting.count for each, waiting in vitals.standing.items()}
    assert found == {each: len(ages) for each, ages in standing.items()}


def check_transitions(bench: Bench, campaign: str) -> None:
    """Walk through the events: every move is allowed and follows from the one before."""
    stands: dict[str, str] = {}
    for event in bench.account.events.all(campaign):
        if event.what == "campaign":
            assert event.old == stands.get("campaign", "")
            if event.old:
                allowed = CAMPAIGN_MOVES[CampaignState(event.old)]
                assert CampaignState(event.new) in allowed
        elif event.what.startswith("batch "):
            stood = stands.get(event.what, event.old)
            assert event.old == stood or (stood == _READY and event.old in _ended_unseen(stands))
            assert BatchState(event.new) in BATCH_MOVES[BatchState(event.old)]
        stands[event.what] = event.new
    assert stands["campaign"] == bench.status(campaign).state.value
    check_told(bench, campaign)


def check_told(bench: Bench, campaign: str) -> None:
    """Compare what the producer was told of a campaign with what happened, and the numbers."""
    told: list[tuple[str, str, str]] = []
    producer, after = bench.status(campaign).producer, 0
    while news := bench.account.outbox.read(producer, after=after):
        assert [event.sequence for event in news] == list(range(after + 1, after + 1 + len(news)))
        after += len(news)
        told += [_told(event) for event in news if event.campaign == campaign]
    happened = [
        (event.what, event.old, event.new)
        for event in bench.account.events.all(campaign)
        if event.what.startswith(("campaign", "batch "))
    ]
    assert [move for move in told if move[0] and move[1] != move[2]] == happened
    assert after == bench.account.outbox.extent(producer).last


def _told(event: FeedEvent) -> tuple[str, str, str]:
    """Write a move as the campaign's own events do."""
    if "to" not in event.data:
        return "", "", ""
    what = f"batch {event.data['batch']}" if event.kind is EventKind.BATCH else "campaign"
    return what, event.data.get("from", ""), event.data["to"]


def _ended_unseen(stands: Mapping[str, str]) -> set[str]:
    """Tell how batches that wait may have ended: all at once, without an event of their own."""
    ends = {BatchState.EXPIRED.value}
    if "cancel" in stands:
        ends.add(BatchState.CANCELLED.value)
    if stands["campaign"] == CampaignState.REJECTED.value:
        ends.add(BatchState.REFUSED.value)
    return ends


def _batches(bench: Bench, campaign: str) -> list[BatchRecord]:
    """Read a campaign's batches; one without a quote is ready and costs nothing yet."""
    unquoted = BatchRecord(state=BatchState.READY)
    return [
        bench.account.batches.read(campaign, n) or unquoted
        for n in range(bench.status(campaign).batches)
    ]
