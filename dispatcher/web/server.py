"""Runs the receiver: one process and one event loop; a proxy may spread over several."""

import errno
import socket
from collections.abc import Callable
from contextlib import closing
from typing import Any

import structlog
import uvicorn

from dispatcher.errors import SettingsError
from dispatcher.listening import listen
from dispatcher.queueing import Hints, make_app
from dispatcher.settings import Settings
from dispatcher.store.inbox import Inbox
from dispatcher.web.deposits import Deposits
from dispatcher.web.guard import Guard
from dispatcher.web.keyring import Keyring
from dispatcher.web.protocol import PunctualProtocol, ReceiptProtocol
from dispatcher.web.receiver import Receiver
from dispatcher.web.reminders import Reminders
from dispatcher.web.spool import Spool
from dispatcher.web.watching import LoopWatch

_log = structlog.get_logger("dispatcher.web")

_BACKLOG = 2048
# Bounds memory: each may be sending a body of 64 KiB.
_CONNECTIONS = 4096
_KEEP_ALIVE_SECONDS = 75
_DRAIN_SECONDS = 15
# What a disk says that may take more later.
_PASSING = (errno.ENOSPC, errno.EDQUOT)


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


def serve(settings: Settings, *, host: str, port: int) -> None:
    """Receive webhooks until SIGTERM or SIGINT; what was taken by then is answered.

    Raises:
        SettingsError: no account has a webhook secret that can be used, or the port cannot be had.
    """
    app = make_receiver(settings)
    watch = LoopWatch(settings, app.condition)
    listener = listen(host, port, backlog=_BACKLOG)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}"

    def announce() -> None:
        watch.begin()
        print(f"receiver listening on {address}", flush=True)  # noqa: T201 - its user waits for it

    with listener, closing(watch):
        AnnouncingServer(make_config(app), announce).run(sockets=[listener])


def make_receiver(settings: Settings) -> Receiver:
    """Put the receiver together.

    Raises:
        SettingsError: no account has a webhook secret that can be used, signatures cannot be
            checked in the way that is set, or nothing can be kept where the spool is to be.
    """
    keyring = Keyring(settings.accounts)
    reminders = Reminders(Hints(make_app(settings), fan_out=1))
    spool = Spool(settings.spool_dir, max_bytes=settings.spool_max_bytes)
    _look_at(spool)
    deposits = Deposits(Inbox(settings), spool, kept=reminders.remind)
    return Receiver(deposits, keyring, Guard.of(settings))


def _look_at(spool: Spool) -> None:
    """See that what comes while Redis is away can be kept, before that is needed.

    Raises:
        SettingsError: as it is set, it never can.
    """
    try:
        spool.probe()
    except OSError as error:
        if error.errno in _PASSING:
            # Redis may well take everything meanwhile.
            _log.error("the spool cannot be written now", reason=error.strerror)
            return
        reason = error.strerror or type(error).__name__
        raise SettingsError(
            f"DISPATCHER_SPOOL_DIR: {spool.folder} cannot be written to ({reason}): name a folder "
            "that this process may write to, on a disk that outlives it"
        ) from error


def make_config(
    app: Any,  # noqa: ANN401 - any ASGI application
    *,
    http: type[PunctualProtocol] = ReceiptProtocol,
) -> uvicorn.Config:
    """Say how uvicorn is to run an application."""
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=http,
        ws="none",
        lifespan="on",
        log_config=None,
        # Paths hold secrets.
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
