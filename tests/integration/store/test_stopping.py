from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.store.claims import NothingToDo
from tests.support.bench import SEND_LEASE_MS, Bench
from tests.support.timed import LATEST_MS, advance_to, check_books, ready_for_later, send_all

B, C = BatchState, CampaignState


def try_to_claim(bench: Bench) -> object:
    return bench.account.batches.claim_send("c1", operation="op", deadline_ms=SEND_LEASE_MS)


def test_a_stopped_account_claims_nothing_until_it_is_started(bench: Bench) -> None:
    bench.ready()
    claim = bench.claim()
    bench.account.ledger.stop(by="somebody")

    assert try_to_claim(bench) is NothingToDo.OTHER_STATE
    assert bench.account.ledger.credits().stopped_by == "somebody"
    assert bench.accept(claim) == (B.ACCEPTED, C.SENDING)

    assert bench.account.ledger.start() == "somebody"
    assert bench.account.ledger.start() == ""
    send_all(bench)
    check_books(bench, "c1")
    assert bench.status().state is C.SENT


def test_a_stopped_account_still_quotes_and_takes_back(bench: Bench) -> None:
    bench.account.ledger.stop(by="somebody")
    bench.submit()
    bench.quote_all("c1")
    assert bench.status().state is C.SENDING

    bench.account.campaigns.cancel("c1")

    assert bench.status().state is C.CANCELLED


def test_another_account_is_not_stopped(bench: Bench) -> None:
    other = bench.store.account("other")
    other.ledger.stop(by="somebody")
    bench.ready()

    assert bench.claim().n in (0, 1)


def test_what_the_stop_made_too_late_expires(bench: Bench) -> None:
    ready_for_later(bench)
    bench.account.ledger.stop(by="somebody")
    advance_to(bench, LATEST_MS)

    bench.account.ledger.tick()

    check_books(bench, "c1")
    assert bench.status().state is C.EXPIRED
