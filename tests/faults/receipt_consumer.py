"""Merges one account's receipts until it is killed, as a worker does, without Celery's start."""

import time

from dispatcher.errors import StoreError
from dispatcher.queueing import Hints, make_app
from dispatcher.settings import Settings
from dispatcher.store import receipts
from workers.resources import Resources
from workers.steps.progress import Progress
from workers.steps.receipts import merge_next

_PAUSE = 0.02
# What a killed consumer had taken is to come back within the test.
_ABANDONED_AFTER_MS = 1000


def main() -> None:
    receipts._ABANDONED_AFTER_MS = _ABANDONED_AFTER_MS
    settings = Settings.from_env()
    resources = Resources(settings, Hints(make_app(settings), fan_out=1))
    account = resources.account("default")
    assert account is not None
    print("consumer ready", flush=True)
    while True:
        try:
            if merge_next(account) is Progress.NONE:
                time.sleep(_PAUSE)
        except StoreError as error:
            print(f"store away: {type(error).__name__}", flush=True)
            time.sleep(_PAUSE)


if __name__ == "__main__":
    main()
