"""Replies by a real receiver into a real Redis, and linked by a worker's step."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from dispatcher.domain.replies import Verdict
from dispatcher.domain.stop_words import Intent
from dispatcher.embedded import EmbeddedRedis
from dispatcher.errors import UnknownReplyError
from dispatcher.queueing import Task
from dispatcher.store.account import AccountStore, Store
from dispatcher.store.keys import Key
from tests.support.polling import eventually
from tests.support.web import WebReceiver, running_web
from tests.support.works import FOUR, Works
from workers.steps.progress import Progress
from workers.steps.receipts import merge_next
from workers.steps.replies import link_next
from workers.steps.tick import tick

NUMBER = int(FOUR[0])


def reply(text: str, number: str = FOUR[0], **more: object) -> bytes:
    return json.dumps(
        {"date": "2027-06-01T12:00:00+02:00", "message": text, "from": number, **more}
    ).encode()


@pytest.fixture
def web(redis_url: str, tmp_path: Path) -> Iterator[WebReceiver]:
    with running_web(redis_url, tmp_path) as web:
        yield web


def store_of(url: str) -> AccountStore:
    return Store(redis.Redis.from_url(url)).account("default")


def suppressed(url: str, *numbers: str) -> list[bool]:
    found = store_of(url).suppressions.contains([int(number) for number in numbers])
    return [int(number) in found for number in numbers]


def link_all(works: Works) -> None:
    while link_next(works.account) is Progress.MADE:
        pass


def test_who_asks_for_a_stop_is_suppressed_before_it_is_answered(
    web: WebReceiver, redis_url: str
) -> None:
    asked = [("STOP", "33639980000"), ("Arr\u00eat !", "0639980001"), ("stop au 36105", FOUR[2])]

    for text, sender in asked:
        before = store_of(redis_url).suppressions.count()
        assert web.post(reply(text, sender), hook="mo") == 200
        assert store_of(redis_url).suppressions.count() == before + 1
    assert web.post(reply("ca suffit", FOUR[3]), hook="stop") == 200

    entries = store_of(redis_url).suppressions.entries()
    assert {str(entry.number): entry.source.value for entry in entries} == {
        **dict.fromkeys(FOUR[:3], "reply"),
        FOUR[3]: "stop webhook",
    }


def test_other_words_suppress_nobody(web: WebReceiver, redis_url: str) -> None:
    for text in ("OUI", "ne stoppez pas", ""):
        assert web.post(reply(text), hook="mo") == 200
    assert web.post(reply("STOP", "OVH"), hook="mo") == 200

    assert store_of(redis_url).suppressions.count() == 0


def test_a_stop_on_a_redis_without_memory_is_heeded(
    own_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    with (
        running_web(own_redis.url, tmp_path) as web,
        redis.Redis.from_url(own_redis.url) as client,
    ):
        assert web.post(reply("OUI"), hook="mo") == 200
        client.config_set("maxmemory", 1)

        assert web.post(reply("STOP"), hook="mo") == 200

        assert suppressed(own_redis.url, FOUR[0]) == [True]
        client.config_set("maxmemory", 0)
        eventually(lambda: store_of(own_redis.url).replies.waiting() == 2)


def test_a_stop_is_answered_no_sooner_than_it_is_heeded(redis_binary: Path, tmp_path: Path) -> None:
    options = {"appendfsync": "everysec"}
    with (
        EmbeddedRedis(tmp_path / "redis", binary=redis_binary, options=options) as server,
        running_web(server.url, tmp_path) as web,
        redis.Redis.from_url(server.url) as client,
    ):
        assert web.post(reply("STOP", FOUR[1]), hook="mo") == 200
        client.execute_command("CLIENT", "PAUSE", 500, "WRITE")

        assert web.post(reply("STOP"), hook="mo") == 200

        assert suppressed(server.url, FOUR[0]) == [True]
        assert client.info("commandstats")["cmdstat_waitaof"]["calls"] >= 2


def test_a_stop_while_redis_is_away_is_heeded_once_it_is_back(
    own_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    with running_web(own_redis.url, tmp_path) as web:
        own_redis.kill()
        assert web.post(reply("STOP", "0639980000"), hook="mo") == 200
        assert web.post(reply("oui", FOUR[1]), hook="mo") == 200
        assert web.post(reply("", FOUR[2]), hook="stop") == 200
        web.kill()
    own_redis.start()

    with running_web(own_redis.url, tmp_path):
        eventually(lambda: not list((tmp_path / "spool").glob("*.spool")))

    assert suppressed(own_redis.url, *FOUR) == [True, False, True, False]


def test_no_text_and_no_number_is_logged(own_redis: EmbeddedRedis, tmp_path: Path) -> None:
    with running_web(own_redis.url, tmp_path, spool_max_bytes=400) as web:
        assert web.post(reply("STOP quokka"), hook="mo") == 200
        own_redis.kill()
        answers = {web.post(reply("STOP quokka"), hook="mo") for _ in range(4)}
        assert answers == {200, 503}
        assert web.stop() == 0

    assert "bodies refused" in web.logged()
    assert "quokka" not in web.logged()
    assert FOUR[0][-8:] not in web.logged()


def test_only_addresses_of_the_list_and_signed_bodies_are_taken(
    redis_url: str, tmp_path: Path
) -> None:
    with running_web(redis_url, tmp_path, webhook_allow="192.0.2.0/24") as web:
        assert web.post(reply("STOP"), hook="mo") == 404
        assert web.post(reply("STOP")) == 404
        assert web.call("GET", "/healthz")[0] == 200
    signature = {"accounts__default__webhook_signature": "a-signature-of-tests"}
    with running_web(redis_url, tmp_path, **signature, webhook_allow="127.0.0.0/8") as web:
        connection = web.connect()
        assert [web.post(reply("STOP"), hook=hook) for hook in ("dlr", "dlr", "mo", "stop")] == [
            401
        ] * 4
        for sent, status in (("wrong", 401), ("a-signature-of-tests", 200)):
            headers = {"X-SMSFactor-Signature": sent}
            path = "/webhooks/new-secret-of-tests/mo"
            connection.request("POST", path, reply("STOP", FOUR[1]), headers)
            assert connection.getresponse().read() == b""
            connection.close()
            assert suppressed(redis_url, FOUR[1]) == [status == 200]

    assert suppressed(redis_url, FOUR[0]) == [False]


def test_replies_are_linked_to_the_last_campaign_and_read_by_the_producer(works: Works) -> None:
    first = works.submit(text="first")
    works.run(first)
    works.bench.advance(3_600_000)
    second = works.submit(FOUR[:2], text="second")
    works.run(second)
    bodies = [reply("OUI", "0639980000"), reply("ne stoppez pas", FOUR[2]), b"\xff", b"{}"]

    works.account.store.replies.append("mo", bodies)
    tick(works.account)
    assert (Task.LINK_REPLIES, ("default",)) in works.hints.nudges
    link_all(works)

    replies = works.resources.dispatcher.replies
    found = {found.text: found for found in replies.list()}
    assert {text: (each.campaign, each.intent) for text, each in found.items()} == {
        "OUI": (second, Intent.OTHER),
        "ne stoppez pas": (first, Intent.DOUBTFUL),
    }
    assert [each.text for each in replies.list(campaign=second)] == ["OUI"]
    assert works.account.store.quarantine.counts() == {"mo": 2}
    assert works.account.store.replies.waiting() == 0


def test_a_person_turns_a_doubtful_reply_into_a_stop(works: Works) -> None:
    works.account.store.replies.append("mo", [reply("ne stoppez pas"), reply("non stop", FOUR[1])])
    link_all(works)
    replies = works.resources.dispatcher.replies
    by_text = {found.text: found.id for found in replies.to_review()}

    replies.judge(by_text["non stop"], Verdict.HARMLESS, by="ada")
    judged = replies.judge(by_text["ne stoppez pas"], Verdict.STOP, by="ada")

    assert (judged.verdict, judged.by, judged.number) == (Verdict.STOP, "ada", FOUR[0])
    assert list(replies.to_review()) == []
    (entry,) = works.account.store.suppressions.entries()
    assert (entry.number, entry.by) == (NUMBER, "ada")
    with pytest.raises(UnknownReplyError, match="unheard-of"):
        replies.judge("unheard-of", Verdict.STOP, by="ada")


def test_a_reply_that_redis_refuses_keeps_no_other_waiting(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = works.account.store.replies
    identity = "spoilt"
    works.bench.client.set(works.bench.keys.of(Key.REPLY, identity), "no hash")
    monkeypatch.setattr(
        "workers.steps.replies.PostedReply.identity",
        lambda self, _: identity if self.text == "bad" else self.text,
    )

    store.append("mo", [reply("bad"), reply("good")])
    link_all(works)

    assert [found.text for found in store.newest()] == ["good"]
    assert works.account.store.quarantine.counts() == {"mo": 1}


def test_what_is_posted_to_the_wrong_hook_is_heeded_all_the_same(works: Works) -> None:
    campaign = works.submit()
    works.run(campaign)
    receipts = [
        json.dumps(
            {"status": 3, "destination": number, "message_id": "1", "campaign_id": "unheard-of"}
        ).encode()
        for number in FOUR
    ]

    works.account.store.receipts.append([reply("STOP", "0639980000"), b"\xff", *receipts[:1]])
    works.account.store.replies.append("mo", [reply("OUI", FOUR[1]), b"\xfe", *receipts[1:]])
    link_all(works)
    while merge_next(works.account) is Progress.MADE:
        pass
    link_all(works)

    assert works.account.store.suppressions.contains([NUMBER]) == {NUMBER}
    assert {found.text for found in works.account.store.replies.newest()} == {"STOP", "OUI"}
    assert works.account.store.quarantine.counts() == {"dlr": 1, "mo": 1}
    assert works.bench.client.xlen(works.bench.keys.of(Key.PARKED)) == 4
    status = works.bench.status(campaign)
    assert (status.replies, status.stops) == (2, 1)
