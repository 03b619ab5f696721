"""The command line as a shell runs it, against the services of a stack."""

import os
import subprocess
from typing import Any, NamedTuple

from tests.support import warm
from tests.support.stack import Stack


class Ended(NamedTuple):
    """What a command came to."""

    code: int
    output: str
    errors: str


def start(stack: Stack, *arguments: str, **options: Any) -> "subprocess.Popen[str]":  # noqa: ANN401 - Popen's own
    """Start a command; its standard input is empty unless an option says otherwise."""
    return warm.WarmPopen[str](
        [warm.DISPATCHER, *arguments],
        env=os.environ | stack.env,
        text=True,
        **{
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            **options,
        },
    )


def run(stack: Stack, *arguments: str, given: str | bytes = "") -> Ended:
    """Run a command to its end, with this on its standard input."""
    raw = given.encode() if isinstance(given, str) else given
    done = warm.run([warm.DISPATCHER, *arguments], os.environ | stack.env, raw)
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())
