"""The set-up script against a Python, a pip and an index made up for the purpose."""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.polling import eventually

SCRIPT = Path(__file__).parents[2] / "deploy" / "dev"
TOOLS = ("basename", "cat", "chmod", "cksum", "cp", "dirname", "find", "flock", "mkdir", "rm", "sh")

# Answers -V, -c, -m venv and -m pip as Python would, and writes down what pip was asked for.
FAKE_PYTHON = """#!/bin/sh
case "$1 $2" in
    -V*) echo "Python $FAKE_VERSION" ;;
    *version_info*) exit "$FAKE_TOO_OLD" ;;
    *ensurepip*) exit "$FAKE_NO_VENV" ;;
    "-m venv")
        mkdir -p "$3/bin"
        cp "$0" "$3/bin/python"
        printf '#!/bin/sh\\nprintf "<%%s>" "$@"\\n' >"$3/bin/dispatcher"
        chmod +x "$3/bin/dispatcher"
        ;;
    "-m pip")
        echo "$@" >>"$FAKE_LOG"
        sleep 0.1
        exit "$FAKE_PIP_EXIT"
        ;;
esac
"""


@dataclass
class Checkout:
    """A checkout of its own, on a machine that has the tools above and the fake Python only."""

    root: Path
    machine: Path
    behaviour: dict[str, str] = field(
        default_factory=lambda: {
            "FAKE_VERSION": "3.11.2",
            "FAKE_TOO_OLD": "0",
            "FAKE_NO_VENV": "0",
            "FAKE_PIP_EXIT": "0",
        }
    )

    @property
    def environment(self) -> dict[str, str]:
        places = {"PATH": str(self.machine), "HOME": str(self.root), "FAKE_LOG": str(self.log)}
        return places | self.behaviour

    @property
    def log(self) -> Path:
        return self.root / ".pip.log"

    def installs(self) -> int:
        """How often the dependencies were asked for."""
        return self.log.read_text().count("--require-hashes") if self.log.exists() else 0

    def start(self, *arguments: str, cwd: Path | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.root / "deploy" / "dev"), *arguments],
            cwd=cwd or self.root,
            env=self.environment,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, cwd: Path | None = None) -> tuple[int, str, str]:
        with self.start(*arguments, cwd=cwd) as process:
            output, errors = process.communicate()
        return process.returncode, output, errors


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    root = tmp_path / "a checkout"
    machine = tmp_path / "bin"
    (root / "deploy").mkdir(parents=True)
    shutil.copy(SCRIPT, root / "deploy" / "dev")
    (root / "deploy" / "constraints.txt").write_text("redis==8.1.0\n")
    (root / "pyproject.toml").write_text("[project]\n")
    machine.mkdir()
    for tool in (*TOOLS, "sleep"):
        found = shutil.which(tool)
        assert found, tool
        (machine / tool).symlink_to(found)
    python = machine / "python3"
    python.write_text(FAKE_PYTHON)
    python.chmod(0o755)
    return Checkout(root, machine)


def test_alone_it_explains_itself_and_makes_nothing(checkout: Checkout) -> None:
    code, output, errors = checkout.run()

    assert (code, errors) == (0, "")
    for command in ("demo", "test", "check", "run", "pin", "clean"):
        assert f"\n  {command} " in output
    assert not (checkout.root / ".venv").exists()


def test_an_unknown_command_is_refused_with_the_explanation(checkout: Checkout) -> None:
    code, output, errors = checkout.run("dmeo")

    assert (code, output) == (2, "")
    assert errors.startswith("Usage: ./deploy/dev COMMAND")


def test_a_python_too_old_is_named_with_what_to_install(checkout: Checkout) -> None:
    checkout.behaviour |= {"FAKE_VERSION": "3.9.2", "FAKE_TOO_OLD": "1"}

    code, _, errors = checkout.run("demo")

    assert code == 1
    assert "Python 3.11 or newer is needed, and python3 is Python 3.9.2" in errors
    assert "apt-get install python3 python3-venv" in errors
    assert checkout.installs() == 0


def test_no_python_at_all_is_said(checkout: Checkout) -> None:
    (checkout.machine / "python3").unlink()

    code, _, errors = checkout.run("demo")

    assert code == 1
    assert "Python 3.11 or newer is needed, and python3 is missing" in errors


def test_an_old_python3_does_not_hide_a_newer_one(checkout: Checkout) -> None:
    (checkout.machine / "python3").rename(checkout.machine / "python3.12")
    old = checkout.machine / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)

    code, output, _ = checkout.run("demo")

    assert (code, output) == (0, "<demo>")


def test_a_missing_venv_module_is_named_with_its_package(checkout: Checkout) -> None:
    checkout.behaviour |= {"FAKE_NO_VENV": "1"}

    code, _, errors = checkout.run("demo")

    assert code == 1
    assert "its venv or ensurepip module is missing" in errors
    assert "apt-get install python3-venv" in errors


def test_an_unreachable_index_is_said_and_the_next_run_begins_again(checkout: Checkout) -> None:
    checkout.behaviour |= {"FAKE_PIP_EXIT": "1"}
    code, _, errors = checkout.run("demo")
    assert code == 1
    assert "check that pip reaches its index" in errors

    checkout.behaviour |= {"FAKE_PIP_EXIT": "0"}
    code, output, _ = checkout.run("demo")

    assert (code, output) == (0, "<demo>")
    assert checkout.installs() == 2


def test_dependencies_are_installed_by_hash_and_the_project_in_place(checkout: Checkout) -> None:
    checkout.run("demo")

    first, second = checkout.log.read_text().splitlines()
    assert "install --require-hashes --only-binary :all: --requirement" in first
    assert "install --no-deps --no-build-isolation --no-index --editable" in second


def test_a_second_run_installs_nothing(checkout: Checkout) -> None:
    checkout.run("demo")

    code, output, errors = checkout.run("demo")

    assert (code, output, errors) == (0, "<demo>", "")
    assert checkout.installs() == 1


@pytest.mark.parametrize("changed", ["pyproject.toml", "deploy/constraints.txt", "deploy/dev"])
def test_a_change_of_what_it_was_made_from_makes_it_anew(checkout: Checkout, changed: str) -> None:
    checkout.run("demo")
    with (checkout.root / changed).open("a") as file:
        file.write("# changed\n")

    checkout.run("demo")

    assert checkout.installs() == 2


def test_a_moved_checkout_makes_its_environment_anew(checkout: Checkout) -> None:
    checkout.run("demo")
    moved = Checkout(checkout.root.rename(checkout.root.parent / "moved"), checkout.machine)

    moved.run("demo")

    assert moved.installs() == 2


def test_an_interrupted_set_up_is_not_taken_for_whole(checkout: Checkout) -> None:
    with checkout.start("demo") as process:
        eventually(lambda: checkout.installs() == 1)
        os.killpg(process.pid, signal.SIGKILL)

    code, output, _ = checkout.run("demo")

    assert (code, output) == (0, "<demo>")
    assert checkout.installs() == 2


def test_two_at_once_make_one_environment(checkout: Checkout) -> None:
    with checkout.start("demo", "1") as first, checkout.start("demo", "2") as second:
        outputs = first.communicate()[0], second.communicate()[0]

    assert outputs == ("<demo><1>", "<demo><2>")
    assert checkout.installs() == 1


def test_arguments_arrive_as_given(checkout: Checkout) -> None:
    _, output, _ = checkout.run("demo", "--text", "two words", "*", "")

    assert output == "<demo><--text><two words><*><>"


def test_a_command_runs_where_the_caller_is(checkout: Checkout, tmp_path: Path) -> None:
    code, output, _ = checkout.run("run", "sh", "-c", "pwd; command -v python", cwd=tmp_path)

    assert code == 0
    assert output.splitlines() == [str(tmp_path), f"{checkout.root}/.venv/bin/python"]


def test_clean_leaves_the_checkout_as_it_was(checkout: Checkout) -> None:
    for folder in ("dispatcher", "workers", "tests"):
        (checkout.root / folder).mkdir()
    before = sorted(path.name for path in checkout.root.iterdir())
    checkout.run("demo")
    checkout.log.unlink()

    code, _, _ = checkout.run("clean")

    assert code == 0
    assert sorted(path.name for path in checkout.root.iterdir()) == before


def test_the_demo_replaces_the_script_so_that_signals_reach_it(checkout: Checkout) -> None:
    checkout.run("demo")
    demo = checkout.root / ".venv" / "bin" / "dispatcher"
    demo.write_text("#!/bin/sh\necho $$\n")

    with checkout.start("demo") as process:
        output, _ = process.communicate()

    assert int(output) == process.pid
