import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.domain.campaign import DroppedRow
from dispatcher.domain.lifecycle import CampaignState, HoldReason
from dispatcher.domain.packing import Batch, pack
from dispatcher.embedded import EmbeddedRedis
from dispatcher.errors import (
    ConflictError,
    StateError,
    StoreFullError,
    StoreUnavailableError,
    UnknownCampaignError,
)
from dispatcher.store.batches import Outcome
from dispatcher.store.claims import NothingToDo
from dispatcher.store.durability import Barrier
from dispatcher.store.keys import Key
from tests.support.access import server_with_users
from tests.support.bench import NUDGE_AFTER_MS, SEND_LEASE_MS, Bench, upload_of
from tests.support.books import check_counters

C = CampaignState
MEBIBYTE = 1024 * 1024


def test_a_submitted_campaign_is_queued_with_all_it_was_told(bench: Bench) -> None:
    bench.submit(recipients=5, batch_size=2, invalid=2, duplicated=1)

    status = bench.status()

    assert status.state is C.QUEUED
    assert (status.rows, status.recipients, status.invalid, status.duplicated) == (8, 5, 2, 1)
    assert (status.batches, status.batch_states) == (3, {"ready": 3})
    assert status.created_at == status.changed_at
    assert [result.number for result in bench.results()] == [
        str(number) for number in range(33639980000, 33639980005)
    ]


def test_the_same_content_again_gives_the_same_campaign_and_leaves_nothing_behind(
    bench: Bench,
) -> None:
    bench.submit()
    before = bench.status()
    again = bench.submission("c1", 4, 2)
    bench.upload(upload_of(again), 4, 2)

    is_new = bench.account.campaigns.submit(again)

    assert not is_new
    assert bench.status() == before
    assert bench.client.exists(bench.keys.of(Key.UPLOAD, upload_of(again))) == 0


def test_a_lost_answer_to_a_submit_can_be_asked_for_again(bench: Bench) -> None:
    submission = bench.submission("c1", 4, 2)
    bench.upload(upload_of(submission), 4, 2)
    bench.account.campaigns.submit(submission)

    assert not bench.account.campaigns.submit(submission)
    assert [result.number[-1] for result in bench.results()] == ["0", "1", "2", "3"]


def test_other_content_under_the_same_id_is_a_conflict_and_changes_nothing(bench: Bench) -> None:
    bench.submit()
    before = bench.status()
    other = bench.submission("c1", 2, 2, fingerprint="other")
    bench.upload(upload_of(other), 2, 2)

    with pytest.raises(ConflictError, match="c1"):
        bench.account.campaigns.submit(other)

    assert bench.status() == before
    assert bench.client.exists(bench.keys.of(Key.UPLOAD, upload_of(other))) == 0


def test_of_many_submits_at_once_one_wins_and_the_others_know(bench: Bench) -> None:
    barrier = threading.Barrier(8)
    found: list[str] = []

    def submit(number: int) -> None:
        submission = bench.submission("c1", 4, 2, fingerprint=f"content {number % 2}")
        bench.upload(upload_of(submission), 4, 2)
        barrier.wait()
        try:
            found.append("new" if bench.account.campaigns.submit(submission) else "known")
        except ConflictError:
            found.append("conflict")

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == ["conflict"] * 4 + ["known"] * 3 + ["new"]
    assert bench.account.campaigns.newest(10) == ["c1"]
    check_counters(bench, "c1")


def test_an_upload_that_expired_has_to_be_made_again(bench: Bench) -> None:
    submission = bench.submission("c1", 4, 2)
    bench.upload(upload_of(submission), 4, 2)
    bench.account.campaigns.discard(upload_of(submission))

    with pytest.raises(StoreUnavailableError, match="expired"):
        bench.account.campaigns.submit(submission)

    with pytest.raises(UnknownCampaignError):
        bench.status()


def test_dropped_rows_do_not_stand_in_for_batches_that_expired(bench: Bench) -> None:
    submission = bench.submission("c1", 4, 2, dropped_chunks=1)
    bench.account.campaigns.upload(upload_of(submission), {1: pack(Batch(numbers=[33639980003]))})
    dropped = DroppedRow(number="1", id=None, reason="duplicate")
    bench.account.campaigns.upload_dropped(upload_of(submission), 0, [dropped])

    with pytest.raises(StoreUnavailableError, match="expired"):
        bench.account.campaigns.submit(submission)


def test_an_upload_expires_unless_it_is_submitted(bench: Bench) -> None:
    bench.upload("left", 4, 2)
    dropped = DroppedRow(number="1", id=None, reason="duplicate")
    bench.account.campaigns.upload_dropped("only dropped", 0, [dropped])
    bench.submit()

    assert bench.client.ttl(bench.keys.of(Key.UPLOAD, "left")) > 0
    assert bench.client.ttl(bench.keys.of(Key.UPLOAD, "only dropped")) > 0
    assert bench.client.ttl(bench.keys.of(Key.RECIPIENTS, "c1")) == -1


def test_dropped_rows_come_last_in_the_results(bench: Bench) -> None:
    submission = bench.submission("c1", 2, 2, dropped_chunks=2, duplicated=1, invalid=1)
    bench.upload(upload_of(submission), 2, 2)
    for chunk, reason in enumerate(("duplicate", "invalid: too short")):
        row = DroppedRow(number=f"0{chunk}", id=f"id{chunk}", reason=reason)
        bench.account.campaigns.upload_dropped(upload_of(submission), chunk, [row])
    bench.account.campaigns.submit(submission)

    dropped = bench.results()[2:]

    assert [(row.number, row.id, row.state.value, row.reason) for row in dropped] == [
        ("00", "id0", "not sent", "duplicate"),
        ("01", "id1", "not sent", "invalid: too short"),
    ]


def test_campaigns_are_listed_newest_first(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.submit(name)
        bench.advance(1)

    assert bench.account.campaigns.newest(2) == ["c", "b"]


def test_ids_with_colons_do_not_meet(bench: Bench) -> None:
    bench.account.ledger.approve_server(quiet_ms=0)
    for name in ("a", "a:0", "a:0:1"):
        bench.submit(name)
        bench.quote_all(name)
        bench.accept(bench.claim(name), ticket=name)

    for name in ("a", "a:0", "a:0:1"):
        check_counters(bench, name)
        record = bench.account.batches.read(name, 0)
        assert record is not None
        assert record.ticket == name


def test_a_campaign_that_does_not_exist_is_unknown_to_every_call(bench: Bench) -> None:
    campaigns = bench.account.campaigns

    for call in (campaigns.status, campaigns.cancel, lambda id_: campaigns.approve(id_, by="me")):
        with pytest.raises(UnknownCampaignError, match="no campaign gone"):
            call("gone")
    with pytest.raises(UnknownCampaignError):
        bench.results("gone")


@pytest.mark.parametrize("quoted", [0, 1, 2])
def test_a_campaign_can_be_cancelled_until_it_sends(bench: Bench, quoted: int) -> None:
    bench.submit(needs_approval=True)
    for _ in range(quoted):
        bench.quote("c1")

    for _ in range(2):
        bench.account.campaigns.cancel("c1")

    status = bench.status()
    assert status.state is C.CANCELLED
    assert status.batch_states == {"cancelled": 2}
    assert [result.state.value for result in bench.results()] == ["cancelled"] * 4
    assert bench.account.ledger.credits().reserved == 0
    assert bench.account.batches.claim_quote("c1", lease_ms=1) is NothingToDo.OTHER_STATE
    bench.advance(NUDGE_AFTER_MS)
    assert bench.account.ledger.tick().nudges == []
    check_counters(bench, "c1")


def test_cancelling_a_campaign_that_sends_stops_what_was_not_claimed(bench: Bench) -> None:
    bench.ready(recipients=6, batch_size=2)
    claim = bench.claim()

    assert bench.account.campaigns.cancel("c1") is C.CANCELLING

    assert bench.status().batch_states == {"sending": 1, "cancelled": 2}
    answer = bench.account.batches.claim_send("c1", operation="next", deadline_ms=1)
    assert answer is NothingToDo.OTHER_STATE
    bench.accept(claim)
    assert bench.status().state is C.SENT
    assert bench.status().batch_states == {"accepted": 1, "cancelled": 2}
    assert bench.account.ledger.credits().reserved == 0
    check_counters(bench, "c1")


def test_cancelling_a_held_campaign_of_which_a_part_went_out_leaves_it_sent(bench: Bench) -> None:
    bench.ready()
    bench.accept(bench.claim())
    bench.record(bench.claim(), Outcome.NO_CREDITS)
    assert bench.status().hold is HoldReason.CREDITS

    assert bench.account.campaigns.cancel("c1") is C.SENT

    assert bench.status().hold is None
    assert bench.status().batch_states == {"accepted": 1, "cancelled": 1}
    states = [result.state.value for result in bench.results()]
    assert states == ["sent", "sent", "cancelled", "cancelled"]
    check_counters(bench, "c1")


def test_a_campaign_that_was_sent_cannot_be_cancelled(bench: Bench) -> None:
    bench.ready(recipients=2)
    bench.accept(bench.claim())
    before = bench.status()

    with pytest.raises(StateError, match="c1 is sent: too late to cancel"):
        bench.account.campaigns.cancel("c1")

    assert bench.status() == before


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> Iterator[Bench]:
    """A bench that waits a moment for a replica which is not there."""
    monkeypatch.setattr("dispatcher.store.durability._BARRIER_TIMEOUT_MS", 1)
    bench = Bench(redis_url, barrier=Barrier(replicas=1))
    yield bench
    bench.close()


def test_a_submit_that_redis_does_not_confirm_is_not_accepted_yet(impatient: Bench) -> None:
    bench = impatient
    submission = bench.submission("c1", 2, 2)
    bench.upload(upload_of(submission), 2, 2)

    with pytest.raises(StoreUnavailableError, match="did not confirm"):
        bench.account.campaigns.submit(submission)


@pytest.fixture
def small_server(redis_binary: Path, tmp_path: Path) -> Iterator[EmbeddedRedis]:
    options = {"maxmemory": "16mb"}
    with server_with_users(tmp_path / "small", binary=redis_binary, options=options) as server:
        yield server


@pytest.fixture
def small(small_server: EmbeddedRedis) -> Iterator[Bench]:
    bench = Bench(small_server.url)
    yield bench
    bench.close()


def fill(bench: Bench, share: float) -> None:
    """Fill Redis up to a share of what it may use, with what is none of ours."""
    info = bench.client.info("memory")
    missing = int(info["maxmemory"] * share) - info["used_memory"]
    for part in range(missing // 57_000 + 1):
        bench.client.set(f"filler:{part}", b"x" * 57_000)


def test_a_server_four_fifths_full_takes_no_new_campaign(small: Bench) -> None:
    submission = small.submission("c1", 4, 2)
    small.upload(upload_of(submission), 4, 2)
    fill(small, 0.85)

    with pytest.raises(StoreFullError, match="80 %"):
        small.account.campaigns.submit(submission)

    assert small.client.exists(small.keys.of(Key.UPLOAD, upload_of(submission))) == 0


def test_a_full_server_refuses_what_is_new_and_finishes_what_runs(small: Bench) -> None:
    small.submit()
    small.account.ledger.approve_server(quiet_ms=0)
    small.client.config_set("maxmemory", MEBIBYTE)

    with pytest.raises(StoreFullError):
        small.upload("new", 4, 2)
    small.quote_all("c1")
    small.accept(small.claim(), ticket="t1")
    small.record(small.claim(), Outcome.UNKNOWN, why="lost")
    small.account.ledger.tick()

    assert small.status().hold is HoldReason.OUTCOME_UNKNOWN
    check_counters(small, "c1")


def test_a_full_server_still_merges_the_receipts_it_has(small: Bench) -> None:
    small.account.receipts.append([b"one"])
    small.account.receipts.take()
    small.account.receipts.append([b"two"])
    small.client.config_set("maxmemory", MEBIBYTE)

    taken = small.account.receipts.take()
    small.account.receipts.confirm([received.entry for received in taken])

    assert [body for received in taken for body in received.bodies] == [b"two"]


def test_a_full_server_still_gives_the_key_that_signs_ids(small: Bench) -> None:
    key = small.account.ledger.receipt_key()
    small.client.config_set("maxmemory", MEBIBYTE)

    assert small.account.ledger.receipt_key() == key
    assert len(key) == 32


def test_a_claim_that_is_not_durable_is_given_back_unsent(bench: Bench, impatient: Bench) -> None:
    bench.ready(recipients=2)

    answer = impatient.account.batches.claim_send("c1", operation="a", deadline_ms=SEND_LEASE_MS)

    assert answer is NothingToDo.NOT_DURABLE
    assert bench.status().batch_states == {"ready": 1}
    check_counters(bench, "c1")
