import json

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from dispatcher.cli.exit_codes import ExitCode
from dispatcher.cli.main import app

COMMANDS = sorted(getattr(get_command(app), "commands", {}))


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "80"})
    assert result.exit_code == 0
    return result.output


def test_help_lists_every_command_whole_and_every_exit_code() -> None:
    listed = shown("--help")

    assert len(COMMANDS) >= 14
    for command in COMMANDS:
        assert f"\n  {command} " in listed
    assert "..." not in listed.split("Commands:")[1]
    for code in ExitCode:
        assert f"{code.value}: {code.meaning}" in listed


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "sandbox"])
def test_every_command_has_an_example(command: str) -> None:
    assert f"Example: dispatcher {command}" in shown(command, "--help")


def test_the_account_that_is_meant_without_the_option_is_told() -> None:
    told = " ".join(shown("status", "--help").split())

    assert "left out: the account called default, or the only one." in told


def test_the_sandbox_explains_its_own_options() -> None:
    assert "--receipt-delay SECONDS" in shown("sandbox", "--help")


def test_the_schema_is_json_and_says_what_is_required() -> None:
    assert json.loads(shown("schema"))["required"] == ["text"]
