"""Traces: nothing without a collector, and with one neither a number nor an error's words."""

import sys
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from dispatcher.errors import SettingsError
from dispatcher.settings import Settings
from dispatcher.spans import Spans, spans_to
from dispatcher.tracing import Tracing, open_tracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = 0x0AF7651916CD43DD8448EB211C80319C


class Traced:
    """Spans that stay here."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracing: Spans = spans_to(self.exporter, service="test")

    @property
    def spans(self) -> list[ReadableSpan]:
        self.tracing._provider.force_flush()
        return list(self.exporter.get_finished_spans())


@pytest.fixture
def traced() -> Iterator[Traced]:
    found = Traced()
    yield found
    found.tracing.close()


def test_without_an_endpoint_nothing_is_traced_or_loaded() -> None:
    tracing = open_tracing(Settings.model_validate({}), service="test")

    with tracing.span("a", parent=PARENT, n=1):
        tracing.event("b")
        assert tracing.here() == ""
    assert type(tracing) is Tracing
    assert not tracing.is_on


def test_an_endpoint_without_the_extra_is_a_clear_error() -> None:
    settings = Settings.model_validate({"tracing_endpoint": "http://127.0.0.1:4318"})

    with (
        patch.dict(sys.modules, {"dispatcher.spans": None}),
        pytest.raises(SettingsError, match="OpenTelemetry is not installed"),
    ):
        open_tracing(settings, service="test")


def test_a_producers_own_trace_goes_on(traced: Traced) -> None:
    with traced.tracing.span("theirs", parent=PARENT), traced.tracing.span("ours"):
        here = traced.tracing.here()

    assert here.startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert {span.context.trace_id for span in traced.spans if span.context} == {TRACE}


@pytest.mark.parametrize("parent", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_what_is_no_parent_begins_a_trace(traced: Traced, parent: str) -> None:
    with traced.tracing.span("a", parent=parent):
        assert traced.tracing.here()

    assert traced.spans[0].parent is None


def test_a_call_is_part_of_what_makes_it_and_of_nothing_else(traced: Traced) -> None:
    facts = {"route": "/send", "outcome": "refused -3"}
    traced.tracing.call("POST /send", began_at=1.0, seconds=0.5, is_fine=False, **facts)
    assert traced.spans == []

    with traced.tracing.span("campaigns.send"):
        traced.tracing.call("POST /send", began_at=1.0, seconds=0.5, is_fine=False, **facts)

    call, turn = traced.spans
    assert call.parent == turn.context
    assert call.kind is trace.SpanKind.CLIENT
    assert (call.start_time, call.end_time) == (1_000_000_000, 1_500_000_000)
    assert dict(call.attributes or {}) == {
        "dispatcher.route": "/send",
        "dispatcher.outcome": "refused -3",
    }
    assert call.status.status_code is trace.StatusCode.ERROR


def test_of_an_error_its_kind_is_traced_and_not_its_words(traced: Traced) -> None:
    with pytest.raises(ValueError, match="39980001"), traced.tracing.span("a"):
        raise ValueError("33639980001")

    [span] = traced.spans
    assert span.status.description == "ValueError"
    assert "39980001" not in span.to_json()


def test_what_is_over_is_traced_where_it_belongs(traced: Traced) -> None:
    traced.tracing.record("receipts.merge", parent=PARENT, began_at=2.0, seconds=1.0, campaign="c")

    [span] = traced.spans
    assert span.context is not None
    assert span.context.trace_id == TRACE
    assert span.end_time == 3_000_000_000


def test_a_collector_that_is_away_costs_no_more_than_seconds_at_the_end() -> None:
    settings = Settings.model_validate({"tracing_endpoint": "http://127.0.0.1:9"})
    tracing = open_tracing(settings, service="test")

    with tracing.span("a"):
        pass

    tracing.close()
