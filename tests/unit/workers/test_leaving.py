"""A process that hangs is ended for good, and not before what it knows is on disk."""

import os
import signal
import subprocess
import sys

import pytest

from dispatcher.settings import Settings
from workers import watch
from workers.steps import send
from workers.watch import Watchman

# An answer that comes at the last moment is written by a thread that looks at the time, and to a
# disk that may be busy too.
DISK_SECONDS = 10
HANGS = """
import signal, time
from workers.watch import _leave
signal.signal(signal.SIGTERM, signal.SIG_IGN)
_leave(0.2)
time.sleep(60)
"""


@pytest.mark.parametrize("deadline", [1.5, 30, 120])
def test_what_hangs_is_given_time_for_its_longest_post_and_to_write_what_came_of_it(
    deadline: float,
) -> None:
    graces: list[float] = []
    settings = Settings(
        http_deadline=deadline,
        connect_timeout=1,
        quote_lease=deadline + 15,
        send_lease=deadline + 45,
    )
    watchman = Watchman(settings, leave=graces.append)

    watchman._give_up("its loop has not run")
    watchman.close()

    [grace] = graces
    assert grace >= deadline + send._UNWRITTEN + DISK_SECONDS
    # Whoever restarts it waits meanwhile, and batches it held are not given to others before.
    assert grace <= deadline + 60


def test_what_ignores_the_signal_is_ended_by_force_after_its_time() -> None:
    found = subprocess.run([sys.executable, "-c", HANGS], timeout=30, check=False)

    assert found.returncode == watch._HUNG


def test_what_heeds_the_signal_ends_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda _, number: sent.append(number))

    watch._leave(60)

    assert sent == [signal.SIGTERM]
