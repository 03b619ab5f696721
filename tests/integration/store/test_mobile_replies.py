from datetime import UTC, datetime

import pytest

from dispatcher.domain.feed import EventKind
from dispatcher.domain.replies import PostedReply, Reached, Reply, Verdict
from dispatcher.domain.stop_words import Intent
from dispatcher.store.keys import Key
from tests.support.bench import FIRST_NUMBER, START_MS, Bench


def posted(
    intent: Intent, *, text: str = "words", number: int = FIRST_NUMBER, seconds: int = 0
) -> PostedReply:
    at = datetime.fromtimestamp(START_MS / 1000 + seconds, UTC)
    return PostedReply(number=number, sender=str(number), text=text, at=at, intent=intent)


def keep(bench: Bench, reply: PostedReply, campaign: str | None = None) -> str:
    identity = reply.identity(b"k" * 32)
    bench.account.replies.keep(identity, reply, reached=Reached(campaign, 1) if campaign else None)
    return identity


def read(bench: Bench, identity: str) -> Reply:
    found = bench.account.replies.read(identity)
    assert found is not None
    return found


def to_review(bench: Bench) -> list[str]:
    return [reply.id for reply in bench.account.replies.to_review()]


def told(bench: Bench, campaign: str) -> list[tuple[str, str]]:
    events = bench.account.events.all(campaign)
    return [(event.old, event.new) for event in events if event.what == "reply"]


def test_a_reply_is_kept_once_and_counted_on_its_campaign(bench: Bench) -> None:
    bench.submit("c1")

    names = {keep(bench, posted(Intent.OTHER, text="OUI"), "c1") for _ in range(3)}

    (name,) = names
    assert read(bench, name) == Reply(
        id=name,
        number=str(FIRST_NUMBER),
        sender=str(FIRST_NUMBER),
        text="OUI",
        at=datetime.fromtimestamp(START_MS / 1000, UTC),
        intent=Intent.OTHER,
        campaign="c1",
        place=1,
    )
    assert bench.record_field("c1", "replies") == 1
    assert bench.record_field("c1", "stops") == 0
    assert told(bench, "c1") == [("", "other")]


@pytest.mark.parametrize("text", ["", "\x00\x1b[31m", "\ud800 half", "\U0001f6d1" * 500])
def test_whatever_was_written_is_kept(bench: Bench, text: str) -> None:
    name = keep(bench, posted(Intent.OTHER, text=text))

    assert read(bench, name).text == text.encode(errors="replace").decode()


def test_a_campaign_that_is_gone_is_not_brought_back(bench: Bench) -> None:
    name = keep(bench, posted(Intent.STOP), "erased")

    assert read(bench, name).campaign is None
    assert not bench.client.exists(bench.keys.of(Key.CAMPAIGN, "erased"))
    assert not bench.client.exists(bench.keys.of(Key.EVENTS, "erased"))


def test_what_a_person_has_to_read_waits_until_one_has(bench: Bench) -> None:
    bench.submit("c1")
    first = keep(bench, posted(Intent.DOUBTFUL, text="ne stoppez pas"), "c1")
    second = keep(bench, posted(Intent.DOUBTFUL, text="non stop", seconds=1), "c1")
    keep(bench, posted(Intent.OTHER), "c1")
    assert to_review(bench) == [second, first]

    for _ in range(2):
        assert bench.account.replies.judge(first, Verdict.HARMLESS, by="ada")
        assert bench.account.replies.judge(second, Verdict.STOP, by="ada")

    assert to_review(bench) == []
    judged = read(bench, second)
    assert (judged.verdict, judged.by, judged.needs_review) == (Verdict.STOP, "ada", False)
    assert judged.judged_at == datetime.fromtimestamp(START_MS / 1000, UTC)
    assert bench.record_field("c1", "stops") == 1
    assert told(bench, "c1")[-2:] == [("doubtful", "harmless"), ("doubtful", "stop")]


def test_what_was_judged_is_not_asked_for_again(bench: Bench) -> None:
    name = keep(bench, posted(Intent.DOUBTFUL))
    bench.account.replies.judge(name, Verdict.HARMLESS, by="ada")

    keep(bench, posted(Intent.DOUBTFUL))
    keep(bench, posted(Intent.STOP))

    assert to_review(bench) == []
    assert read(bench, name).verdict is Verdict.HARMLESS
    assert read(bench, name).intent is Intent.DOUBTFUL


def test_the_stop_webhook_settles_what_was_doubtful(bench: Bench) -> None:
    bench.submit("c1")
    name = keep(bench, posted(Intent.DOUBTFUL), "c1")

    keep(bench, posted(Intent.STOP), "c1")
    keep(bench, posted(Intent.DOUBTFUL), "c1")

    assert read(bench, name).intent is Intent.STOP
    assert to_review(bench) == []
    assert (bench.record_field("c1", "replies"), bench.record_field("c1", "stops")) == (1, 1)


def test_a_stop_of_nobody_we_can_name_is_for_a_person(bench: Bench) -> None:
    name = keep(bench, posted(Intent.STOP, number=0))

    assert to_review(bench) == [name]
    assert read(bench, name).number is None


def test_a_reply_nobody_knows_cannot_be_judged(bench: Bench) -> None:
    assert not bench.account.replies.judge("unheard-of", Verdict.STOP, by="ada")


def test_replies_are_listed_the_newest_first(bench: Bench) -> None:
    names = [keep(bench, posted(Intent.OTHER, seconds=n)) for n in range(250)]

    assert [reply.id for reply in bench.account.replies.newest()] == names[::-1]


def test_replies_are_erased_by_age_and_by_number(bench: Bench) -> None:
    old = keep(bench, posted(Intent.DOUBTFUL))
    ours = keep(bench, posted(Intent.DOUBTFUL, seconds=10))
    others = keep(bench, posted(Intent.DOUBTFUL, seconds=10, number=FIRST_NUMBER + 1))

    assert bench.account.replies.erase_before(START_MS + 10_000) == 1
    assert bench.account.replies.erase_number(FIRST_NUMBER) == 1

    assert [reply.id for reply in bench.account.replies.newest()] == [others]
    assert to_review(bench) == [others]
    assert [bench.account.replies.read(gone) for gone in (old, ours)] == [None, None]


def test_entries_are_taken_by_one_worker_and_again_when_it_died(bench: Bench) -> None:
    bench.account.replies.append("mo", [b"1", b"2"])

    (taken,) = bench.account.replies.take()
    assert (taken.hook, list(taken.bodies)) == ("mo", [b"1", b"2"])
    assert bench.account.replies.take() == []
    bench.client.delete(bench.keys.of(Key.LINKING))
    assert bench.account.replies.take() == [taken]
    bench.account.replies.confirm([taken.entry])

    assert bench.account.replies.waiting() == 0
    assert bench.account.replies.take() == []


def test_the_producer_of_its_campaign_is_told_of_a_reply_without_its_text(bench: Bench) -> None:
    bench.submit("c1", producer="shop")
    name = keep(bench, posted(Intent.OTHER, text="peut-etre"), "c1")
    keep(bench, posted(Intent.STOP, text="peut-etre"), "c1")

    bench.account.replies.judge(name, Verdict.HARMLESS, by="somebody")

    events = bench.account.outbox.read("shop")
    who = {"place": 1, "id": None}
    assert [event.data for event in events if event.kind is EventKind.REPLY] == [
        {"reply": name, "intent": "other", **who},
        {"reply": name, "intent": "stop", **who},
        {"reply": name, "intent": "stop", "verdict": "harmless", **who},
    ]
    assert "peut-etre" not in str([event.document() for event in events])
