"""Secrets a command needs: never an argument, which every user of the machine can see."""

import sys

import typer


def read_secret(what: str) -> str:
    """Ask for a secret twice, unseen; without a terminal, read a line of standard input.

    Raises:
        BadParameter: that line is empty.
    """
    if sys.stdin.isatty():
        secret: str = typer.prompt(
            what.capitalize(), hide_input=True, confirmation_prompt=True, err=True
        )
        return secret
    secret = sys.stdin.readline().rstrip("\r\n")
    if not secret:
        raise typer.BadParameter(f"the {what} is missing: give it as a line of standard input")
    return secret
