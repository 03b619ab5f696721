"""Runs Flower: the list of tasks, for people who sign in, without a button that changes things."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address

from flower.app import Flower
from flower.command import extract_settings, setup_logging
from flower.options import options
from flower.urls import settings as web_settings

from dispatcher.cli.exit_codes import code_of_error
from dispatcher.cli.output import say_error
from dispatcher.errors import DispatcherError, SettingsError
from dispatcher.json_lines import write_json_lines
from dispatcher.listening import port_refused
from dispatcher.logs import configure_logs, warn_of_strays
from dispatcher.queueing import make_app
from dispatcher.settings import Settings

# It is written by pickling all of it, which is a tenth of a second for these.
_MOST_TASKS = 10_000
_SAVE_EVERY_MS = 60_000
# Workers have a new name each time a container is made.
_FORGET_WORKERS_AFTER = 3600
# A result says what came of a task, so it is among the first things to see.
_COLUMNS = "name,args,state,result,received,runtime,worker,uuid"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run Flower as the command line and the environment say."""
    parser = argparse.ArgumentParser(prog="dispatcher flower", description="Lists tasks.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5555)
    parser.add_argument("--url-prefix", default="")
    given = parser.parse_args(arguments)
    if Settings.wants_json_lines():
        write_json_lines()
    try:
        settings = Settings.from_env()
        configure_logs(settings)
        be_quiet()
        warn_of_strays(settings)
        configure(settings, host=given.host, port=given.port, url_prefix=given.url_prefix)
        _run(settings)
    except DispatcherError as error:
        say_error(error)
        sys.exit(code_of_error(error))


def configure(settings: Settings, *, host: str, port: int, url_prefix: str = "") -> None:
    """Set Flower's options, which are one set for the whole process.

    Raises:
        SettingsError: anybody who reaches the address could look, for no sign-in is set; or the
            list of tasks has no folder.
    """
    if settings.flower_auth is None and not _is_loopback(host):
        raise SettingsError(
            f"anybody who reaches {host} could look: set DISPATCHER_FLOWER_AUTH to USER:PASSWORD, "
            "or listen on 127.0.0.1"
        )
    try:
        settings.flower_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingsError(f"DISPATCHER_FLOWER_DIR: {error.strerror}: {error.filename}") from None
    options.address, options.port = host, port
    options.basic_auth = [settings.flower_auth.get_secret_value()] if settings.flower_auth else []
    if settings.flower_cookie_secret is not None:
        options.cookie_secret = settings.flower_cookie_secret.get_secret_value()
    options.url_prefix = url_prefix.strip("/") or None
    options.read_only = True
    options.persistent = True
    options.db = str(settings.flower_dir / "tasks")
    options.state_save_interval = _SAVE_EVERY_MS
    options.max_tasks = _MOST_TASKS
    options.purge_offline_workers = _FORGET_WORKERS_AFTER
    options.tasks_columns = _COLUMNS


def be_quiet() -> None:
    """Log what is wrong only, and once: pages ask again with every refresh, and show the answer."""
    root = logging.getLogger()
    if root.level > logging.DEBUG:
        root.setLevel(max(root.level, logging.WARNING))
        # Four lines whenever no worker answers, or the broker, which is told without it.
        logging.getLogger("flower.inspector").setLevel(logging.ERROR)


def _run(settings: Settings) -> None:
    extract_settings()
    setup_logging()
    # The bare application: Flower needs no credentials of any account, and no store.
    flower = Flower(capp=make_app(settings), options=options, **web_settings)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        port = flower.start_http_server()
    except OSError as error:
        raise port_refused(options.address, options.port, error) from None
    print(f"flower listening on http://{options.address}:{port}", flush=True)  # noqa: T201 - its user waits for it
    with suppress(SystemExit):
        flower.start()
    flower.stop()
    # Its threads may be trying to reach a broker that is away, for minutes.
    sys.stdout.flush()
    os._exit(0)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


if __name__ == "__main__":
    main()
