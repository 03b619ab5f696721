"""Traces as OpenTelemetry has them; imported only where a collector is set, for it is an extra."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from dispatcher.tracing import Fact, Tracing

_NANOSECONDS = 1_000_000_000
# Whoever traces must not hold a process up that ends.
_FLUSH_MS = 3_000
_EXPORT_SECONDS = 5
_PREFIX = "dispatcher."
_PARENT = "traceparent"


class Spans(Tracing):
    """Makes spans with a provider of its own: what a producer set up for itself stays as it is."""

    is_on = True

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("dispatcher")
        self._wire = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, name: str, *, parent: str = "", **facts: Fact) -> Iterator[None]:
        """Trace what is done within; of an error, its kind and not its words."""
        with self._tracer.start_as_current_span(
            name,
            context=self._context(parent),
            attributes=_attributes(facts),
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    def record(
        self, name: str, *, parent: str = "", began_at: float, seconds: float, **facts: Fact
    ) -> None:
        """Trace what is over."""
        began = int(began_at * _NANOSECONDS)
        span = self._tracer.start_span(
            name, context=self._context(parent), attributes=_attributes(facts), start_time=began
        )
        span.end(began + int(seconds * _NANOSECONDS))

    def call(
        self, name: str, *, began_at: float, seconds: float, is_fine: bool, **facts: Fact
    ) -> None:
        """Trace a call, if it was part of something that is traced."""
        if not trace.get_current_span().is_recording():
            return
        began = int(began_at * _NANOSECONDS)
        span = self._tracer.start_span(
            name, kind=SpanKind.CLIENT, attributes=_attributes(facts), start_time=began
        )
        if not is_fine:
            span.set_status(Status(StatusCode.ERROR))
        span.end(began + int(seconds * _NANOSECONDS))

    def event(self, name: str, **facts: Fact) -> None:
        """Note a moment."""
        trace.get_current_span().add_event(name, _attributes(facts))

    def here(self) -> str:
        """Give the `traceparent` of what is being traced."""
        carrier: dict[str, str] = {}
        self._wire.inject(carrier)
        return carrier.get(_PARENT, "")

    def close(self) -> None:
        """Send what was not sent yet, within seconds."""
        self._provider.force_flush(_FLUSH_MS)
        self._provider.shutdown()

    def _context(self, parent: str) -> Context | None:
        return self._wire.extract({_PARENT: parent}) if parent else None


def open_spans(endpoint: str, *, service: str) -> Spans:
    """Send spans to a collector by OTLP over HTTP, from a thread of their own."""
    url = f"{endpoint.rstrip('/')}/v1/traces"
    return spans_to(OTLPSpanExporter(endpoint=url, timeout=_EXPORT_SECONDS), service=service)


def spans_to(exporter: SpanExporter, *, service: str) -> Spans:
    """Give spans to an exporter."""
    named = Resource.create({"service.name": service, "service.namespace": "sms-dispatcher"})
    provider = TracerProvider(resource=named)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Spans(provider)


def _attributes(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    return {f"{_PREFIX}{name}": value for name, value in facts.items()}
