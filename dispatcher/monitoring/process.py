"""The endpoint that worker, beat and web have beside their work."""

from contextlib import suppress

import structlog

from dispatcher.errors import StoreError
from dispatcher.monitoring.endpoint import Endpoint
from dispatcher.monitoring.health import OK, Finding, Look, health_page
from dispatcher.monitoring.meters import Meters
from dispatcher.settings import Settings
from dispatcher.store.vitals import Looker

_log = structlog.get_logger("dispatcher.monitoring")


def open_endpoint(
    settings: Settings, *, live: Look, ready: Look, meters: Meters
) -> Endpoint | None:
    """Serve `/live`, `/ready` and `/metrics` of this process; None when the settings ask for none.

    Args:
        settings: where to listen.
        live: whether a restart would help; asked often, and must not wait for anybody.
        ready: whether the process has all it needs; may ask.
        meters: what it counts.

    Raises:
        SettingsError: the port cannot be had.
    """
    if not settings.monitor_port:
        return None
    endpoint = Endpoint(
        {"/live": lambda: health_page(live)},
        {"/ready": lambda: health_page(ready), "/metrics": meters.page},
        host=settings.monitor_host,
        port=settings.monitor_port,
        named_by="DISPATCHER_MONITOR_PORT",
    )
    endpoint.start()
    _log.info("endpoint listens", host=settings.monitor_host, port=endpoint.port)
    return endpoint


def find_redis(looker: Looker) -> Finding:
    """Ask the Redis that holds campaigns whether it is there."""
    says = OK
    try:
        looker.ping()
    except StoreError as error:
        says = str(error)
    return Finding(subject="redis", says=says)


def find_broker(*, answers: bool) -> Finding:
    """Tell whether the broker answers."""
    return Finding(subject="broker", says=OK if answers else "the broker does not answer")


def close(endpoint: Endpoint | None) -> None:
    """Close what may never have been opened."""
    if endpoint is not None:
        with suppress(RuntimeError):
            endpoint.close()
