"""`dispatcher health`, `monitor` and `recount`: how processes are, and how all of it stands."""

import json
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from typing import Annotated, Any

import typer

from dispatcher.cli.exit_codes import ExitCode
from dispatcher.cli.health_view import health_lines
from dispatcher.cli.output import stdout, write_json
from dispatcher.cli.session import AccountOption, JsonOption
from dispatcher.errors import SettingsError
from dispatcher.json_lines import write_json_lines
from dispatcher.logs import configure_logs, warn_of_strays
from dispatcher.monitoring.monitor import run_monitor
from dispatcher.settings import Settings
from dispatcher.store.account import Store

# Whoever asks is asked to answer soon, too.
_TIMEOUT = 8.0
_OK = 200


def add_commands(app: typer.Typer) -> None:
    """Add `health`, `monitor` and `recount`."""
    app.command()(health)
    app.command()(monitor)
    app.command()(recount)


def health(
    *,
    ready: Annotated[
        bool, typer.Option("--ready", help="Ask whether it has all it needs, not whether it lives.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Where it listens; default: DISPATCHER_MONITOR_PORT."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a process of ours here how it is.

    Tells what the worker, beat, receiver or monitor at a port of this machine says, and exits
    with 0 when all is well and with 1 when not: for health checks of containers.

    Example: dispatcher health --ready
    """
    settings = Settings.from_env()
    asked = port or settings.monitor_port
    if not asked:
        raise SettingsError(
            "DISPATCHER_MONITOR_PORT is not set, so no process here tells how it is: "
            "set it for the process, and for this command, or name its port by --port"
        )
    host = _dialled(settings.monitor_host)
    status, found = _asked(host, asked, "/ready" if ready else "/live")
    if as_json:
        write_json(found)
    elif "ok" in found:
        lines = health_lines(found, asked_for_readiness=ready, is_fine=status == _OK)
        stdout().print("\n".join(lines), markup=False)
    else:
        stdout().print(str(found["error"]), markup=False)
    raise typer.Exit(ExitCode.OK if status == _OK and "ok" in found else ExitCode.FAILED)


def monitor(
    *,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 9465,
) -> None:
    """Run what reads the state and shows it.

    Serves a board for people at /, metrics for Prometheus at /metrics, what waits for autoscalers
    at /depth, and /live and /ready. Nothing in it is about a person, and nothing can be changed
    through it.

    Example: dispatcher monitor --host 0.0.0.0
    """
    if Settings.wants_json_lines():
        write_json_lines()
    settings = Settings.from_env()
    configure_logs(settings)
    warn_of_strays(settings)
    run_monitor(settings, host=host, port=port)


def recount(*, account: AccountOption = None) -> None:
    """Count anew what stands where.

    Scripts keep count of campaigns and batches by state for the monitor. Should that ever differ
    from what `dispatcher status` tells, ticks enter every campaign again, 200 a second. Nothing
    else changes.

    Example: dispatcher recount
    """
    settings = Settings.from_env()
    with closing(Store.open(settings)) as store:
        name = account or settings.default_account
        store.account(name).ledger.count_anew()
    stdout().print(f"The campaigns of {name} are being counted anew, by the ticks.")


def _asked(host: str, port: int, path: str) -> tuple[int, dict[str, Any]]:
    """Give the answer, or an `error` in place of one."""
    where = f"{host}:{port}"
    try:
        status, found = _ask(host, port, path)
    except OSError as error:
        return 0, {
            "error": f"Nobody answers at {where} ({type(error).__name__}): the process does not "
            "run, or has another DISPATCHER_MONITOR_PORT"
        }
    except (HTTPException, ValueError):
        status, found = 0, {}
    if "ok" not in found:
        return status, {"error": f"What answers at {where} does not tell how it is: another port?"}
    return status, found


def _ask(host: str, port: int, path: str) -> tuple[int, dict[str, Any]]:
    connection = HTTPConnection(host, port, timeout=_TIMEOUT)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        document = json.loads(answer.read())
    finally:
        connection.close()
    return answer.status, document if isinstance(document, dict) else {}


def _dialled(host: str) -> str:
    """Give where to reach what listens on an address, which may be all of them."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"  # noqa: PLR2004 - of IP
