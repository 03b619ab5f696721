from datetime import UTC, datetime
from typing import Any

import pytest

from dispatcher.domain.replies import PostedReply
from dispatcher.domain.sequence import gsmsmsid
from dispatcher.domain.stop_words import Intent
from dispatcher.store.batches import Outcome
from tests.support.bench import FIRST_NUMBER, START_MS, Bench
from tests.support.timed import timing

HOUR = 3_600_000


def reply(number: int, at_ms: int, *, id_: str = "") -> PostedReply:
    return PostedReply(
        number=number,
        sender=str(number),
        text="OUI",
        at=datetime.fromtimestamp(at_ms / 1000, UTC),
        intent=Intent.OTHER,
        gsmsmsid=id_,
    )


def send(bench: Bench, campaign: str, **more: Any) -> None:  # noqa: ANN401 - any field of a submission
    """Send a campaign to four people, by two batches."""
    bench.ready(campaign, **more)
    for n in range(2):
        bench.accept(bench.claim(campaign), ticket=f"{campaign}-{n}")


def answered(bench: Bench, *replies: PostedReply) -> list[str | None]:
    found = bench.account.reach.last_before(replies)
    for reply, reached in zip(replies, found, strict=True):
        # Whom a campaign goes to is in the order of their numbers.
        assert reached is None or reached.place == reply.number - FIRST_NUMBER
    return [reached.campaign if reached else None for reached in found]


def test_a_reply_answers_the_last_campaign_that_was_sent_before_it(bench: Bench) -> None:
    send(bench, "first")
    bench.advance(HOUR)
    send(bench, "second")
    number = FIRST_NUMBER + 3

    found = answered(
        bench,
        reply(number, START_MS + HOUR // 2),
        reply(number, START_MS + 2 * HOUR),
        reply(number, START_MS - HOUR),
        reply(FIRST_NUMBER + 999, START_MS + 2 * HOUR),
        reply(0, START_MS + 2 * HOUR),
    )

    assert found == ["first", "second", None, None, None]


def test_a_campaign_made_earlier_and_sent_later_is_the_last_one(bench: Bench) -> None:
    bench.ready("slow", recipients=6)
    bench.accept(bench.claim("slow"), ticket="slow-0")
    bench.advance(HOUR)
    send(bench, "quick")
    bench.advance(HOUR)
    bench.accept(bench.claim("slow"), ticket="slow-1")

    found = answered(
        bench,
        reply(FIRST_NUMBER, START_MS + 3 * HOUR),
        reply(FIRST_NUMBER + 3, START_MS + 3 * HOUR),
        reply(FIRST_NUMBER + 3, START_MS + HOUR),
    )

    assert found == ["quick", "slow", "quick"]


def test_who_was_not_sent_to_was_not_reached(bench: Bench) -> None:
    send(bench, "sent")
    bench.advance(HOUR)
    bench.ready("waiting")
    bench.ready("refused")
    bench.record(bench.claim("refused"), Outcome.REFUSED, code=-7, why="no")

    assert answered(bench, reply(FIRST_NUMBER, START_MS + 2 * HOUR)) == ["sent"]


def test_who_may_have_been_sent_to_may_answer(bench: Bench) -> None:
    bench.ready("lost")
    bench.record(bench.claim("lost"), Outcome.UNKNOWN, why="no answer")

    assert answered(bench, reply(FIRST_NUMBER, START_MS + HOUR)) == ["lost"]


@pytest.mark.parametrize(("later", "campaign"), [(1000, None), (3 * HOUR, "planned")])
def test_what_the_api_has_for_later_reaches_nobody_before(
    bench: Bench, later: int, campaign: str | None
) -> None:
    send(bench, "planned", timing=timing(2 * HOUR))

    assert answered(bench, reply(FIRST_NUMBER, START_MS + later)) == [campaign]


def test_our_own_id_names_the_campaign_and_a_forged_one_does_not(bench: Bench) -> None:
    send(bench, "first")
    bench.advance(HOUR)
    send(bench, "second")
    key = bench.account.ledger.receipt_key()
    ours = gsmsmsid(key, bench.record_field("first", "first"), FIRST_NUMBER)
    late = START_MS + 2 * HOUR

    found = answered(
        bench,
        reply(FIRST_NUMBER, late, id_=ours),
        reply(FIRST_NUMBER + 1, late, id_=ours),
        reply(FIRST_NUMBER, late, id_="12"),
    )

    assert found == ["first", "second", "second"]
