"""One trace from a producer's own, by submit, quote and POST, to the receipts; and nobody in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher import Campaign, CampaignState, Dispatcher, Recipient
from dispatcher.queueing import QueueName, Task, make_app
from dispatcher.spans import open_spans
from tests.support.collector import Collector, running_collector
from tests.support.polling import eventually
from tests.support.stack import Stack

TEXT = "Quokka sur le parvis"
NUMBERS = [f"3363998{n:04d}" for n in range(2200, 2203)]
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = bytes.fromhex("0af7651916cd43dd8448eb211c80319c")
COURSE = {
    "campaigns.submit",
    "campaigns.quote",
    "POST /send/simulate",
    "campaigns.send",
    "POST /send",
    "receipts.merge",
}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with running_collector() as collector:
        yield collector


@pytest.fixture
def stack(tmp_path: Path, collector: Collector) -> Iterator[Stack]:
    env = {"DISPATCHER_TRACING_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    with Stack(tmp_path, sandbox_options=("--receipt-delay", "0"), env=env) as stack:
        stack.start_web()
        stack.start_worker()
        stack.start_beat()
        yield stack


def names_in(collector: Collector, trace: bytes) -> set[str]:
    return {span.name for span in collector.spans if span.trace_id == trace}


def campaign() -> Campaign:
    recipients: list[Recipient | str] = [Recipient(NUMBERS[0], id="order-17"), *NUMBERS[1:]]
    return Campaign(text=TEXT, sender="Boutique", recipients=recipients)


def test_a_campaign_is_one_trace_that_goes_on_from_its_producers(
    stack: Stack, collector: Collector
) -> None:
    producer = open_spans(collector.url, service="shop")
    dispatcher = Dispatcher.from_settings(stack.settings)
    with producer.span("checkout", parent=PARENT):
        identity = dispatcher.submit(campaign(), idempotency_key="order-17")
    assert dispatcher.wait(identity, 60).state is CampaignState.FINISHED
    dispatcher.close()
    producer.close()

    eventually(lambda: names_in(collector, TRACE) >= COURSE | {"checkout"})
    [post] = collector.named("POST /send")
    turns = [span for span in collector.spans if span.span_id == post.parent_span_id]
    facts = {fact.key: fact.value.string_value for fact in post.attributes}
    assert facts["dispatcher.route"] == "/send"
    assert facts["dispatcher.outcome"] == "ok"
    assert turns
    assert {event.name for event in turns[0].events} >= {"claimed", "written", "recorded"}
    told = b"".join(collector.bodies)
    for secret in ("Quokka", "order-17", "sandbox@example.com", *(n[-8:] for n in NUMBERS)):
        assert secret.encode() not in told


def test_a_foreign_message_brings_its_trace_along(stack: Stack, collector: Collector) -> None:
    app = make_app(stack.settings)
    document = {"idempotency_key": "foreign", "text": TEXT, "recipients": [f"+{NUMBERS[0]}"]}

    app.send_task(
        Task.SUBMIT.value,
        args=[document],
        queue=QueueName.SUBMIT.value,
        headers={"traceparent": PARENT},
        argsrepr="(hidden)",
        ignore_result=True,
    )

    eventually(lambda: names_in(collector, TRACE) >= COURSE)
    assert b"Quokka" not in b"".join(collector.bodies)
