"""Evidence about batches whose answer was lost: what is decided, and what never is."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dispatcher.domain.fates import Exclusion
from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.domain.timing import AT_ONCE
from dispatcher.domain.unknowns import Decision, OnUnknown, Source
from dispatcher.store.batches import Outcome
from dispatcher.store.keys import Key
from tests.support.bench import Bench
from tests.support.books import check_counters, check_indexes, check_money, check_transitions
from tests.support.losses import Losses, Lost
from tests.support.timed import timing

B, C = BatchState, CampaignState


@pytest.fixture
def bench(redis_url: str) -> Iterator[Bench]:
    bench = Bench(redis_url)
    yield bench
    bench.close()


@pytest.fixture
def live(bench: Bench, tmp_path: Path) -> Losses:
    return Losses(bench, tmp_path, dialect="live")


@pytest.fixture
def dedicated(bench: Bench, tmp_path: Path) -> Losses:
    losses = Losses(bench, tmp_path, dedicated=True)
    losses.balance_books()
    return losses


def check(losses: Losses, *lost: Lost) -> None:
    campaigns = [f"c{n}" for n in range(1, 40) if losses.bench.account.campaigns.exists(f"c{n}")]
    check_money(losses.bench, campaigns)
    check_indexes(losses.bench, campaigns)
    for each in lost:
        check_counters(losses.bench, each.claim.campaign)
        check_transitions(losses.bench, each.claim.campaign)


def evidence(losses: Losses, lost: Lost, source: Source) -> str:
    found = losses.unknown(lost)
    assert found is not None
    return found.evidence[source].says if source in found.evidence else ""


def test_what_the_list_shows_once_and_equal_was_sent(live: Losses) -> None:
    lost = live.lose(5, taken=True)

    live.look(after=1)

    assert live.says(lost) == "sent"
    assert live.ticket(lost) == lost.ticket
    assert live.bench.status(lost.claim.campaign).state is C.SENT
    check(live, lost)


def test_what_the_list_lacks_twice_a_minute_apart_is_sent_again(live: Losses) -> None:
    lost = live.lose(5, taken=False, policy=OnUnknown.RESEND)
    live.bench.advance(1000)
    live.answer()

    live.look(after=130)
    assert live.state(lost) is B.UNKNOWN
    live.look(after=50)
    assert live.state(lost) is B.UNKNOWN
    live.look(after=11)

    assert live.state(lost) is B.READY
    check(live, lost)
    again = live.bench.claim(lost.claim.campaign)
    assert (again.n, again.attempt) == (0, 2)


def test_nothing_is_proven_absent_before_the_api_had_time_to_list_it(live: Losses) -> None:
    lost = live.lose(5, taken=False, policy=OnUnknown.RESEND)
    live.bench.advance(1000)
    live.answer()

    live.look(after=1)
    live.look(after=61)

    assert live.state(lost) is B.UNKNOWN
    assert evidence(live, lost, Source.LISTING) == "it is not there yet"


def test_by_default_a_person_decides_even_about_what_was_not_sent(live: Losses) -> None:
    lost = live.lose(5, taken=False)
    live.bench.advance(1000)
    live.answer()
    live.look(after=130)
    live.look(after=61)

    assert live.state(lost) is B.UNKNOWN
    assert live.says(lost) == "not sent"
    check(live, lost)


def test_what_was_cancelled_and_is_proven_unsent_ends_without_a_person(live: Losses) -> None:
    lost = live.lose(5, taken=False)
    live.bench.account.campaigns.cancel(lost.claim.campaign)
    live.bench.advance(1000)
    live.answer()
    live.look(after=130)
    live.look(after=61)

    assert live.bench.status(lost.claim.campaign).state is C.CANCELLED
    check(live, lost)


def test_a_list_that_shows_no_later_send_of_ours_proves_no_absence(live: Losses) -> None:
    live.answer()
    live.bench.advance(1000)
    lost = live.lose(5, taken=False, policy=OnUnknown.RESEND)

    for _ in range(4):
        live.look(after=130)

    assert live.state(lost) is B.UNKNOWN
    assert "no later send of ours" in evidence(live, lost, Source.LISTING)


def test_a_list_that_hides_campaigns_proves_no_absence(live: Losses) -> None:
    lost = live.lose(5, taken=True, policy=OnUnknown.RESEND)
    live.bench.advance(1000)
    live.answer()
    live.provider.hides = 1

    for _ in range(4):
        live.look(after=130)

    assert live.state(lost) is B.UNKNOWN
    assert "as a whole" in evidence(live, lost, Source.LISTING)


def test_a_list_that_lacks_a_send_of_ours_proves_no_absence(live: Losses) -> None:
    lost = live.lose(5, taken=False, policy=OnUnknown.RESEND)
    live.bench.advance(1000)
    live.answer()
    live.answer()
    del live.provider.listed[0]

    for _ in range(4):
        live.look(after=130)

    assert live.state(lost) is B.UNKNOWN
    assert "lacks 1 of our own sends" in evidence(live, lost, Source.LISTING)


def test_a_list_of_another_clock_proves_nothing(live: Losses) -> None:
    live.provider.late = timedelta(hours=1)
    taken = live.lose(5, taken=True)
    not_taken = live.lose(5, taken=False, policy=OnUnknown.RESEND)
    live.bench.advance(1000)
    live.answer()

    for _ in range(4):
        live.look(after=130)

    assert live.state(taken) is live.state(not_taken) is B.UNKNOWN
    assert "otherwise than we do" in evidence(live, not_taken, Source.LISTING)


def test_a_text_the_api_lists_otherwise_is_neither_sent_nor_absent(live: Losses) -> None:
    text = "Offre spéciale : profitez-en <-short-> vite"
    lost = live.lose(5, taken=True, text=text, policy=OnUnknown.RESEND)
    (listed,) = live.provider.listed
    shown = "Offre speciale : profitez-en https://sms.example/x vite STOP au 36000"
    live.provider.listed[0] = replace(listed, text=shown)
    live.bench.advance(1000)
    live.answer(text="Tout autre chose 123456")

    for _ in range(4):
        live.look(after=130)

    assert live.state(lost) is B.UNKNOWN
    assert "may be it" in evidence(live, lost, Source.LISTING)


def test_of_two_equal_batches_and_one_campaign_nobody_can_tell(live: Losses) -> None:
    both = [live.lose(2, taken=taken, text="Bonjour à tous") for taken in (True, False)]

    live.look(after=130)
    live.look(after=130)

    assert [live.state(lost) for lost in both] == [B.UNKNOWN] * 2


def test_of_two_equal_batches_both_there_both_were_sent(live: Losses) -> None:
    both = [live.lose(2, taken=True, text="Bonjour à tous") for _ in range(2)]

    live.look(after=130)

    assert [live.says(lost) for lost in both] == ["sent", "sent"]
    check(live, *both)


@pytest.mark.parametrize("verdict", [Decision.SENT, Decision.NOT_SENT, Decision.ABANDON])
def test_a_batch_settled_without_a_ticket_stays_a_rival(live: Losses, verdict: Decision) -> None:
    first = live.lose(2, taken=True, text="Bonjour à tous")
    twin = live.lose(2, taken=False, text="Bonjour à tous")
    found = live.unknown(first)
    assert found is not None
    by_hand = found.finding(verdict, Source.OPERATOR, "by a test")
    assert live.bench.account.unknowns.settle([by_hand]) == ["settled"]

    live.look(after=130)

    assert live.state(twin) is B.UNKNOWN


def test_a_batch_in_flight_is_not_taken_for_one_that_was_lost(live: Losses) -> None:
    lost = live.lose(2, taken=False, text="Bonjour à tous")
    claim, quote = live.claim(2, text="Bonjour à tous")
    ticket = live.provider.take(claim.message.text, 2, quote)

    live.look(after=1)

    assert live.state(lost) is B.UNKNOWN
    live.bench.record(claim, Outcome.ACCEPTED, ticket=ticket, cost=quote)
    live.look(after=130)
    live.look(after=130)
    assert live.says(lost) in ("open", "not sent")


def test_a_ticket_of_ours_is_nobody_elses(live: Losses) -> None:
    live.answer(2, text="Bonjour à tous")
    lost = live.lose(2, taken=False, text="Bonjour à tous")

    live.look(after=1)

    assert live.state(lost) is B.UNKNOWN


@pytest.mark.parametrize("taken", [True, False])
def test_books_that_balance_settle_a_lost_answer(dedicated: Losses, *, taken: bool) -> None:
    lost = dedicated.lose(7, taken=taken, policy=OnUnknown.RESEND)

    dedicated.look(after=61)
    assert dedicated.state(lost) is B.UNKNOWN
    dedicated.look(after=16)

    assert dedicated.state(lost) is (B.ACCEPTED if taken else B.READY)
    check(dedicated, lost)


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
