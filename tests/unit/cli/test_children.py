import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from dispatcher.cli.children import ChildError, Children
from tests.support.polling import eventually

PYTHON = sys.executable
OBEDIENT = "import time; print('ready at 7', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); " + OBEDIENT
PARENT = """
import sys
from pathlib import Path
from dispatcher.cli.children import Children
directory = Path(sys.argv[1])
with Children(directory, remove=True) as children:
    child = children.start("child", [sys.executable, "-c", sys.argv[2]], env={})
    child.announcement("ready")
    print(child.process.pid, flush=True)
    child.process.wait()
"""


def is_gone(pid: int) -> Callable[[], bool]:
    """Tell whether it runs no more, whoever has still to take notice of that."""

    def ask() -> bool:
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    return ask


def test_an_announcement_is_waited_for_and_read(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("child", [PYTHON, "-c", OBEDIENT], env={})

        assert child.announcement(r"ready at (\d+)") == "7"


def test_one_that_ends_instead_is_told_with_its_last_words(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("child", [PYTHON, "-c", "raise SystemExit('no port')"], env={})

        with pytest.raises(ChildError, match=r"child ended with 1:\n  no port"):
            child.announcement("ready")
        with pytest.raises(ChildError, match="child ended with 1"):
            children.check()


def test_one_that_says_nothing_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("child", [PYTHON, "-c", OBEDIENT], env={})

        with pytest.raises(ChildError, match="child not ready in 0 s"):
            child.announcement("never said", within=0)


def test_a_child_gets_our_variables_and_no_setting_of_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPATCHER_API_URL", "https://api.example.com")
    names = "import os; print('names', *[name for name in os.environ if 'DISPATCHER' in name])"

    with Children(tmp_path) as children:
        child = children.start("child", [PYTHON, "-c", names], env={"DISPATCHER_WIRE": "xml"})

        assert child.announcement("names (.*)") == "DISPATCHER_WIRE"


@pytest.mark.parametrize("code", [OBEDIENT, STUBBORN])
def test_the_end_of_the_context_is_the_end_of_all(tmp_path: Path, code: str) -> None:
    with Children(tmp_path) as children:
        child = children.start("child", [PYTHON, "-c", code], env={})
        child.announcement("ready")
        children.stop(grace=0.3)

    assert is_gone(child.process.pid)()


def test_none_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    directory = tmp_path / "doomed"
    directory.mkdir()
    parent = subprocess.Popen(
        [PYTHON, "-c", PARENT, str(directory), STUBBORN], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        os.kill(parent.pid, signal.SIGKILL)

    eventually(is_gone(pid))
    eventually(lambda: not directory.exists())


def test_a_child_cannot_be_started_outside_of_the_context(tmp_path: Path) -> None:
    with pytest.raises(ChildError, match="outside of the context"):
        Children(tmp_path).start("child", [PYTHON], env={})
