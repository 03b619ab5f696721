"""The command line as a shell runs it, against the services of a stack."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.stack import Stack

DISPATCHER = str(Path(sys.executable).with_name("dispatcher"))


class Ended(NamedTuple):
    """What a command came to."""

    code: int
    output: str
    errors: str


def start(stack: Stack, *arguments: str, **options: Any) -> "subprocess.Popen[str]":  # noqa: ANN401 - Popen's own
    """Start a command; its standard input is empty unless an option says otherwise."""
    return subprocess.Popen(
        [DISPATCHER, *arguments],
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
    done = subprocess.run(
        [DISPATCHER, *arguments],
        env=os.environ | stack.env,
        input=given.encode() if isinstance(given, str) else given,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())
