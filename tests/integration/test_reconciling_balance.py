"""Evidence of a dedicated account's balance: what it settles, and what it never does."""

from pathlib import Path

import pytest

from dispatcher.domain.fates import Exclusion
from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.domain.timing import AT_ONCE
from dispatcher.domain.unknowns import Decision, OnUnknown, Source
from dispatcher.store.batches import Outcome
from dispatcher.store.keys import Key
from tests.support.bench import Bench
from tests.support.losses import Losses, Lost, check, evidence
from tests.support.timed import timing

B, C = BatchState, CampaignState


@pytest.mark.parametrize("taken", [True, False])
def test_books_that_balance_settle_a_lost_answer(dedicated: Losses, *, taken: bool) -> None:
    lost = dedicated.lose(7, taken=taken, policy=OnUnknown.RESEND)

    dedicated.look(after=61)
    assert dedicated.state(lost) is B.UNKNOWN
    dedicated.look(after=16)

    assert dedicated.state(lost) is (B.ACCEPTED if taken else B.READY)
    check(dedicated, lost)


def lose_two(losses: Losses) -> tuple[Lost, Lost]:
    """Lose two answers at once, the first of a batch that was taken."""
    claims = [losses.claim(7, policy=OnUnknown.RESEND) for _ in range(2)]
    return losses.end(claims[0], taken=True), losses.end(claims[1], taken=False)


@pytest.mark.parametrize("codes", [(3, 3), (1, 2), (12, 3)])
def test_what_receipts_show_to_be_sent_to_all_leaves_no_doubt_about_others(
    dedicated: Losses, codes: tuple[int, int]
) -> None:
    taken, missing = lose_two(dedicated)
    dedicated.receive(taken, *codes)
    for _ in range(10):
        dedicated.look(after=31)

    assert dedicated.state(taken) is B.ACCEPTED
    assert dedicated.state(missing) is B.READY
    check(dedicated, taken, missing)


@pytest.mark.parametrize("codes", [(3,), (3, 9), (3, 5)])
def test_what_receipts_show_to_be_sent_to_some_may_have_cost_less(
    dedicated: Losses, codes: tuple[int, ...]
) -> None:
    taken, missing = lose_two(dedicated)
    dedicated.receive(taken, *codes)
    for _ in range(10):
        dedicated.look(after=31)

    assert dedicated.state(missing) is B.UNKNOWN
    assert "several things" in evidence(dedicated, missing, Source.CREDITS)


def test_a_guess_of_before_the_base_that_is_confirmed_takes_nothing_from_later_ones(
    dedicated: Losses,
) -> None:
    claims = [dedicated.claim(7, people=2) for _ in range(3)]
    early, later, missing = (
        dedicated.end(claim, taken=is_taken)
        for claim, is_taken in zip(claims, (True, True, False), strict=True)
    )
    unknowns = dedicated.bench.account.unknowns
    dedicated.receive(early, 3)
    books = unknowns.open_books()
    base = {"base_guessed": books.guessed, "base_guesses": books.guesses}
    assert unknowns.close_books(books.name, base)
    dedicated.receive(later, 3)
    dedicated.receive(early, 3, 3)

    books = unknowns.open_books()
    assert books.guessed - int(books.entries["base_guessed"]) == later.quote
    dedicated.receive(later, 3, 3)
    books = unknowns.open_books()
    assert books.guessed - int(books.entries["base_guessed"]) == 0
    assert dedicated.state(missing) is B.UNKNOWN


@pytest.mark.parametrize("how", ["receipts", "reply"])
def test_what_is_booked_only_after_the_base_hides_no_other_send(
    dedicated: Losses, how: str
) -> None:
    """The balance lost it before that was read; what it lost since is another batch's."""
    old = dedicated.lose(7, taken=True)
    account = dedicated.bench.keys.of(Key.ACCOUNT)
    dedicated.bench.client.hset(account, "withdrawn_at", dedicated.bench.now_ms)
    for _ in range(70):
        dedicated.look(after=60)
    for _ in range(2):
        dedicated.answer()
        dedicated.look(after=61)
    assert dedicated.bench.account.unknowns.tally().is_balanced
    other = dedicated.lose(7, taken=True, policy=OnUnknown.RESEND)
    if how == "receipts":
        dedicated.receive(old, 3, 3)
    else:
        dedicated.bench.record(old.claim, Outcome.ACCEPTED, ticket=old.ticket, cost=7)
    for _ in range(12):
        dedicated.look(after=31)

    assert dedicated.state(old) is B.ACCEPTED
    assert dedicated.state(other) is B.UNKNOWN


def test_what_was_given_up_and_booked_after_the_base_hides_no_other_send(
    dedicated: Losses,
) -> None:
    old = dedicated.lose(7, taken=True)
    unknown = dedicated.unknown(old)
    assert unknown is not None
    given_up = unknown.finding(Decision.ABANDON, Source.OPERATOR, "by Ada")
    assert dedicated.bench.account.unknowns.settle([given_up]) == ["settled"]
    for _ in range(3):
        dedicated.look(after=61)
    dedicated.answer()
    dedicated.look(after=61)
    other = dedicated.lose(7, taken=True, policy=OnUnknown.RESEND)
    dedicated.receive(old, 3, 3)
    for _ in range(12):
        dedicated.look(after=31)

    assert dedicated.state(other) is B.UNKNOWN


@pytest.mark.parametrize(("real", "quote", "taken"), [(9, 2, True), (6, 1, False)])
def test_a_real_cost_told_after_the_base_hides_no_other_send(
    dedicated: Losses, *, real: int, quote: int, taken: bool
) -> None:
    claimed = dedicated.claim(7)
    ticket = dedicated.provider.take("what it cost differs", 2, real)
    dedicated.bench.record(claimed[0], Outcome.UNKNOWN, why="the answer was late")
    old = Lost(claim=claimed[0], quote=7, ticket=ticket)
    dedicated.receive(old, 3)
    for _ in range(4):
        dedicated.look(after=31)
    for _ in range(2):
        dedicated.answer()
        dedicated.look(after=61)
    other = dedicated.lose(quote, taken=taken, policy=OnUnknown.RESEND, people=1)
    dedicated.bench.record(old.claim, Outcome.ACCEPTED, ticket=ticket, cost=real)
    for _ in range(12):
        dedicated.look(after=31)

    assert dedicated.state(other) is B.UNKNOWN


def test_whether_the_balance_can_tell_is_told(bench: Bench, tmp_path: Path) -> None:
    losses = Losses(bench, tmp_path, dedicated=True)
    tally = bench.account.unknowns.tally
    assert not tally().is_balanced

    losses.balance_books()
    assert tally().is_balanced
    assert tally().spender_at is None

    losses.provider.balance -= 7
    losses.look(after=601)
    assert not tally().is_balanced
    assert tally().spender_at is not None


def test_sends_are_kept_back_while_the_balance_is_read(dedicated: Losses) -> None:
    lost = dedicated.lose(7, taken=True)
    dedicated.look(after=61)
    other = dedicated.bench.ready("other")

    with pytest.raises(AssertionError):
        dedicated.bench.claim(other)

    dedicated.look(after=16)
    assert dedicated.says(lost) == "sent"
    assert dedicated.bench.claim(other).campaign == other


def test_sends_are_not_kept_back_while_the_balance_cannot_be_read(dedicated: Losses) -> None:
    dedicated.lose(7, taken=True)
    dedicated.provider.is_up = False
    dedicated.look(after=61)
    other = dedicated.bench.ready("other")

    assert dedicated.bench.claim(other).campaign == other


def test_sends_of_a_dedicated_account_go_one_by_one_while_an_answer_is_lost(
    dedicated: Losses,
) -> None:
    dedicated.lose(7, taken=True)
    campaign = dedicated.bench.ready("other")
    first = dedicated.bench.claim(campaign)

    with pytest.raises(AssertionError):
        dedicated.bench.claim(campaign)

    dedicated.bench.accept(first)
    assert dedicated.bench.claim(campaign).n != first.n


def test_somebody_who_spends_meanwhile_is_noticed(dedicated: Losses) -> None:
    lost = dedicated.lose(7, taken=False, policy=OnUnknown.RESEND)
    dedicated.look(after=61)
    dedicated.provider.balance -= 7
    dedicated.look(after=16)
    for _ in range(10):
        dedicated.look(after=60)

    assert dedicated.state(lost) is B.UNKNOWN
    later = dedicated.lose(7, taken=False, policy=OnUnknown.RESEND)
    for _ in range(20):
        dedicated.look(after=60)
    assert dedicated.state(later) is B.UNKNOWN


def test_a_top_up_that_hides_a_send_is_noticed(dedicated: Losses) -> None:
    lost = dedicated.lose(7, taken=True, policy=OnUnknown.RESEND)
    dedicated.provider.balance += 100
    dedicated.look(after=61)
    dedicated.look(after=16)
    assert "moved by more" in evidence(dedicated, lost, Source.CREDITS)
    for _ in range(30):
        dedicated.look(after=60)

    assert dedicated.state(lost) is B.UNKNOWN


def test_a_withdrawal_meanwhile_leaves_it_open(dedicated: Losses) -> None:
    bench = dedicated.bench
    lost = dedicated.lose(7, taken=False, policy=OnUnknown.RESEND)
    bench.client.hset(bench.keys.of(Key.ACCOUNT), "withdrawn_at", bench.now_ms)
    for _ in range(10):
        dedicated.look(after=60)

    assert dedicated.state(lost) is B.UNKNOWN
    assert "taken back" in evidence(dedicated, lost, Source.CREDITS)


def test_a_batch_that_people_left_after_its_quote_has_no_known_price(dedicated: Losses) -> None:
    claimed = dedicated.claim(7, policy=OnUnknown.RESEND)
    assert (
        dedicated.bench.account.batches.cut(claimed[0], dict.fromkeys([0], Exclusion.SUPPRESSED))
        == 1
    )
    lost = dedicated.end(claimed, taken=False)
    for _ in range(5):
        dedicated.look(after=60)

    assert dedicated.state(lost) is B.UNKNOWN
    assert "nobody knows its price" in evidence(dedicated, lost, Source.CREDITS)


def test_a_delayed_batch_may_be_debited_later_so_its_absence_is_not_proven(
    dedicated: Losses,
) -> None:
    sent = dedicated.lose(7, taken=True, policy=OnUnknown.RESEND, timing=timing())
    dedicated.look(after=61)
    dedicated.look(after=16)
    assert dedicated.says(sent) == "sent"

    lost = dedicated.lose(7, taken=False, policy=OnUnknown.RESEND, timing=timing())
    for _ in range(10):
        dedicated.look(after=60)
    assert dedicated.state(lost) is B.UNKNOWN
    assert "at their time" in evidence(dedicated, lost, Source.CREDITS)


@pytest.mark.parametrize("code", ["", "-8"], ids=["for later", "moderated"])
def test_an_answered_send_that_may_be_debited_later_leaves_it_open(
    dedicated: Losses, code: str
) -> None:
    claim, cost = dedicated.claim(7, timing=AT_ONCE if code else timing())
    dedicated.bench.record(claim, Outcome.ACCEPTED, ticket="9000", cost=cost, code=code)
    lost = dedicated.lose(7, taken=True, policy=OnUnknown.RESEND)
    for _ in range(5):
        dedicated.look(after=60)

    assert dedicated.state(lost) is B.UNKNOWN
    assert "at their time" in evidence(dedicated, lost, Source.CREDITS)


def test_without_a_balance_before_it_nothing_is_decided(bench: Bench, tmp_path: Path) -> None:
    losses = Losses(bench, tmp_path, dedicated=True)
    lost = losses.lose(7, taken=False, policy=OnUnknown.RESEND)
    for _ in range(5):
        losses.look(after=60)

    assert losses.state(lost) is B.UNKNOWN
    assert "not read before" in evidence(losses, lost, Source.CREDITS)


def test_credits_prove_nothing_on_an_account_that_others_use(bench: Bench, tmp_path: Path) -> None:
    losses = Losses(bench, tmp_path)
    losses.balance_books()
    lost = losses.lose(7, taken=False, policy=OnUnknown.RESEND)
    for _ in range(5):
        losses.look(after=60)

    assert losses.state(lost) is B.UNKNOWN
    assert losses.provider.asked == 0
