"""What else changes the balance of a dedicated account, and proves nothing."""

from pathlib import Path

import pytest

from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.domain.message import Message
from dispatcher.domain.unknowns import Decision, OnUnknown, Source
from dispatcher.store.batches import Outcome
from dispatcher.store.keys import Key
from tests.support.bench import Bench
from tests.support.losses import Losses, Lost, evidence
from tests.support.timed import timing
from workers.steps.credits import check_credits

B, C = BatchState, CampaignState
MODERATED = "-8"


def look_often(losses: Losses) -> None:
    for _ in range(12):
        losses.look(after=31)


def old_and_for_later(losses: Losses) -> Lost:
    """Lose the answer of a send for later, which is debited then; it is old by now."""
    lost = losses.end(losses.claim(7, timing=timing()), taken=True)
    losses.provider.balance += 7
    for _ in range(70):
        losses.look(after=60)
    losses.balance_books()
    return lost


def test_a_top_up_of_just_what_is_missing_hides_no_send(bench: Bench, tmp_path: Path) -> None:
    losses = Losses(bench, tmp_path, dedicated=True)
    losses.provider.balance = 3
    losses.balance_books()
    losses.look(after=61)
    text = Message(text="Message a sec a personne d autre")
    bench.submit("dry", recipients=7, batch_size=7, message=text, on_unknown=OnUnknown.RESEND)
    bench.quote("dry", credits_left=0, cost=7)
    assert bench.status("dry").state is C.HELD
    losses.provider.balance += 7
    bench.advance(61_000)
    check_credits(losses.account)
    claim = bench.claim("dry")
    assert bench.begin(claim) is None

    lost = losses.end((claim, 7), taken=True)
    look_often(losses)

    assert losses.state(lost) is B.UNKNOWN
    assert "not read before" in evidence(losses, lost, Source.CREDITS)


def test_credits_that_are_as_the_books_say_keep_the_reading(dedicated: Losses) -> None:
    read_at = dedicated.bench.client.hget(dedicated.bench.keys.of(Key.AUDIT), "base_at")
    assert read_at
    dedicated.bench.advance(61_000)

    check_credits(dedicated.account)
    dedicated.answer()

    assert dedicated.bench.client.hget(dedicated.bench.keys.of(Key.AUDIT), "base_at") == read_at


@pytest.mark.parametrize("taken", [True, False])
def test_an_account_under_moderation_proves_no_absence(dedicated: Losses, *, taken: bool) -> None:
    claim, cost = dedicated.claim(3)
    ticket = dedicated.provider.take(claim.message.text, 2, cost)
    dedicated.bench.record(claim, Outcome.ACCEPTED, ticket=ticket, cost=cost, code=MODERATED)
    dedicated.bench.advance(86_400_000 + 61_000)
    dedicated.balance_books()

    lost = dedicated.lose(7, taken=taken, policy=OnUnknown.RESEND)
    look_often(dedicated)

    assert dedicated.state(lost) is (B.ACCEPTED if taken else B.UNKNOWN)
    if not taken:
        assert "under moderation" in evidence(dedicated, lost, Source.CREDITS)


def test_an_old_send_for_later_is_not_taken_for_one_of_now(dedicated: Losses) -> None:
    old = old_and_for_later(dedicated)
    due = dedicated.unknown(old)
    assert due is not None
    assert due.due_at is not None
    while due.due_at.timestamp() * 1000 - dedicated.bench.now_ms > 120_000:
        dedicated.look(after=60)

    missing = dedicated.lose(7, taken=False, policy=OnUnknown.RESEND)
    dedicated.look(after=125)
    dedicated.provider.balance -= 7
    look_often(dedicated)

    assert dedicated.state(missing) is B.UNKNOWN
    assert "at their time" in evidence(dedicated, missing, Source.CREDITS)


@pytest.mark.parametrize("verdict", [Decision.NOT_SENT, Decision.ABANDON])
def test_a_persons_word_of_a_send_for_later_keeps_it_from_no_debit(
    dedicated: Losses, verdict: Decision
) -> None:
    later = dedicated.end(dedicated.claim(7, timing=timing()), taken=True)
    dedicated.provider.balance += 7
    found = dedicated.unknown(later)
    assert found is not None
    word = found.finding(verdict, Source.OPERATOR, "by ada")
    assert dedicated.bench.account.unknowns.settle([word]) == ["settled"]

    missing = dedicated.lose(7, taken=False, policy=OnUnknown.RESEND)
    look_often(dedicated)

    assert dedicated.state(missing) is B.UNKNOWN
    assert "at their time" in evidence(dedicated, missing, Source.CREDITS)


def test_a_cancelled_send_whose_ticket_comes_late_is_told_to_a_person(dedicated: Losses) -> None:
    bench = dedicated.bench
    claimed = dedicated.claim(7, timing=timing())
    campaign = claimed[0].campaign
    lost = dedicated.end(claimed, taken=True)
    bench.account.campaigns.cancel(campaign)
    found = dedicated.unknown(lost)
    assert found is not None
    bench.account.unknowns.settle([found.finding(Decision.SENT, Source.OPERATOR, "by ada")])

    bench.record(claimed[0], Outcome.ACCEPTED, ticket=lost.ticket, cost=7)

    (told,) = [event for event in bench.account.events.all(campaign) if event.what == "alarm"]
    assert told.detail == bench.alarms()[0]
    assert told.detail.startswith("a cancelled batch goes out at its time")
    assert bench.status(campaign).alarms == 1
