"""What the commands of `dispatcher api` share: their options, the client, and how errors end."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Concatenate, Literal

import typer
from rich.table import Table
from rich.text import Text

from dispatcher.cli.api.advice import telling_errors
from dispatcher.cli.output import stdout, write_json
from dispatcher.cli.session import AccountOption, JsonOption
from dispatcher.errors import SettingsError
from dispatcher.settings import Settings
from dispatcher.smsfactor import SmsFactor
from dispatcher.smsfactor.opening import open_client


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The options of every command of the group; `--yes` only where something changes."""

    account: AccountOption = None
    wire: Annotated[
        Literal["json", "xml"] | None,
        typer.Option(help="The format to talk in; left out: DISPATCHER_WIRE."),
    ] = None
    dialect: Annotated[
        Literal["v1", "live"] | None,
        typer.Option(help="The documentation to follow; left out: DISPATCHER_DIALECT."),
    ] = None
    as_json: JsonOption = False
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiCall:
    """What a command works with.

    Attributes:
        api: the client of the account that was named.
        settings: those of the environment, with what the options say instead.
    """

    api: SmsFactor
    settings: Settings
    options: Options

    def confirm(self, question: str) -> None:
        """Have the user agree, unless they did so by `--yes`.

        Raises:
            Abort: they do not.
            BadParameter: there is nobody to ask.
        """
        if self.options.yes:
            return
        if not sys.stdin.isatty():
            raise typer.BadParameter("there is no terminal to ask at: add --yes to do it")
        typer.confirm(question, abort=True, err=True)

    def show(self, value: object, view: str | Text | Table) -> None:
        """Write the result: as JSON if that is wanted, else as people like it."""
        if self.options.as_json:
            write_json(value)
        else:
            stdout().print(Text(view) if isinstance(view, str) else view)


Command = Callable[Concatenate[ApiCall, ...], None]


def api_command(
    *, changes: bool = False, live: bool = False
) -> Callable[[Command], Callable[..., None]]:
    """Turn a function that makes an `ApiCall` into a command with the options all share.

    Args:
        changes: it may do something that cannot be undone, so it has `--yes`.
        live: only the live dialect has its route (contract section 9).
    """

    def decorate(command: Command) -> Callable[..., None]:
        _, *own = inspect.signature(command).parameters.values()
        shared = inspect.signature(Options).parameters.values()
        offered = [each for each in shared if changes or each.name != "yes"]

        @wraps(command)
        def run(**given: object) -> None:
            chosen = {each.name: given.pop(each.name) for each in offered}
            options = Options(**chosen)  # type: ignore[arg-type]  # typer has checked them
            settings = _settings(options, live=live)
            with (
                telling_errors(changes=changes, as_json=options.as_json),
                open_client(settings, options.account or settings.default_account) as api,
            ):
                command(ApiCall(api=api, settings=settings, options=options), **given)

        # What typer makes its options of.
        run.__signature__ = inspect.Signature([*own, *offered])  # type: ignore[attr-defined]  # functions may have it
        return run

    return decorate


def _settings(options: Options, *, live: bool) -> Settings:
    chosen = {"wire": options.wire, "dialect": options.dialect}
    given = {name: value for name, value in chosen.items() if value is not None}
    settings = Settings.from_env().model_copy(update=given)
    if live and settings.dialect != "live":
        raise SettingsError(
            "only accounts of the live dialect have this call: add --dialect live, or set "
            "DISPATCHER_DIALECT=live (dispatcher doctor finds out which one yours is)"
        )
    return settings
