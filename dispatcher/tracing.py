"""Traces of campaigns, from submit to receipt, for an OpenTelemetry collector: or nothing at all.

What is traced are ids, routes and how things ended; never a number, a text or an error's words.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

from dispatcher.errors import SettingsError
from dispatcher.settings import Settings

Fact = str | int | float | bool


class Tracing:
    """What is traced with; this one does nothing, for those who set no endpoint.

    Attributes:
        is_on: whether it is worth the while to find out what only a trace needs.
    """

    is_on = False

    @contextmanager
    def span(self, name: str, *, parent: str = "", **facts: Fact) -> Iterator[None]:
        """Trace what is done within.

        Args:
            name: of what is done.
            parent: a `traceparent` of W3C; "" for what this thread is in the middle of.
            facts: what is worth knowing of it.
        """
        del name, parent, facts
        yield

    def record(
        self, name: str, *, parent: str = "", began_at: float, seconds: float, **facts: Fact
    ) -> None:
        """Trace what is over; `began_at` is in seconds since 1970."""

    def call(
        self, name: str, *, began_at: float, seconds: float, is_fine: bool, **facts: Fact
    ) -> None:
        """Trace a call of somebody else, if it was part of something that is traced."""

    def event(self, name: str, **facts: Fact) -> None:
        """Note a moment within what is being traced."""

    def here(self) -> str:
        """Give the `traceparent` of what is being traced; "" for nothing."""
        return ""

    def close(self) -> None:
        """Send what was not sent yet."""


def open_tracing(settings: Settings, *, service: str) -> Tracing:
    """Open what the settings ask for.

    Args:
        settings: where the collector is, if there is one.
        service: what this process is.

    Raises:
        SettingsError: there is one, and the extra that speaks to it is not installed.
    """
    if not settings.tracing_endpoint:
        return Tracing()
    try:
        spans = importlib.import_module("dispatcher.spans")
    except ImportError:
        raise SettingsError(
            "DISPATCHER_TRACING_ENDPOINT is set, and OpenTelemetry is not installed: "
            "pip install 'sms-campaign-dispatcher[tracing]'"
        ) from None
    tracing = spans.open_spans(settings.tracing_endpoint, service=service)
    assert isinstance(tracing, Tracing)  # noqa: S101 - what an import by name gives has no type
    return tracing
