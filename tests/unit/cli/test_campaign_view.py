from datetime import UTC, datetime, timedelta

import pytest

from dispatcher import CampaignState, CampaignStatus, Event, HoldReason, RecipientState
from dispatcher.cli.campaign_view import (
    event_line,
    hint,
    quote_of,
    quote_table,
    status_document,
    status_table,
    summary,
)
from dispatcher.store.ledger import Credits
from tests.support.statuses import a_status

NOW = datetime(2026, 11, 22, 8, 0, 1, tzinfo=UTC)


def held(reason: HoldReason, **changes: object) -> CampaignStatus:
    return a_status(state=CampaignState.HELD, hold=reason, **changes)


def known(balance: int | None, reserved: int = 0) -> Credits:
    return Credits(balance=balance, reserved=reserved, spent=0, parked=None)


def test_a_quote_tells_rows_costs_and_balances() -> None:
    quote = quote_of(held(HoldReason.APPROVAL), known(100))

    assert (quote.rows, quote.recipients, quote.batches, quote.cost) == (10, 7, 2, 7)
    assert quote.dropped == {"invalid row": 1, "duplicated row": 1, "blacklisted": 1}
    assert (quote.balance_before, quote.balance_after, quote.missing) == (100, 93, 0)


def test_a_quote_counts_what_other_campaigns_have_reserved() -> None:
    quote = quote_of(held(HoldReason.APPROVAL), known(100, reserved=95))

    assert (quote.reserved_by_others, quote.missing) == (95, 2)


def test_a_quote_does_not_count_the_campaign_itself_among_the_others() -> None:
    spending = a_status(state=CampaignState.SENDING, cost=3)

    quote = quote_of(spending, known(97, reserved=4))

    assert (quote.balance_before, quote.balance_after) == (100, 93)
    assert quote.reserved_by_others == 0


def test_a_quote_without_a_known_balance_says_so() -> None:
    shown = quote_table(quote_of(held(HoldReason.APPROVAL), known(None))).plain

    assert "balance after     not known" in shown


def test_a_quote_beyond_the_balance_tells_what_is_missing() -> None:
    shown = quote_table(quote_of(held(HoldReason.APPROVAL), known(6))).plain

    assert "missing           1 credit: it would wait for a top-up" in shown


@pytest.mark.parametrize("reason", HoldReason)
def test_every_hold_says_what_to_do(reason: HoldReason) -> None:
    assert hint(held(reason), NOW)


def test_a_hold_for_credits_tells_how_many_are_missing() -> None:
    status = held(HoldReason.CREDITS, need=7, have=2, account="shop")

    assert hint(status, NOW).startswith("It needs 5 credits more. Top up account shop")


def test_a_hold_for_approval_gives_the_commands_with_the_account() -> None:
    assert hint(held(HoldReason.APPROVAL, account="shop"), NOW) == (
        "To send it: dispatcher approve orders --account shop\n"
        "To drop it: dispatcher cancel orders --account shop"
    )


def test_a_campaign_nobody_takes_makes_one_think_of_the_worker() -> None:
    status = a_status(state=CampaignState.QUEUED)

    assert hint(status, NOW) == ""
    assert "dispatcher worker" in hint(status, NOW + timedelta(seconds=10))


def test_a_summary_tells_state_and_recipients_in_the_order_of_their_lives() -> None:
    states = {RecipientState.NOT_SENT: 3, RecipientState.DELIVERED: 6, RecipientState.SENT: 1}

    assert summary(a_status(state=CampaignState.SENT, recipient_states=states)) == (
        "sent; 1 sent, 6 delivered, 3 not sent"
    )


def test_a_status_shows_what_held_it_and_what_went_wrong() -> None:
    status = held(HoldReason.CREDITS, need=7, have=2, error="status -3: crédits [bold]", alarms=1)

    shown = status_table(status).plain

    assert "state       held: credits" in shown
    assert "needs       7 credits, 2 available" in shown
    assert "last error  status -3: crédits [bold]" in shown
    assert "alarms      1: dispatcher events orders" in shown


def test_contacts_that_are_not_read_yet_are_told_as_such() -> None:
    unread = a_status(
        state=CampaignState.QUOTING, rows=0, recipients=0, batches=0, recipient_states={}
    )

    assert summary(unread) == "quoting; the contacts of its lists are not read yet"
    assert "recipients  the contacts of its lists are not read yet" in status_table(unread).plain
    assert "batches" not in status_table(unread).plain


def test_a_campaign_that_ended_before_its_lists_were_read_waits_for_nothing() -> None:
    dropped = a_status(state=CampaignState.CANCELLED, rows=0, batches=0, recipient_states={})

    assert summary(dropped) == "cancelled"
    assert "not read yet" not in status_table(dropped).plain


def test_a_status_shows_the_way_and_the_lists_made_for_it() -> None:
    shown = status_table(a_status(list_batches=1), [str(number) for number in range(12)]).plain

    assert "batches     2 ready; 1 by lists" in shown
    assert "lists       0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more" in shown


@pytest.mark.parametrize(
    ("changes", "quote"),
    [
        ({"quoted": 1, "quote": 3}, "3 credits (1 of 2 batches)"),
        ({"quote": 8, "estimate": 8}, "8 credits, as estimated"),
        ({"quote": 7, "estimate": 8}, "7 credits, drift -1, without 1 recipient left out"),
        ({"recipients": 7, "quote": 9, "estimate": 8}, "9 credits, drift +1"),
    ],
)
def test_a_quote_is_shown_beside_our_estimate_once_it_is_whole(
    changes: dict[str, int], quote: str
) -> None:
    lines = status_table(a_status(**changes)).plain.splitlines()

    assert "estimate    8 credits by our own count" in lines
    assert f"quote       {quote}" in lines


def test_a_status_for_scripts_has_plain_values() -> None:
    document = status_document(held(HoldReason.CREDITS))

    assert (document["state"], document["hold"]) == ("held", "credits")
    assert document["recipient_states"] == {"waiting": 7, "not sent": 3}
    assert (document["is_over"], document["is_conserved"]) == (False, True)


def test_a_campaign_that_went_to_nobody_says_why() -> None:
    nobody = a_status(
        state=CampaignState.FINISHED,
        recipient_states={RecipientState.NOT_SENT: 2, RecipientState.SENT: 0},
        reasons={"suppressed row": 1, "blacklisted": 1},
    )

    assert hint(nobody, NOW) == "Nobody was sent to: suppressed row: 1, blacklisted: 1"
    some = a_status(state=CampaignState.FINISHED, recipient_states={RecipientState.SENT: 1})
    assert hint(some, NOW) == ""


def test_an_event_takes_one_line() -> None:
    event = Event(id="1-0", at=NOW, what="campaign", old="quoting", new="held", detail="credits")

    assert event_line(event) == "2026-11-22 08:00:01 UTC  campaign     quoting -> held (credits)"


def test_a_status_says_since_when_it_has_its_state() -> None:
    lines = status_table(a_status()).plain.splitlines()

    at = f"{a_status().changed_at:%Y-%m-%d %H:%M:%S %Z}"
    assert [line.split(maxsplit=1)[1] for line in lines if "since" in line] == [at]
    assert lines.index(next(line for line in lines if "since" in line)) == 2
    assert not any(line.startswith("changed") for line in lines)
