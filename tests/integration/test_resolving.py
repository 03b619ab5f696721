"""What people, policies and early receipts make of batches whose answer was lost."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dispatcher import Decision, Dispatcher, OnUnknown
from dispatcher.cli.main import app
from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.domain.unknowns import Source
from dispatcher.errors import InputError, StateError, UnknownCampaignError
from dispatcher.store.batches import Outcome
from tests.support.bench import RECEIPT_WAIT_MS, Bench
from tests.support.books import check_counters, check_indexes, check_money, check_transitions
from tests.support.list_campaigns import submit_named
from tests.support.losses import Losses, Lost
from tests.support.works import FOUR, Works
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.receipts import merge_next
from workers.steps.reconcile import reconcile
from workers.steps.send import send_next

B, C = BatchState, CampaignState


@pytest.fixture
def losses(redis_url: str, tmp_path: Path) -> Iterator[Losses]:
    bench = Bench(redis_url)
    yield Losses(bench, tmp_path)
    bench.close()


@pytest.fixture
def dispatcher(losses: Losses) -> Dispatcher:
    return Dispatcher(losses.bench.store, losses.account.hints, losses.account.settings)


def check(losses: Losses, lost: Lost) -> None:
    campaign = lost.claim.campaign
    check_counters(losses.bench, campaign)
    check_money(losses.bench, [campaign])
    check_indexes(losses.bench, [campaign])
    check_transitions(losses.bench, campaign)


def test_a_person_says_that_it_was_sent(losses: Losses, dispatcher: Dispatcher) -> None:
    lost = losses.lose(5, taken=True)

    found = dispatcher.unknowns.resolve(lost.name, Decision.SENT, by="Ada", ticket="777")

    assert (found.batch, found.campaign) == (B.ACCEPTED, C.SENT)
    assert losses.ticket(lost) == "777"
    assert losses.bench.status(lost.claim.campaign).cost == 5
    check(losses, lost)
    events = losses.bench.account.events.all(lost.claim.campaign)
    assert [event.detail for event in events if event.what == "evidence"] == ["by Ada"]


def test_a_person_has_it_sent_again(losses: Losses, dispatcher: Dispatcher) -> None:
    lost = losses.lose(5, taken=False)

    found = dispatcher.unknowns.resolve(lost.name, Decision.NOT_SENT, by="Ada")

    assert (found.batch, found.campaign) == (B.READY, C.SENDING)
    check(losses, lost)
    assert losses.bench.claim(lost.claim.campaign).attempt == 2


def test_a_person_gives_up(losses: Losses, dispatcher: Dispatcher) -> None:
    lost = losses.lose(5, taken=False)

    found = dispatcher.unknowns.resolve(lost.name, Decision.ABANDON, by="Ada")

    assert (found.batch, found.campaign) == (B.ABANDONED, C.FINISHED)
    assert losses.bench.account.ledger.credits().reserved == 0
    assert losses.bench.account.unknowns.tally().count == 0
    check(losses, lost)
    (first, _) = losses.bench.results(lost.claim.campaign)
    assert (first.state.value, first.reason) == ("unknown", "by Ada")


def test_a_receipt_of_what_was_given_up_is_taken_and_alarms(
    losses: Losses, dispatcher: Dispatcher
) -> None:
    lost = losses.lose(5, taken=True)
    dispatcher.unknowns.resolve(lost.name, Decision.ABANDON, by="Ada")
    losses.bench.record(lost.claim, Outcome.ACCEPTED, ticket="1001", cost=5)

    assert losses.state(lost) is B.ACCEPTED
    assert losses.bench.status(lost.claim.campaign).alarms == 1


def test_what_was_cancelled_is_not_sent_again(losses: Losses, dispatcher: Dispatcher) -> None:
    lost = losses.lose(5, taken=False)
    dispatcher.cancel(lost.claim.campaign)

    found = dispatcher.unknowns.resolve(lost.name, Decision.NOT_SENT, by="Ada")

    assert (found.batch, found.campaign) == (B.CANCELLED, C.CANCELLED)
    check(losses, lost)


def test_nothing_is_decided_twice_or_about_nothing(losses: Losses, dispatcher: Dispatcher) -> None:
    lost = losses.lose(5, taken=True)
    with pytest.raises(InputError):
        dispatcher.unknowns.resolve(lost.name, Decision.SENT, by=" ")
    with pytest.raises(InputError):
        dispatcher.unknowns.resolve(lost.name, Decision.ABSENT, by="Ada")
    with pytest.raises(InputError):
        dispatcher.unknowns.resolve("c1", Decision.SENT, by="Ada")
    with pytest.raises(UnknownCampaignError):
        dispatcher.unknowns.resolve("c1/7", Decision.SENT, by="Ada")
    dispatcher.unknowns.resolve(lost.name, Decision.SENT, by="Ada")

    with pytest.raises(StateError, match="accepted"):
        dispatcher.unknowns.resolve(lost.name, Decision.NOT_SENT, by="Ada")


def test_a_ticket_of_another_batch_is_refused(losses: Losses, dispatcher: Dispatcher) -> None:
    ticket = losses.answer()
    lost = losses.lose(5, taken=True)

    with pytest.raises(StateError, match="another batch"):
        dispatcher.unknowns.resolve(lost.name, Decision.SENT, by="Ada", ticket=ticket)


def test_what_is_assumed_sent_counts_so_after_the_wait_for_receipts(losses: Losses) -> None:
    lost = losses.lose(5, taken=True, policy=OnUnknown.ASSUME_SENT)
    losses.bench.advance(RECEIPT_WAIT_MS - 1)
    losses.review()
    assert losses.state(lost) is B.UNKNOWN

    losses.bench.advance(1)
    losses.review()

    assert losses.state(lost) is B.ACCEPTED
    assert losses.bench.status(lost.claim.campaign).cost == 5
    check(losses, lost)


def test_what_is_no_longer_proven_unsent_is_assumed_sent_again(losses: Losses) -> None:
    lost = losses.lose(5, taken=True, policy=OnUnknown.ASSUME_SENT)
    unknowns = losses.bench.account.unknowns
    found = losses.unknown(lost)
    assert found is not None
    unknowns.settle([found.finding(Decision.NOT_SENT, Source.LISTING, "it is not there")])
    losses.bench.advance(RECEIPT_WAIT_MS - 1)
    unknowns.settle([found.finding(Decision.OPEN, Source.LISTING, "the list has a gap")])
    losses.review()
    assert losses.state(lost) is B.UNKNOWN

    losses.bench.advance(1)
    losses.review()

    assert losses.state(lost) is B.ACCEPTED
    check(losses, lost)


def test_figures_of_what_is_unknown_are_kept(losses: Losses) -> None:
    begun = losses.bench.now_ms
    lost = [losses.lose(5, taken=True), losses.lose(7, taken=False)]

    found = losses.bench.account.unknowns.tally()

    assert (found.count, found.credits) == (2, 12)
    assert found.oldest is not None
    assert int(found.oldest.timestamp() * 1000) == begun
    losses.clear(lost)
    assert losses.bench.account.unknowns.tally().credits == 0


def lose_list_batch(works: Works, text: str = "Bonjour {nom}") -> str:
    campaign = submit_named(works, text=text)
    works.account.store.ledger.approve_server(quiet_ms=0)
    while quote_next(works.account, campaign) is Progress.MADE:
        pass
    works.fail("POST /send/lists", "drop_after")
    send_next(works.account, campaign)
    assert works.bench.status(campaign).batch_states == {"unknown": 1}
    return campaign


def merge(works: Works, ticket: str, numbers: list[str]) -> None:
    at = works.bench.account.unknowns.now().isoformat()
    bodies = [
        json.dumps(
            {
                "date": at,
                "status": 3,
                "destination": number,
                "message_id": "",
                "campaign_id": ticket,
            }
        ).encode()
        for number in numbers
    ]
    works.account.store.receipts.append(bodies)
    merge_next(works.account)


def look(works: Works) -> None:
    works.bench.advance(6_000)
    reconcile(works.account)
    merge_next(works.account)


def test_early_receipts_for_its_people_alone_name_the_ticket_of_a_list_batch(works: Works) -> None:
    campaign = lose_list_batch(works)
    (entry,) = works.sandbox.ledger()

    merge(works, entry["ticket"], FOUR[:2])
    look(works)
    assert works.bench.status(campaign).batch_states == {"unknown": 1}
    merge(works, entry["ticket"], FOUR[2:])
    look(works)

    assert works.check(campaign).state is C.FINISHED
    assert works.bench.results(campaign)[0].ticket == entry["ticket"]


def test_early_receipts_of_a_stranger_name_nothing(works: Works) -> None:
    campaign = lose_list_batch(works)
    merge(works, "555555", [*FOUR, "33639980077"])
    look(works)

    assert works.bench.status(campaign).batch_states == {"unknown": 1}


def test_early_receipts_that_fit_two_batches_name_neither(works: Works) -> None:
    first, second = lose_list_batch(works), lose_list_batch(works, "Bonsoir {nom}")
    entry, _ = works.sandbox.ledger()
    merge(works, entry["ticket"], FOUR)
    look(works)

    assert works.bench.status(first).batch_states == {"unknown": 1}
    assert works.bench.status(second).batch_states == {"unknown": 1}


def run(*arguments: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, arguments)
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.stdout


def test_the_command_line_lists_and_resolves(
    losses: Losses, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPATCHER_REDIS_URL", redis_url)
    monkeypatch.setenv("DISPATCHER_ACCOUNTS__DEFAULT__USERNAME", "sandbox@example.com")
    monkeypatch.setenv("DISPATCHER_ACCOUNTS__DEFAULT__PASSWORD", "sandbox")
    lost = losses.lose(5, taken=True)

    code, shown = run("unknown", "list")
    assert code == 0
    assert lost.name in shown
    assert "5 credits" in shown
    assert "the answer was lost" in shown
    assert json.loads(run("unknown", "list", "--json")[1])[0]["quote"] == 5
    assert "1 batch, 5 of these" in run("credits")[1]

    assert run("unknown", "resolve", lost.name, "--sent", "--abandon", "--by", "Ada")[0] == 2
    code, said = run("unknown", "resolve", lost.name, "--sent", "--by", "Ada")
    assert (code, said) == (0, f"batch {lost.name} is accepted, its campaign sent\n")
    assert run("unknown", "list")[1] == "no outcome is unknown\n"
