"""Callbacks from a worker's steps to an endpoint that misbehaves."""

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from dispatcher import Campaign
from dispatcher.callback_settings import CallbackSettings
from dispatcher.queueing import Task
from dispatcher.store.callbacks import CallbackStatus
from tests.support.bench import Bench
from tests.support.endpoint import (
    OLD_SECRET,
    SECRET,
    Endpoint,
    Reaction,
    Received,
    running_endpoint,
)
from tests.support.sandbox import Receiver, Sandbox
from tests.support.works import FOUR, Hints, Works, settings_for
from workers.resources import Resources
from workers.steps.callbacks import deliver_next
from workers.steps.progress import Progress
from workers.steps.tick import tick

PATIENCE_MS = 90_000_000
TOO_LONG = 0.3


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with running_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def works(
    redis_url: str, sandbox: Sandbox, receiver: Receiver, endpoint: Endpoint, tmp_path: Path
) -> Iterator[Works]:
    sandbox.control("POST", "reset")
    receiver.events.clear()
    bench, hints = Bench(redis_url), Hints()
    settings = settings_for(redis_url, sandbox, tmp_path).model_copy(
        update={"callbacks": {"shop": callback(endpoint)}}
    )
    resources = Resources(
        settings,
        hints,  # type: ignore[arg-type]  # a stand-in for the broker
        open_store=lambda _: bench.store,
    )
    yield Works(bench, sandbox, receiver, resources, hints)
    resources.close()


def callback(endpoint: Endpoint, **more: Any) -> CallbackSettings:  # noqa: ANN401 - any setting
    return CallbackSettings.model_validate(
        {
            "url": endpoint.url,
            "secrets": f"{OLD_SECRET} {SECRET}",
            "allow_private": True,
            "attempts": 3,
            **more,
        }
    )


def use(works: Works, settings: CallbackSettings) -> None:
    works.account.settings.callbacks["shop"] = settings


def submit(works: Works, text: str = "Bonjour") -> str:
    return works.resources.dispatcher.submit(
        Campaign(recipients=FOUR, text=text, producer="shop"), idempotency_key=text
    )


def deliver(works: Works) -> None:
    """Deliver until nothing is due."""
    while deliver_next(works.account, "shop") is Progress.MADE:
        pass


def status(works: Works) -> CallbackStatus:
    (found,) = works.resources.dispatcher.callbacks.list()
    return found


def test_a_campaign_is_called_back_from_beginning_to_end(works: Works, endpoint: Endpoint) -> None:
    campaign = submit(works)
    works.run(campaign)
    works.receive(4)
    tick(works.account)
    assert (Task.CALL_BACK, ("default", "shop")) in works.hints.nudges

    deliver(works)

    last = works.resources.dispatcher.feed.extent("shop").last
    assert [request.sequence for request in endpoint.received] == [*range(1, last + 1)]
    for request, event in zip(
        endpoint.received, works.resources.dispatcher.feed("shop"), strict=True
    ):
        request.verify(SECRET)
        request.verify(OLD_SECRET)
        assert request.document == json.loads(json.dumps(event.document()))
        assert request.headers["webhook-id"] == event.id
        assert "3363998" not in request.body.decode()
    assert endpoint.received[-1].document["data"]["to"] == "finished"
    assert deliver_next(works.account, "shop") is Progress.NONE


def test_endpoints_that_hang_leave_most_threads_to_other_work(
    works: Works, endpoint: Endpoint
) -> None:
    use(works, callback(endpoint))
    submit(works)
    room, posting = works.account.callback_room, 0
    while room.acquire(blocking=False):
        posting += 1

    assert 1 <= posting <= works.account.settings.concurrency // 4
    assert deliver_next(works.account, "shop") is Progress.NONE
    assert endpoint.received == []
    room.release()
    deliver(works)
    assert endpoint.received


def test_a_failed_callback_comes_again_with_its_id_and_body_and_a_new_signature(
    works: Works, endpoint: Endpoint
) -> None:
    submit(works)
    times = itertools.count(int(datetime.now(UTC).timestamp()))
    object.__setattr__(works.account, "now", lambda: datetime.fromtimestamp(next(times), UTC))
    endpoint.answer(Reaction(status=500))
    deliver(works)
    endpoint.answer(Reaction(status=200))
    works.bench.advance(PATIENCE_MS)
    deliver(works)

    first, second = endpoint.received
    second.verify()
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]


@pytest.mark.parametrize(
    ("reaction", "why"),
    [
        (Reaction(status=400), "it answered 400"),
        (Reaction(status=500), "it answered 500"),
        (Reaction(status=0), "the connection failed (RemoteDisconnected)"),
        (Reaction(hangs=True), "it did not answer in time"),
        (
            Reaction(status=302, headers={"location": "http://192.0.2.1/"}),
            "it answered 302, and redirects are not followed",
        ),
    ],
    ids=["400", "500", "drops", "hangs", "redirects"],
)
def test_an_endpoint_that_never_takes_it_is_asked_a_few_times_and_it_can_be_replayed(
    works: Works, endpoint: Endpoint, reaction: Reaction, why: str
) -> None:
    use(works, callback(endpoint, timeout=TOO_LONG))
    submit(works)
    endpoint.answer(reaction)
    for _ in range(5):
        deliver(works)
        works.bench.advance(PATIENCE_MS)

    assert len(endpoint.received) == 3
    assert (status(works).dead, status(works).why) == (1, why)
    (letter,) = works.resources.dispatcher.callbacks.dead("shop")
    assert (letter.attempts, letter.why) == (3, why)

    use(works, callback(endpoint))
    endpoint.answer(Reaction(status=200))
    assert works.resources.dispatcher.callbacks.replay("shop", [1]) == 1
    deliver(works)
    assert endpoint.received[-1].headers["webhook-id"] == letter.event.id
    assert works.resources.dispatcher.callbacks.dead("shop") == []


def test_a_private_address_is_not_called_unless_allowed(works: Works, endpoint: Endpoint) -> None:
    secure = endpoint.url.replace("http:", "https:")
    use(works, callback(endpoint, url=secure, allow_private=False))
    submit(works)

    deliver(works)

    assert endpoint.received == []
    assert status(works).why == "its host has an address of a private or special network"


def test_the_endpoint_is_left_alone_for_as_long_as_it_asks(
    works: Works, endpoint: Endpoint
) -> None:
    submit(works, "a")
    submit(works, "b")
    endpoint.answer(Reaction(status=429, headers={"retry-after": "3600"}))
    deliver(works)
    endpoint.answer(Reaction(status=200))

    works.bench.advance(3_599_000)
    deliver(works)
    assert len(endpoint.received) == 1

    works.bench.advance(1_000)
    deliver(works)
    assert sorted({request.sequence for request in endpoint.received}) == [1, 2]


def test_410_ends_it_until_it_is_replayed(works: Works, endpoint: Endpoint) -> None:
    submit(works)
    endpoint.answer(Reaction(status=410))
    deliver(works)
    endpoint.answer(Reaction(status=200))
    works.bench.advance(PATIENCE_MS)
    works.hints.nudges.clear()
    tick(works.account)
    deliver(works)
    assert len(endpoint.received) == 1
    assert Task.CALL_BACK not in {task for task, _ in works.hints.nudges}
    assert status(works).is_gone

    works.resources.dispatcher.callbacks.replay("shop")
    deliver(works)

    assert [request.sequence for request in endpoint.received] == [1, 1]
    assert not status(works).is_gone


def test_a_chaotic_endpoint_sees_every_number_and_each_campaigns_in_order(
    works: Works, endpoint: Endpoint
) -> None:
    use(works, callback(endpoint, attempts=18, timeout=TOO_LONG))
    ways = itertools.cycle(
        [
            Reaction(),
            Reaction(status=503, headers={"retry-after": "7"}),
            Reaction(status=200),
            Reaction(status=0),
            Reaction(),
            Reaction(status=301, headers={"location": "/elsewhere"}),
            Reaction(),
        ]
    )
    taken: list[Received] = []

    def react(request: Received) -> Reaction:
        way = next(ways)
        if 200 <= way.status < 300:
            taken.append(request)
        return way

    endpoint.react = react
    for campaign in [submit(works, text) for text in ("a", "b", "c")]:
        works.run(campaign)
        deliver(works)
    last = works.resources.dispatcher.feed.extent("shop").last
    for _ in range(3 * last):
        works.bench.advance(PATIENCE_MS)
        deliver(works)

    assert sorted({request.sequence for request in taken}) == [*range(1, last + 1)]
    for campaign in {request.document["data"]["campaign"] for request in taken}:
        numbers = [
            request.sequence
            for request in taken
            if request.document["data"]["campaign"] == campaign
        ]
        assert numbers == sorted(numbers)
    assert status(works).dead == 0


def test_secrets_and_addresses_are_in_no_log_and_no_status(
    works: Works, endpoint: Endpoint
) -> None:
    submit(works)
    endpoint.answer(Reaction(status=500))
    structlog.reset_defaults()

    with capture_logs() as logs:
        deliver(works)

    assert [entry["event"] for entry in logs] == ["callback failed"]
    words = f"{logs} {status(works)!r} {works.account.settings!r}"
    for secret in (SECRET, OLD_SECRET, endpoint.url, "tenant=7"):
        assert secret not in words


def test_nobody_is_called_who_is_not_configured(works: Works, endpoint: Endpoint) -> None:
    works.submit()

    assert deliver_next(works.account, "default") is Progress.NONE
    assert endpoint.received == []
