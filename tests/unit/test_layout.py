import ast
import fnmatch
import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.errors import DispatcherError

ROOT = Path(__file__).parents[2]
TOP_LEVEL = {
    "LICENSE",
    "README.md",
    "deploy",
    "dispatcher",
    "docker-compose.yml",
    "pyproject.toml",
    "tests",
    "workers",
}
MODULE_LINES = 400
BODY_LINES = 40
PACKAGES = ("dispatcher", "workers")
# Written in two halves, so that this file does not name what it forbids.
FORBIDDEN = tuple(
    "".join(halves)
    for halves in (
        ("/wo", "rk/"),
        ("/fa", "rm/"),
        ("files.python", "hosted"),
        ("pypi", ".org"),
        ("registry.npm", "js"),
        ("deb.deb", "ian"),
    )
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def is_generated(path: Path) -> bool:
    patterns = (ROOT / ".gitignore").read_text().split()
    return any(
        fnmatch.fnmatch(part, pattern.rstrip("/"))
        for part in path.relative_to(ROOT).parts
        for pattern in [*patterns, ".git"]
    )


def written_files(folder: Path = ROOT) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if is_generated(path):
            continue
        if path.is_dir():
            yield from written_files(path)
        else:
            yield path


def body_lines(function: Function) -> int:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def python_files(folder: Path = ROOT) -> list[Path]:
    return [path for path in written_files(folder) if path.suffix == ".py"]


def modules() -> list[str]:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for package in PACKAGES
        for path in python_files(ROOT / package)
    ]
    return [name for name in names if not name.endswith(".__main__")]


def test_the_top_level_holds_the_table_of_contents_and_nothing_else() -> None:
    names = {path.name for path in ROOT.iterdir() if not is_generated(path)}

    assert {name for name in names if not name.startswith(".")} - TOP_LEVEL == set()


def test_no_module_is_too_long_to_find_ones_way_in() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in python_files()}

    assert {path: lines for path, lines in lengths.items() if lines > MODULE_LINES} == {}


def test_every_function_fits_a_screen() -> None:
    lengths = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": body_lines(node)
        for path in python_files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, Function)
    }

    assert {name: lines for name, lines in lengths.items() if lines > BODY_LINES} == {}


def test_no_file_names_a_registry_host_or_a_path_of_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {forbidden}"
        for path in written_files()
        for forbidden in FORBIDDEN
        if forbidden in path.read_text(errors="ignore")
    ]

    assert found == []


@pytest.mark.parametrize("name", modules())
def test_every_exception_is_in_the_tree_and_says_what_it_means(name: str) -> None:
    exceptions = [
        member
        for _, member in inspect.getmembers(importlib.import_module(name), inspect.isclass)
        if issubclass(member, BaseException) and member.__module__ == name
    ]

    assert [error for error in exceptions if not error.__dict__.get("__doc__")] == []
    # The sandbox imports nothing of ours, so the root of the tree is out of its reach.
    if not name.startswith("dispatcher.sandbox"):
        assert [error for error in exceptions if not issubclass(error, DispatcherError)] == []


def test_a_producer_does_not_load_the_web_framework_the_sandbox_or_the_command_line() -> None:
    code = "import sys, dispatcher; print(*sys.modules)"

    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    loaded = set(answer.stdout.split())
    unwanted = {
        "uvicorn",
        "typer",
        "rich",
        "dispatcher.sandbox",
        "dispatcher.web",
        "dispatcher.cli",
    }
    assert "dispatcher" in loaded
    assert loaded & unwanted == set()
