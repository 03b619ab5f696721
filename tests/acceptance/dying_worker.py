"""A worker that is killed while it submits a campaign: once, at the point asked for."""

import os
import signal
from pathlib import Path

from dispatcher.store.campaigns import Campaigns
from dispatcher.store.submissions import Submission
from workers.celery import app

__all__ = ["app"]

_submit = Campaigns.submit
_once = Path(os.environ["DYING_WORKER_ONCE"])


def _die_once() -> None:
    if not _once.exists():
        _once.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def _submit_and_die(self: Campaigns, submission: Submission, *, step: bytes = b"") -> bool:
    if os.environ["DYING_WORKER_POINT"] == "before":
        _die_once()
    found = _submit(self, submission, step=step)
    _die_once()
    return found


Campaigns.submit = _submit_and_die  # type: ignore[method-assign]  # the point of this module
