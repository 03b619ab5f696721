import os
import socket
from collections.abc import Callable

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dispatcher.sandbox.app import SandboxApp
from dispatcher.sandbox.config import SandboxConfig
from dispatcher.sandbox.exchange import TRANSPORT_EXTENSION

_BACKLOG = 1024


class PortRefusedError(Exception):
    """Somebody listens at the port already, or nobody may."""


class CuttableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, telling the application which connection it is talking over."""

    def on_message_begin(self) -> None:
        """Add the transport to the request's scope."""
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT_EXTENSION: self.transport}  # type: ignore[dict-item]


class AnnouncingServer(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then announce."""
        await super().startup(sockets)
        if self.started:
            self._announce()


def serve(config: SandboxConfig, *, host: str = "127.0.0.1", port: int = 0) -> None:
    """Run a sandbox until SIGTERM or SIGINT, printing one line when it listens.

    Raises:
        PortRefusedError: the port cannot be had.
    """
    try:
        listener = socket.create_server((host, port), backlog=_BACKLOG)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise PortRefusedError(
            f"nothing can listen on {host}:{port} ({why}): end what listens there already, "
            "or give another port by --port"
        ) from None
    address = f"http://{host}:{listener.getsockname()[1]}"
    settings = uvicorn.Config(
        SandboxApp(config),
        loop="uvloop",
        http=CuttableProtocol,
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )

    def announce() -> None:
        print(f"sandbox listening on {address}", flush=True)  # noqa: T201 - its user waits for it

    with listener:
        AnnouncingServer(settings, announce).run(sockets=[listener])
