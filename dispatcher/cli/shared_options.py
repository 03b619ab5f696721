"""Lets commands have many options in common, which are then described in one place."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, TypeVar

_Options = TypeVar("_Options")


def with_options(
    kind: type[_Options],
) -> Callable[[Callable[Concatenate[_Options, ...], None]], Callable[..., None]]:
    """Turn a function of such options into a command that has them beside those of its own.

    Args:
        kind: a dataclass whose fields are options, or arguments, in their order; arguments of the
            command's own come before them.
    """
    shared = inspect.signature(kind).parameters.values()

    def turn(command: Callable[Concatenate[_Options, ...], None]) -> Callable[..., None]:
        _, *own = inspect.signature(command).parameters.values()
        first = [each for each in own if each.kind is not inspect.Parameter.KEYWORD_ONLY]

        @wraps(command)
        def run(*before: object, **given: object) -> None:
            chosen = {each.name: given.pop(each.name) for each in shared}
            command(kind(**chosen), *before, **given)

        # What typer makes its options of.
        run.__signature__ = inspect.Signature([*first, *shared, *own[len(first) :]])  # type: ignore[attr-defined]  # functions may have it
        return run

    return turn
