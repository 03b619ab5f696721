import pytest

from dispatcher.domain.fates import Exclusion
from dispatcher.domain.lifecycle import CampaignState, HoldReason
from dispatcher.store.batches import Outcome, QuoteFailure
from dispatcher.store.claims import NothingToDo
from tests.support.bench import QUOTE_LEASE_MS, Bench
from tests.support.books import check_counters, check_money, check_transitions

C, H = CampaignState, HoldReason


def test_the_last_quote_reserves_the_whole_cost_and_lets_the_campaign_send(bench: Bench) -> None:
    bench.submit(recipients=5, batch_size=2)

    first = bench.quote("c1", credits_left=5)
    second = bench.quote("c1", credits_left=5)
    third = bench.quote("c1", credits_left=5)

    assert (first.state, second.state) == (C.QUOTING, C.QUOTING)
    assert (third.state, third.waiting) == (C.SENDING, 3)
    assert bench.status().quote == 5
    assert bench.account.ledger.credits().reserved == 5
    assert bench.account.ledger.credits().available == 0
    check_money(bench, ["c1"])


def test_with_one_credit_too_few_nothing_is_reserved(bench: Bench) -> None:
    bench.submit(recipients=4)

    next_up = bench.quote_all("c1", credits_left=3)

    status = bench.status()
    assert next_up.state is C.HELD
    assert (status.hold, status.need, status.have) == (H.CREDITS, 4, 3)
    assert bench.account.ledger.credits().reserved == 0
    assert bench.account.batches.claim_send("c1", operation="a", deadline_ms=1) is (
        NothingToDo.OTHER_STATE
    )
    check_money(bench, ["c1"])


def test_two_campaigns_cannot_reserve_the_same_credits(bench: Bench) -> None:
    for name in ("a", "b"):
        bench.submit(name)
    bench.quote_all("a", credits_left=6)

    bench.quote_all("b", credits_left=6)

    assert bench.status("a").state is C.SENDING
    assert (bench.status("b").hold, bench.status("b").have) == (H.CREDITS, 2)
    check_money(bench, ["a", "b"])


def test_held_campaigns_resume_longest_held_first(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.submit(name)
        bench.quote_all(name, credits_left=0)
        bench.advance(1)

    held = bench.account.ledger.observe(8, spent_before=0)
    states = [bench.account.ledger.resume(name).state for name in held]

    assert held == ["a", "b", "c"]
    assert states == [C.SENDING, C.SENDING, C.HELD]
    assert bench.status("c").have == 0
    assert bench.status("a").need is None
    for name in held:
        check_transitions(bench, name)


def test_a_campaign_that_cannot_resume_keeps_its_place(bench: Bench) -> None:
    for name in ("a", "b"):
        bench.submit(name)
        bench.quote_all(name, credits_left=0)
        bench.advance(1)

    for name in bench.account.ledger.observe(1, spent_before=0):
        bench.account.ledger.resume(name)

    assert bench.account.ledger.observe(1, spent_before=0) == ["a", "b"]


def test_a_campaign_of_which_nobody_is_left_finishes_without_a_post(bench: Bench) -> None:
    bench.submit(recipients=2)

    bench.quote("c1", credits_left=0, exclusions={0: Exclusion.INVALID, 1: Exclusion.BLACKLISTED})

    status = bench.status()
    assert status.state is C.FINISHED
    assert status.batch_states == {"empty": 1}
    assert status.reasons == {"invalid": 1, "blacklisted": 1}
    check_counters(bench, "c1")


def test_a_batch_of_which_nobody_is_left_is_not_claimed(bench: Bench) -> None:
    bench.account.ledger.approve_server(quiet_ms=0)
    bench.submit(recipients=4)
    bench.quote("c1", exclusions={0: Exclusion.INVALID, 1: Exclusion.INVALID})
    bench.quote("c1")

    claim = bench.claim()

    assert claim.n == 1
    bench.accept(claim)
    assert bench.status().state is C.SENT


def test_the_same_quote_counts_once(bench: Bench) -> None:
    bench.submit()
    claim = bench.claim_quote("c1")
    for _ in range(3):
        bench.account.batches.record_quote(
            claim, cost=2, credits_left=10, exclusions={1: Exclusion.INVALID}
        )

    assert (bench.status().quoted, bench.status().quote) == (1, 2)
    check_counters(bench, "c1")


def test_a_quote_whose_worker_died_is_claimed_again_after_its_lease(bench: Bench) -> None:
    bench.submit(recipients=2)
    first = bench.claim_quote("c1")
    taken = bench.account.batches.claim_quote("c1", lease_ms=QUOTE_LEASE_MS)

    bench.advance(QUOTE_LEASE_MS)
    second = bench.claim_quote("c1")

    assert taken is NothingToDo.IDLE
    assert (first.n, second.n) == (0, 0)


def test_a_quote_that_failed_waits_longer_each_time_until_one_works(bench: Bench) -> None:
    bench.submit()
    tries = []
    for _ in range(3):
        claim = bench.claim_quote("c1")
        tries.append(claim.tries)
        bench.account.batches.fail_quote(claim, QuoteFailure.RETRY, code="", why="no answer")

    bench.quote("c1")

    assert tries == [0, 1, 2]
    assert bench.claim_quote("c1").tries == 0
    assert bench.status().error == "no answer"


def test_a_refused_quote_rejects_the_whole_campaign(bench: Bench) -> None:
    bench.submit(recipients=4)
    bench.quote("c1")

    bench.account.batches.fail_quote(
        bench.claim_quote("c1"), QuoteFailure.REJECT, code="-7", why="status -7: bad data"
    )

    status = bench.status()
    assert status.state is C.REJECTED
    assert status.batch_states == {"refused": 2}
    assert [(result.state.value, result.reason) for result in bench.results()] == [
        ("refused", "status -7: bad data")
    ] * 4
    check_counters(bench, "c1")


@pytest.mark.parametrize(
    ("failure", "reason"),
    [(QuoteFailure.NO_CREDITS, H.CREDITS), (QuoteFailure.NO_CREDENTIALS, H.CREDENTIALS)],
)
def test_a_quote_refused_for_the_account_holds_the_campaign_until_the_account_works(
    bench: Bench, failure: QuoteFailure, reason: HoldReason
) -> None:
    bench.submit(recipients=4)
    bench.quote("c1")
    bench.account.batches.fail_quote(bench.claim_quote("c1"), failure, code="", why="no")
    assert (bench.status().state, bench.status().hold) == (C.HELD, reason)

    held = bench.account.ledger.observe(10, spent_before=0)
    next_up = bench.account.ledger.resume("c1")

    assert held == ["c1"]
    assert next_up.state is C.QUOTING
    bench.quote("c1")
    assert bench.status().state is C.SENDING
    check_counters(bench, "c1")
    check_transitions(bench, "c1")


def test_refused_credentials_park_every_campaign_of_the_account(bench: Bench) -> None:
    bench.ready("a")
    bench.submit("b")
    bench.submit("c")
    bench.record(bench.claim("a"), Outcome.NO_CREDENTIALS, why="status -1")

    for name in ("b", "c"):
        claim = bench.account.batches.claim_quote(name, lease_ms=1)
        assert claim is NothingToDo.OTHER_STATE

    assert bench.account.ledger.credits().parked == "credentials"
    assert {bench.status(name).hold for name in ("a", "b", "c")} == {H.CREDENTIALS}
    held = bench.account.ledger.observe(1000, spent_before=0)
    states = {name: bench.account.ledger.resume(name).state for name in held}
    assert states == {"a": C.SENDING, "b": C.QUOTING, "c": C.QUOTING}
    assert bench.account.ledger.credits().parked is None
    check_money(bench, ["a", "b", "c"])


def test_a_campaign_that_needs_approval_spends_only_once_it_has_it(bench: Bench) -> None:
    bench.account.ledger.approve_server(quiet_ms=0)
    bench.submit(needs_approval=True)
    bench.quote_all("c1")
    assert bench.status().hold is H.APPROVAL
    assert bench.account.ledger.credits().reserved == 0

    next_up = bench.account.campaigns.approve("c1", by="somebody")
    again = bench.account.campaigns.approve("c1", by="somebody else")

    assert (next_up.state, next_up.waiting) == (C.SENDING, 2)
    assert again.state is C.SENDING
    assert bench.account.ledger.credits().reserved == 4
    approvals = [e.new for e in bench.account.events.all("c1") if e.what == "approval"]
    assert approvals == ["somebody"]


def test_a_top_up_does_not_replace_an_approval(bench: Bench) -> None:
    bench.submit(needs_approval=True)
    bench.quote_all("c1", credits_left=1000)

    held = bench.account.ledger.observe(2000, spent_before=0)
    bench.account.ledger.resume("c1")

    assert held == []
    assert bench.status().hold is H.APPROVAL


def test_an_approval_given_early_counts(bench: Bench) -> None:
    bench.submit(needs_approval=True)

    bench.account.campaigns.approve("c1", by="somebody")
    bench.quote_all("c1")

    assert bench.status().state is C.SENDING


def test_an_approved_campaign_without_credits_waits_for_them(bench: Bench) -> None:
    bench.submit(needs_approval=True)
    bench.quote_all("c1", credits_left=1)

    bench.account.campaigns.approve("c1", by="somebody")

    assert bench.status().hold is H.CREDITS
    assert bench.account.ledger.observe(4, spent_before=0) == ["c1"]
    assert bench.account.ledger.resume("c1").state is C.SENDING


def test_no_more_than_one_balance_check_in_a_while(bench: Bench) -> None:
    ledger = bench.account.ledger

    first = ledger.begin_check(interval_ms=60_000)
    second = ledger.begin_check(interval_ms=60_000)
    urgent = ledger.begin_check(interval_ms=60_000, at_once=True)
    bench.advance(60_000)
    third = ledger.begin_check(interval_ms=60_000)

    assert (first, second, urgent, third) == (0, None, 0, 0)


def test_a_clock_put_back_does_not_stop_the_balance_checks(bench: Bench) -> None:
    bench.account.ledger.begin_check(interval_ms=60_000)

    bench.advance(-3_600_000)

    assert bench.account.ledger.begin_check(interval_ms=60_000) == 0
