"""How a refusal of the API is told: what it said, and what to do about it."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from dispatcher.cli.exit_codes import ExitCode, code_of_error
from dispatcher.cli.output import say, say_error, stderr
from dispatcher.cli.problems_view import show_problems, write_problems_json
from dispatcher.errors import (
    ApiError,
    ApiUnreachableError,
    CredentialsRefusedError,
    InputError,
    NotEnoughCreditsError,
    OutcomeUnknownError,
)


@contextmanager
def telling_errors(*, changes: bool, as_json: bool) -> Iterator[None]:
    """End a command whose call failed with what went wrong, what to do, and its exit code."""
    try:
        yield
    except InputError as error:
        if as_json:
            write_problems_json(error)
        else:
            show_problems(error, stderr())
        raise typer.Exit(ExitCode.BAD_INPUT) from None
    except ApiError as error:
        say_error(error)
        say(advice_for(error, changes=changes))
        raise typer.Exit(code_of_error(error)) from None


def advice_for(error: ApiError, *, changes: bool) -> str:
    """Say what to do about an error of a call, which may have changed something."""
    match error:
        case CredentialsRefusedError():
            return "Correct the account's credentials; to test them: dispatcher doctor"
        case NotEnoughCreditsError():
            return "Top the account up, then do it again."
        case ApiUnreachableError():
            return "Nothing was done. Check DISPATCHER_API_URL, and that this machine may connect."
        case OutcomeUnknownError() if changes:
            return "It may have been done: look before you do it again."
        case OutcomeUnknownError():
            return "Try again later; if it stays so: dispatcher doctor"
        case _:
            return "Nothing was done. Mend what the API names, an unknown id for instance."
