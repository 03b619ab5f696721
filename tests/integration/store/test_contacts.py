"""Campaigns over lists of the account, whose contacts are read when they are quoted."""

from dataclasses import replace

import pytest

from dispatcher.domain.campaign import DroppedRow
from dispatcher.domain.lifecycle import CampaignState, HoldReason
from dispatcher.domain.routes import Render
from dispatcher.embedded import EmbeddedRedis
from dispatcher.errors import ConflictError, StoreFullError
from dispatcher.store.batches import Outcome, QuoteFailure
from dispatcher.store.claims import NothingToDo
from dispatcher.store.contact_lists import ListPhase, ListProgress
from dispatcher.store.keys import Key
from tests.support.bench import FIRST_NUMBER, NUDGE_AFTER_MS, QUOTE_LEASE_MS, Bench
from tests.support.bench_lists import claim_unread, submit_unread, upload_sizes
from tests.support.books import check_counters, check_money, check_transitions

C, H = CampaignState, HoldReason
GIVEN = ListProgress(phase=ListPhase.GIVEN, id="digest")


def is_uploaded(bench: Bench, upload: str) -> bool:
    return bool(bench.client.exists(bench.keys.of(Key.UPLOAD, upload)))


def test_before_its_lists_are_read_a_campaign_is_one_step_and_nobody(bench: Bench) -> None:
    submit_unread(bench, lists=("12", "13"))

    status = bench.status()
    claim = claim_unread(bench)

    assert (status.state, status.rows, status.recipients, status.batches) == (C.QUEUED, 0, 0, 0)
    assert (claim.lists, claim.message.text, claim.tries) == (("12", "13"), "Bonjour", 0)
    assert (claim.render, claim.replaces, claim.skips_bad_rows) == (Render.AUTO, False, False)
    assert bench.status().state is C.QUOTING
    assert bench.results() == []
    check_counters(bench, "c1")


def test_a_claim_says_how_the_contacts_are_to_be_taken(bench: Bench) -> None:
    submission = bench.submission(
        "c1", 1, 1, lists=("12",), render=Render.HERE, replaces=True, skips_bad_rows=True
    )
    bench.account.campaigns.submit(replace(submission, filling=None))

    claim = claim_unread(bench)

    assert (claim.render, claim.replaces, claim.skips_bad_rows) == (Render.HERE, True, True)


def test_the_same_submission_over_lists_again_gives_the_same_campaign(bench: Bench) -> None:
    submission = replace(bench.submission("c1", 1, 1, lists=("12",)), filling=None)

    assert bench.account.campaigns.submit(submission)
    assert not bench.account.campaigns.submit(submission)
    with pytest.raises(ConflictError):
        bench.account.campaigns.submit(replace(submission, fingerprint="other"))


def test_one_worker_reads_at_a_time_until_its_lease_is_over(bench: Bench) -> None:
    submit_unread(bench)
    claim_unread(bench)

    assert bench.account.batches.claim_quote("c1", lease_ms=1) is NothingToDo.IDLE
    bench.advance(QUOTE_LEASE_MS)
    claim_unread(bench)


def test_a_tick_names_a_campaign_whose_lists_are_to_be_read(bench: Bench) -> None:
    submit_unread(bench)
    bench.advance(NUDGE_AFTER_MS)

    (nudge,) = bench.account.ledger.tick().nudges

    assert (nudge.campaign, nudge.state, nudge.waiting) == ("c1", C.QUEUED, 1)


def test_contacts_become_the_recipients_and_are_quoted_and_sent_to(bench: Bench) -> None:
    bench.account.ledger.approve_server(quiet_ms=0)
    submit_unread(bench)
    claim_unread(bench)
    filling = replace(upload_sizes(bench, "u1", (2, 3)), rows=7, invalid=2, estimate=6)

    next_up = bench.account.lists.fill("c1", filling, given=None)
    status = bench.status()

    assert (next_up.state, next_up.waiting) == (C.QUOTING, 2)
    assert (status.rows, status.recipients, status.invalid, status.batches) == (7, 5, 2, 2)
    assert (status.batch_states, status.estimate, status.list_batches) == ({"ready": 2}, 6, 0)
    assert bench.client.ttl(bench.keys.of(Key.RECIPIENTS, "c1")) == -1
    assert bench.quote_all("c1").state is C.SENDING
    for _ in range(2):
        bench.accept(bench.claim())
    assert bench.status().state is C.SENT
    assert [int(result.number) - FIRST_NUMBER for result in bench.results()] == [0, 1, 2, 3, 4]
    check_money(bench, ["c1"])
    check_transitions(bench, "c1")


def test_given_lists_are_claimed_with_the_digest_of_what_they_held(bench: Bench) -> None:
    bench.account.ledger.approve_server(quiet_ms=0)
    submit_unread(bench, lists=("12", "13"))
    claim_unread(bench)

    bench.account.lists.fill("c1", upload_sizes(bench, "u1", (3,)), given="digest")
    quote = bench.claim_quote("c1")
    bench.account.batches.record_quote(quote, cost=3, credits_left=9, exclusions={})
    send = bench.claim()

    assert (quote.progress, quote.lists) == (GIVEN, ("12", "13"))
    assert (send.progress, send.lists) == (GIVEN, ("12", "13"))
    assert bench.account.lists.made_for("c1") == []


def test_contacts_are_filled_in_once_and_a_second_reading_leaves_nothing_behind(
    bench: Bench,
) -> None:
    submit_unread(bench)
    claim_unread(bench)
    bench.account.lists.fill("c1", upload_sizes(bench, "u1", (2,)), given=None)
    before, sequence = bench.status(), bench.account_field("sequence")

    again = bench.account.lists.fill("c1", upload_sizes(bench, "u2", (3, 3)), given="digest")

    assert (again.state, again.waiting) == (C.QUOTING, 1)
    assert bench.status() == before
    assert bench.account_field("sequence") == sequence == 2
    assert not is_uploaded(bench, "u2")
    assert bench.claim_quote("c1").progress is None
    check_counters(bench, "c1")


def test_a_lost_answer_to_a_filling_can_be_asked_for_again(bench: Bench) -> None:
    submit_unread(bench)
    claim_unread(bench)
    filling = upload_sizes(bench, "u1", (2, 1))

    answers = [bench.account.lists.fill("c1", filling, given=None) for _ in range(2)]

    assert [answer.waiting for answer in answers] == [2, 2]
    assert len(bench.results()) == 3


def test_contacts_of_a_campaign_that_was_cancelled_meanwhile_are_forgotten(bench: Bench) -> None:
    submit_unread(bench)
    claim_unread(bench)
    bench.account.campaigns.cancel("c1")

    next_up = bench.account.lists.fill("c1", upload_sizes(bench, "u1", (2,)), given=None)

    assert next_up.state is C.CANCELLED
    assert bench.status().recipients == 0
    assert not is_uploaded(bench, "u1")
    check_counters(bench, "c1")


def test_contacts_that_expired_before_they_were_filled_in_are_read_again(bench: Bench) -> None:
    submit_unread(bench)
    claim_unread(bench)
    filling = upload_sizes(bench, "u1", (2,))
    bench.account.campaigns.discard("u1")

    next_up = bench.account.lists.fill("c1", filling, given=None)

    assert (next_up.state, bench.status().batches) == (C.QUOTING, 0)
    bench.advance(QUOTE_LEASE_MS)
    claim_unread(bench)


def test_dropped_contacts_do_not_stand_in_for_batches_that_expired(bench: Bench) -> None:
    submit_unread(bench)
    claim_unread(bench)
    filling = replace(upload_sizes(bench, "u1", (2,)), dropped_chunks=1, batches=2)
    dropped = DroppedRow(number="1", id=None, reason="duplicate")
    bench.account.campaigns.upload_dropped("u1", 0, [dropped])

    bench.account.lists.fill("c1", filling, given=None)

    assert bench.status().batches == 0


def test_a_reading_that_fails_after_another_succeeded_changes_nothing(bench: Bench) -> None:
    submit_unread(bench)
    slow = claim_unread(bench)
    bench.advance(QUOTE_LEASE_MS)
    claim_unread(bench)
    bench.account.lists.fill("c1", upload_sizes(bench, "u1", (2,)), given=None)
    before = bench.status()

    for failure in QuoteFailure:
        bench.account.batches.fail_quote(slow, failure, why="too late")

    assert bench.status() == before
    assert bench.quote("c1").state is C.SENDING
    assert bench.account.batches.claim_quote("c1", lease_ms=1) is NothingToDo.OTHER_STATE


def test_a_reading_that_failed_waits_before_the_next(bench: Bench) -> None:
    submit_unread(bench)
    bench.account.batches.fail_quote(
        claim_unread(bench), QuoteFailure.RETRY, why="no answer", pause_ms=500
    )

    assert bench.account.batches.claim_quote("c1", lease_ms=1) is NothingToDo.IDLE
    bench.advance(500)
    assert claim_unread(bench).tries == 1


def test_the_tries_of_a_reading_are_not_those_of_the_quote_that_follows(bench: Bench) -> None:
    submit_unread(bench)
    bench.account.batches.fail_quote(claim_unread(bench), QuoteFailure.RETRY, why="no answer")
    claim_unread(bench)

    bench.account.lists.fill("c1", upload_sizes(bench, "u1", (2,)), given=None)

    assert bench.claim_quote("c1").tries == 0


def test_lists_that_cannot_be_sent_to_reject_the_campaign(bench: Bench) -> None:
    submit_unread(bench)

    bench.account.batches.fail_quote(
        claim_unread(bench), QuoteFailure.REJECT, why="the lists are empty"
    )

    assert (bench.status().state, bench.status().error) == (C.REJECTED, "the lists are empty")
    assert bench.results() == []
    check_counters(bench, "c1")


def test_a_campaign_can_be_cancelled_before_its_lists_are_read(bench: Bench) -> None:
    submit_unread(bench)

    bench.account.campaigns.cancel("c1")

    assert bench.status().state is C.CANCELLED
    assert bench.account.batches.claim_quote("c1", lease_ms=1) is NothingToDo.OTHER_STATE
    bench.advance(NUDGE_AFTER_MS)
    assert bench.account.ledger.tick().nudges == []
    check_counters(bench, "c1")
    check_transitions(bench, "c1")


def test_refused_credentials_hold_a_campaign_until_its_lists_can_be_read(bench: Bench) -> None:
    submit_unread(bench)
    bench.account.batches.fail_quote(
        claim_unread(bench), QuoteFailure.NO_CREDENTIALS, why="status -1"
    )
    assert (bench.status().state, bench.status().hold) == (C.HELD, H.CREDENTIALS)

    held = bench.account.ledger.observe(10, spent_before=0)
    next_up = bench.account.ledger.resume("c1")

    assert held == ["c1"]
    assert (next_up.state, next_up.waiting) == (C.QUOTING, 1)
    claim_unread(bench)
    bench.account.lists.fill("c1", upload_sizes(bench, "u1", (2,)), given=None)
    assert bench.quote_all("c1").state is C.SENDING
    check_transitions(bench, "c1")


def test_a_parked_account_holds_a_campaign_before_its_lists_are_read(bench: Bench) -> None:
    bench.ready("a")
    submit_unread(bench, "b")
    bench.record(bench.claim("a"), Outcome.NO_CREDENTIALS, why="status -1")

    claim = bench.account.batches.claim_quote("b", lease_ms=1)

    assert claim is NothingToDo.OTHER_STATE
    assert bench.status("b").hold is H.CREDENTIALS
    bench.account.ledger.observe(1000, spent_before=0)
    assert bench.account.ledger.resume("b").state is C.QUOTING
    claim_unread(bench, "b")


def test_a_campaign_over_lists_may_be_approved_before_they_are_read(bench: Bench) -> None:
    submission = bench.submission("c1", 1, 1, lists=("12",), needs_approval=True)
    bench.account.campaigns.submit(replace(submission, filling=None))

    bench.account.campaigns.approve("c1", by="somebody")
    claim_unread(bench)
    bench.account.lists.fill("c1", upload_sizes(bench, "u1", (2,)), given=None)

    assert bench.quote_all("c1").state is C.SENDING
    assert bench.account.campaigns.cancel("c1") is C.CANCELLED
    assert bench.status().batch_states == {"cancelled": 1}


def test_a_full_server_takes_contacts_once_it_has_room_again(own_redis: EmbeddedRedis) -> None:
    bench = Bench(own_redis.url)
    submit_unread(bench)
    claim_unread(bench)
    filling = upload_sizes(bench, "u1", (2,))
    bench.client.config_set("maxmemory", 1024 * 1024)

    with pytest.raises(StoreFullError):
        bench.account.lists.fill("c1", filling, given=None)

    bench.client.config_set("maxmemory", 0)
    assert bench.account.lists.fill("c1", filling, given=None).waiting == 1
    bench.close()
