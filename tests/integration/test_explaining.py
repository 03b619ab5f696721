"""What became of one recipient, step by step."""

from datetime import UTC, datetime, timedelta

import pytest

from dispatcher import BadRows, Campaign, InputError, Recipient
from dispatcher.domain.explanation import Explanation
from dispatcher.domain.fates import Receipt, RecipientState
from dispatcher.domain.replies import PostedReply, Reached
from dispatcher.domain.stop_words import Intent
from dispatcher.domain.suppressions import SuppressionSource
from dispatcher.errors import UnknownRecipientError
from dispatcher.store.suppressions import Addition
from tests.support.bench import START_MS
from tests.support.list_campaigns import submit_named
from tests.support.works import FOUR, Works
from workers.steps.progress import Progress
from workers.steps.quote import quote_next

R = RecipientState
BLACKLISTED = "33639989800"
T0 = datetime.fromtimestamp(START_MS / 1000, UTC)


def story(found: Explanation) -> list[str]:
    return [step.what for step in found.steps]


def hear(works: Works, campaign: str, n: int, *codes: int) -> None:
    first = works.bench.record_field(campaign, "first")
    ticket = works.bench.results(campaign)[n].ticket or "1"
    for second, code in enumerate(codes):
        works.bench.advance(1000)
        at = T0 + timedelta(seconds=second)
        works.account.store.receipts.merge(
            [Receipt(sequence=first + n, code=code, ticket=ticket, at=at)]
        )


def test_the_whole_course_of_somebody_is_told_in_order(works: Works) -> None:
    people = [Recipient(number, id=f"order-{n}") for n, number in enumerate(FOUR)]
    dispatcher = works.resources.dispatcher
    campaign = dispatcher.submit(Campaign(text="Bonjour {nom|client}", recipients=people))
    works.run(campaign)
    hear(works, campaign, 2, 1, 2)

    found = dispatcher.explain(campaign, "06 39 98 00 02")

    ticket = found.ticket
    assert story(found) == [
        "came in and was kept, as number 3 of 4; sent directly in batch 1, with 1 others",
        "campaign queued",
        "campaign queued -> quoting",
        "batch 1 quoted: 2 credits for all of it",
        "4 credits set aside for the campaign",
        "campaign quoting -> sending",
        "batch 1: claimed, to be posted",
        f"batch 1: sent: the API has it, ticket {ticket} (its answer)",
        "campaign sending -> sent",
        f"receipt: sent, of 2027-01-15 08:00:00 UTC, ticket {ticket}",
        f"receipt: not_delivered, of 2027-01-15 08:00:01 UTC, ticket {ticket}",
    ]
    assert (found.id, found.state, found.reason) == ("order-2", R.UNDELIVERED, "not_delivered")
    assert found.text == "Bonjour client"
    assert found.next == "nothing by itself: dispatcher resend would try again"
    times = [step.at for step in found.steps if step.at]
    assert times == sorted(times)
    assert FOUR[2] not in repr(found)
    assert "client" not in repr(found)


def test_somebody_left_out_is_told_why(works: Works) -> None:
    campaign = works.submit([FOUR[0], BLACKLISTED])
    works.run(campaign)

    found = works.resources.dispatcher.explain(campaign, BLACKLISTED)

    assert "left out: the API would not send to it (blacklisted)" in story(found)
    assert found.next == "nothing: it was left out"


def test_rows_that_were_dropped_are_told_too(works: Works) -> None:
    dispatcher = works.resources.dispatcher
    campaign = dispatcher.submit(
        Campaign(
            text="Bonjour",
            recipients=[FOUR[0], f"+{FOUR[0]}", "12"],
            bad_rows=BadRows.SKIP,
        )
    )

    dropped = dispatcher.explain(campaign, "12")
    doubled = dispatcher.explain(campaign, FOUR[0])

    assert dropped.state is R.NOT_SENT
    assert story(dropped)[0].startswith("the row came in and was dropped: invalid: ")
    assert "another row with this number was dropped: duplicate" in story(doubled)
    assert doubled.next == "its turn"


def test_a_lost_answer_is_told_as_what_it_is(works: Works) -> None:
    works.fail("POST /send", "drop_after")
    campaign = works.submit(FOUR[:2])
    works.run(campaign)

    found = works.resources.dispatcher.explain(campaign, FOUR[0])

    assert story(found)[-2].startswith("batch 0: the answer was lost: it may or may not have been")
    assert found.next == "a receipt or other evidence; it is not sent again without proof"


def test_what_is_awaited_is_named(works: Works) -> None:
    dispatcher = works.resources.dispatcher
    campaign = dispatcher.submit(Campaign(text="A", recipients=FOUR, needs_approval=True))
    while quote_next(works.account, campaign) is Progress.MADE:
        pass

    assert dispatcher.explain(campaign, FOUR[0]).next == (
        "somebody to approve the price: dispatcher approve"
    )
    dispatcher.cancel(campaign)
    cancelled = dispatcher.explain(campaign, FOUR[0])
    assert (cancelled.state, cancelled.next) == (R.CANCELLED, "nothing: it was cancelled")
    assert "cancel held" in story(cancelled)


def test_lists_and_resends_are_told(works: Works) -> None:
    dispatcher = works.resources.dispatcher
    campaign = submit_named(works)
    works.run(campaign)
    hear(works, campaign, 1, 2)
    made = dispatcher.resend(campaign, ["undelivered"])

    before = dispatcher.explain(campaign, FOUR[1])
    after = dispatcher.explain(made.id, FOUR[1])

    assert "sent by a list at the API in batch 0" in story(before)[0]
    assert before.text == "Bonjour N1"
    assert story(before)[-1] == f"sent again by campaign {made.id}, there waiting"
    assert f"sent again, after campaign {campaign}" in story(after)
    assert after.text == "Bonjour N1"


def test_receipts_no_longer_in_the_log_are_told_by_their_last(works: Works) -> None:
    campaign = works.submit()
    works.run(campaign)
    hear(works, campaign, 0, 3)
    works.bench.client.delete("sms:{default}:heard")

    found = works.resources.dispatcher.explain(campaign, FOUR[0])

    assert "receipt: delivered (others before it are no longer kept)" in story(found)


def test_a_number_that_never_came_in_is_an_error_without_it(works: Works) -> None:
    campaign = works.submit()

    with pytest.raises(UnknownRecipientError) as stranger:
        works.resources.dispatcher.explain(campaign, "06 39 98 09 99")
    with pytest.raises(InputError):
        works.resources.dispatcher.explain(campaign, "nobody")

    assert "0999" not in str(stranger.value)


def test_whoever_is_suppressed_is_told_since_when_and_why(works: Works) -> None:
    campaign = works.submit()
    works.run(campaign)
    works.account.store.suppressions.add(
        Addition(
            numbers=[int(FOUR[0])],
            source=SuppressionSource.OPERATOR,
            at=T0 + timedelta(days=1),
            reason="asked by phone",
        )
    )

    found = works.resources.dispatcher.explain(campaign, FOUR[0])

    assert story(found)[-1] == "put on the suppression list by operator: asked by phone"
    assert found.next == "its receipt"


def test_whoever_is_suppressed_after_the_quote_is_left_out_after_that(works: Works) -> None:
    campaign = works.submit(FOUR[:2])
    while quote_next(works.account, campaign) is Progress.MADE:
        pass
    works.account.store.ledger.approve_server(quiet_ms=0)
    works.bench.advance(1_000)
    stop = Addition(
        numbers=[int(FOUR[0])],
        source=SuppressionSource.REPLY,
        at=datetime.fromtimestamp(works.bench.now_ms / 1000, UTC),
    )
    works.account.store.suppressions.add(stop)
    works.bench.advance(1_000)
    works.run(campaign)

    found = works.resources.dispatcher.explain(campaign, FOUR[0])

    told = [what for what in story(found) if "suppression list" in what or "quoted" in what]
    assert told == [
        "batch 0 quoted: 2 credits for all of it",
        "put on the suppression list by reply",
        "left out: it is on the suppression list",
    ]


def test_replies_to_the_campaign_are_told_without_their_text(works: Works) -> None:
    campaign = works.submit()
    works.run(campaign)
    reply = PostedReply(
        number=int(FOUR[0]),
        sender=FOUR[0],
        text="Arrête, je te prie",
        at=T0 + timedelta(minutes=5),
        intent=Intent.DOUBTFUL,
    )
    works.account.store.replies.keep("r1", reply, reached=Reached(campaign, 0))
    works.account.store.replies.keep("r2", reply, reached=Reached("another", 0))

    told = story(works.resources.dispatcher.explain(campaign, FOUR[0]))

    assert told[-1] == "it replied, taken for doubtful"
    assert told.count(told[-1]) == 1
