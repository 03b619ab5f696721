"""Events from real processes to an endpoint, and the commands that look after them."""

import json
from collections.abc import Iterator

import pytest
from redis import Redis

from dispatcher import Campaign
from tests.support.endpoint import SECRET, Endpoint, Reaction, running_endpoint
from tests.support.polling import eventually
from tests.support.shell import run
from tests.support.stack import Stack

PEOPLE = [f"3363998{place:04d}" for place in range(20)]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with running_endpoint() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def stack(endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    env = {
        "DISPATCHER_CALLBACKS__SHOP__URL": endpoint.url,
        "DISPATCHER_CALLBACKS__SHOP__SECRETS": SECRET,
        "DISPATCHER_CALLBACKS__SHOP__ALLOW_PRIVATE": "true",
    }
    options = ("--receipt-delay", "0")
    with Stack(tmp_path_factory.mktemp("stack"), sandbox_options=options, env=env) as stack:
        stack.start_worker()
        stack.start_beat()
        stack.start_web()
        yield stack


def test_a_worker_calls_back_and_the_commands_tell_how_that_goes(
    stack: Stack, endpoint: Endpoint
) -> None:
    campaign = stack.dispatcher.submit(Campaign(text="a", recipients=PEOPLE, producer="shop"))
    stack.dispatcher.wait(campaign, timeout=60)
    last = stack.dispatcher.feed.extent("shop").last
    eventually(lambda: len(endpoint.received) >= last, within=60)

    assert {request.sequence for request in endpoint.received} == {*range(1, last + 1)}
    for request in endpoint.received:
        request.verify()
    code, output, errors = run(stack, "callbacks", "list", "--json")
    assert code == 0, errors
    (found,) = json.loads(output)
    assert (found["producer"], found["last"], found["seen"], found["dead"]) == (
        *("shop", last, last, 0),
    )


def test_an_endpoint_that_is_gone_is_called_again_after_a_replay(
    stack: Stack, endpoint: Endpoint
) -> None:
    endpoint.answer(Reaction(status=410))
    campaign = stack.dispatcher.submit(Campaign(text="b", recipients=PEOPLE, producer="shop"))
    eventually(lambda: stack.dispatcher.callbacks.list()[0].is_gone, within=60)
    assert "ended: it answered 410" in run(stack, "callbacks", "list")[1]
    doctor = json.loads(run(stack, "doctor", "--json")[1])
    (found,) = [each for each in doctor if each["subject"] == "callbacks to shop"]
    assert (found["grade"], found["message"]) == (
        "warning",
        "ended: it answered 410: nothing more is delivered",
    )
    assert "dispatcher callbacks replay shop --account default" in found["fix"]
    stack.dispatcher.wait(campaign, timeout=60)
    endpoint.answer(Reaction(status=200))
    endpoint.received.clear()
    last = stack.dispatcher.feed.extent("shop").last

    code, output, errors = run(stack, "callbacks", "replay", "shop", "--after", "0")

    assert code == 0, errors
    assert output == "dead letters to be delivered again: 0, and everything after 0\n"
    eventually(
        lambda: {request.sequence for request in endpoint.received} == {*range(1, last + 1)},
        within=60,
    )
    code, _, errors = run(stack, "callbacks", "replay", "shop", "4711")
    assert code != 0
    assert "4711 is no dead letter of shop" in errors


def test_the_feed_tells_what_comes_after_a_number_and_what_was_forgotten(stack: Stack) -> None:
    for _ in range(3):
        stack.dispatcher.submit(Campaign(text="c", recipients=PEOPLE, producer="club"))
    with Redis.from_url(stack.redis.url) as client:
        client.xtrim("sms:{default}:outbox:club", minid="3-0", approximate=False)

    code, output, errors = run(stack, "feed", "club", "--after", "1", "--json")

    assert code == 0
    assert "Events 2 to 2 are not kept any more." in errors
    assert json.loads(output.splitlines()[0])["data"]["sequence"] == 3
    code, _, errors = run(stack, "feed", "No Producer")
    assert code != 0
    assert "producer" in errors
