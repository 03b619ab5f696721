"""Evidence about batches whose answer was lost: what is decided, and what never is."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dispatcher.domain.lifecycle import BatchState, CampaignState
from dispatcher.domain.unknowns import Decision, OnUnknown, Source
from dispatcher.store.batches import Outcome
from tests.support.bench import Bench
from tests.support.losses import Losses, check, evidence

B, C = BatchState, CampaignState


@pytest.fixture
def live(bench: Bench, tmp_path: Path) -> Losses:
    return Losses(bench, tmp_path, dialect="live")


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
