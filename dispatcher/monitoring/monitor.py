"""Runs the monitor: board, metrics and depth, read from the state at each request."""

import signal
from threading import Event

import msgspec
import structlog

from dispatcher.errors import SettingsError
from dispatcher.monitoring.board import board_page
from dispatcher.monitoring.endpoint import JSON, Endpoint, Page, Pages
from dispatcher.monitoring.health import OK, Finding, health_page
from dispatcher.monitoring.metrics import metrics_page
from dispatcher.monitoring.state import Monitor, View
from dispatcher.settings import Settings

_log = structlog.get_logger("dispatcher.monitoring")


def run_monitor(settings: Settings, *, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        SettingsError: the port cannot be had, or there is no account to look at.
    """
    if not (settings.accounts or settings.monitor_accounts):
        raise SettingsError(
            "no account to look at: set DISPATCHER_MONITOR_ACCOUNTS, such as to default"
        )
    ended = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    monitor = Monitor(settings)
    endpoint = Endpoint(
        {"/live": lambda: health_page(lambda: [Finding(subject="work")])},
        pages_of(monitor),
        host=host,
        port=port,
    )
    endpoint.start()
    shown = f"[{host}]" if ":" in host else host
    print(f"monitor listening on http://{shown}:{endpoint.port}", flush=True)  # noqa: T201 - its user waits for it
    ended.wait()
    endpoint.close()
    monitor.close()


def pages_of(monitor: Monitor) -> Pages:
    """Give the pages that show what a monitor sees."""
    return {
        "/": lambda: board_page(monitor.look()),
        "/metrics": lambda: metrics_page(monitor.look()),
        "/depth": lambda: depth_page(monitor.look()),
        "/ready": lambda: health_page(lambda: findings_of(monitor.look())),
    }


def findings_of(view: View) -> list[Finding]:
    """Tell what of its sources a monitor reaches."""
    return [
        Finding(subject="redis", says=OK if view.server else view.why),
        Finding(subject="broker", says=OK if view.broker else "the broker does not answer"),
    ]


def depth_page(view: View) -> Page:
    """Show what waits, for autoscalers; 503 rather than a guess when somebody cannot tell."""
    if view.server is None or view.broker is None:
        return Page(body='{"error": "Redis or the broker is away"}\n', kind=JSON, status=503)
    document = {
        "batches": view.batches,
        "paced": view.paced,
        "hints": view.hints,
        "receipts": view.receipts,
    }
    return Page(body=msgspec.json.encode(document).decode() + "\n", kind=JSON)
