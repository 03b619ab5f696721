from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from dispatcher.cli.shared_options import with_options


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    file: Annotated[str | None, typer.Argument(metavar="FILE")] = None
    text: Annotated[str | None, typer.Option(help="Of all of them.")] = None


def run(*arguments: str) -> str:
    app = typer.Typer()

    @app.command()
    @with_options(Shared)
    def show(
        options: Shared,
        name: Annotated[str, typer.Argument(metavar="NAME")],
        *,
        times: Annotated[int, typer.Option(help="Of its own.")] = 1,
    ) -> None:
        """Show what was given."""
        typer.echo(f"{name} {options.file} {options.text} {times}")

    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def test_a_command_gets_the_shared_options_in_one_piece_beside_its_own() -> None:
    assert run("spring", "people.csv", "--text", "Bonjour", "--times", "2") == (
        "spring people.csv Bonjour 2\n"
    )
    assert run("spring") == "spring None None 1\n"


def test_its_own_arguments_come_before_the_shared_ones() -> None:
    shown = run("--help")

    assert shown.index("NAME") < shown.index("FILE")
    assert "Show what was given." in shown
    assert shown.index("Of all of them.") < shown.index("Of its own.")
