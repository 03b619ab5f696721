"""Tells workers that an account has something new, beside the event loop and never in its way."""

import threading
import time
from collections.abc import Mapping
from typing import Protocol

import structlog

from dispatcher.queueing import Task
from dispatcher.store.inbox import Hook

_log = structlog.get_logger("dispatcher.web.reminders")

# Later bodies join the merge that an earlier one asked for.
_EVERY = 0.2

_TASK_OF: Mapping[Hook, Task] = {
    Hook.DLR: Task.MERGE_RECEIPTS,
    Hook.MO: Task.LINK_REPLIES,
    Hook.STOP: Task.LINK_REPLIES,
}


class Nudges(Protocol):
    """What is needed of `dispatcher.queueing.Hints`."""

    def nudge(self, task: Task, *ids: str) -> bool:
        """Ask a worker to look at something; tell whether the broker took it."""


class Reminders:
    """Gives at most one hint per account and hook in a fifth of a second.

    A hint that is late or lost costs a tick's delay, so no answer waits for one: the broker
    is called from a thread that ends with the process.
    """

    def __init__(self, hints: Nudges) -> None:
        self._hints = hints
        self._due: set[tuple[Hook, str]] = set()
        self._wake = threading.Event()
        threading.Thread(target=self._remind_forever, name="reminders", daemon=True).start()

    def remind(self, hook: Hook, account: str) -> None:
        """Have a hint given soon; returns at once."""
        self._due.add((hook, account))
        self._wake.set()

    def _remind_forever(self) -> None:
        while True:
            self._wake.wait()
            time.sleep(_EVERY)
            self._wake.clear()
            while self._due:
                self._nudge(*self._due.pop())

    def _nudge(self, hook: Hook, account: str) -> None:
        try:
            taken = self._hints.nudge(_TASK_OF[hook], account)
        except Exception as error:  # noqa: BLE001 - the thread must outlive any surprise of the broker's library
            _log.warning("hint failed", error=type(error).__name__)
        else:
            if not taken:
                _log.info("hint not taken", account=account)
