"""Commands that become another process, such as worker, beat or web, and the schema they speak."""

import importlib
import importlib.util
import os
import sys
from typing import Annotated, NoReturn

import typer

from dispatcher.cli.output import stdout
from dispatcher.documents import submit_schema
from dispatcher.errors import SettingsError
from dispatcher.json_lines import write_json_lines
from dispatcher.queueing import QueueName
from dispatcher.settings import Settings
from dispatcher.smsfactor.opening import open_client
from dispatcher.store.account import Store
from dispatcher.web.keyring import Keyring

_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
_QUEUES = ", ".join(queue.value for queue in QueueName)
_CELERY = ("-m", "celery", "-A", "workers.celery")


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (worker, beat):
        app.command(context_settings=_PASS_ON)(command)
    app.command(context_settings={**_PASS_ON, "help_option_names": []})(sandbox)
    app.command()(web)
    app.command()(flower)
    app.command()(schema)


def worker(
    context: typer.Context,
    *,
    queues: Annotated[
        str | None,
        typer.Option(metavar="A,B", help=f"Of {_QUEUES}; default: all."),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Threads; default: DISPATCHER_CONCURRENCY, or 16."),
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Work on a Redis that evicts or forgets: never for real.")
    ] = False,
) -> None:
    """Run a worker: it quotes, sends, merges receipts.

    Run as many as you like. Stop it with SIGTERM: it finishes the POST it is in. Further
    arguments are Celery's.

    Example: dispatcher worker --concurrency 8 --loglevel INFO
    """
    _speak_as_set()
    _check_queues(queues)
    flags = ["--without-gossip", "--without-mingle"]
    flags += ["--queues", queues] if queues else []
    if concurrency:
        os.environ["DISPATCHER_CONCURRENCY"] = str(concurrency)
    if demo:
        os.environ["DISPATCHER_DEMO"] = "true"
    _check_worker(Settings.from_env())
    _become_celery("worker", *flags, *context.args)


def beat(context: typer.Context) -> None:
    """Run the clock that nudges what stands still.

    One is enough, and two do no harm. Further arguments are Celery's.

    Example: dispatcher beat
    """
    _speak_as_set()
    _become_celery("beat", *context.args)


def web(
    *,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
) -> None:
    """Run the receiver of the API's webhooks.

    The API is given https://HOST/webhooks/SECRET/dlr for receipts and .../mo for replies, with
    the account's own secret; see `dispatcher webhooks register`.

    Example: dispatcher web --host 0.0.0.0 --port 8000
    """
    _speak_as_set()
    Keyring(Settings.from_env().accounts)
    _become("-m", "dispatcher.web", "--host", host, "--port", str(port))


def flower(
    *,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 5555,
    url_prefix: Annotated[str, typer.Option(help="Where a proxy serves it, such as flower.")] = "",
) -> None:
    """Run Flower, which lists tasks and what came of them.

    Nothing can be changed through it. It asks for DISPATCHER_FLOWER_AUTH, USER:PASSWORD, and
    keeps its list in DISPATCHER_FLOWER_DIR. It needs the broker, and no credentials of any account.

    Example: dispatcher flower --host 0.0.0.0
    """
    _speak_as_set()
    if importlib.util.find_spec("flower") is None:
        raise SettingsError("Flower is not installed: pip install flower")
    Settings.from_env()
    where = ("--host", host, "--port", str(port), "--url-prefix", url_prefix)
    _become("-m", "workers.flower", *where)


def sandbox(context: typer.Context) -> None:
    """Run a look-alike of the SMSFactor API, for tests.

    Example: dispatcher sandbox --port 8100 --credits 5000
    """
    # Imported here, so that no other command depends on it.
    importlib.import_module("dispatcher.sandbox.__main__").main(context.args)


def schema() -> None:
    """Print the JSON Schema of `campaigns.submit`.

    Example: dispatcher schema > campaigns.submit.json
    """
    stdout().print_json(data=submit_schema())


def _speak_as_set() -> None:
    """Tell what keeps a process from starting in the form of its logs."""
    if Settings.wants_json_lines():
        write_json_lines()


def _check_queues(queues: str | None) -> None:
    known = {queue.value for queue in QueueName}
    unknown = [name for name in (queues or "").split(",") if name and name not in known]
    if unknown:
        raise SettingsError(f"--queues: there is no queue {unknown[0]!r}: choose of {_QUEUES}")


def _check_worker(settings: Settings) -> None:
    """Say here what a worker would only say by a line in its log, or not at all."""
    if not settings.accounts:
        raise SettingsError(
            "a worker without an account has nothing to do: set "
            "DISPATCHER_ACCOUNTS__DEFAULT__USERNAME and DISPATCHER_ACCOUNTS__DEFAULT__PASSWORD"
        )
    for account in settings.accounts:
        open_client(settings, account).close()
    Store.open(settings).close()


def _become_celery(command: str, *arguments: str) -> NoReturn:
    # Celery would tell a missing setting by a traceback.
    is_for_machines = Settings.from_env().log_format == "json"
    # Its banner is for people.
    quietly = ("--quiet",) if is_for_machines else ()
    _become(*_CELERY, *quietly, command, *arguments)


def _become(*arguments: str) -> NoReturn:
    """Replace this process, so that signals reach the service itself."""
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 - no shell is wanted
